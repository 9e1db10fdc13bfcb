//! Chunk streams: messages cut into chunks, many at a time on one connection (RTMP 1.0 §5.3).
//!
//! | module | does |
//! |---|---|
//! | [`header`] | basic header, message header, extended timestamp |
//! | [`reader`] | bytes in, messages out |
//! | [`writer`] | messages of one connection, with as short a header as the last one allows |
//! | [`shared`] | one message chunked once for many connections |

pub mod error;
pub mod header;
pub mod reader;
pub mod shared;
pub mod writer;

pub use error::ChunkError;

/// How many bytes of payload a chunk has at most: 1 to 0x7FFFFFFF (RTMP 1.0 §5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkSize(u32);

impl ChunkSize {
    /// 128: what either side begins with.
    pub const INITIAL: Self = Self(128);

    /// 60,000: what we write with. Nearly every frame is one chunk then, and it is below 65,536, the
    /// most that SRS calls valid.
    pub const OURS: Self = Self(60_000);

    /// Checks a size from the wire or from a setting.
    pub const fn new(bytes: u32) -> Result<Self, ChunkError> {
        match bytes {
            1..=0x7FFF_FFFF => Ok(Self(bytes)),
            _ => Err(ChunkError::Size { found: bytes }),
        }
    }

    /// As a number of bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }

    /// As a length in memory. A message has at most 0xFFFFFF bytes, so a size beyond that changes
    /// nothing.
    pub(crate) fn len(self) -> usize {
        usize::try_from(self.0.min(0x00FF_FFFF)).unwrap_or(usize::MAX)
    }
}

/// The number of a chunk stream, 2 to 65,599 (RTMP 1.0 §5.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkStreamId(u32);

impl ChunkStreamId {
    /// 2: protocol control messages.
    pub const CONTROL: Self = Self(2);
    /// 3: commands of the connection.
    pub const COMMAND: Self = Self(3);
    /// 4: audio.
    pub const AUDIO: Self = Self(4);
    /// 5: commands of a message stream.
    pub const STREAM: Self = Self(5);
    /// 6: video.
    pub const VIDEO: Self = Self(6);
    /// 7: data, such as `onMetaData`.
    pub const DATA: Self = Self(7);

    /// The chunk stream with this number, if there is one.
    pub const fn new(number: u32) -> Option<Self> {
        match number {
            2..=65_599 => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}
