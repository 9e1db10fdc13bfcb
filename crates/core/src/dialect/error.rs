//! What can be wrong with a body, and where.

use alloc::borrow::Cow;
use core::fmt;

use super::json::{Malformed, Position, Syntax};
use crate::error::{Code, Coded, Fault};

/// A body that a dialect cannot read. Says what and where, and repeats nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialectError {
    /// `dialect.too_large`: more bytes than a callback may have.
    TooLarge {
        /// How many there are.
        len: usize,
        /// How many there may be.
        limit: usize,
    },
    /// `dialect.not_utf8`: JSON travels as UTF-8 (RFC 8259 §8.1).
    NotUtf8 {
        /// Where the first byte stands that is not.
        at: Position,
    },
    /// `dialect.not_json`: the body is not JSON.
    NotJson {
        /// What is wrong.
        syntax: Syntax,
        /// Where, in the body.
        at: Position,
    },
    /// `dialect.message_not_json`: the body's string `message` does not hold JSON.
    MessageNotJson {
        /// What is wrong.
        syntax: Syntax,
        /// Where, in the decoded string.
        at: Position,
    },
    /// `dialect.too_deep`: objects and arrays nest deeper than the limit.
    TooDeep {
        /// How deep they may.
        limit: u32,
    },
    /// `dialect.wrong_shape`: JSON, but not what the vendor's callbacks look like.
    WrongShape {
        /// The JSON pointer (RFC 6901) of the value, going on into the JSON that a string holds:
        /// `/message/job_id`. Empty for the body itself.
        path: Cow<'static, str>,
        /// What should be there.
        expected: &'static str,
    },
    /// `dialect.value_too_long`: a name or id longer than any of the vendor's.
    ValueTooLong {
        /// The JSON pointer of the value, as in [`Self::WrongShape`].
        path: Cow<'static, str>,
        /// How many bytes it may have.
        limit: usize,
    },
}

impl DialectError {
    /// What is wrong with `body`, as the scanner found it.
    pub(super) fn not_json(body: &str, malformed: Malformed) -> Self {
        match malformed.syntax {
            Syntax::TooDeep => Self::TooDeep { limit: super::json::MAX_DEPTH },
            syntax => {
                Self::NotJson { syntax, at: Position::in_text(body.as_bytes(), malformed.at) }
            }
        }
    }

    /// The same of the JSON in a string.
    pub(super) fn message_not_json(message: &str, malformed: Malformed) -> Self {
        match Self::not_json(message, malformed) {
            Self::NotJson { syntax, at } => Self::MessageNotJson { syntax, at },
            other => other,
        }
    }

    pub(super) const fn shape(path: &'static str, expected: &'static str) -> Self {
        Self::WrongShape { path: Cow::Borrowed(path), expected }
    }

    /// The same of a value that was read from a part of the body: that one's path comes first.
    pub(super) fn below(mut self, parent: &str) -> Self {
        if let Self::WrongShape { path, .. } | Self::ValueTooLong { path, .. } = &mut self {
            path.to_mut().insert_str(0, parent);
        }
        self
    }
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len, limit } => {
                write!(f, "the body has {len} bytes, at most {limit} are read")
            }
            Self::NotUtf8 { at } => write!(f, "the body is not UTF-8 at {at}"),
            Self::NotJson { syntax, at } => write!(f, "the body is not JSON: {syntax} at {at}"),
            Self::MessageNotJson { syntax, at } => {
                write!(f, "the string at /message does not hold JSON: {syntax} at its {at}")
            }
            Self::TooDeep { limit } => {
                write!(f, "objects and arrays nest deeper than {limit} levels")
            }
            Self::WrongShape { path, expected } if path.is_empty() => {
                write!(f, "the body should be {expected}")
            }
            Self::WrongShape { path, expected } => write!(f, "{path} should be {expected}"),
            Self::ValueTooLong { path, limit } => {
                write!(f, "{path} is longer than {limit} bytes")
            }
        }
    }
}

impl core::error::Error for DialectError {}

impl Coded for DialectError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::TooLarge { .. } => "dialect.too_large",
            Self::NotUtf8 { .. } => "dialect.not_utf8",
            Self::NotJson { .. } => "dialect.not_json",
            Self::MessageNotJson { .. } => "dialect.message_not_json",
            Self::TooDeep { .. } => "dialect.too_deep",
            Self::WrongShape { .. } => "dialect.wrong_shape",
            Self::ValueTooLong { .. } => "dialect.value_too_long",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::TooLarge { .. } | Self::TooDeep { .. } | Self::ValueTooLong { .. } => {
                Fault::Limit
            }
            _ => Fault::Caller,
        }
    }
}

/// An event that a vendor's format has no words for (`dialect.cannot_carry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotCarry {
    /// The dialect that the event was read from.
    pub from: super::DialectName,
    /// The dialect that it should be written in.
    pub to: super::DialectName,
}

impl fmt::Display for CannotCarry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event read as {} cannot be written as {}", self.from, self.to)
    }
}

impl core::error::Error for CannotCarry {}

impl Coded for CannotCarry {
    fn code(&self) -> Code {
        Code::new("dialect.cannot_carry")
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}
