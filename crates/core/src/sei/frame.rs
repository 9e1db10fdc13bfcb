//! The SEI NAL units of one frame, of which only the first bytes are shown: what a player looks at
//! before it hands the frame on.
//!
//! A frame is a sample with lengths or an access unit between start codes. Of a picture nothing is
//! looked at, so it need not be shown.

use super::codec::{Codec, Unit};
use super::length::LengthSize;

/// How far into a frame its pictures are searched for. Parameter sets and messages before a picture
/// have some KiB; what is longer is somebody's attempt to have it all copied.
pub const MAX_LEAD: usize = 256 * 1024;

/// What stands between NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Start codes (Annex B).
    StartCodes,
    /// Lengths (ISO/IEC 14496-15).
    Lengths(LengthSize),
}

/// How a stream's frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameFormat {
    /// What the NAL units are coded in.
    pub codec: Codec,
    /// What stands between them.
    pub framing: Framing,
}

/// What comes next in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<'a> {
    /// A SEI NAL unit, with its header.
    Sei(&'a [u8]),
    /// More of the frame is needed: so many bytes from its first. Nothing has moved.
    More {
        /// How many, at most the whole frame and at most [`MAX_LEAD`].
        bytes: usize,
    },
    /// Nothing more is to be read.
    End(End),
}

/// Why nothing more is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A picture begins, or the frame is over.
    Read,
    /// What is there is no frame: a length reaches behind it, or no start code is in it.
    Broken,
    /// There is no picture within [`MAX_LEAD`].
    TooLong,
}

/// Goes through one frame.
///
/// SEI stands before the picture. In H.265 a suffix SEI may follow it: that is read if it is among
/// what is shown, and never asked for.
#[derive(Clone, Copy, Debug)]
pub struct Units<'a> {
    format: FrameFormat,
    /// What is shown of the frame.
    shown: &'a [u8],
    /// How long it is.
    len: usize,
    /// Where the next length or start code is searched for.
    at: usize,
    /// Whether a picture began.
    picture: bool,
}

impl FrameFormat {
    /// The SEI NAL units of a frame of `len` bytes that begins with `shown`.
    pub const fn units(self, shown: &[u8], len: usize) -> Units<'_> {
        Units { format: self, shown, len, at: 0, picture: false }
    }
}

/// A NAL unit: where it begins, where it ends, and where the next one's framing begins.
struct Found {
    start: usize,
    end: usize,
    next: usize,
}

impl<'a> Units<'a> {
    /// The next SEI NAL unit, or why there is none.
    pub fn step(&mut self) -> Step<'a> {
        loop {
            let found = match self.format.framing {
                Framing::Lengths(size) => self.behind_length(size.bytes()),
                Framing::StartCodes => self.behind_start_code(),
            };
            let Found { start, end, next } = match found {
                Ok(found) => found,
                // Behind a picture only what is shown is read, and what is broken there is decoders'
                // to judge.
                Err(_) if self.picture => return Step::End(End::Read),
                Err(Step::More { bytes }) if bytes > MAX_LEAD => return Step::End(End::TooLong),
                Err(step) => return step,
            };
            let header = end.min(start.saturating_add(self.format.codec.header_len()));
            let unit = self.shown.get(start..header);
            let unit = unit.and_then(|header| Unit::parse(self.format.codec, header));
            self.at = next;
            let Some(unit) = unit else { continue };
            if unit.is_vcl() || unit.is_prefix() {
                if self.format.codec == Codec::H264 {
                    return Step::End(End::Read);
                }
                self.picture = true;
            } else if unit.is_sei()
                && let Some(nal) = self.shown.get(start..end)
            {
                return Step::Sei(nal);
            }
        }
    }

    /// At least so many bytes, or the whole frame.
    fn more(&self, bytes: usize) -> Step<'a> {
        Step::More { bytes: bytes.min(self.len) }
    }

    fn behind_length(&self, size: usize) -> Result<Found, Step<'a>> {
        if self.at >= self.len {
            return Err(Step::End(End::Read));
        }
        let start = self.at.saturating_add(size);
        let header_len = self.format.codec.header_len();
        let Some(length) = self.shown.get(self.at..start) else {
            if start > self.len {
                return Err(Step::End(End::Broken));
            }
            return Err(self.more(start.saturating_add(header_len)));
        };
        let length = length.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let end = start.saturating_add(length);
        if end > self.len {
            return Err(Step::End(End::Broken));
        }
        let Some(header) = self.shown.get(start..end.min(start.saturating_add(header_len))) else {
            return Err(self.more(start.saturating_add(header_len)));
        };
        let unit = Unit::parse(self.format.codec, header);
        // A slice is more than its header. One that is not is the 1 of a start code, read as a
        // length.
        if length <= header_len && !self.picture && unit.is_some_and(Unit::is_vcl) {
            return Err(Step::End(End::Broken));
        }
        if unit.is_some_and(Unit::is_sei) && end > self.shown.len() {
            // With the header of what follows, so that one more question is enough.
            return Err(self.more(end.saturating_add(size).saturating_add(header_len)));
        }
        Ok(Found { start, end, next: end })
    }

    fn behind_start_code(&self) -> Result<Found, Step<'a>> {
        let is_whole = self.shown.len() >= self.len;
        let rest = self.shown.get(self.at..).unwrap_or_default();
        // Twice as much, so that few questions are enough; at first some hundred bytes.
        let more = || self.more(self.shown.len().saturating_mul(2).max(512));
        let Some(code) = start_code(rest) else {
            return Err(match is_whole {
                true if self.at == 0 && self.len > 0 => Step::End(End::Broken),
                true => Step::End(End::Read),
                false => more(),
            });
        };
        let start = self.at.saturating_add(code).saturating_add(3);
        let header = start.saturating_add(self.format.codec.header_len());
        let Some(header) = self.shown.get(start..header) else {
            return Err(if is_whole { Step::End(End::Read) } else { more() });
        };
        let unit = Unit::parse(self.format.codec, header);
        let rest = self.shown.get(start..).unwrap_or_default();
        // Where a picture ends nobody asks, if nothing behind it is read.
        let is_last = unit.is_some_and(|unit| unit.is_vcl() || unit.is_prefix())
            && self.format.codec == Codec::H264;
        let next = if is_last { None } else { start_code(rest) };
        match next {
            Some(len) => {
                let next = start.saturating_add(len);
                let zeros = rest.get(..len).unwrap_or_default().iter().rev();
                let zeros = zeros.take_while(|byte| **byte == 0).count();
                Ok(Found { start, end: next.saturating_sub(zeros), next })
            }
            None if is_last || is_whole || unit.is_some_and(Unit::is_vcl) => {
                let end = self.shown.len();
                Ok(Found { start, end, next: end })
            }
            None => Err(more()),
        }
    }
}

/// Where the first 00 00 01 is.
fn start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        // By the last of three bytes: of 1 and more it is part of none that begins later.
        match *bytes.get(at..)?.first_chunk()? {
            [0, 0, 1] => return Some(at),
            [_, _, 0] => at = at.saturating_add(1),
            [_, _, _] => at = at.saturating_add(3),
        }
    }
}
