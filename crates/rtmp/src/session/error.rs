//! Why a session has ended.

use core::fmt;

use livegate_core::error::{Code, Coded, Fault};

use crate::amf0::Amf0Error;
use crate::chunk::ChunkError;
use crate::handshake::HandshakeError;
use crate::message::aggregate::AggregateError;

/// Why a session cannot go on. It gives the same error from then on; what it has to send is still to
/// be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The handshake failed.
    Handshake(HandshakeError),
    /// Chunks cannot be read.
    Chunk(ChunkError),
    /// A command cannot be read.
    Amf0(Amf0Error),
    /// An aggregate cannot be read.
    Aggregate(AggregateError),
    /// `rtmp.not_publishing`: audio, video or data on a message stream on which nothing was accepted.
    NotPublishing {
        /// The message stream.
        stream: u32,
    },
    /// `rtmp.command_order`: a command that cannot come now.
    Order {
        /// Its name.
        command: &'static str,
    },
    /// `rtmp.command_malformed`: a command without something that it needs.
    Malformed {
        /// Its name.
        command: &'static str,
    },
    /// `rtmp.streams`: more message streams than [`Limits::streams`](crate::Limits).
    Streams {
        /// How many there may be.
        limit: usize,
    },
    /// `rtmp.output`: more answers wait than [`Limits::output`](crate::Limits): the peer asks and does
    /// not read.
    Output {
        /// How many bytes may wait.
        limit: usize,
    },
    /// `rtmp.no_request`: the caller answers, and nothing was asked.
    NoRequest,
}

impl SessionError {
    fn inner(&self) -> Option<&(dyn Coded + 'static)> {
        Some(match self {
            Self::Handshake(error) => error,
            Self::Chunk(error) => error,
            Self::Amf0(error) => error,
            Self::Aggregate(error) => error,
            _ => return None,
        })
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => fmt::Display::fmt(error, f),
            Self::Chunk(error) => fmt::Display::fmt(error, f),
            Self::Amf0(error) => fmt::Display::fmt(error, f),
            Self::Aggregate(error) => fmt::Display::fmt(error, f),
            Self::NotPublishing { stream } => {
                write!(f, "media on message stream {stream}, which publishes nothing")
            }
            Self::Order { command } => write!(f, "{command} cannot come now"),
            Self::Malformed { command } => write!(f, "{command} lacks something that it needs"),
            Self::Streams { limit } => write!(f, "there are more than {limit} message streams"),
            Self::Output { limit } => {
                write!(f, "more than {limit} bytes of answers wait to be sent")
            }
            Self::NoRequest => f.write_str("there is no request to answer"),
        }
    }
}

impl core::error::Error for SessionError {}

impl Coded for SessionError {
    fn code(&self) -> Code {
        if let Some(inner) = self.inner() {
            return inner.code();
        }
        Code::new(match self {
            Self::NotPublishing { .. } => "rtmp.not_publishing",
            Self::Order { .. } => "rtmp.command_order",
            Self::Malformed { .. } => "rtmp.command_malformed",
            Self::Streams { .. } => "rtmp.streams",
            Self::Output { .. } => "rtmp.output",
            _ => "rtmp.no_request",
        })
    }

    fn fault(&self) -> Fault {
        if let Some(inner) = self.inner() {
            return inner.fault();
        }
        match self {
            Self::Streams { .. } | Self::Output { .. } => Fault::Limit,
            Self::NoRequest => Fault::Internal,
            _ => Fault::Peer,
        }
    }
}

impl From<HandshakeError> for SessionError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<ChunkError> for SessionError {
    fn from(error: ChunkError) -> Self {
        Self::Chunk(error)
    }
}

impl From<Amf0Error> for SessionError {
    fn from(error: Amf0Error) -> Self {
        Self::Amf0(error)
    }
}

impl From<AggregateError> for SessionError {
    fn from(error: AggregateError) -> Self {
        Self::Aggregate(error)
    }
}
