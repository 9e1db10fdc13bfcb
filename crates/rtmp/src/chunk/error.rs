//! What is wrong with the chunks that a peer sends.

use core::fmt;

use livegate_core::error::{Code, Coded, Fault};

/// Why nothing more can be read. Where the next chunk begins is not known any more, or the peer asks
/// for more than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkError {
    /// `rtmp.chunk_size`: a chunk size of 0 or above 0x7FFFFFFF.
    Size {
        /// What was sent.
        found: u32,
    },
    /// `rtmp.chunk_without_header`: a header that leaves out what no header before it has said.
    WithoutHeader {
        /// The chunk stream.
        stream: u32,
    },
    /// `rtmp.chunk_interrupted`: a message begins on a chunk stream where another has not ended.
    Interrupted {
        /// The chunk stream.
        stream: u32,
    },
    /// `rtmp.chunk_streams`: more chunk streams than [`Limits::chunk_streams`](crate::Limits).
    Streams {
        /// How many there may be.
        limit: usize,
    },
    /// `rtmp.chunk_control_length`: a protocol control message that is not as long as its type says.
    ControlLength {
        /// The message's type.
        kind: u8,
        /// Its length.
        len: u32,
    },
    /// `rtmp.message_too_long`: a message longer than [`Limits::message`](crate::Limits), or than
    /// [`Limits::command`](crate::Limits) where that applies.
    MessageTooLong {
        /// Its length.
        len: u32,
        /// How long it may be.
        limit: u32,
    },
    /// `rtmp.buffered`: messages that have begun and not ended together take more than
    /// [`Limits::buffered`](crate::Limits).
    Buffered {
        /// How many bytes they may take.
        limit: usize,
    },
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { found } => write!(f, "{found} is no chunk size"),
            Self::WithoutHeader { stream } => {
                write!(f, "chunk stream {stream} does not begin with a full header")
            }
            Self::Interrupted { stream } => {
                write!(f, "a message begins within another one on chunk stream {stream}")
            }
            Self::Streams { limit } => write!(f, "there are more than {limit} chunk streams"),
            Self::ControlLength { kind, len } => {
                write!(f, "a control message of type {kind} has {len} bytes")
            }
            Self::MessageTooLong { len, limit } => {
                write!(f, "a message has {len} bytes, at most {limit} are allowed")
            }
            Self::Buffered { limit } => {
                write!(f, "messages that have not ended take more than {limit} bytes")
            }
        }
    }
}

impl core::error::Error for ChunkError {}

impl Coded for ChunkError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Size { .. } => "rtmp.chunk_size",
            Self::WithoutHeader { .. } => "rtmp.chunk_without_header",
            Self::Interrupted { .. } => "rtmp.chunk_interrupted",
            Self::Streams { .. } => "rtmp.chunk_streams",
            Self::ControlLength { .. } => "rtmp.chunk_control_length",
            Self::MessageTooLong { .. } => "rtmp.message_too_long",
            Self::Buffered { .. } => "rtmp.buffered",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Streams { .. } | Self::MessageTooLong { .. } | Self::Buffered { .. } => {
                Fault::Limit
            }
            _ => Fault::Peer,
        }
    }
}
