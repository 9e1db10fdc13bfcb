//! The messages of one connection, in its own order.

use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use super::header::{self, EXTENDED, Fields, Format, MAX_LEN};
use super::{ChunkSize, ChunkStreamId};
use crate::message::Message;

/// How much of a header is written that could be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Every message has a full header: those before it may be missing.
    Full,
    /// As short as what was written before on the chunk stream allows: nothing may be missing.
    Shortest,
}

/// Writes what one peer reads.
#[derive(Clone, Debug)]
pub struct Writer {
    chunk_size: ChunkSize,
    streams: Vec<Last>,
}

/// What a header on a chunk stream can leave out.
#[derive(Clone, Copy, Debug)]
struct Last {
    id: ChunkStreamId,
    fields: Fields,
    /// The timestamp or delta that was written.
    timestamp_field: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A writer at the beginning of the chunks, behind the handshake.
    pub const fn new() -> Self {
        Self { chunk_size: ChunkSize::INITIAL, streams: Vec::new() }
    }

    /// The size of the chunks from now on. The peer has to be told before: with Set Chunk Size.
    pub fn set_chunk_size(&mut self, size: ChunkSize) {
        self.chunk_size = size;
    }

    /// The size of the chunks.
    pub const fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// Appends a message to `out`. A payload of more than 0xFFFFFF bytes, which no header can tell, is
    /// cut.
    pub fn write(
        &mut self,
        id: ChunkStreamId,
        message: &Message,
        headers: Headers,
        out: &mut BytesMut,
    ) {
        let payload = &message.payload[..message.payload.len().min(0x00FF_FFFF)];
        let fields = Fields {
            timestamp: message.timestamp,
            len: u32::try_from(payload.len()).unwrap_or(0x00FF_FFFF),
            kind: message.kind.0,
            stream: message.stream,
        };
        let last = self.streams.iter_mut().find(|last| last.id == id);
        let (format, timestamp_field) = match (&last, headers) {
            (Some(last), Headers::Shortest) => last.format(fields),
            _ => (Format::Full, fields.timestamp),
        };
        match last {
            Some(last) => (last.fields, last.timestamp_field) = (fields, timestamp_field),
            None => self.streams.push(Last { id, fields, timestamp_field }),
        }
        let fields = Fields { timestamp: timestamp_field, ..fields };
        put(format, id, fields, payload, self.chunk_size, out);
    }
}

impl Last {
    /// The shortest header for a message behind this one, and its timestamp or delta.
    fn format(&self, next: Fields) -> (Format, u32) {
        let delta = next.timestamp.wrapping_sub(self.fields.timestamp);
        // What lies behind would be a delta of nearly 2³²: readers differ there.
        if self.fields.stream != next.stream || delta > u32::MAX / 2 {
            (Format::Full, next.timestamp)
        } else if (self.fields.len, self.fields.kind) != (next.len, next.kind) {
            (Format::SameStream, delta)
        } else if self.timestamp_field != delta || delta >= EXTENDED {
            // A header that says nothing may repeat an extended timestamp or not: it is not used there.
            (Format::Delta, delta)
        } else {
            (Format::Nothing, delta)
        }
    }
}

/// Appends the chunks of one message.
fn put(
    format: Format,
    id: ChunkStreamId,
    fields: Fields,
    payload: &[u8],
    size: ChunkSize,
    out: &mut BytesMut,
) {
    let mut first = [0; MAX_LEN];
    let first_len = header::emit(format, id, fields, &mut first);
    let mut next = [0; MAX_LEN];
    let next_len = header::emit(Format::Nothing, id, fields, &mut next);
    let size = size.len();
    let chunks = payload.len().div_ceil(size);
    out.reserve(first_len + payload.len() + chunks.saturating_sub(1) * next_len);
    out.put_slice(&first[..first_len]);
    for (number, chunk) in payload.chunks(size).enumerate() {
        if number > 0 {
            out.put_slice(&next[..next_len]);
        }
        out.put_slice(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::{Headers, Writer};
    use crate::chunk::{ChunkSize, ChunkStreamId};
    use crate::message::{Kind, Message};
    use alloc::vec::Vec;
    use bytes::{Bytes, BytesMut};

    fn message(kind: Kind, timestamp: u32, len: usize) -> Message {
        Message { kind, timestamp, stream: 0x3039, payload: Bytes::from([0x55].repeat(len)) }
    }

    fn written(messages: &[Message], headers: Headers) -> Vec<u8> {
        let mut writer = Writer::new();
        let mut out = BytesMut::new();
        for message in messages {
            writer.write(ChunkStreamId::COMMAND, message, headers, &mut out);
        }
        out.to_vec()
    }

    /// RTMP 1.0 §5.3.2.1: four audio messages of 32 bytes on chunk stream 3 at 1000, 1020, 1040 and
    /// 1060. Their chunks have 44, 36, 33 and 33 bytes.
    #[test]
    fn the_specifications_first_example() {
        let all: Vec<_> = (0..4).map(|i| message(Kind::AUDIO, 1_000 + 20 * i, 32)).collect();
        let out = written(&all, Headers::Shortest);
        assert_eq!(out.len(), 44 + 36 + 33 + 33);
        assert_eq!(out[..12], [3, 0, 3, 0xE8, 0, 0, 32, 8, 0x39, 0x30, 0, 0]);
        assert_eq!(out[44..48], [0x83, 0, 0, 20]);
        assert_eq!((out[80], out[113]), (0xC3, 0xC3));
        assert_eq!(written(&all, Headers::Full).len(), 4 * 44);
    }

    /// RTMP 1.0 §5.3.2.2: a video message of 307 bytes at 1000 in chunks of 128 has 140, 129 and 52.
    #[test]
    fn the_specifications_second_example() {
        let out = written(&[message(Kind::VIDEO, 1_000, 307)], Headers::Shortest);
        assert_eq!(out.len(), 140 + 129 + 52);
        assert_eq!((out[140], out[269]), (0xC3, 0xC3));
    }

    #[test]
    fn an_extended_timestamp_is_in_every_chunk() {
        let mut writer = Writer::new();
        writer.set_chunk_size(ChunkSize::new(2).unwrap());
        let mut out = BytesMut::new();
        let message = message(Kind::VIDEO, 0x0100_0000, 3);
        writer.write(ChunkStreamId::VIDEO, &message, Headers::Full, &mut out);
        let first = [6, 255, 255, 255, 0, 0, 3, 9, 0x39, 0x30, 0, 0, 1, 0, 0, 0, 0x55, 0x55];
        assert_eq!(&out[..18], first);
        assert_eq!(&out[18..], [0xC6, 1, 0, 0, 0, 0x55]);
    }

    #[test]
    fn a_time_before_the_last_has_a_full_header() {
        let out =
            written(&[message(Kind::AUDIO, 50, 1), message(Kind::AUDIO, 40, 1)], Headers::Shortest);
        assert_eq!(out[13..17], [3, 0, 0, 40]);
    }
}
