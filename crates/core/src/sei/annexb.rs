//! NAL units between start codes (Annex B of H.264 and of H.265): in a slice, or as they arrive.
//!
//! A NAL unit lasts until the next 00 00 01; zeros at its end do not belong to it, since none ends
//! in zero.

use alloc::vec::Vec;

#[cfg(not(target_family = "wasm"))]
use memchr::memmem::Finder;

/// What every start code ends in.
pub(super) const PREFIX: &[u8] = &[0, 0, 1];

/// Searches for start codes. Natively that is done in vectors; in wasm, which has none here, by words of
/// eight bytes, which is as fast there and a fraction of the code.
#[derive(Clone, Debug)]
struct Search {
    #[cfg(not(target_family = "wasm"))]
    finder: Finder<'static>,
}

impl Search {
    fn new() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            finder: Finder::new(PREFIX),
        }
    }

    /// Where the first 00 00 01 is.
    #[cfg(not(target_family = "wasm"))]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        self.finder.find(bytes)
    }

    #[cfg(target_family = "wasm")]
    #[expect(clippy::unused_self, reason = "natively there is something to search with")]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        start_code(bytes)
    }
}

/// Where the first 00 00 01 is, for short runs of bytes.
#[inline]
pub(super) fn start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let rest = bytes.get(at..)?;
        if let Some(word) = rest.first_chunk()
            && !has_zero(u64::from_ne_bytes(*word))
        {
            at += 8;
            continue;
        }
        // By the last of three bytes: of 1 and more it is part of none that begins later.
        match *rest.first_chunk()? {
            [0, 0, 1] => return Some(at),
            [_, _, 0] => at += 1,
            [_, _, _] => at += 3,
        }
    }
}

/// Whether one of its bytes is zero: 1 less sets the uppermost bit of none but that, and of such that had it, and
/// of 1 above a zero.
const fn has_zero(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    word.wrapping_sub(ONES) & !word & (ONES << 7) != 0
}

/// One NAL unit, with its header, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nal<'a> {
    /// Where its first byte is in the stream.
    pub offset: u64,
    /// How many bytes of zeros and start code stand right before it: 3, 4 or more.
    pub framing: u64,
    /// Its bytes, or the first of them if it is longer than the reader keeps.
    pub bytes: &'a [u8],
    /// How many bytes it has.
    pub len: u64,
}

impl Nal<'_> {
    /// Whether all its bytes are there.
    pub fn is_whole(&self) -> bool {
        u64::try_from(self.bytes.len()) == Ok(self.len)
    }

    /// How many bytes its start code has: 4, if a zero stands before the 00 00 01, or 3.
    pub const fn start_code_len(&self) -> u64 {
        if self.framing > 3 { 4 } else { 3 }
    }
}

/// The NAL units of a stream that is in memory. What stands before the first start code belongs to
/// none.
pub fn units(stream: &[u8]) -> Units<'_> {
    let search = Search::new();
    let at = search.find(stream).map(|at| at + PREFIX.len());
    Units { stream, search, from: 0, at }
}

/// See [`units`].
#[derive(Clone, Debug)]
pub struct Units<'a> {
    stream: &'a [u8],
    search: Search,
    /// Where the bytes begin that no NAL unit before this one had.
    from: usize,
    /// Where the next NAL unit begins.
    at: Option<usize>,
}

impl<'a> Iterator for Units<'a> {
    type Item = Nal<'a>;

    fn next(&mut self) -> Option<Nal<'a>> {
        let at = self.at?;
        let rest = self.stream.get(at..).unwrap_or_default();
        let next = self.search.find(rest);
        let bytes = trimmed(next.and_then(|next| rest.get(..next)).unwrap_or(rest));
        let before = self.stream.get(self.from..at.saturating_sub(1)).unwrap_or_default();
        let framing = zeros_at_end(before) + 1;
        self.from = at + bytes.len();
        self.at = next.map(|next| at + next + PREFIX.len());
        Some(Nal { offset: wide(at), framing: wide(framing), bytes, len: wide(bytes.len()) })
    }
}

/// Without the zeros at its end.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.get(..bytes.len() - zeros_at_end(bytes)).unwrap_or_default()
}

pub(super) fn zeros_at_end(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| **byte == 0).count()
}

/// No length in memory is beyond 64 bits.
fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Reads a stream as it arrives. What it gives does not depend on how the stream was cut.
///
/// A NAL unit within one chunk is a view of it; of one that reaches over chunks, at most as many
/// bytes as the reader keeps are copied.
#[derive(Clone, Debug)]
pub struct Reader {
    search: Search,
    keep: usize,
    /// How many bytes were pushed.
    pushed: u64,
    /// How many zeros they end in.
    zeros: u64,
    /// The NAL unit under way.
    open: Option<Open>,
    /// The first bytes of it that came in former chunks.
    head: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    offset: u64,
    framing: u64,
    /// How many bytes came, without the zeros that the stream ends in at present.
    len: u64,
}

impl Reader {
    /// What [`Reader::new`] keeps of a NAL unit: beyond any SEI or parameter set in use.
    pub const KEEP: usize = 1 << 20;

    /// A reader that gives the first [`KEEP`](Self::KEEP) bytes of each NAL unit.
    pub fn new() -> Self {
        Self::keeping(Self::KEEP)
    }

    /// A reader that gives the first `keep` bytes of each NAL unit, and holds as many.
    pub fn keeping(keep: usize) -> Self {
        Self { search: Search::new(), keep, pushed: 0, zeros: 0, open: None, head: Vec::new() }
    }

    /// Takes more of the stream; `sink` gets every NAL unit whose end is known.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn FnMut(Nal<'_>)) {
        let mut rest = chunk;
        while let Some((before, after)) = self.next_start_code(rest) {
            let zeros = self.zeros;
            self.close(before, sink);
            let zeros_here = zeros_at_end(before);
            let all = if zeros_here == before.len() { zeros } else { 0 };
            // The zeros before, those of the start code that are in `rest`, and its last byte.
            let code = rest.len() - before.len() - after.len();
            self.pushed += wide(rest.len() - after.len());
            self.open =
                Some(Open { offset: self.pushed, framing: all + wide(zeros_here + code), len: 0 });
            self.zeros = 0;
            rest = after;
        }
        self.grow(rest);
    }

    /// The stream is over: `sink` gets the last NAL unit. The reader is as new then.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Nal<'_>)) {
        self.close(&[], sink);
        *self = Self::keeping(self.keep);
    }

    /// What stands before the next start code and what behind it. The start code may have begun
    /// among the zeros that the stream ended in.
    fn next_start_code<'a>(&self, rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        match (self.zeros, rest) {
            (2.., [1, after @ ..]) | (1.., [0, 1, after @ ..]) => Some((&[], after)),
            _ => {
                let at = self.search.find(rest)?;
                Some((rest.get(..at)?, rest.get(at + PREFIX.len()..)?))
            }
        }
    }

    /// The NAL unit under way ends with `last`, apart from zeros.
    fn close(&mut self, last: &[u8], sink: &mut dyn FnMut(Nal<'_>)) {
        let last = trimmed(last);
        let Some(open) = self.open.take() else { return };
        if open.len == 0 && (last.is_empty() || self.zeros == 0) {
            let bytes = last.get(..self.keep).unwrap_or(last);
            sink(Nal { offset: open.offset, framing: open.framing, bytes, len: wide(last.len()) });
            return;
        }
        let mut len = open.len;
        if !last.is_empty() {
            self.collect(last);
            len += self.zeros + wide(last.len());
        }
        sink(Nal { offset: open.offset, framing: open.framing, bytes: &self.head, len });
        self.head.clear();
    }

    /// The stream goes on with `rest`, in which there is no start code.
    fn grow(&mut self, rest: &[u8]) {
        self.pushed += wide(rest.len());
        let last = trimmed(rest);
        if last.is_empty() {
            self.zeros += wide(rest.len());
            return;
        }
        if let Some(mut open) = self.open {
            self.collect(last);
            open.len += self.zeros + wide(last.len());
            self.open = Some(open);
        }
        self.zeros = wide(rest.len() - last.len());
    }

    /// Keeps the zeros that turned out to lie within the NAL unit, and what follows them.
    fn collect(&mut self, last: &[u8]) {
        let zeros = usize::try_from(self.zeros).unwrap_or(usize::MAX);
        let room = self.keep.saturating_sub(self.head.len());
        let zeros = zeros.min(room);
        self.head.resize(self.head.len() + zeros, 0);
        let room = room - zeros;
        self.head.extend_from_slice(last.get(..room).unwrap_or(last));
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Nal, Reader, Search, start_code, units};
    use std::vec::Vec;

    use proptest::prelude::*;

    /// Offset, framing, bytes, length.
    type Row = (u64, u64, Vec<u8>, u64);

    fn row(nal: Nal<'_>) -> Row {
        (nal.offset, nal.framing, nal.bytes.to_vec(), nal.len)
    }

    fn read(keep: usize, chunks: &[&[u8]]) -> Vec<Row> {
        let mut reader = Reader::keeping(keep);
        let mut rows = Vec::new();
        for chunk in chunks {
            reader.push(chunk, &mut |nal| rows.push(row(nal)));
        }
        reader.finish(&mut |nal| rows.push(row(nal)));
        rows
    }

    /// What the standard says, byte by byte: a NAL unit lies behind 00 00 01, until the next one.
    fn plain(stream: &[u8]) -> Vec<Row> {
        let starts: Vec<usize> =
            (0..stream.len()).filter(|at| stream[..*at].ends_with(&[0, 0, 1])).collect();
        let whole = stream.ends_with(&[0, 0, 1]).then_some(stream.len());
        let starts: Vec<usize> = starts.into_iter().chain(whole).collect();
        let mut rows = Vec::new();
        let mut from = 0;
        for (nth, start) in starts.iter().enumerate() {
            let mut end = starts.get(nth + 1).map_or(stream.len(), |next| next - 3);
            while end > *start && stream[end - 1] == 0 {
                end -= 1;
            }
            let mut framing = 1;
            while *start - framing > from && stream[*start - framing - 1] == 0 {
                framing += 1;
            }
            let wide = |len: usize| u64::try_from(len).unwrap();
            let bytes = stream[*start..end].to_vec();
            rows.push((wide(*start), wide(framing), bytes, wide(end - start)));
            from = end;
        }
        rows
    }

    #[test]
    fn reads_start_codes_of_three_and_four_bytes() {
        let stream = [0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x65, 0x88, 0, 0, 0, 0, 0, 1, 6, 0, 0];
        let expected = [
            (4, 4, [9, 0xF0].to_vec(), 2),
            (9, 3, [0x65, 0x88].to_vec(), 2),
            (17, 6, [6].to_vec(), 1),
        ];
        assert_eq!(units(&stream).map(row).collect::<Vec<_>>(), expected);
        assert_eq!(read(99, &[&stream]), expected);
        let lens: Vec<_> = units(&stream).map(|nal| nal.start_code_len()).collect();
        assert_eq!(lens, [4, 3, 4]);
    }

    #[test]
    fn what_is_before_the_first_start_code_is_no_unit() {
        assert_eq!(read(99, &[&[7, 7, 0, 0, 1, 9]]), [(5, 3, [9].to_vec(), 1)]);
        assert_eq!(read(99, &[&[7, 7, 0, 0]]), []);
        assert_eq!(read(99, &[]), []);
    }

    #[test]
    fn a_unit_beyond_the_limit_is_cut_and_counted() {
        let stream = [0, 0, 1, 1, 0, 3, 4, 5, 0, 0, 1, 6];
        let expected = [(3, 3, [1, 0, 3].to_vec(), 5), (11, 3, [6].to_vec(), 1)];
        assert_eq!(read(3, &[&stream]), expected);
        assert_eq!(read(3, &[&stream[..5], &stream[5..7], &stream[7..]]), expected);
        assert_eq!(units(&stream).next().unwrap().bytes, [1, 0, 3, 4, 5]);
    }

    /// Streams in which start codes are frequent.
    pub(crate) fn dense() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just([0, 0, 1].to_vec()),
            2 => Just([0, 0, 0, 1].to_vec()),
            2 => prop::collection::vec(Just(0), 1..5),
            3 => prop::collection::vec(any::<u8>(), 0..4),
            1 => prop::collection::vec(0..3_u8, 0..6),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Zeros and ones in words with other bytes, those among them whose lower neighbours borrow.
        #[test]
        fn a_start_code_is_where_a_search_byte_by_byte_finds_it(
            bytes in prop::collection::vec(prop_oneof![0_u8..3, any::<u8>(), Just(0x80), Just(0xFF)], 0..80),
        ) {
            let naive = bytes.windows(3).position(|three| three == [0, 0, 1]);
            prop_assert_eq!(start_code(&bytes), naive);
            prop_assert_eq!(Search::new().find(&bytes), naive);
        }

        #[test]
        fn reads_as_the_standard_says_however_it_is_cut(
            stream in dense(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            keep in 0..6_usize,
        ) {
            let expected = plain(&stream);
            prop_assert_eq!(&units(&stream).map(row).collect::<Vec<_>>(), &expected);
            prop_assert_eq!(&read(99, &[&stream]), &expected);

            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(&read(99, &chunks), &expected);
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&read(99, &bytes), &expected);

            let mut short = expected;
            for row in &mut short {
                row.2.truncate(keep);
            }
            prop_assert_eq!(&read(keep, &chunks), &short);
            prop_assert_eq!(&read(keep, &[&stream]), &short);
        }
    }
}
