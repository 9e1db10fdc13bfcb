//! The video of one stream, message by message: what goes in, what comes out.
//!
//! A body is that of a video tag or of a video message of RTMP. What is added to a list of splices
//! is all that changes; a shell writes the body in pieces and copies nothing.

use alloc::vec::Vec;
use core::fmt;

use super::config::{Configuration, ConfigurationError};
use super::header::TagHeader;
use super::video::{FrameKind, NeedMore, Video};
use crate::error::{Code, Coded, Fault};
use crate::sei::codec::Codec;
use crate::sei::edit::Splice;
use crate::sei::ours::Marker;
use crate::sei::sample::{Reach, SampleError, SampleFormat, Walked};
use crate::sei::write::Payload;

/// A coded frame that can carry a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The timestamp: decoding time in milliseconds, wrapping at 2³².
    pub dts: u32,
    /// Presentation time minus decoding time in milliseconds.
    pub composition_time: i32,
    /// What it is coded in.
    pub codec: Codec,
    /// What the sender calls it.
    pub kind: FrameKind,
}

/// Says which frames carry which message.
pub trait Messages {
    /// The message for this frame, if one is due. Asked once for each frame that can carry one, in
    /// the order in which they are sent.
    fn message(&mut self, frame: &Frame) -> Option<Payload<'_>>;

    /// The frame carries the message that was just given. Not called if it could not: the message
    /// stays due.
    fn written(&mut self, frame: &Frame);
}

/// No message for any frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMessages;

impl Messages for NoMessages {
    fn message(&mut self, _: &Frame) -> Option<Payload<'_>> {
        None
    }

    fn written(&mut self, _: &Frame) {}
}

/// Edits the video of one stream.
///
/// It keeps the latest decoder configuration, which says how samples are written. Frames that come
/// before one, or are of another codec than it, pass as they are.
#[derive(Clone, Debug)]
pub struct Editor {
    format: Option<SampleFormat>,
    ours: Option<Marker>,
    reach: Reach,
}

/// What became of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Edited {
    /// More of it is needed: at least so many bytes from its first. Nothing was added and nobody
    /// asked.
    More {
        /// How many, at most the whole body.
        bytes: usize,
    },
    /// It is done: its length changes by so much, and every change was added.
    Done {
        /// New length minus old.
        growth: i64,
    },
}

/// Whether the bytes that are there are all that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// More can come.
    Open,
    /// The stream ended within this body: what is there has to do.
    Ended,
}

/// Why a body passes as it is, although a message was due or ours are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// The decoder configuration cannot be read; so pass the frames that follow.
    Configuration(ConfigurationError),
    /// The sample cannot be read, or cannot hold the message.
    Sample(SampleError),
    /// `flv.tag_too_large`: it would be longer than 24 bits can say.
    TooLarge {
        /// How long it would be.
        bytes: u64,
    },
}

impl Editor {
    /// Puts messages in. Those that `ours` knows are taken out of every frame that passes, so that
    /// of a cascade of inserters the last one counts.
    pub const fn inserting(ours: Option<Marker>) -> Self {
        Self { format: None, ours, reach: Reach::Picture }
    }

    /// Takes messages out, wherever in a frame they are.
    pub const fn stripping(ours: Marker) -> Self {
        Self { format: None, ours: Some(ours), reach: Reach::Whole }
    }

    /// How samples are written, by the latest configuration; `None` before one.
    pub const fn format(&self) -> Option<SampleFormat> {
        self.format
    }

    /// A whole body with this timestamp. Adds its changes to `splices`, places counted from the
    /// body's first byte, and returns by how much its length changes.
    ///
    /// # Errors
    /// `flv.configuration_*`, `flv.tag_too_large`, `sei.sample_broken`, `sei.length_overflow`.
    /// Nothing was added then, and the body is to pass as it is.
    pub fn body(
        &mut self,
        dts: u32,
        body: &[u8],
        messages: &mut dyn Messages,
        splices: &mut Vec<Splice>,
    ) -> Result<i64, EditError> {
        match self.part(dts, body, body.len(), Supply::Ended, messages, splices)? {
            Edited::Done { growth } => Ok(growth),
            // A whole body needs no more than it has.
            Edited::More { .. } => Ok(0),
        }
    }

    /// The same, for a body of `len` bytes of which only the first are there. When it is done the
    /// rest passes as it is. Putting a message in needs the bytes up to the first slice; taking out
    /// needs all of them, unless the supply has ended.
    ///
    /// # Errors
    /// As [`Editor::body`].
    pub fn part(
        &mut self,
        dts: u32,
        body: &[u8],
        len: usize,
        supply: Supply,
        messages: &mut dyn Messages,
        splices: &mut Vec<Splice>,
    ) -> Result<Edited, EditError> {
        const UNCHANGED: Result<Edited, EditError> = Ok(Edited::Done { growth: 0 });
        let frame = match Video::parse(body, len) {
            Ok(Video::Frame(frame)) => frame,
            Ok(Video::Configuration { codec, at }) => {
                return self.configuration(codec, body, at, len);
            }
            Ok(Video::End | Video::Other(_)) => return UNCHANGED,
            Err(NeedMore { bytes }) => return Ok(Edited::More { bytes }),
        };
        let Some(format) = self.format.filter(|format| format.codec == frame.codec) else {
            return UNCHANGED;
        };
        let before = splices.len();
        let sample = body.get(frame.at..).unwrap_or_default();
        let ours = self.ours.as_ref();
        let walked = format
            .walk(sample, len - frame.at, ours, self.reach, splices)
            .map_err(EditError::Sample)?;
        if let Walked::More { bytes } = walked {
            // Of what ended too early, what was found up to there can go. Nothing goes in: whoever
            // takes messages out in turn would not get as far.
            if supply == Supply::Open || self.reach == Reach::Picture {
                splices.truncate(before);
                return Ok(Edited::More { bytes: frame.at + bytes });
            }
        }
        let asked = Frame {
            dts,
            composition_time: frame.composition_time,
            codec: frame.codec,
            kind: frame.kind,
        };
        let put = match walked {
            Walked::Place(place) => match messages.message(&asked) {
                Some(payload) => format.insert(place, payload, splices).map(|_| true),
                None => Ok(false),
            },
            Walked::NoPicture | Walked::More { .. } => Ok(false),
        };
        let added = splices.get(before..).unwrap_or_default();
        let (put, growth) =
            match put.map_err(EditError::Sample).and_then(|put| Ok((put, growth(len, added)?))) {
                Ok(done) => done,
                Err(error) => {
                    splices.truncate(before);
                    return Err(error);
                }
            };
        if put {
            messages.written(&asked);
        }
        for splice in splices.iter_mut().skip(before) {
            splice.at += frame.at;
        }
        Ok(Edited::Done { growth })
    }

    /// Takes over a configuration, as far as it is needed.
    fn configuration(
        &mut self,
        codec: Codec,
        body: &[u8],
        at: usize,
        len: usize,
    ) -> Result<Edited, EditError> {
        let needed = len.min(at + Configuration::fixed_len(codec));
        if body.len() < needed {
            return Ok(Edited::More { bytes: needed });
        }
        self.format = None;
        let read = Configuration::parse(codec, body.get(at..).unwrap_or_default())
            .map_err(EditError::Configuration)?;
        self.format = Some(SampleFormat { codec, length_size: read.length_size });
        Ok(Edited::Done { growth: 0 })
    }
}

/// By how much a body of `len` bytes grows by `splices`, if the result can be said in 24 bits.
fn growth(len: usize, splices: &[Splice]) -> Result<i64, EditError> {
    // Lengths of slices are below 2^63.
    let signed = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
    let growth = splices
        .iter()
        .map(|splice| signed(splice.insert.len()) - signed(splice.remove))
        .sum::<i64>();
    match u64::try_from(signed(len) + growth) {
        Ok(bytes) if growth > 0 && bytes > u64::from(TagHeader::MAX_BODY) => {
            Err(EditError::TooLarge { bytes })
        }
        _ => Ok(growth),
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(error) => error.fmt(f),
            Self::Sample(error) => error.fmt(f),
            Self::TooLarge { bytes } => {
                write!(
                    f,
                    "the tag would have {bytes} bytes, at most {} are possible",
                    TagHeader::MAX_BODY
                )
            }
        }
    }
}

impl core::error::Error for EditError {}

impl Coded for EditError {
    fn code(&self) -> Code {
        match self {
            Self::Configuration(error) => error.code(),
            Self::Sample(error) => error.code(),
            Self::TooLarge { .. } => Code::new("flv.tag_too_large"),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Configuration(error) => error.fault(),
            Self::Sample(error) => error.fault(),
            Self::TooLarge { .. } => Fault::Limit,
        }
    }
}
