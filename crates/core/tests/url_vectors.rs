//! Addresses against their vectors, whose expectations come from reading RFC 3986, the URL standard
//! and IANA's registries, and from Python's `ipaddress`.

use livegate_core::error::Coded;
use livegate_core::url::egress::{EgressPolicy, check};
use livegate_core::url::{Host, HttpUrl};
use proptest::prelude::*;
use serde_json::Value;

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn code<E: Coded>(result: &Result<(), E>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(error) => error.code().as_str(),
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../vectors/url/url.json")).unwrap();
    assert!(vectors.len() > 200);
    let mut codes = std::collections::BTreeSet::new();
    for vector in &vectors {
        let (name, why) = (text(vector, "name"), text(vector, "why"));
        let parsed = HttpUrl::parse(text(vector, "url"));
        let judged = code(&parsed.as_ref().map(|_| ()).map_err(|error| *error));
        assert_eq!(judged, text(vector, "expect"), "{name}: {why}");
        codes.insert(judged);
        let Ok(url) = parsed else { continue };
        match url.host() {
            // Two ways to write one IPv6 address are equal.
            Host::V6(address) => {
                let expected = text(vector, "host").trim_matches(['[', ']']);
                assert_eq!(expected.parse(), Ok(*address), "{name}");
            }
            host => assert_eq!(host.to_string(), text(vector, "host"), "{name}"),
        }
        for (policy, field) in
            [(EgressPolicy::PUBLIC, "public"), (EgressPolicy::DEVELOPMENT, "development")]
        {
            let judged = code(&check(&url, policy));
            assert_eq!(judged, text(vector, field), "{name} under {field}: {why}");
            codes.insert(judged);
        }
    }
    for expected in [
        "url.empty",
        "url.too_long",
        "url.forbidden_character",
        "url.scheme",
        "url.userinfo",
        "url.host_missing",
        "url.host_name",
        "url.host_number",
        "url.host_ipv6",
        "url.port",
        "url.percent",
        "url.dot_segment",
        "url.fragment",
        "url.not_https",
        "url.address_not_public",
        "url.name_not_public",
        "ok",
    ] {
        assert!(codes.contains(expected), "no vector has {expected}");
    }
}

#[test]
fn each_policy_switch_allows_its_own_thing_alone() {
    let http_name = HttpUrl::parse("http://example.com/").unwrap();
    let loopback_address = HttpUrl::parse("https://127.0.0.1/").unwrap();
    let plain_loopback = HttpUrl::parse("http://[::1]/").unwrap();
    let http = EgressPolicy { http: true, loopback: false };
    let loopback = EgressPolicy { http: false, loopback: true };
    assert!(check(&http_name, http).is_ok());
    assert!(check(&plain_loopback, http).is_err());
    assert!(check(&loopback_address, loopback).is_ok());
    assert!(check(&plain_loopback, loopback).is_err());
}

#[test]
fn parts_are_as_they_were_written() {
    let url = HttpUrl::parse("https://Example.com:8443/a%20b/?x=1&y=?").unwrap();
    assert_eq!(url.as_str(), "https://Example.com:8443/a%20b/?x=1&y=?");
    assert_eq!((url.path(), url.query(), url.port()), ("/a%20b/", Some("x=1&y=?"), Some(8443)));
    let bare = HttpUrl::parse("http://example.com").unwrap();
    assert_eq!((bare.path(), bare.query(), bare.port()), ("", None, None));
    assert_eq!(bare.scheme().default_port(), 80);
}

#[test]
fn debug_does_not_show_credentials_in_the_query() {
    let url = HttpUrl::parse("https://example.com/hook?token=hunter2").unwrap();
    assert_eq!(format!("{url:?}"), "HttpUrl(https://example.com/hook?token=***)");
}

#[test]
fn json_is_checked_like_any_text() {
    let url: HttpUrl = serde_json::from_str("\"https://example.com/\"").unwrap();
    assert_eq!(serde_json::to_string(&url).unwrap(), "\"https://example.com/\"");
    assert!(serde_json::from_str::<HttpUrl>("\"https://127.1/\"").is_err());
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in "(https?://)?[ -~\u{80}-\u{ff}]{0,40}") {
        if let Ok(url) = HttpUrl::parse(&text) {
            prop_assert_eq!(url.as_str(), &text);
            let _ = check(&url, EgressPolicy::PUBLIC);
        }
    }

    /// However an IPv4 address is spelled, it is the strict form or refused.
    #[test]
    fn another_spelling_of_an_address_is_refused(address: u32, spelling in 0..5) {
        let [a, b, c, d] = address.to_be_bytes();
        let host = match spelling {
            0 => format!("{address}"),
            1 => format!("0x{address:x}"),
            2 => format!("0{address:o}"),
            3 => format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
            _ => format!("0{a:o}.0x{b:x}.{c}.{d}"),
        };
        let text = format!("https://{host}/");
        prop_assert!(HttpUrl::parse(&text).is_err());
        let strict = format!("https://{a}.{b}.{c}.{d}/");
        prop_assert!(HttpUrl::parse(&strict).is_ok());
    }
}
