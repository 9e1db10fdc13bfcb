//! Why a message is not written, or bytes are not edited.

use core::fmt;

use crate::error::{Code, Coded, Fault};

/// What is wrong with a message that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeiError {
    /// `sei.content_too_long`: more than [`MAX_CONTENT`](super::write::MAX_CONTENT) bytes.
    ContentTooLong {
        /// How many bytes there are.
        len: usize,
    },
    /// `sei.payload_type`: neither 5 nor 100 to 254.
    PayloadType {
        /// The type that was asked for.
        payload_type: u32,
    },
}

impl fmt::Display for SeiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentTooLong { len } => {
                let most = super::write::MAX_CONTENT;
                write!(f, "the message has {len} bytes, at most {most} are allowed")
            }
            Self::PayloadType { payload_type } => {
                write!(f, "the payload type is {payload_type}, it should be 5 or 100 to 254")
            }
        }
    }
}

impl core::error::Error for SeiError {}

impl Coded for SeiError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::ContentTooLong { .. } => "sei.content_too_long",
            Self::PayloadType { .. } => "sei.payload_type",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::ContentTooLong { .. } => Fault::Limit,
            Self::PayloadType { .. } => Fault::Caller,
        }
    }
}

/// `sei.buffer_too_small`: the caller's buffer does not hold what is to be written. Nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// How many bytes it takes.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small, {} bytes are needed", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

impl Coded for BufferTooSmall {
    fn code(&self) -> Code {
        Code::new("sei.buffer_too_small")
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}
