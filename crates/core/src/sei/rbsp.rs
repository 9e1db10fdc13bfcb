//! Emulation prevention (H.264 and H.265, 7.4.1 and 7.4.2): within a NAL unit, after two zero bytes,
//! a byte of 0 to 3 has a 3 before it, so that no start code occurs in it.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use memchr::memchr;

/// Bytes of a NAL unit as they are sent: a view that leaves the inserted bytes out as it is read.
/// A 3 after two zeros is left out whatever follows it, as decoders do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Escaped<'a> {
    raw: &'a [u8],
    /// Zeros right before the first byte; 2 stands for more.
    zeros: u8,
    /// Whether it is known that nothing was inserted: parts are not searched for it then.
    plain: bool,
}

impl<'a> Escaped<'a> {
    /// A view of what follows the header of a NAL unit.
    pub const fn new(raw: &'a [u8]) -> Self {
        Self { raw, zeros: 0, plain: false }
    }

    /// The same, for who takes it to parts: it is searched for inserted bytes once, not each part.
    pub(crate) fn searched(raw: &'a [u8]) -> Self {
        let view = Self::new(raw);
        Self { plain: view.next_inserted().is_none(), ..view }
    }

    /// The bytes as they are sent.
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The bytes as they are meant.
    pub const fn bytes(self) -> Bytes<'a> {
        Bytes { rest: self }
    }

    /// The bytes as they are meant, if nothing was inserted into them.
    pub fn as_plain(self) -> Option<&'a [u8]> {
        self.next_inserted().is_none().then_some(self.raw)
    }

    /// The bytes as they are meant, copied if something was inserted into them.
    pub fn to_cow(self) -> Cow<'a, [u8]> {
        if let Some(plain) = self.as_plain() {
            return Cow::Borrowed(plain);
        }
        let mut out = Vec::with_capacity(self.raw.len());
        self.extend_into(&mut out);
        Cow::Owned(out)
    }

    /// Appends the bytes as they are meant.
    pub fn extend_into(self, out: &mut Vec<u8>) {
        let mut rest = self;
        while let Some(at) = rest.next_inserted() {
            out.extend_from_slice(rest.raw.get(..at).unwrap_or_default());
            rest = rest.after(at);
        }
        out.extend_from_slice(rest.raw);
    }

    /// How many bytes it has as they are meant.
    pub fn len_unescaped(self) -> usize {
        let mut rest = self;
        let mut len = 0;
        while let Some(at) = rest.next_inserted() {
            len += at;
            rest = rest.after(at);
        }
        len + rest.raw.len()
    }

    /// Whether there is no byte, as they are meant.
    pub fn is_empty(self) -> bool {
        self.bytes().next().is_none()
    }

    /// The first `len` bytes, as they are meant, and what follows them. Shorter if there are fewer.
    /// An inserted byte between the two belongs to what follows.
    pub(crate) fn split(self, len: usize) -> (Self, Self) {
        let mut rest = self;
        let mut left = len;
        // How many raw bytes lie before `rest`.
        let mut passed = 0;
        // Only what is split off is looked through: a NAL unit can hold as many messages as it has
        // bytes.
        while let Some(at) = rest.cut(left).next_inserted() {
            left -= at;
            passed += at + 1;
            rest = rest.after(at);
        }
        let cut = passed + left.min(rest.raw.len());
        let (head, tail) = self.raw.split_at_checked(cut).unwrap_or((self.raw, &[]));
        (
            Self { raw: head, ..self },
            Self { raw: tail, zeros: rest.zeros_before(left.min(rest.raw.len())), ..self },
        )
    }

    /// The first `len` bytes, as they are sent.
    pub(crate) fn cut(self, len: usize) -> Self {
        Self { raw: self.raw.get(..len).unwrap_or(self.raw), ..self }
    }

    /// Where the next inserted byte is.
    #[inline]
    fn next_inserted(self) -> Option<usize> {
        if self.plain {
            return None;
        }
        let mut from = 0;
        loop {
            let at = from + memchr(3, self.raw.get(from..)?)?;
            if self.zeros_before(at) == 2 {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// What follows the inserted byte at `at`. It ends a run of zeros.
    fn after(self, at: usize) -> Self {
        Self { raw: self.raw.get(at + 1..).unwrap_or_default(), zeros: 0, ..self }
    }

    /// Zeros right before the byte at `at`, at most 2, if there is no inserted byte before it.
    #[inline]
    fn zeros_before(self, at: usize) -> u8 {
        match self.raw.get(..at).unwrap_or_default() {
            [.., 0, 0] => 2,
            [0] => (self.zeros + 1).min(2),
            [.., 0] => 1,
            [] => self.zeros,
            _ => 0,
        }
    }
}

/// The bytes of an [`Escaped`] as they are meant.
#[derive(Clone, Debug)]
pub struct Bytes<'a> {
    rest: Escaped<'a>,
}

impl<'a> Bytes<'a> {
    /// What has not been read yet.
    pub const fn rest(&self) -> Escaped<'a> {
        self.rest
    }
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (mut byte, mut tail) = self.rest.raw.split_first()?;
        if self.rest.zeros == 2 && *byte == 3 {
            self.rest = Escaped { raw: tail, zeros: 0, ..self.rest };
            (byte, tail) = tail.split_first()?;
        }
        let zeros = if *byte == 0 { (self.rest.zeros + 1).min(2) } else { 0 };
        self.rest = Escaped { raw: tail, zeros, ..self.rest };
        Some(*byte)
    }
}

/// How many bytes `rbsp` has once it is escaped.
pub fn escaped_len(rbsp: &[u8]) -> usize {
    escaped_len_of(&[rbsp])
}

/// Appends `rbsp`, escaped: what follows the header of a NAL unit. If it ends in a zero byte, a 3
/// follows, since a NAL unit does not end in zero; what ends in one zero alone, as no RBSP does,
/// does not read back.
pub fn escape_into(rbsp: &[u8], out: &mut Vec<u8>) {
    walk(&[rbsp], &mut |piece| out.extend_from_slice(piece));
}

/// How many bytes the parts have, one after another, once they are escaped.
pub(crate) fn escaped_len_of(parts: &[&[u8]]) -> usize {
    let mut len = 0;
    walk(parts, &mut |piece| len += piece.len());
    len
}

/// Hands out the parts, one after another, with what is to be inserted between their bytes.
pub(crate) fn walk(parts: &[&[u8]], sink: &mut dyn FnMut(&[u8])) {
    let mut zeros = 0;
    for part in parts {
        // What was handed out of this part, and what was looked at.
        let mut done = 0;
        let mut at = 0;
        while let Some(byte) = part.get(at) {
            if zeros == 2 && *byte <= 3 {
                sink(part.get(done..at).unwrap_or_default());
                sink(&[3]);
                done = at;
                zeros = 0;
            }
            if *byte == 0 {
                zeros += 1;
                at += 1;
            } else {
                zeros = 0;
                at = memchr(0, part.get(at..).unwrap_or_default())
                    .map_or(part.len(), |zero| at + zero);
            }
        }
        sink(part.get(done..).unwrap_or_default());
    }
    if zeros > 0 {
        sink(&[3]);
    }
}

#[cfg(test)]
mod tests {
    use super::{Escaped, escape_into, escaped_len, escaped_len_of, walk};
    use alloc::borrow::Cow;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    fn escape(rbsp: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        escape_into(rbsp, &mut out);
        out
    }

    /// What 7.3.1 says, byte by byte, over the whole.
    fn unescape(raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < raw.len() {
            if raw[at..].starts_with(&[0, 0, 3]) {
                out.extend([0, 0]);
                at += 3;
            } else {
                out.push(raw[at]);
                at += 1;
            }
        }
        out
    }

    #[test]
    fn inserts_what_the_standards_say() {
        // 7.4.1: 00 00 00, 00 00 01, 00 00 02 and 00 00 03 do not occur; a last 00 is followed by 3.
        for (rbsp, raw) in [
            (&[0, 0, 0][..], &[0, 0, 3, 0, 3][..]),
            (&[0, 0, 1], &[0, 0, 3, 1]),
            (&[0, 0, 2], &[0, 0, 3, 2]),
            (&[0, 0, 3], &[0, 0, 3, 3]),
            (&[0, 0, 4], &[0, 0, 4]),
            (&[1, 0, 0, 0, 0, 0, 0x80], &[1, 0, 0, 3, 0, 0, 3, 0, 0x80]),
            (&[0], &[0, 3]),
            (&[], &[]),
        ] {
            assert_eq!(escape(rbsp), raw);
            assert_eq!(escaped_len(rbsp), raw.len());
        }
    }

    #[test]
    fn leaves_a_three_out_whatever_follows() {
        let view = Escaped::new(&[0, 0, 3, 9, 0, 0, 3]);
        assert_eq!(view.to_cow(), &[0, 0, 9, 0, 0][..]);
        assert_eq!(view.len_unescaped(), 5);
        assert_eq!(view.as_plain(), None);
    }

    #[test]
    fn what_holds_no_inserted_byte_is_not_copied() {
        let view = Escaped::new(&[3, 0, 3, 0, 0, 4, 3]);
        assert_eq!(view.as_plain(), Some(&[3, 0, 3, 0, 0, 4, 3][..]));
        assert!(matches!(view.to_cow(), Cow::Borrowed(_)));
    }

    /// Bytes among which zeros and threes are frequent.
    fn dense() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![4 => Just(0), 3 => 0..5_u8, 1 => any::<u8>()], 0..40)
    }

    proptest! {
        #[test]
        fn escaped_bytes_hold_no_start_code_and_read_back(rbsp in dense()) {
            let raw = escape(&rbsp);
            prop_assert!(!raw.windows(3).any(|w| w[0] == 0 && w[1] == 0 && w[2] < 3));
            prop_assert_ne!(raw.last(), Some(&0));
            // A zero alone at the end comes with a 3 that cannot be told from a byte.
            let alone = rbsp.iter().rev().take_while(|byte| **byte == 0).count() % 2 == 1;
            let raw = if alone { &raw[..raw.len() - 1] } else { &raw };
            prop_assert_eq!(&*Escaped::new(raw).to_cow(), &rbsp);
            prop_assert_eq!(&unescape(raw), &rbsp);
        }

        #[test]
        fn every_reader_reads_alike(raw in dense()) {
            let view = Escaped::new(&raw);
            let plain = unescape(&raw);
            prop_assert_eq!(&*view.to_cow(), &plain);
            prop_assert_eq!(view.len_unescaped(), plain.len());
            prop_assert_eq!(view.as_plain().is_some(), plain.len() == raw.len());
            prop_assert_eq!(view.is_empty(), plain.is_empty());
            prop_assert_eq!(view.bytes().collect::<Vec<_>>(), plain);
        }

        #[test]
        fn a_split_view_reads_like_the_whole(raw in dense(), cuts in prop::collection::vec(0..9_usize, 0..6)) {
            let plain = unescape(&raw);
            let mut read = Vec::new();
            let mut kept = Vec::new();
            let mut rest = Escaped::new(&raw);
            for cut in cuts {
                let (head, tail) = rest.split(cut);
                prop_assert_eq!(head.len_unescaped(), cut.min(plain.len() - read.len()));
                head.extend_into(&mut read);
                kept.extend_from_slice(head.raw());
                rest = tail;
            }
            rest.extend_into(&mut read);
            kept.extend_from_slice(rest.raw());
            prop_assert_eq!(read, plain);
            prop_assert_eq!(kept, raw);
        }

        #[test]
        fn parts_are_escaped_like_the_whole(rbsp in dense(), cut in any::<prop::sample::Index>()) {
            let (one, two) = rbsp.split_at(cut.index(rbsp.len() + 1));
            let mut raw = Vec::new();
            walk(&[one, two], &mut |piece| raw.extend_from_slice(piece));
            prop_assert_eq!(&raw, &escape(&rbsp));
            prop_assert_eq!(escaped_len_of(&[one, two]), raw.len());
        }
    }
}
