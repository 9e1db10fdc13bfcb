//! The secrets of one text, and where else they occur.

use alloc::string::String;
use alloc::vec::Vec;

use super::MASK;

/// Fewer characters than this are masked in place only: a short text occurs elsewhere by chance.
const MIN_CHARS: usize = 4;

/// More secrets than this are not looked for one by one. A callback has one or two; the limit keeps
/// a hostile body of 256 KiB from costing more than some milliseconds.
const MAX_SECRETS: usize = 64;

/// What was masked, in every spelling that is looked for.
#[derive(Default)]
pub(super) struct Secrets {
    found: Vec<String>,
    too_many: bool,
}

impl Secrets {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(String::as_str)
    }

    /// Whether there were more than can be looked for.
    pub(super) const fn are_too_many(&self) -> bool {
        self.too_many
    }

    /// Takes a secret in, and its percent-decoded and percent-encoded spellings (RFC 3986 §2.1).
    pub(super) fn add(&mut self, secret: &str) {
        let trimmed = secret.trim();
        let secret = if has_chars(trimmed) { trimmed } else { secret };
        self.add_one(secret);
        if let Some(decoded) = percent_decoded(secret) {
            self.add_one(&decoded);
        }
        if has_chars(secret) && secret.bytes().any(|b| !is_unreserved(b)) {
            self.add_one(&percent_encoded(secret, b"0123456789ABCDEF"));
            self.add_one(&percent_encoded(secret, b"0123456789abcdef"));
        }
    }

    fn add_one(&mut self, secret: &str) {
        if !has_chars(secret) || self.found.iter().any(|known| known == secret) {
            return;
        }
        if self.found.len() >= MAX_SECRETS {
            self.too_many = true;
            return;
        }
        self.found.push(String::from(secret));
    }

    /// Whether one of them occurs in `text`.
    pub(super) fn occur_in(&self, text: &str) -> bool {
        self.found.iter().any(|secret| text.contains(secret.as_str()))
    }

    /// `text` with every occurrence masked; `None` if there is none. Where one is percent-encoded in
    /// a way that is not looked for (letters encoded, too), the whole text goes.
    pub(super) fn sweep(&self, text: &str) -> Option<String> {
        let swept = self.sweep_spellings(text);
        let decoded = percent_decoded(swept.as_deref().unwrap_or(text));
        if decoded.is_some_and(|decoded| self.occur_in(&decoded)) {
            return Some(String::from(MASK));
        }
        swept
    }

    fn sweep_spellings(&self, text: &str) -> Option<String> {
        let mut hits: Vec<(usize, usize)> = Vec::new();
        for secret in self.found.iter().filter(|secret| is_in(text, secret)) {
            let ends = |(start, hit): (usize, &str)| (start, start.saturating_add(hit.len()));
            hits.extend(text.match_indices(secret.as_str()).map(ends));
        }
        if hits.is_empty() {
            return None;
        }
        hits.sort_unstable();
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        let mut masked_to = None;
        for (start, end) in hits {
            // Occurrences that overlap or touch become one mask.
            if masked_to.is_none_or(|masked_to| start > masked_to) {
                out.push_str(text.get(done..start).unwrap_or(""));
                out.push_str(MASK);
            }
            done = done.max(end);
            masked_to = Some(done);
        }
        out.push_str(text.get(done..).unwrap_or(""));
        Some(out)
    }
}

fn is_in(text: &str, secret: &str) -> bool {
    secret.len() <= text.len() && text.contains(secret)
}

fn has_chars(text: &str) -> bool {
    text.chars().nth(MIN_CHARS - 1).is_some()
}

/// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `None` if nothing is encoded; what is not UTF-8 becomes U+FFFD.
fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let encoded = match (first, after) {
            (b'%', [high, low, behind @ ..]) => hex_pair(*high, *low).map(|byte| (byte, behind)),
            _ => None,
        };
        let (byte, behind) = encoded.unwrap_or((*first, after));
        out.push(byte);
        rest = behind;
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
}

fn percent_encoded(text: &str, digits: &[u8; 16]) -> String {
    let digit = |value: u8| digits.get(usize::from(value & 0xf)).copied().map_or('0', char::from);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{MAX_SECRETS, Secrets, percent_decoded, percent_encoded};
    use alloc::format;
    use alloc::string::ToString;

    fn secrets(of: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        for secret in of {
            secrets.add(secret);
        }
        secrets
    }

    #[test]
    fn masks_overlapping_and_touching_occurrences_once() {
        let some = secrets(&["abcd", "cdef", "wxyz"]);
        assert_eq!(some.sweep("1abcdef2wxyzabcd3").as_deref(), Some("1***2***3"));
        assert_eq!(some.sweep("abc").as_deref(), None);
    }

    #[test]
    fn three_characters_are_too_few_to_look_for() {
        assert_eq!(secrets(&["abc", "é€x"]).iter().count(), 0);
        assert_eq!(secrets(&["é€xy"]).sweep("1é€xy").as_deref(), Some("1***"));
    }

    #[test]
    fn looks_for_percent_encoded_spellings() {
        let some = secrets(&["a+b/c"]);
        assert_eq!(
            some.sweep("x=a%2Bb%2Fc&y=a%2bb%2fc&z=a+b/c").as_deref(),
            Some("x=***&y=***&z=***")
        );
        assert_eq!(secrets(&["a%2Bb/c"]).sweep("a+b/c").as_deref(), Some("***"));
        assert_eq!(secrets(&["abcd"]).sweep("1%61bc%642 é").as_deref(), Some("***"));
        assert_eq!(secrets(&["abcd"]).sweep("1%61bc%65").as_deref(), None);
    }

    #[test]
    fn says_when_there_are_too_many() {
        let mut some = Secrets::default();
        for number in 0..MAX_SECRETS {
            some.add(&format!("secret{number}"));
        }
        assert!(!some.are_too_many());
        some.add("secret0");
        assert!(!some.are_too_many());
        some.add("another");
        assert!(some.are_too_many());
    }

    #[test]
    fn decodes_only_what_is_encoded() {
        assert_eq!(percent_decoded("a%20b%2"), Some("a b%2".to_string()));
        assert_eq!(percent_decoded("a%zzb"), Some("a%zzb".to_string()));
        assert_eq!(percent_decoded("%ffab"), Some("\u{fffd}ab".to_string()));
        assert_eq!(percent_decoded("ab"), None);
        assert_eq!(percent_encoded("a b\u{e9}", b"0123456789ABCDEF"), "a%20b%C3%A9");
    }
}
