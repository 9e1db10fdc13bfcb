//! Why a payload cannot be written, and what was wrong with one that was read.

use core::fmt;

use crate::error::{Code, Coded, Fault};
use crate::layout::MAX_NAME_CHARS;

/// Why a payload cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// `payload.too_large`: more bytes than a message may have.
    TooLarge {
        /// How many it may have.
        limit: usize,
    },
    /// `payload.too_many_panes`: more streams than the format has panes.
    TooManyPanes {
        /// How many it has.
        limit: usize,
    },
    /// `payload.out_of_range`: a number that the format does not have.
    OutOfRange {
        /// The member.
        member: &'static str,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// `payload.user_name`: the name of a user is empty or too long; nobody would read it.
    UserName,
    /// `payload.pane_missing`: one of several streams has no pane or no place.
    PaneMissing,
    /// `payload.canvas_missing`: places in pixels mean nothing without the canvas' sides.
    CanvasMissing,
    /// `payload.time_missing`: the format has the time of sending, and none is set.
    TimeMissing,
    /// `payload.key_taken`: a passed message has the name of a member of the format's own, or that of
    /// another one.
    KeyTaken,
    /// `payload.not_json`: what should be JSON is not.
    NotJson,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(f, "a message has at most {limit} bytes"),
            Self::TooManyPanes { limit } => write!(f, "the format has {limit} panes"),
            Self::OutOfRange { member, min, max } => write!(f, "{member} is from {min} to {max}"),
            Self::UserName => write!(f, "a user's name has 1 to {MAX_NAME_CHARS} characters"),
            Self::PaneMissing => f.write_str("one of several streams has no place"),
            Self::CanvasMissing => f.write_str("the size of the canvas is needed"),
            Self::TimeMissing => f.write_str("the time of sending is needed"),
            Self::KeyTaken => f.write_str("there is a member of this name already"),
            Self::NotJson => f.write_str("the message is not JSON"),
        }
    }
}

impl core::error::Error for PayloadError {}

impl Coded for PayloadError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::TooLarge { .. } => "payload.too_large",
            Self::TooManyPanes { .. } => "payload.too_many_panes",
            Self::OutOfRange { .. } => "payload.out_of_range",
            Self::UserName => "payload.user_name",
            Self::PaneMissing => "payload.pane_missing",
            Self::CanvasMissing => "payload.canvas_missing",
            Self::TimeMissing => "payload.time_missing",
            Self::KeyTaken => "payload.key_taken",
            Self::NotJson => "payload.not_json",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::TooLarge { .. } | Self::TooManyPanes { .. } => Fault::Limit,
            _ => Fault::Caller,
        }
    }
}

/// What was wrong with a payload that was read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// `payload.not_json`: nothing could be read.
    NotJson,
    /// `payload.too_large`: nothing was read; of a user's name, the name counts as missing.
    TooLarge,
    /// `payload.too_deep`: a member that nests too deep; it was passed over.
    TooDeep,
    /// `payload.not_a_number`: `nan` or `inf` stands in place of a number, and counts as missing.
    NotANumber,
    /// `payload.wrong_type`: a member of another type than it should have; it counts as missing.
    WrongType,
    /// `payload.out_of_range`: a number beyond its range; the nearest within it counts.
    OutOfRange,
    /// `payload.missing`: a member that is needed is not there. A stream without a user is left out.
    Missing,
    /// `payload.too_many`: there are more than are read; the first ones count.
    TooMany,
}

/// A defect and where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remark {
    /// In which stream, counted from 0; none for the whole.
    pub stream: Option<u16>,
    /// In which member, by the name that livegate writes; empty for all of it.
    pub member: &'static str,
    /// What was wrong.
    pub defect: Defect,
}

impl Defect {
    /// Its stable name.
    pub fn code(self) -> Code {
        Code::new(match self {
            Self::NotJson => "payload.not_json",
            Self::TooLarge => "payload.too_large",
            Self::TooDeep => "payload.too_deep",
            Self::NotANumber => "payload.not_a_number",
            Self::WrongType => "payload.wrong_type",
            Self::OutOfRange => "payload.out_of_range",
            Self::Missing => "payload.missing",
            Self::TooMany => "payload.too_many",
        })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stream) = self.stream {
            write!(f, "stream {stream}: ")?;
        }
        if !self.member.is_empty() {
            write!(f, "{} ", self.member)?;
        }
        f.write_str(match self.defect {
            Defect::NotJson => "is not JSON",
            Defect::TooLarge => "is too long",
            Defect::TooDeep => "has a member that nests too deep",
            Defect::NotANumber => "is no number",
            Defect::WrongType => "has another type than it should",
            Defect::OutOfRange => "is beyond its range",
            Defect::Missing => "is missing",
            Defect::TooMany => "has more than are read",
        })
    }
}
