//! One message chunked once, for any number of connections.
//!
//! Every message has a full header with its timestamp itself, so that one that is dropped is missed
//! by none behind it. The payload is never copied: a connection's bytes are its own header, which
//! differs by the message stream alone, and pieces of the shared payload with the chunk headers
//! between them. They go into one vectored write.

use core::fmt;

use bytes::Bytes;

use super::header::{self, Fields, Format, MAX_LEN};
use super::{ChunkSize, ChunkStreamId};
use crate::message::{Kind, Message};

/// A message as chunks of one size. Cloning it shares the payload.
#[derive(Clone)]
pub struct Shared {
    chunk_stream: ChunkStreamId,
    fields: Fields,
    payload: Bytes,
    chunk_size: ChunkSize,
    /// What stands before every chunk but the first: a basic header, and an extended timestamp where
    /// there is one.
    between: [u8; MAX_LEN],
    between_len: usize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("kind", &self.fields.kind)
            .field("timestamp", &self.fields.timestamp)
            .field("len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// The header of a [`Shared`] for one connection.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl AsRef<[u8]> for Head {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Shared {
    /// Chunks a message. Its message stream is left open; that of what is no audio, video or data is
    /// a command's. A payload of more than 0xFFFFFF bytes, which no header can tell, is cut.
    pub fn new(message: &Message, chunk_size: ChunkSize) -> Self {
        let chunk_stream = match message.kind {
            Kind::AUDIO => ChunkStreamId::AUDIO,
            Kind::VIDEO => ChunkStreamId::VIDEO,
            Kind::DATA | Kind::DATA_AMF3 => ChunkStreamId::DATA,
            _ => ChunkStreamId::STREAM,
        };
        let payload = message.payload.slice(..message.payload.len().min(0x00FF_FFFF));
        let fields = Fields {
            timestamp: message.timestamp,
            len: u32::try_from(payload.len()).unwrap_or(0x00FF_FFFF),
            kind: message.kind.0,
            stream: 0,
        };
        let mut between = [0; MAX_LEN];
        let between_len = header::emit(Format::Nothing, chunk_stream, fields, &mut between);
        Self { chunk_stream, fields, payload, chunk_size, between, between_len }
    }

    /// The message with another timestamp, as one that joins later counts.
    #[must_use]
    pub fn at(&self, timestamp: u32) -> Self {
        let mut other = self.clone();
        other.fields.timestamp = timestamp;
        let id = self.chunk_stream;
        other.between_len = header::emit(Format::Nothing, id, other.fields, &mut other.between);
        other
    }

    /// The message's type.
    pub const fn kind(&self) -> Kind {
        Kind(self.fields.kind)
    }

    /// Its timestamp.
    pub const fn timestamp(&self) -> u32 {
        self.fields.timestamp
    }

    /// Its payload.
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The size of its chunks. A connection has to have announced the same.
    pub const fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// Its header with the number of a message stream in it.
    pub fn head(&self, stream: u32) -> Head {
        let mut bytes = [0; MAX_LEN];
        let fields = Fields { stream, ..self.fields };
        let len = header::emit(Format::Full, self.chunk_stream, fields, &mut bytes);
        Head { bytes, len }
    }

    /// How many bytes it takes on a connection.
    pub fn wire_len(&self) -> usize {
        let chunks = self.payload.len().div_ceil(self.chunk_size.len());
        self.head(0).len + self.payload.len() + chunks.saturating_sub(1) * self.between_len
    }

    /// Its bytes behind a [`Head`] of its own, in pieces that borrow both, without the first `skip`
    /// bytes: those went out already. Pieces are never empty.
    pub fn pieces<'a>(&'a self, head: &'a Head, skip: usize) -> Pieces<'a> {
        let mut pieces = Pieces { shared: self, next: head.as_ref(), at: 0, between: false };
        pieces.pass(skip);
        pieces
    }
}

/// The pieces of [`Shared::pieces`].
#[derive(Clone)]
pub struct Pieces<'a> {
    shared: &'a Shared,
    next: &'a [u8],
    /// Where in the payload the next chunk begins.
    at: usize,
    /// Whether the next piece is what stands between chunks.
    between: bool,
}

impl fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("shared", self.shared).finish_non_exhaustive()
    }
}

impl<'a> Pieces<'a> {
    fn pass(&mut self, mut bytes: usize) {
        while bytes > 0 {
            if let Some(rest) = self.next.get(bytes..)
                && !rest.is_empty()
            {
                self.next = rest;
                return;
            }
            bytes -= self.next.len();
            self.next = self.following();
            if self.next.is_empty() {
                return;
            }
        }
    }

    /// What stands behind the next piece; empty at the end.
    fn following(&mut self) -> &'a [u8] {
        let payload = &self.shared.payload[..];
        if self.at >= payload.len() {
            return &[];
        }
        if self.between {
            self.between = false;
            return &self.shared.between[..self.shared.between_len];
        }
        self.between = true;
        let end = payload.len().min(self.at.saturating_add(self.shared.chunk_size.len()));
        let chunk = &payload[self.at..end];
        self.at = end;
        chunk
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.next.is_empty() {
            return None;
        }
        let piece = self.next;
        self.next = self.following();
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use crate::chunk::ChunkSize;
    use crate::message::{Kind, Message};
    use alloc::vec::Vec;

    fn shared(timestamp: u32, len: usize, chunk_size: u32) -> Shared {
        let payload = (0..=255_u8).cycle().take(len).collect::<Vec<_>>().into();
        let message = Message { kind: Kind::VIDEO, timestamp, stream: 9, payload };
        Shared::new(&message, ChunkSize::new(chunk_size).unwrap())
    }

    fn bytes(shared: &Shared, stream: u32, skip: usize) -> Vec<u8> {
        let head = shared.head(stream);
        shared
            .pieces(&head, skip)
            .inspect(|piece| assert!(!piece.is_empty()))
            .flatten()
            .copied()
            .collect()
    }

    #[test]
    fn each_connection_has_its_message_stream() {
        // RTMP 1.0 §5.3.1.2.1: time 40, length 3, type 9, the message stream little-endian.
        let shared = shared(40, 3, 128);
        assert_eq!(bytes(&shared, 1, 0), [6, 0, 0, 40, 0, 0, 3, 9, 1, 0, 0, 0, 0, 1, 2]);
        assert_eq!(bytes(&shared, 0x0102, 0)[8..12], [2, 1, 0, 0]);
    }

    #[test]
    fn the_payload_is_not_copied() {
        let shared = shared(40, 300, 128);
        let head = shared.head(1);
        let pieces: Vec<_> = shared.pieces(&head, 0).collect();
        let lens: Vec<_> = pieces.iter().map(|piece| piece.len()).collect();
        assert_eq!(lens, [12, 128, 1, 128, 1, 44]);
        assert!(core::ptr::eq(pieces[1].as_ptr(), shared.payload().as_ptr()));
        assert_eq!(shared.wire_len(), 12 + 300 + 2);
    }

    #[test]
    fn chunks_of_a_late_message_repeat_its_timestamp() {
        let shared = shared(0, 3, 2).at(0x0100_0000);
        let head = [6, 255, 255, 255, 0, 0, 3, 9, 1, 0, 0, 0, 1, 0, 0, 0];
        assert_eq!(bytes(&shared, 1, 0), [&head[..], &[0, 1, 0xC6, 1, 0, 0, 0, 2]].concat());
    }

    #[test]
    fn goes_on_from_any_byte() {
        for shared in [shared(40, 10, 3), shared(0x0100_0000, 9, 3), shared(40, 0, 3)] {
            let all = bytes(&shared, 1, 0);
            assert_eq!(all.len(), shared.wire_len());
            for skip in 0..all.len() + 2 {
                assert_eq!(bytes(&shared, 1, skip), all.get(skip..).unwrap_or_default());
            }
        }
    }
}
