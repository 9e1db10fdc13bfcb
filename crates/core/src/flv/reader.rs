//! A stream of FLV, cut into its parts as it comes.
//!
//! The reader holds no bytes. It is shown what there is, says what stands at its beginning and how
//! much of it that takes, and is shown the rest: a body passes through a buffer of any size, and
//! how the bytes were cut changes nothing but into how many pieces a body falls.

use super::header::{FileHeader, FlvError, TagHeader};

/// [`FileHeader::LEN`] and [`TagHeader::LEN`], to count with.
const FILE_HEADER: u32 = 9;
const TAG_HEADER: u32 = 11;

/// Reads one stream. [`Reader::next`] says how.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    offset: u64,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The file's header is due.
    File,
    /// A tag is due.
    Tag,
    /// `left` bytes of a body are due, or of a header longer than nine bytes.
    Body { left: u32, tag_len: u32 },
    /// The `PreviousTagSize` of what came before is due.
    Previous { tag_len: u32 },
}

/// What stands at the beginning of the bytes that [`Reader::next`] was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Too little to say: show the same bytes again, at least `bytes` of them. Nothing was taken.
    More {
        /// How many are needed, at most [`TagHeader::LEN`].
        bytes: usize,
    },
    /// The file's header, [`FileHeader::LEN`] bytes.
    File(FileHeader),
    /// A tag's header, [`TagHeader::LEN`] bytes. Its body follows.
    Tag(TagHeader),
    /// A tag's body, or as much of it as there was; or what a longer header of the file has beyond
    /// its ninth byte.
    Body(&'a [u8]),
    /// A `PreviousTagSize`, four bytes.
    PreviousTagSize {
        /// What it says.
        found: u32,
        /// The size of the tag before it; 0 before the first one. Writers that got this wrong are
        /// many, so nothing depends on it.
        expected: u32,
    },
}

impl Part<'_> {
    /// How many of the bytes that were shown this takes.
    pub const fn len(&self) -> usize {
        match self {
            Self::More { .. } => 0,
            Self::File(_) => FileHeader::LEN,
            Self::Tag(_) => TagHeader::LEN,
            Self::Body(bytes) => bytes.len(),
            Self::PreviousTagSize { .. } => 4,
        }
    }

    /// Whether nothing was taken.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Behind a tag, with its `PreviousTagSize` or (as a stream is often cut) without.
    Whole,
    /// Within a tag or the header. Live streams do; what there was has passed.
    Truncated {
        /// Where the bytes ended.
        offset: u64,
        /// How many are missing at least.
        missing: u32,
    },
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader of a stream that begins with the file's header.
    pub const fn new() -> Self {
        Self { offset: 0, state: State::File }
    }

    /// A reader of bytes that begin with a tag, as after a seek.
    pub const fn at_tag() -> Self {
        Self { offset: 0, state: State::Tag }
    }

    /// Bytes from the start of the stream to what is due.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Says what `input` begins with and goes on behind it: the next call wants
    /// `&input[part.len()..]`, with more behind it if there is more.
    ///
    /// After an error nothing has moved; the same bytes give the same error.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Result<Part<'a>, FlvError> {
        let (part, state) = match self.state {
            State::File => {
                let Some(bytes) = input.first_chunk() else {
                    return Self::short_header(input);
                };
                let header = FileHeader::parse(*bytes)?;
                let left = header.data_offset - FILE_HEADER;
                (Part::File(header), State::behind(left, 0))
            }
            State::Tag => {
                let Some(bytes) = input.first_chunk() else {
                    return self.short_tag(input);
                };
                let header = TagHeader::parse(*bytes, self.offset)?;
                (Part::Tag(header), State::behind(header.body_len, header.tag_len()))
            }
            State::Body { left, tag_len } => {
                if input.is_empty() {
                    return Ok(Part::More { bytes: 1 });
                }
                let there = input.len().min(left as usize);
                (
                    Part::Body(&input[..there]),
                    State::behind(left - u32::try_from(there).unwrap_or(left), tag_len),
                )
            }
            State::Previous { tag_len } => {
                let Some(bytes) = input.first_chunk() else {
                    return Ok(Part::More { bytes: 4 });
                };
                let found = u32::from_be_bytes(*bytes);
                (Part::PreviousTagSize { found, expected: tag_len }, State::Tag)
            }
        };
        self.offset += part.len() as u64;
        self.state = state;
        Ok(part)
    }

    /// How the stream ends if `rest`, which [`Reader::next`] wanted more of, is all there is.
    pub fn finish(&self, rest: &[u8]) -> Ending {
        let offset = self.offset + rest.len() as u64;
        let wanted = match self.state {
            State::Tag | State::Previous { .. } if rest.is_empty() => return Ending::Whole,
            State::File => FILE_HEADER,
            State::Tag => TAG_HEADER,
            State::Body { left, .. } => left,
            State::Previous { .. } => 4,
        };
        let missing = wanted.saturating_sub(u32::try_from(rest.len()).unwrap_or(u32::MAX));
        Ending::Truncated { offset, missing }
    }

    /// Fewer than eleven bytes: whether they can still become a tag's header is said at once, as the
    /// garbage behind a stream may be no longer.
    fn short_tag<'a>(&self, input: &[u8]) -> Result<Part<'a>, FlvError> {
        let mut padded = [0; TagHeader::LEN];
        if let Some(first) = input.first() {
            padded[0] = *first;
            TagHeader::parse(padded, self.offset)?;
        }
        Ok(Part::More { bytes: TagHeader::LEN })
    }

    /// Fewer than nine bytes: whether they can still become a header is said at once, so that a
    /// pipe with something else in it is not waited for.
    fn short_header<'a>(input: &[u8]) -> Result<Part<'a>, FlvError> {
        let mut padded = *b"FLV\x01\0\0\0\0\x09";
        let known = input.len().min(4);
        padded[..known].copy_from_slice(&input[..known]);
        FileHeader::parse(padded)?;
        Ok(Part::More { bytes: FileHeader::LEN })
    }
}

impl State {
    const fn behind(left: u32, tag_len: u32) -> Self {
        if left == 0 { Self::Previous { tag_len } } else { Self::Body { left, tag_len } }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Part, Reader};
    use crate::flv::header::FlvError;
    use std::vec::Vec;

    /// A header, an audio tag of 2 bytes, a video tag of none, a script tag of 3 bytes whose
    /// `PreviousTagSize` is wrong (it should be 14).
    const FILE: &[u8] = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\
        \x08\0\0\x02\0\0\x05\0\0\0\0\xAF\x01\0\0\0\x0D\
        \x09\0\0\0\0\0\x05\0\0\0\0\0\0\0\x0B\
        \x12\0\0\x03\0\0\x06\0\0\0\0abc\0\0\0\x03";

    /// The parts of `bytes`, shown `step` at a time, with what is left and the error.
    fn parts(bytes: &[u8], step: usize) -> (Vec<Part<'_>>, usize, Option<FlvError>, Ending) {
        let mut reader = Reader::new();
        let (mut all, mut from, mut to) = (Vec::new(), 0, 0);
        loop {
            match reader.next(&bytes[from..to]) {
                Ok(Part::More { bytes: needed }) => {
                    assert!(needed > to - from);
                    if to == bytes.len() {
                        return (all, from, None, reader.finish(&bytes[from..]));
                    }
                    to = bytes.len().min(to + step);
                }
                Ok(part) => {
                    from += part.len();
                    assert_eq!(reader.offset(), from as u64);
                    all.push(part);
                }
                Err(error) => return (all, from, Some(error), reader.finish(&[])),
            }
        }
    }

    #[test]
    fn tells_every_part_and_how_long_it_is() {
        let (parts, end, error, ending) = parts(FILE, FILE.len());
        assert_eq!((end, error, ending), (FILE.len(), None, Ending::Whole));
        let lens: Vec<usize> = parts.iter().map(Part::len).collect();
        assert_eq!(lens, [9, 4, 11, 2, 4, 11, 4, 11, 3, 4]);
        assert_eq!(parts[1], Part::PreviousTagSize { found: 0, expected: 0 });
        assert_eq!(parts[3], Part::Body(b"\xAF\x01"));
        assert_eq!(parts[4], Part::PreviousTagSize { found: 13, expected: 13 });
        assert_eq!(parts[9], Part::PreviousTagSize { found: 3, expected: 14 });
    }

    #[test]
    fn a_byte_at_a_time_gives_the_same_parts_but_for_bodies_in_pieces() {
        let (whole, ..) = parts(FILE, FILE.len());
        let (pieces, end, error, ending) = parts(FILE, 1);
        assert_eq!((end, error, ending), (FILE.len(), None, Ending::Whole));
        let without = |parts: &[Part<'static>]| -> Vec<Part<'static>> {
            parts.iter().filter(|part| !matches!(part, Part::Body(_))).copied().collect()
        };
        assert_eq!(without(&pieces), without(&whole));
        assert_eq!(pieces.iter().map(Part::len).sum::<usize>(), FILE.len());
    }

    #[test]
    fn a_longer_header_of_the_file_passes() {
        let (parts, end, error, _) = parts(b"FLV\x01\x01\0\0\0\x0Bxy\0\0\0\0", 4);
        assert_eq!((end, error), (15, None));
        assert_eq!(
            parts[1..],
            [Part::Body(b"xy"), Part::PreviousTagSize { found: 0, expected: 0 }]
        );
    }

    #[test]
    fn garbage_is_told_with_its_place() {
        let mut bytes = FILE.to_vec();
        bytes[30] = b'F';
        let (_, end, error, _) = parts(&bytes, 64);
        assert_eq!((end, error), (30, Some(FlvError::TagType { offset: 30, found: b'F' })));
        // It need not be as long as a tag's header.
        for (len, step) in [(31, 1), (31, 64), (40, 3)] {
            let (_, end, error, _) = parts(&bytes[..len], step);
            assert_eq!((end, error), (30, Some(FlvError::TagType { offset: 30, found: b'F' })));
        }
        // The first byte that cannot be right is enough.
        let (_, _, error, _) = parts(b"\0\0\0\x18ftyp", 1);
        assert_eq!(error, Some(FlvError::Signature { offset: 0, found: 0 }));
        let (_, _, error, _) = parts(b"FLV\x02", 4);
        assert_eq!(error, Some(FlvError::Version { found: 2 }));
    }

    #[test]
    fn a_cut_end_is_told_with_what_is_missing() {
        for (len, ending) in [
            (0, Ending::Truncated { offset: 0, missing: 9 }),
            (9, Ending::Whole),
            (13, Ending::Whole),
            (14, Ending::Truncated { offset: 14, missing: 10 }),
            (25, Ending::Truncated { offset: 25, missing: 1 }),
            (26, Ending::Whole),
            (28, Ending::Truncated { offset: 28, missing: 2 }),
            (30, Ending::Whole),
        ] {
            for step in [1, 3, 64] {
                assert_eq!(parts(&FILE[..len], step).3, ending, "{len} bytes");
            }
        }
    }
}
