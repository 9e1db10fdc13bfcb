//! Bytes in pieces that are written together and copied nowhere.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Pieces, in their order.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: VecDeque<Bytes>,
    len: usize,
}

impl Pieces {
    /// Adds one at the end.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// Adds one before all others.
    pub(crate) fn push_front(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push_front(piece);
        }
    }

    /// How many bytes they have.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

impl From<Bytes> for Pieces {
    fn from(piece: Bytes) -> Self {
        let mut pieces = Self::default();
        pieces.push(piece);
        pieces
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn advance(&mut self, mut count: usize) {
        self.len -= count;
        while count > 0 {
            let Some(first) = self.pieces.front_mut() else { return };
            if first.len() > count {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.pieces.pop_front();
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;
    use bytes::{Buf, Bytes};
    use std::io::IoSlice;

    #[test]
    fn are_read_in_order_however_much_is_taken() {
        for step in 1..=7 {
            let mut pieces = Pieces::from(Bytes::from_static(b"cd"));
            pieces.push(Bytes::new());
            pieces.push(Bytes::from_static(b"efg"));
            pieces.push_front(Bytes::from_static(b"ab"));
            let mut read = Vec::new();
            while pieces.has_remaining() {
                let take = step.min(pieces.remaining());
                read.extend(pieces.copy_to_bytes(take));
                assert_eq!(pieces.len(), 7 - read.len());
            }
            assert_eq!(read, b"abcdefg", "{step}");
        }
    }

    #[test]
    fn are_written_together() {
        let mut pieces = Pieces::from(Bytes::from_static(b"ab"));
        pieces.push(Bytes::from_static(b"cd"));
        pieces.push(Bytes::from_static(b"ef"));
        pieces.advance(3);
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(pieces.chunks_vectored(&mut slices), 2);
        assert_eq!((&*slices[0], &*slices[1]), (&b"d"[..], &b"ef"[..]));
        assert_eq!(pieces.chunks_vectored(&mut slices[..1]), 1);
    }
}
