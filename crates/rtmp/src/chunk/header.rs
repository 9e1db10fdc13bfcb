//! The headers of a chunk: basic header, message header, extended timestamp (RTMP 1.0 §5.3.1).

use super::ChunkStreamId;

/// What a timestamp of 24 bits says where the timestamp stands behind it in 32 (RTMP 1.0 §5.3.1.3).
pub const EXTENDED: u32 = 0x00FF_FFFF;

/// The longest header: three bytes, eleven, and four of an extended timestamp.
pub const MAX_LEN: usize = 18;

/// How much a message header says (RTMP 1.0 §5.3.1.2). Its number is `fmt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// 0: all, with the timestamp itself.
    Full = 0,
    /// 1: the message stream is that of the message before; a timestamp delta.
    SameStream = 1,
    /// 2: a timestamp delta alone.
    Delta = 2,
    /// 3: nothing. Within a message, that it goes on; else that a message like the last one begins.
    Nothing = 3,
}

impl Format {
    /// Bytes of the message header.
    pub const fn header_len(self) -> usize {
        match self {
            Self::Full => 11,
            Self::SameStream => 7,
            Self::Delta => 3,
            Self::Nothing => 0,
        }
    }

    const fn of(first: u8) -> Self {
        match first >> 6 {
            0 => Self::Full,
            1 => Self::SameStream,
            2 => Self::Delta,
            _ => Self::Nothing,
        }
    }
}

/// A basic header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basic {
    /// What follows.
    pub format: Format,
    /// The chunk stream.
    pub stream: ChunkStreamId,
    /// Bytes that it took: 1, 2 or 3.
    pub len: usize,
}

impl Basic {
    /// Reads a basic header, or says how many bytes that takes.
    pub fn parse(bytes: &[u8]) -> Result<Self, usize> {
        let first = *bytes.first().ok_or(1_usize)?;
        let at = |index: usize| bytes.get(index).map(|byte| u32::from(*byte)).ok_or(index + 1);
        // The third byte counts 256s: the number is its value × 256 + the second + 64.
        let (number, len) = match first & 0x3F {
            0 => (at(1)? + 64, 2),
            1 => (at(2)? * 256 + at(1)? + 64, 3),
            short => (u32::from(short), 1),
        };
        Ok(Self { format: Format::of(first), stream: ChunkStreamId(number), len })
    }

    /// Writes a basic header into the beginning of `out` and says how many bytes it has. The
    /// shortest form is taken.
    pub fn emit(format: Format, stream: ChunkStreamId, out: &mut [u8; MAX_LEN]) -> usize {
        let first = (format as u8) << 6;
        let number = stream.number();
        let [.., high, low] = number.saturating_sub(64).to_be_bytes();
        match number {
            2..=63 => {
                out[0] = first | number.to_be_bytes()[3];
                1
            }
            64..=319 => {
                (out[0], out[1]) = (first, low);
                2
            }
            _ => {
                (out[0], out[1], out[2]) = (first | 1, low, high);
                3
            }
        }
    }
}

/// A message header's fields, as far as its format has them; the others are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Timestamp or delta, 24 bits.
    pub timestamp: u32,
    /// Bytes of the message.
    pub len: u32,
    /// Its type.
    pub kind: u8,
    /// The message stream. Little-endian on the wire, as nothing else is.
    pub stream: u32,
}

impl Fields {
    /// Reads a message header. Bytes that are not there count as 0.
    pub fn parse(format: Format, bytes: &[u8]) -> Self {
        let mut all = [0_u8; 11];
        let len = format.header_len().min(bytes.len());
        all[..len].copy_from_slice(&bytes[..len]);
        let [t2, t1, t0, l2, l1, l0, kind, s0, s1, s2, s3] = all;
        Self {
            timestamp: u32::from_be_bytes([0, t2, t1, t0]),
            len: u32::from_be_bytes([0, l2, l1, l0]),
            kind,
            stream: u32::from_le_bytes([s0, s1, s2, s3]),
        }
    }

    /// As a full header is written. A timestamp or length of more than 24 bits is cut.
    pub fn to_bytes(self) -> [u8; 11] {
        let [_, t2, t1, t0] = self.timestamp.to_be_bytes();
        let [_, l2, l1, l0] = self.len.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_le_bytes();
        [t2, t1, t0, l2, l1, l0, self.kind, s0, s1, s2, s3]
    }
}

/// Writes a whole header into the beginning of `out` and says how many bytes it has. `timestamp` is
/// that of the message or its delta, as the format has it; with [`Format::Nothing`] the one that was
/// written before, which says whether there is an extended one.
pub fn emit(
    format: Format,
    stream: ChunkStreamId,
    fields: Fields,
    out: &mut [u8; MAX_LEN],
) -> usize {
    let mut at = Basic::emit(format, stream, out);
    let extended = fields.timestamp >= EXTENDED;
    let short = Fields { timestamp: fields.timestamp.min(EXTENDED), ..fields }.to_bytes();
    out[at..at + format.header_len()].copy_from_slice(&short[..format.header_len()]);
    at += format.header_len();
    if extended {
        out[at..at + 4].copy_from_slice(&fields.timestamp.to_be_bytes());
        at += 4;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{Basic, Fields, Format, MAX_LEN, emit};
    use crate::chunk::ChunkStreamId;

    fn stream(number: u32) -> ChunkStreamId {
        ChunkStreamId::new(number).unwrap()
    }

    #[test]
    fn a_basic_header_has_one_to_three_bytes() {
        // RTMP 1.0 §5.3.1.1: 64 to 319 are byte + 64; 64 to 65,599 are third × 256 + second + 64.
        for (bytes, number, len) in [
            (&[0x02][..], 2, 1),
            (&[0x3F], 63, 1),
            (&[0x00, 0], 64, 2),
            (&[0x00, 255], 319, 2),
            (&[0x01, 0, 1], 320, 3),
            (&[0x01, 255, 255], 65_599, 3),
            // Not the shortest form, and allowed.
            (&[0x01, 0, 0], 64, 3),
        ] {
            let basic = Basic { format: Format::Full, stream: stream(number), len };
            assert_eq!(Basic::parse(bytes), Ok(basic), "{bytes:02x?}");
            for short in 0..bytes.len() {
                assert!(Basic::parse(&bytes[..short]).is_err_and(|needed| needed > short));
            }
        }
        assert_eq!(Basic::parse(&[0xC4]).unwrap().format, Format::Nothing);
        assert_eq!(Basic::parse(&[0x44]).unwrap().format, Format::SameStream);
        assert_eq!(Basic::parse(&[0x84]).unwrap().format, Format::Delta);
    }

    #[test]
    fn the_shortest_form_is_written() {
        for (number, bytes) in [
            (3, &[0xC3][..]),
            (63, &[0xFF]),
            (64, &[0xC0, 0]),
            (319, &[0xC0, 255]),
            (320, &[0xC1, 0, 1]),
            (65_599, &[0xC1, 255, 255]),
        ] {
            let mut out = [0; MAX_LEN];
            let len = Basic::emit(Format::Nothing, stream(number), &mut out);
            assert_eq!(&out[..len], bytes);
        }
    }

    #[test]
    fn the_message_stream_is_little_endian() {
        let fields = Fields { timestamp: 0x01_0203, len: 0x04_0506, kind: 7, stream: 0x0A0B_0C0D };
        let bytes = [1, 2, 3, 4, 5, 6, 7, 0x0D, 0x0C, 0x0B, 0x0A];
        assert_eq!(fields.to_bytes(), bytes);
        assert_eq!(Fields::parse(Format::Full, &bytes), fields);
        let delta = Fields { timestamp: 0x01_0203, ..Fields::default() };
        assert_eq!(Fields::parse(Format::Delta, &bytes), delta);
    }

    #[test]
    fn a_timestamp_from_0xffffff_on_is_extended() {
        let mut out = [0; MAX_LEN];
        let header = |timestamp, out: &mut [u8; MAX_LEN]| {
            let fields = Fields { timestamp, ..Fields::default() };
            emit(Format::Delta, ChunkStreamId::AUDIO, fields, out)
        };
        let len = header(0x00FF_FFFE, &mut out);
        assert_eq!(out[..len], [0x84, 0xFF, 0xFF, 0xFE]);
        let len = header(0x00FF_FFFF, &mut out);
        assert_eq!(out[..len], [0x84, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF]);
        let len = header(0x0102_0304, &mut out);
        assert_eq!(out[..len], [0x84, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4]);
    }
}
