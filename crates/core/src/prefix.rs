//! The first bytes of something that comes in pieces: as many of them as its reader asks for.

use alloc::vec::Vec;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefix {
    /// What came before this piece.
    held: Vec<u8>,
    wanted: usize,
}

impl Prefix {
    /// Something begins, of which the first `wanted` bytes are looked at first.
    pub(crate) fn begin(&mut self, wanted: usize) {
        self.held.clear();
        self.wanted = wanted;
    }

    /// Takes the next piece of it, and says whether the reader has enough. The reader is shown as much
    /// as it wants, where it lies if it lies there, and never more: so cuts change nothing. It asks for
    /// more bytes, counted from the first, by an error.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        read: &mut dyn FnMut(&[u8]) -> Result<(), usize>,
    ) -> bool {
        let mut piece = piece;
        loop {
            let shown = match piece.get(..self.wanted) {
                Some(shown) if self.held.is_empty() => shown,
                _ => {
                    let missing = self.wanted.saturating_sub(self.held.len()).min(piece.len());
                    let (head, after) = piece.split_at(missing);
                    self.held.extend_from_slice(head);
                    piece = after;
                    if self.held.len() < self.wanted {
                        return false;
                    }
                    &self.held
                }
            };
            match read(shown) {
                Err(bytes) if bytes > self.wanted => self.wanted = bytes,
                _ => return true,
            }
        }
    }
}
