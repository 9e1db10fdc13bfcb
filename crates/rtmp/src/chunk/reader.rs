//! Bytes in, messages out.

use core::fmt;

use alloc::vec::Vec;

use bytes::Bytes;

use super::header::{Basic, EXTENDED, Fields, Format, MAX_LEN};
use super::{ChunkError, ChunkSize, ChunkStreamId};
use crate::Limits;
use crate::message::{Kind, Message};

/// Reads what one peer sends. Set Chunk Size and Abort are carried out here; every other message
/// comes out.
///
/// Bytes are shown in pieces of any size; how they are cut changes nothing.
pub struct Reader {
    limits: Limits,
    longest: u32,
    chunk_size: ChunkSize,
    streams: Vec<Stream>,
    /// Bytes that all messages have or will have that have begun and not ended.
    buffered: usize,
    /// The chunk whose payload is due, or none: a header is.
    chunk: Option<Chunk>,
    /// Bytes that were taken before what they mean could be said. They stand before all input.
    held: [u8; MAX_LEN],
    held_len: usize,
    /// Whether chunks without a message header repeat an extended timestamp: of those that begin a
    /// message, and of those that go on with one.
    repeats: [Option<bool>; 2],
}

/// What a chunk stream's next header can leave out.
struct Stream {
    id: ChunkStreamId,
    /// The last message's; its timestamp is absolute.
    fields: Fields,
    /// The timestamp or delta that the last header had.
    timestamp_field: u32,
    extended: bool,
    /// The message that has begun and not ended.
    payload: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    stream: usize,
    left: usize,
}

/// A header that was read whole.
struct Header {
    basic: Basic,
    fields: Fields,
    /// Where its stream is, or where it will be.
    stream: usize,
    /// An extended timestamp that stood there.
    extended: Option<u32>,
    len: usize,
    /// What the header told about the peer.
    repeats: [Option<bool>; 2],
}

impl fmt::Debug for Reader {
    /// What is gathered can have keys in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("chunk_size", &self.chunk_size)
            .field("chunk_streams", &self.streams.len())
            .field("buffered", &self.buffered)
            .finish_non_exhaustive()
    }
}

/// How much memory a message gets that announces itself, whatever it announces.
const FIRST_RESERVE: usize = 1024;

impl Reader {
    /// A reader at the beginning of the chunks, behind the handshake.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            longest: limits.message,
            chunk_size: ChunkSize::INITIAL,
            streams: Vec::new(),
            buffered: 0,
            chunk: None,
            held: [0; MAX_LEN],
            held_len: 0,
            repeats: [None; 2],
        }
    }

    /// The size of the chunks that the peer sends.
    pub const fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// Bytes that the messages will have that have begun and not ended.
    pub const fn buffered(&self) -> usize {
        self.buffered
    }

    /// How long messages may be that begin from now on. [`Limits::message`] until it is set.
    pub fn set_longest(&mut self, bytes: u32) {
        self.longest = bytes;
    }

    /// Takes bytes from the beginning of `input` until a message is whole, or all of them. After an
    /// error the connection cannot be read any more.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ChunkError> {
        loop {
            let done = match self.chunk {
                None => self.begin(input)?,
                Some(chunk) => self.go_on(chunk, input),
            };
            let Some(stream) = done else { return Ok(None) };
            if let Some(message) = self.finish(stream) {
                match message.kind {
                    Kind::SET_CHUNK_SIZE => {
                        self.chunk_size = ChunkSize::new(first_word(&message.payload))?;
                    }
                    Kind::ABORT => self.abort(first_word(&message.payload)),
                    _ => return Ok(Some(message)),
                }
            }
        }
    }

    /// Reads a header. Gives the stream if its message is to be looked at, or nothing if more input
    /// is needed.
    fn begin(&mut self, input: &mut &[u8]) -> Result<Option<usize>, ChunkError> {
        let header = loop {
            let parsed = if self.held_len == 0 {
                self.parse(input)
            } else {
                self.parse(&self.held[..self.held_len])
            };
            match parsed {
                Ok(header) => break header,
                Err(needed) => {
                    if input.is_empty() || !self.hold(needed, input) {
                        return Ok(None);
                    }
                }
            }
        };
        if self.held_len == 0 {
            *input = input.get(header.len..).unwrap_or_default();
        } else {
            self.release(header.len);
        }
        self.repeats = header.repeats;
        self.apply(&header, input.len()).map(Some)
    }

    /// Puts bytes aside until there are `needed`, and says whether there are.
    fn hold(&mut self, needed: usize, input: &mut &[u8]) -> bool {
        let missing = needed.min(MAX_LEN).saturating_sub(self.held_len);
        let (taken, rest) = input.split_at(missing.min(input.len()));
        self.held[self.held_len..self.held_len + taken.len()].copy_from_slice(taken);
        self.held_len += taken.len();
        *input = rest;
        taken.len() == missing
    }

    /// Lets go of the first bytes that were put aside.
    fn release(&mut self, len: usize) {
        self.held.copy_within(len..self.held_len, 0);
        self.held_len -= len;
    }

    /// Reads a header from the beginning of `bytes`, or says how many bytes it takes at least.
    fn parse(&self, bytes: &[u8]) -> Result<Header, usize> {
        let basic = Basic::parse(bytes)?;
        let len = basic.len + basic.format.header_len();
        if bytes.len() < len {
            return Err(len);
        }
        let fields = Fields::parse(basic.format, &bytes[basic.len..]);
        let stream = self.streams.iter().position(|stream| stream.id == basic.stream);
        let known = stream.and_then(|at| self.streams.get(at));
        let stream = stream.unwrap_or(self.streams.len());
        let mut header =
            Header { basic, fields, stream, extended: None, len, repeats: self.repeats };
        let extended = match basic.format {
            Format::Nothing => match known {
                Some(known) if known.extended => {
                    self.is_repeated(known, &bytes[len..], len, &mut header.repeats)?
                }
                _ => false,
            },
            _ => fields.timestamp == EXTENDED,
        };
        if extended {
            let word = bytes.get(len..).and_then(|rest| rest.first_chunk()).ok_or(len + 4)?;
            header.extended = Some(u32::from_be_bytes(*word));
            header.len += 4;
        }
        Ok(header)
    }

    /// Whether an extended timestamp stands behind a basic header alone. RTMP 1.0 §5.3.1.3 has one
    /// there, and some peers send none: the first such chunk shows which, since what it would repeat
    /// is known.
    fn is_repeated(
        &self,
        stream: &Stream,
        rest: &[u8],
        len: usize,
        repeats: &mut [Option<bool>; 2],
    ) -> Result<bool, usize> {
        let goes_on = usize::from(stream.payload.is_some());
        if let Some(repeated) = self.repeats[goes_on] {
            return Ok(repeated);
        }
        let there = &rest[..rest.len().min(4)];
        let field = stream.timestamp_field.to_be_bytes().starts_with(there);
        // Within a message, some repeat its timestamp where its header had a delta.
        let timestamp = stream.fields.timestamp.to_be_bytes().starts_with(there);
        let may_be = field || goes_on == 1 && timestamp;
        if may_be && there.len() < 4 {
            return Err(len + there.len() + 1);
        }
        repeats[goes_on] = Some(may_be);
        Ok(may_be)
    }

    /// Makes the header's message the one that its stream is at.
    fn apply(&mut self, header: &Header, there: usize) -> Result<usize, ChunkError> {
        let format = header.basic.format;
        let id = header.basic.stream;
        if header.stream == self.streams.len() {
            // librtmp begins some streams with a header that leaves out the message stream, for 0.
            if format > Format::SameStream {
                return Err(ChunkError::WithoutHeader { stream: id.number() });
            }
            if self.streams.len() >= self.limits.chunk_streams {
                return Err(ChunkError::Streams { limit: self.limits.chunk_streams });
            }
            self.streams.push(Stream {
                id,
                fields: Fields::default(),
                timestamp_field: 0,
                extended: false,
                payload: None,
            });
        }
        let (limits, longest) = (self.limits, self.longest);
        let Some(stream) = self.streams.get_mut(header.stream) else { return Ok(header.stream) };
        if let Some(payload) = &stream.payload {
            if format != Format::Nothing {
                return Err(ChunkError::Interrupted { stream: id.number() });
            }
            let left = length(stream.fields.len).saturating_sub(payload.len());
            self.chunk =
                Some(Chunk { stream: header.stream, left: left.min(self.chunk_size.len()) });
            return Ok(header.stream);
        }
        let fields = &mut stream.fields;
        if format != Format::Nothing {
            stream.extended = header.extended.is_some();
            stream.timestamp_field = header.fields.timestamp;
        }
        if let Some(extended) = header.extended {
            stream.timestamp_field = extended;
        }
        if format <= Format::SameStream {
            (fields.len, fields.kind) = (header.fields.len, header.fields.kind);
        }
        if format == Format::Full {
            fields.stream = header.fields.stream;
            fields.timestamp = stream.timestamp_field;
        } else {
            // Behind a full header, its timestamp is the delta of one that says nothing (§5.3.1.2.4).
            fields.timestamp = fields.timestamp.wrapping_add(stream.timestamp_field);
        }
        check_length(Kind(fields.kind), fields.len, longest)?;
        let len = length(fields.len);
        if self.buffered + len > limits.buffered {
            return Err(ChunkError::Buffered { limit: limits.buffered });
        }
        self.buffered += len;
        // What is announced may never come: no more is reserved than is there already.
        let reserve = len.min(there.max(FIRST_RESERVE));
        stream.payload = Some(Vec::with_capacity(reserve));
        self.chunk = Some(Chunk { stream: header.stream, left: len.min(self.chunk_size.len()) });
        Ok(header.stream)
    }

    /// Takes payload. Gives the stream when the chunk has ended.
    fn go_on(&mut self, chunk: Chunk, input: &mut &[u8]) -> Option<usize> {
        let mut left = chunk.left;
        if let Some(stream) = self.streams.get_mut(chunk.stream)
            && let Some(payload) = &mut stream.payload
        {
            let held = left.min(self.held_len);
            let (taken, rest) = input.split_at((left - held).min(input.len()));
            grow(payload, held + taken.len(), length(stream.fields.len));
            payload.extend_from_slice(&self.held[..held]);
            payload.extend_from_slice(taken);
            left -= held + taken.len();
            self.held.copy_within(held..self.held_len, 0);
            self.held_len -= held;
            *input = rest;
        }
        if left > 0 {
            self.chunk = Some(Chunk { left, ..chunk });
            return None;
        }
        self.chunk = None;
        Some(chunk.stream)
    }

    /// The stream's message, if it is whole.
    fn finish(&mut self, stream: usize) -> Option<Message> {
        let stream = self.streams.get_mut(stream)?;
        let whole = stream.payload.as_ref()?.len() == length(stream.fields.len);
        if !whole {
            return None;
        }
        self.chunk = None;
        let payload = stream.payload.take()?;
        self.buffered -= payload.len();
        Some(Message {
            kind: Kind(stream.fields.kind),
            timestamp: stream.fields.timestamp,
            stream: stream.fields.stream,
            payload: Bytes::from(payload),
        })
    }

    /// Forgets the message that has begun on a chunk stream, if there is one (RTMP 1.0 §5.4.2).
    fn abort(&mut self, number: u32) {
        let stream = self.streams.iter_mut().find(|stream| stream.id.number() == number);
        if let Some(stream) = stream
            && stream.payload.take().is_some()
        {
            self.buffered -= length(stream.fields.len);
        }
    }
}

fn length(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// The first four bytes as a number. Control messages have them: [`check_length`].
fn first_word(payload: &[u8]) -> u32 {
    payload.first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

/// Makes room for `more` bytes that are there: twice what there was, or as much as is needed, but never
/// more than the message takes.
fn grow(payload: &mut Vec<u8>, more: usize, len: usize) {
    let needed = payload.len() + more;
    if payload.capacity() < needed {
        let doubled = payload.capacity().saturating_mul(2).min(len);
        payload.reserve_exact(doubled.max(needed) - payload.len());
    }
}

/// Whether a message may be this long (RTMP 1.0 §5.4, §6.2).
const fn check_length(kind: Kind, len: u32, longest: u32) -> Result<(), ChunkError> {
    let fits = match kind {
        Kind::SET_CHUNK_SIZE | Kind::ABORT | Kind::ACKNOWLEDGEMENT | Kind::WINDOW_SIZE => len == 4,
        Kind::PEER_BANDWIDTH => len == 5,
        // An event's number, and up to 42 bytes of SWF verification.
        Kind::USER_CONTROL => len >= 2 && len <= 64,
        _ if len > longest => return Err(ChunkError::MessageTooLong { len, limit: longest }),
        _ => true,
    };
    if fits { Ok(()) } else { Err(ChunkError::ControlLength { kind: kind.0, len }) }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_RESERVE, Reader};
    use crate::Limits;
    use alloc::vec::Vec;

    /// What the messages that have begun have room for.
    fn reserved(reader: &Reader) -> usize {
        reader.streams.iter().filter_map(|stream| stream.payload.as_ref()).map(Vec::capacity).sum()
    }

    #[test]
    fn what_is_announced_takes_no_more_than_twice_what_came() {
        let mut reader = Reader::new(Limits::default());
        // Chunks of 0x7FFFFFFF bytes, and a message of 8 MiB.
        let mut head: &[u8] = &[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x7F, 255, 255, 255];
        assert_eq!(reader.next(&mut head), Ok(None));
        let mut head: &[u8] = &[4, 0, 0, 0, 0x80, 0, 0, 9, 1, 0, 0, 0];
        assert_eq!(reader.next(&mut head), Ok(None));
        assert!(reserved(&reader) <= FIRST_RESERVE);
        let piece = [0; 8_192];
        for number in 1..1_024 {
            assert_eq!(reader.next(&mut &piece[..]), Ok(None));
            assert!(reserved(&reader) <= 2 * number * piece.len(), "{number}");
        }
        let message = reader.next(&mut &piece[..]).unwrap().unwrap();
        assert_eq!(message.payload.len(), 8 << 20);
        assert_eq!(reserved(&reader), 0);
    }

    #[test]
    fn a_message_that_is_there_takes_what_it_has() {
        let mut reader = Reader::new(Limits::default());
        let mut bytes = Vec::from([4, 0, 0, 0, 0, 7, 208, 9, 1, 0, 0, 0]);
        // 2,000 bytes in chunks of 128: 15 of them go on.
        for chunk in [0; 2_000].chunks(128) {
            bytes.extend(chunk);
            bytes.push(0xC4);
        }
        let mut first = &bytes[..1_000];
        assert_eq!(reader.next(&mut first), Ok(None));
        assert!((2_000 - 1_000..=2_000).contains(&reserved(&reader)));
        assert_eq!(reader.next(&mut &bytes[1_000..]).unwrap().unwrap().payload.len(), 2_000);
    }
}
