//! URLs with their secrets masked.
//!
//! Push URLs are written by hand and read by many parsers, so this follows no one grammar: where
//! two readings are possible, it masks what either would take for a secret.

use alloc::string::String;

use super::MASK;

/// Where streams are pushed to, by scheme.
const PUSH_SCHEMES: &[&str] = &[
    "rtmp", "rtmps", "rtmpt", "rtmpe", "rtmpte", "rtmpts", "rtmfp", "rtsp", "rtsps", "rtspu",
    "srt", "rist", "whip", "whips", "webrtc", "artc", "udp", "rtp",
];

/// Which of a string's URLs are push URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those with a push scheme.
    ByScheme,
    /// All of them, and the string itself if it has no scheme: its field says so.
    All,
}

/// What the last part of a push URL's path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastPart {
    /// A name, since the stream key is elsewhere.
    Name,
    /// The stream key.
    Secret,
}

/// Whether `text` has a push URL.
pub(super) fn has_push_url(text: &str, which: Which) -> bool {
    which == Which::All || next_url(text, which).is_some()
}

/// `text` with its push URLs' secrets masked, each told to `found`; `None` if that changes nothing.
pub(super) fn mask(
    text: &str,
    which: Which,
    last: LastPart,
    mut found: impl FnMut(&str),
) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    if which == Which::All && !text.contains("://") {
        let url = text.trim_start_matches('/');
        out.push_str(text.get(..text.len().saturating_sub(url.len())).unwrap_or(""));
        mask_after_scheme(url, last, &mut out, &mut found);
        rest = "";
    }
    let mut behind_url = false;
    while let Some((before, url, after)) = next_url(rest, which) {
        let (options, scheme) = split_scheme(before);
        push_options(options, behind_url, &mut out, &mut found);
        out.push_str(scheme);
        mask_after_scheme(url, last, &mut out, &mut found);
        rest = after;
        behind_url = true;
    }
    push_options(rest, behind_url, &mut out, &mut found);
    (out != text).then_some(out)
}

/// The same of any URL, whose path stays; or of a query alone, from its question mark on.
pub(super) fn mask_any(url: &str) -> Option<String> {
    let mut out = String::with_capacity(url.len());
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['?', '#']) => {
            out.push_str(scheme);
            out.push_str("://");
            rest
        }
        _ => url,
    };
    mask_after_scheme(rest, LastPart::Name, &mut out, &mut |_| {});
    (out != url).then_some(out)
}

/// The query of a push URL, its values masked but for the domain's; each is told to `found`.
pub(super) fn mask_query(query: &str, mut found: impl FnMut(&str)) -> Option<String> {
    let mut out = String::with_capacity(query.len());
    for param in query.split_inclusive('&') {
        if param.starts_with("vhost=") && !param.contains(';') {
            out.push_str(param);
        } else {
            push_query(param, &mut out, &mut found);
        }
    }
    (out != query).then_some(out)
}

/// What stands before the next push URL's authority, from there to the URL's end, and what follows.
fn next_url(text: &str, which: Which) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let found = scheme_mark(text.get(from..)?)?;
        let scheme_end = from.saturating_add(found);
        let start = scheme_end.saturating_add(3);
        let (before, rest) = text.split_at_checked(start)?;
        let scheme = scheme_at_end(text.get(..scheme_end)?);
        if which == Which::All || PUSH_SCHEMES.iter().any(|push| scheme.eq_ignore_ascii_case(push))
        {
            let inside_text = before.len() > scheme.len().saturating_add(3);
            let (url, after) = rest.split_at_checked(url_len(rest, inside_text))?;
            return Some((before, url, after));
        }
        from = start;
    }
}

fn is_known(scheme: &str) -> bool {
    let mut known = PUSH_SCHEMES.iter().chain(&["http", "https"]);
    known.any(|known| scheme.eq_ignore_ascii_case(known))
}

/// What stands before a URL, and its scheme with `://`. A scheme that nobody knows may be the end of
/// a secret, and is left to what stands before.
fn split_scheme(before: &str) -> (&str, &str) {
    let front = before.strip_suffix("://").unwrap_or(before);
    let scheme = scheme_at_end(front);
    let len = if is_known(scheme) { scheme.len() } else { 0 };
    before.split_at_checked(front.len().saturating_sub(len)).unwrap_or((before, ""))
}

/// Where the first `://` is. Looked for by its rare first character, since most texts have none.
fn scheme_mark(text: &str) -> Option<usize> {
    text.match_indices(':')
        .map(|(at, _)| at)
        .find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with("://")))
}

/// RFC 3986 §3.1.
fn scheme_at_end(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let start = text.rfind(|c| !is_part(c)).map_or(0, |at| {
        at.saturating_add(
            text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8),
        )
    });
    text.get(start..).unwrap_or("")
}

/// A URL ends where a space stands; inside other text at a quote or an angle bracket, too; and
/// before the next one of a list, if that has a scheme that is known: it may be a secret of this one.
fn url_len(rest: &str, inside_text: bool) -> usize {
    let is_end = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || (inside_text && matches!(c, '"' | '\'' | '<' | '>' | '`'))
    };
    // Only up to the next one is looked at first, so that a long list costs no more than its length.
    let next = scheme_mark(rest).unwrap_or(rest.len());
    let before = rest.get(..next).unwrap_or(rest);
    if let Some(len) = before.find(is_end) {
        return len;
    }
    let scheme = scheme_at_end(before);
    let scheme_start = before.len().saturating_sub(scheme.len());
    match before.get(..scheme_start).and_then(|list| list.strip_suffix([',', ';', '|'])) {
        Some(first) if next < rest.len() && is_known(scheme) => first.len(),
        _ => rest.find(is_end).unwrap_or(rest.len()),
    }
}

fn mask_after_scheme(url: &str, last: LastPart, out: &mut String, found: &mut impl FnMut(&str)) {
    let (user_info, rest) = split_user_info(url);
    if let Some(user_info) = user_info {
        secret(user_info, found);
        for part in user_info.splitn(2, ':') {
            secret(part, found);
        }
        out.push_str(if user_info.is_empty() { "" } else { MASK });
        out.push('@');
    }
    let path_end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (front, tail) = rest.split_at_checked(path_end).unwrap_or((rest, ""));
    push_path(front, last, out);
    let fragment_at = tail.find('#').unwrap_or(tail.len());
    let (query, fragment) = tail.split_at_checked(fragment_at).unwrap_or((tail, ""));
    if let Some(query) = query.strip_prefix('?') {
        out.push('?');
        push_query(query, out, found);
    }
    if let Some(fragment) = fragment.strip_prefix('#') {
        out.push('#');
        secret(fragment, found);
        out.push_str(if fragment.is_empty() { "" } else { MASK });
    }
}

/// The user information in front of the host. Where a password has a slash or a question mark in
/// it, what looks like the host has no port after its colon; all up to the last `@` counts then.
fn split_user_info(url: &str) -> (Option<&str>, &str) {
    let authority_len = url.find(['/', '\\', '?', '#']).unwrap_or(url.len());
    let authority = url.get(..authority_len).unwrap_or(url);
    let at = authority.rfind('@').or_else(|| {
        let port = if authority.starts_with('[') { "" } else { authority.split_once(':')?.1 };
        let is_port = port.bytes().all(|b| b.is_ascii_digit());
        if is_port { None } else { url.rfind('@') }
    });
    match at {
        Some(at) => (url.get(..at), url.get(at.saturating_add(1)..).unwrap_or("")),
        None => (None, url),
    }
}

/// Host and path, the last part masked if it is the key: `host/app/KEY`, but not `host/app`.
fn push_path(front: &str, last: LastPart, out: &mut String) {
    let path = front.trim_end_matches('/');
    let parts = path.split('/').skip(1).filter(|part| !part.is_empty()).count();
    match path.rsplit_once('/') {
        Some((before, _)) if last == LastPart::Secret && parts >= 2 => {
            out.push_str(before);
            out.push('/');
            out.push_str(MASK);
            out.push_str(front.get(path.len()..).unwrap_or(""));
        }
        _ => out.push_str(front),
    }
}

/// A query's names stay, its values go. What has no name is a value.
pub(super) fn push_query(query: &str, out: &mut String, found: &mut impl FnMut(&str)) {
    for part in query.split_inclusive(['&', ';']) {
        let (param, separator) = match part.strip_suffix(['&', ';']) {
            Some(param) => (param, part.get(param.len()..).unwrap_or("")),
            None => (part, ""),
        };
        let value = match param.split_once('=') {
            Some((name, value)) => {
                out.push_str(name);
                out.push('=');
                value
            }
            None => param,
        };
        secret(value, found);
        out.push_str(if value.is_empty() { "" } else { MASK });
        out.push_str(separator);
    }
}

/// Text between URLs. Behind one, `name=value` may be an option of the push (`pubPasswd=…`), so
/// the value goes.
fn push_options(text: &str, behind_url: bool, out: &mut String, found: &mut impl FnMut(&str)) {
    if !behind_url || !text.contains('=') {
        out.push_str(text);
        return;
    }
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        match bare.split_once('=') {
            Some((name, value)) if !value.is_empty() => {
                secret(value, found);
                out.push_str(name);
                out.push('=');
                out.push_str(MASK);
                out.push_str(word.get(bare.len()..).unwrap_or(""));
            }
            _ => out.push_str(word),
        }
    }
}

/// Tells a secret, and what it is made of if it looks like a query itself.
fn secret(text: &str, found: &mut impl FnMut(&str)) {
    const INNER: &[char] = &['=', '&', ';', '?'];
    if text.is_empty() || text == MASK {
        return;
    }
    found(text);
    if text.contains(INNER) {
        text.split(INNER).filter(|part| !part.is_empty() && *part != MASK).for_each(found);
    }
}

#[cfg(test)]
mod tests {
    use super::{LastPart, Which, mask, mask_any, mask_query};
    use alloc::string::String;
    use alloc::vec::Vec;

    fn masked(text: &str) -> String {
        mask(text, Which::ByScheme, LastPart::Name, |_| {}).unwrap_or_else(|| String::from(text))
    }

    #[test]
    fn masks_user_information_query_values_and_fragment() {
        for (url, expected) in [
            ("rtmp://xxx/xx/xx", "rtmp://xxx/xx/xx"),
            ("rtmp://u:p@h:1935/app?a=1&b=2", "rtmp://***@h:1935/app?a=***&b=***"),
            ("RTMPS://u@h/app", "RTMPS://***@h/app"),
            ("rtmp://h/app?token", "rtmp://h/app?***"),
            ("rtmp://h/app?a=&b", "rtmp://h/app?a=&***"),
            ("rtmp://h/app?a=1;b=2#frag", "rtmp://h/app?a=***;b=***#***"),
            ("rtmp://h/app?k=v/stream?x=y", "rtmp://h/app?k=***"),
            ("srt://h:9000?streamid=#!::r=a,m=publish&passphrase=p", "srt://h:9000?streamid=#***"),
            ("rtmp://[::1]:1935/app?a=b", "rtmp://[::1]:1935/app?a=***"),
            ("rtmp://h/live/@room", "rtmp://h/live/@room"),
            ("https://shop.example/item?id=5", "https://shop.example/item?id=5"),
        ] {
            assert_eq!(masked(url), expected, "{url}");
        }
    }

    #[test]
    fn masks_a_password_that_breaks_the_url() {
        assert_eq!(masked("rtmp://u:p/s@h/app"), "rtmp://***@h/app");
        assert_eq!(masked("rtmp://u:p?s@h/app"), "rtmp://***@h/app");
        assert_eq!(masked("rtmp://u:p@q@h/app"), "rtmp://***@h/app");
        assert_eq!(masked("rtmp://u:p#s@h/app"), "rtmp://***@h/app");
    }

    #[test]
    fn finds_urls_inside_text_and_in_lists() {
        for (text, expected) in [
            ("push to rtmp://h/a?k=v failed", "push to rtmp://h/a?k=*** failed"),
            ("rtmp://a/b?x=1,rtmp://c/d?y=2", "rtmp://a/b?x=***,rtmp://c/d?y=***"),
            ("rtmp://a/b?x=1;rtmp://c/d?y=2", "rtmp://a/b?x=***;rtmp://c/d?y=***"),
            (
                "see https://e.com?a=b and rtmp://h/a?k=v",
                "see https://e.com?a=b and rtmp://h/a?k=***",
            ),
            (
                "rtmp://h/a pubUser=me pubPasswd=pw live",
                "rtmp://h/a pubUser=*** pubPasswd=*** live",
            ),
            ("rtmp://h/a tcUrl=rtmp://h/b?k=v", "rtmp://h/a tcUrl=rtmp://h/b?k=***"),
            ("é:// rtmp://h/a?k=é", "é:// rtmp://h/a?k=***"),
            ("://", "://"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn a_push_field_makes_any_url_a_push_url() {
        let all = |url| mask(url, Which::All, LastPart::Name, |_| {}).unwrap_or_default();
        assert_eq!(all("https://h/whip?token=abc"), "https://h/whip?token=***");
        assert_eq!(all("h/app?token=abc"), "h/app?token=***");
        assert_eq!(all("//u:p@h/app"), "//***@h/app");
        assert_eq!(all("rtmp://a/b?x=1;https://c/d?y=2"), "rtmp://a/b?x=***;https://c/d?y=***");
        // What looks like a scheme may be a secret, or the end of one.
        assert_eq!(all("rtmp://a/b?x=1;hunter2://c"), "rtmp://a/b?x=***;***");
        assert_eq!(all("rtmp://h/a pw=hunter2://h/b"), "rtmp://h/a pw=***://h/b");
    }

    #[test]
    fn the_last_part_of_a_path_goes_if_it_is_the_key() {
        let key = |url| mask(url, Which::ByScheme, LastPart::Secret, |_| {});
        assert_eq!(key("rtmp://h/app/key").as_deref(), Some("rtmp://h/app/***"));
        assert_eq!(key("rtmp://h/app/inst/key/?a=").as_deref(), Some("rtmp://h/app/inst/***/?a="));
        assert_eq!(key("rtmp://h/app"), None);
        assert_eq!(key("rtmp://h"), None);
    }

    #[test]
    fn tells_each_secret() {
        let mut found = Vec::new();
        mask("rtmp://u:p@h/app?a=1&tok#f", Which::ByScheme, LastPart::Name, |secret| {
            found.push(String::from(secret));
        });
        assert_eq!(found, ["u:p", "u", "p", "1", "tok", "f"]);
    }

    #[test]
    fn masking_twice_changes_nothing_more() {
        for url in [
            "rtmp://u:p@h/app/key?a=1&b#f pw=x",
            "rtmp://u:p/s@h?x",
            "rtmp://h/a\":\"x=y\",\"rtmp://h/b\":\"x=y",
        ] {
            let once = masked(url);
            assert_eq!(masked(&once), once);
        }
    }

    #[test]
    fn a_push_urls_query_keeps_its_domain() {
        let masked = |query| mask_query(query, |_| {});
        assert_eq!(
            masked("vhost=h.example&auth_key=1-0-0-ab&x").as_deref(),
            Some("vhost=h.example&auth_key=***&***")
        );
        assert_eq!(masked("1499411297-0-0-ece4").as_deref(), Some("***"));
        assert_eq!(masked("vhost=h.example;k=v").as_deref(), Some("vhost=***;k=***"));
        assert_eq!(masked("vhost=h.example"), None);
        assert_eq!(masked(""), None);
        assert_eq!(masked("k=***&vhost="), None);
    }

    #[test]
    fn masks_any_url_and_a_bare_query() {
        assert_eq!(
            mask_any("https://u@e.com/in/src?hwSecret=ab&hwTime=66").as_deref(),
            Some("https://***@e.com/in/src?hwSecret=***&hwTime=***")
        );
        assert_eq!(mask_any("?a=b").as_deref(), Some("?a=***"));
        assert_eq!(mask_any("/in/src?to=https://e.com").as_deref(), Some("/in/src?to=***"));
        assert_eq!(mask_any("https://e.com/path"), None);
    }
}
