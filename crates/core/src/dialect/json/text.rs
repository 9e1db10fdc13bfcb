//! JSON strings: as they stand between their quotes, decoded, and written.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

/// A string as it stands between its quotes, known to be well formed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    content: &'a str,
    escaped: bool,
}

/// Shows the length alone: the string may be a secret.
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.content.len())
    }
}

impl<'a> Raw<'a> {
    pub(crate) const fn new(content: &'a str, escaped: bool) -> Self {
        Self { content, escaped }
    }

    /// The string that it stands for; borrowed where no escape is in it. Half a surrogate pair
    /// (`\ud800` alone, RFC 8259 §8.2) becomes U+FFFD.
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.content)) } else { Cow::Borrowed(self.content) }
    }

    /// How it is written between its quotes.
    pub(crate) const fn written(self) -> &'a str {
        self.content
    }

    /// Whether an escape is in it.
    pub(crate) const fn is_escaped(self) -> bool {
        self.escaped
    }

    /// Whether it stands for `name`.
    pub(crate) fn is(self, name: &str) -> bool {
        if self.escaped { unescape(self.content) == name } else { self.content == name }
    }
}

fn unescape(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((plain, escape)) = rest.split_at_checked(backslash(rest.as_bytes())) {
        out.push_str(plain);
        let same = match escape.as_bytes() {
            [_, b'b', ..] => '\u{8}',
            [_, b'f', ..] => '\u{c}',
            [_, b'n', ..] => '\n',
            [_, b'r', ..] => '\r',
            [_, b't', ..] => '\t',
            [_, b'u', ..] => {
                let (decoded, after) = code_point(escape.get(2..).unwrap_or(""));
                out.push(decoded);
                rest = after;
                continue;
            }
            [_, same, ..] => char::from(*same),
            _ => break,
        };
        out.push(same);
        rest = escape.get(2..).unwrap_or("");
    }
    out
}

/// The character whose `\u` was read already, and what follows it.
fn code_point(digits: &str) -> (char, &str) {
    let Some((unit, after)) = code_unit(digits) else {
        return (char::REPLACEMENT_CHARACTER, digits);
    };
    if let Some(single) = char::from_u32(unit) {
        return (single, after);
    }
    let pair = after.strip_prefix("\\u").and_then(code_unit);
    match pair {
        Some((low @ 0xdc00..=0xdfff, behind)) if unit < 0xdc00 => {
            // RFC 8259 §7: a surrogate pair stands for one character above U+FFFF.
            let high_bits = unit.saturating_sub(0xd800) << 10;
            let both = (high_bits | low.saturating_sub(0xdc00)).saturating_add(0x1_0000);
            (char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER), behind)
        }
        _ => (char::REPLACEMENT_CHARACTER, after),
    }
}

fn code_unit(digits: &str) -> Option<(u32, &str)> {
    let (digits, after) = digits.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, after))
}

/// Writes `text` as a JSON string, quotes and all. Only what must be escaped is.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    loop {
        let plain = plain_end(rest.as_bytes(), 0);
        let Some((before, from_special)) = rest.split_at_checked(plain) else {
            break;
        };
        out.push_str(before);
        let mut chars = from_special.chars();
        match chars.next() {
            None => break,
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(control) => {
                let code = u32::from(control);
                out.push_str("\\u00");
                for digit in [code >> 4, code & 0xf] {
                    out.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
        }
        rest = chars.as_str();
    }
    out.push('"');
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// Marks bytes below `least` (1 to 128) of a little-endian word: the lowest mark is always right,
/// and there is one if any byte is below. (Subtracting borrows from the next byte, so that higher
/// marks may be wrong; bytes of 128 and more never are marked.)
const fn below(word: u64, least: u64) -> u64 {
    word.wrapping_sub(ONES.wrapping_mul(least)) & !word & TOPS
}

/// Marks, like [`below`], the bytes that equal `byte`.
const fn equal(word: u64, byte: u64) -> u64 {
    below(word ^ ONES.wrapping_mul(byte), 1)
}

/// The first byte of `bytes` from `at` on that is marked or, behind the last whole word, special;
/// or the end of `bytes`.
#[inline]
fn first_marked(
    bytes: &[u8],
    mut at: usize,
    marks: impl Fn(u64) -> u64,
    is_special: impl Fn(u8) -> bool,
) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marked = marks(u64::from_le_bytes(*chunk));
        if marked != 0 {
            return at.saturating_add(usize::try_from(marked.trailing_zeros() / 8).unwrap_or(0));
        }
        at = at.saturating_add(8);
    }
    while bytes.get(at).is_some_and(|byte| !is_special(*byte)) {
        at = at.saturating_add(1);
    }
    at.min(bytes.len())
}

/// Where the run of plain string bytes from `at` on ends: at the first quote, backslash or control
/// character, or at the end of `bytes`.
///
/// With bit 1 flipped, the quote (0x22) becomes 0x20 and changes places with what lies between it
/// and the control characters, so one comparison finds both.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], at: usize) -> usize {
    let marks = |word: u64| below(word ^ ONES.wrapping_mul(2), 0x21) | equal(word, 0x5c);
    first_marked(bytes, at, marks, |byte| byte < 0x20 || byte == b'"' || byte == b'\\')
}

/// Where the first backslash is, or the end of `bytes`.
#[inline]
fn backslash(bytes: &[u8]) -> usize {
    first_marked(bytes, 0, |word| equal(word, 0x5c), |byte| byte == b'\\')
}

#[cfg(test)]
mod tests {
    use super::{Raw, plain_end, push_string, unescape};
    use alloc::borrow::Cow;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = String::new();
        push_string(&mut out, text);
        out
    }

    #[test]
    fn borrows_what_has_no_escape() {
        assert!(matches!(Raw::new("plain", false).text(), Cow::Borrowed("plain")));
        assert!(Raw::new("stream\\u005fkey", true).is("stream_key"));
    }

    #[test]
    fn decodes_every_escape() {
        assert_eq!(unescape(r#"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00z"#), "\"\\/\u{8}\u{c}\n\r\té😀z");
    }

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        assert_eq!(unescape(r"a\ud83db"), "a\u{fffd}b");
        assert_eq!(unescape(r"\udc00"), "\u{fffd}");
        assert_eq!(unescape(r"\ud83d\u0041"), "\u{fffd}A");
        assert_eq!(unescape(r"\ud83d\ud83d\ude00"), "\u{fffd}😀");
    }

    #[test]
    fn escapes_only_what_must_be() {
        assert_eq!(
            written("a\"b\\c\n\u{1}\u{1f}\u{7f}/é"),
            "\"a\\\"b\\\\c\\n\\u0001\\u001f\u{7f}/é\""
        );
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Raw::new("hunter2", false)), "Raw(7 bytes)");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in any::<String>()) {
            let json = written(&text);
            prop_assert_eq!(&serde_json::from_str::<String>(&json).unwrap(), &text);
            prop_assert_eq!(unescape(&json[1..json.len() - 1]), text);
        }

        #[test]
        fn a_run_ends_where_a_byte_by_byte_search_ends_it(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'a'), Just(0xff), Just(0x80)], 0..40),
            from in 0_usize..45,
        ) {
            let naive = (from..bytes.len())
                .find(|at| bytes[*at] < 0x20 || bytes[*at] == b'"' || bytes[*at] == b'\\')
                .unwrap_or(bytes.len());
            prop_assert_eq!(plain_end(&bytes, from), naive);
        }
    }
}
