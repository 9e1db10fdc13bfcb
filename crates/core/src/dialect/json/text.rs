//! JSON strings: as they stand between their quotes, decoded, and written.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
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

/// How many bytes are looked at, and copied, at a time.
const BLOCK: usize = 16;

fn unescape(content: &str) -> String {
    decode(content, 0).0
}

/// Decodes the string content that begins at `from`, up to the first byte that cannot be part of
/// it: a quote, a control character, a backslash that begins no escape, or the end of `text`.
///
/// Copies block by block: what lies behind an escape in a block is overwritten by what it is worth.
pub(crate) fn decode(text: &str, mut from: usize) -> (String, usize) {
    let bytes = text.as_bytes();
    // No escape stands for more bytes than it is written with.
    let mut out = vec![0; bytes.len().saturating_sub(from).saturating_add(BLOCK)];
    let mut to = 0_usize;
    loop {
        let block = bytes.get(from..).and_then(|rest| rest.first_chunk::<BLOCK>());
        let room = out.get_mut(to..).and_then(|room| room.first_chunk_mut::<BLOCK>());
        let plain = if let (Some(block), Some(room)) = (block, room) {
            *room = *block;
            let Some(plain) = first_in_block(block, special) else {
                from = from.saturating_add(BLOCK);
                to = to.saturating_add(BLOCK);
                continue;
            };
            plain
        } else {
            let end = plain_end(bytes, from);
            let rest = bytes.get(from..end).unwrap_or_default();
            if let Some(room) = out.get_mut(to..to.saturating_add(rest.len())) {
                room.copy_from_slice(rest);
            }
            rest.len()
        };
        from = from.saturating_add(plain);
        to = to.saturating_add(plain);
        let Some([b'\\', escape, ..]) = bytes.get(from..) else { break };
        let same = match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 0x8,
            b'f' => 0xc,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => {
                if escape_len(bytes, from).is_none() {
                    break;
                }
                let (decoded, after) = code_point(text.get(from.saturating_add(2)..).unwrap_or(""));
                from = text.len().saturating_sub(after.len());
                let mut utf8 = [0; 4];
                let utf8 = decoded.encode_utf8(&mut utf8).as_bytes();
                if let Some(room) = out.get_mut(to..to.saturating_add(utf8.len())) {
                    room.copy_from_slice(utf8);
                }
                to = to.saturating_add(utf8.len());
                continue;
            }
        };
        if let Some(room) = out.get_mut(to) {
            *room = same;
        }
        from = from.saturating_add(2);
        to = to.saturating_add(1);
    }
    out.truncate(to);
    // Cannot fail: whole characters were copied, and escapes stand for whole characters.
    (String::from_utf8(out).unwrap_or_default(), from)
}

/// How long the escape at `at` is (RFC 8259 §7); `None` if it is none.
#[inline]
pub(crate) fn escape_len(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at.checked_add(1)?)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let digits = bytes.get(at.checked_add(2)?..at.checked_add(6)?)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => None,
    }
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

/// The first byte of a block that is marked.
#[inline]
fn first_in_block(block: &[u8; BLOCK], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let (words, _) = block.as_chunks::<8>();
    let [low, high] = words else { return None };
    let (low, high) = (marks(u64::from_le_bytes(*low)), marks(u64::from_le_bytes(*high)));
    // Of a little-endian word the lowest mark is the first byte's.
    let first = |marked: u64| usize::try_from(marked.trailing_zeros() / 8).unwrap_or(0);
    if low != 0 {
        return Some(first(low));
    }
    (high != 0).then(|| first(high).saturating_add(8))
}

/// Marks, like [`below`], quotes, backslashes and control characters.
///
/// With bit 1 flipped, the quote (0x22) becomes 0x20 and changes places with what lies between it
/// and the control characters, so one comparison finds both.
const fn special(word: u64) -> u64 {
    below(word ^ ONES.wrapping_mul(2), 0x21) | equal(word, 0x5c)
}

/// Where the run of plain string bytes from `at` on ends: at the first quote, backslash or control
/// character, or at the end of `bytes`.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
        match first_in_block(block, special) {
            Some(first) => return at.saturating_add(first),
            None => at = at.saturating_add(BLOCK),
        }
    }
    let is_plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    while bytes.get(at).is_some_and(is_plain) {
        at = at.saturating_add(1);
    }
    at.min(bytes.len())
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
        fn decodes_what_serde_json_decodes(content in "([ -!#-\\[\\]-~\u{e9}\u{1f600}]{0,20}(\\\\[\"\\\\/bfnrt]|\\\\u00e9|\\\\ud83d\\\\ude00)?){0,8}") {
            let theirs = serde_json::from_str::<String>(&format!("\"{content}\"")).unwrap();
            prop_assert_eq!(unescape(&content), theirs);
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
