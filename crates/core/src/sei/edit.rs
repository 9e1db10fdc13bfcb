//! Changes to bytes, as a list: so that a megabyte with forty new bytes in it is not copied.

use alloc::vec::Vec;

/// One change. A list of them is in ascending order and none reaches into the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Where it is, in the source.
    pub at: usize,
    /// How many bytes of the source go.
    pub remove: usize,
    /// What comes in their place.
    pub insert: Vec<u8>,
}

/// How many bytes the source has once it is changed.
pub fn edited_len(source: &[u8], splices: &[Splice]) -> usize {
    pieces(source, splices).map(<[u8]>::len).sum()
}

/// The source, changed.
pub fn apply(source: &[u8], splices: &[Splice]) -> Vec<u8> {
    let mut out = Vec::with_capacity(edited_len(source, splices));
    for piece in pieces(source, splices) {
        out.extend_from_slice(piece);
    }
    out
}

/// What the changed source consists of, in order, for a vectored write: pieces of the source and
/// what was inserted. No piece is empty.
pub const fn pieces<'a>(source: &'a [u8], splices: &'a [Splice]) -> Pieces<'a> {
    Pieces { source, splices, at: 0, insert: &[] }
}

/// See [`pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    source: &'a [u8],
    splices: &'a [Splice],
    /// Up to where the source was handed out or left out.
    at: usize,
    /// What comes next, before the rest of the source.
    insert: &'a [u8],
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if !self.insert.is_empty() {
                return Some(core::mem::take(&mut self.insert));
            }
            let until = self.splices.first().map_or(self.source.len(), |splice| splice.at);
            let kept = self.source.get(self.at..until.min(self.source.len())).unwrap_or_default();
            let Some((splice, rest)) = self.splices.split_first() else {
                self.at = self.source.len();
                return (!kept.is_empty()).then_some(kept);
            };
            self.splices = rest;
            self.insert = &splice.insert;
            self.at = self.at.max(splice.at.saturating_add(splice.remove));
            if !kept.is_empty() {
                return Some(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Splice, apply, edited_len, pieces};
    use std::vec::Vec;

    fn splice(at: usize, remove: usize, insert: &[u8]) -> Splice {
        Splice { at, remove, insert: insert.to_vec() }
    }

    #[test]
    fn inserts_removes_and_replaces() {
        let splices =
            [splice(0, 0, b"<"), splice(2, 1, b""), splice(3, 2, b"XYZ"), splice(6, 0, b">")];
        assert_eq!(apply(b"abcdef", &splices), b"<abXYZf>");
        assert_eq!(edited_len(b"abcdef", &splices), 8);
        let all: Vec<_> = pieces(b"abcdef", &splices).collect();
        assert_eq!(all, [&b"<"[..], b"ab", b"XYZ", b"f", b">"]);
    }

    #[test]
    fn no_change_is_the_source_itself() {
        let source = b"abc";
        let all: Vec<_> = pieces(source, &[]).collect();
        assert!(core::ptr::eq(all[0], source) && all.len() == 1);
        assert_eq!(pieces(b"", &[]).next(), None);
    }

    #[test]
    fn what_follows_at_the_same_place_follows() {
        assert_eq!(apply(b"ab", &[splice(1, 0, b"1"), splice(1, 0, b"2")]), b"a12b");
        assert_eq!(apply(b"ab", &[splice(0, 2, b"")]), b"");
    }

    #[test]
    fn a_list_that_is_none_does_no_harm() {
        assert_eq!(apply(b"abc", &[splice(9, 4, b"x")]), b"abcx");
        assert_eq!(apply(b"abc", &[splice(1, usize::MAX, b"x")]), b"ax");
        assert_eq!(apply(b"abc", &[splice(2, 1, b"x"), splice(0, 1, b"y")]), b"abxy");
    }
}
