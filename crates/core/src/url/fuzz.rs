//! The fuzz target's body: what must hold for any text at all.

use super::egress::{EgressPolicy, check};
use super::{Host, HttpUrl};

/// Parses `data` and checks what comes of it.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let Ok(url) = HttpUrl::parse(text) else {
        return;
    };
    assert!(url.as_str() == text, "an address keeps its text");
    assert!(HttpUrl::parse(url.as_str()).as_ref() == Ok(&url), "it parses alike twice");
    assert!(text.is_ascii() && !text.contains(['\\', '#', ' ']), "no character is ambiguous");
    let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?']).next().unwrap_or("");
    assert!(!authority.is_empty() && !authority.contains('@'), "there is a host, and no user");
    let shown = alloc::format!("{}", url.host());
    match url.host() {
        Host::Name(_) | Host::V4(_) => {
            let host = authority.split(':').next().unwrap_or("");
            assert!(shown.eq_ignore_ascii_case(host), "the host is the one in the text");
        }
        Host::V6(_) => assert!(authority.starts_with('['), "IPv6 stands in brackets"),
    }
    if check(&url, EgressPolicy::PUBLIC).is_ok() {
        assert!(check(&url, EgressPolicy::DEVELOPMENT).is_ok(), "development allows more");
    }
}
