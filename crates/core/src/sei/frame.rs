//! The SEI NAL units of one frame, of which only the first bytes are shown: what a player looks at
//! before it hands the frame on.
//!
//! A frame is a sample with lengths or an access unit between start codes. Of a picture nothing is
//! looked at, so it need not be shown.

use super::annexb::start_code;
use super::codec::{Codec, Unit};
use super::length::LengthSize;
use super::sample::Reach;

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

/// Goes through one frame. SEI stands before the picture; in H.265 a suffix SEI may follow it.
#[derive(Clone, Copy, Debug)]
pub struct Units<'a> {
    format: FrameFormat,
    /// What is shown of the frame.
    shown: &'a [u8],
    /// How long it is.
    len: usize,
    /// Where the next length or start code is searched for.
    at: usize,
    /// Whether what follows a picture is read: of H.265, for which the whole frame has to be shown.
    reach: Reach,
    /// Whether a picture began.
    picture: bool,
}

impl FrameFormat {
    /// The SEI NAL units of a frame of `len` bytes that begins with `shown`: before its picture, or,
    /// where all of it is shown, in all of it.
    pub const fn units(self, shown: &[u8], len: usize, reach: Reach) -> Units<'_> {
        Units { format: self, shown, len, at: 0, reach, picture: false }
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
    #[inline]
    pub fn step(&mut self) -> Step<'a> {
        loop {
            let found = match self.format.framing {
                Framing::Lengths(size) => self.behind_length(size.bytes()),
                Framing::StartCodes => self.behind_start_code(),
            };
            let Found { start, end, next } = match found {
                Ok(found) => found,
                // What is broken behind a picture is decoders' to judge.
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
                if self.stops_at_picture() {
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

    /// H.264 has no SEI behind a picture (7.4.1.2.3).
    fn stops_at_picture(&self) -> bool {
        self.reach == Reach::Picture || self.format.codec == Codec::H264
    }

    /// At least so many bytes, or the whole frame.
    fn more(&self, bytes: usize) -> Step<'a> {
        Step::More { bytes: bytes.min(self.len) }
    }

    #[inline]
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
        let is_last =
            unit.is_some_and(|unit| unit.is_vcl() || unit.is_prefix()) && self.stops_at_picture();
        let next = if is_last { None } else { start_code(rest) };
        match next {
            Some(len) => {
                let next = start.saturating_add(len);
                let zeros = rest.get(..len).unwrap_or_default().iter().rev();
                let zeros = zeros.take_while(|byte| **byte == 0).count();
                Ok(Found { start, end: next.saturating_sub(zeros), next })
            }
            None if is_last || is_whole => {
                let end = self.shown.len();
                Ok(Found { start, end, next: end })
            }
            None => Err(more()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{End, FrameFormat, Framing, MAX_LEAD, Step};
    use crate::sei::annexb;
    use crate::sei::codec::Codec::{self, H264, H265};
    use crate::sei::codec::Unit;
    use crate::sei::length::{self, LengthSize};
    use crate::sei::sample::Reach;
    use std::vec::Vec;

    use proptest::prelude::*;

    const SIZES: [LengthSize; 4] =
        [LengthSize::One, LengthSize::Two, LengthSize::Three, LengthSize::Four];

    fn lengths(codec: Codec, size: LengthSize) -> FrameFormat {
        FrameFormat { codec, framing: Framing::Lengths(size) }
    }

    fn start_codes(codec: Codec) -> FrameFormat {
        FrameFormat { codec, framing: Framing::StartCodes }
    }

    fn framed(format: FrameFormat, units: &[&[u8]]) -> Vec<u8> {
        let mut frame = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            match format.framing {
                Framing::Lengths(size) => {
                    let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
                    frame.extend(&length[4 - size.bytes()..]);
                }
                // Of four and of three bytes.
                Framing::StartCodes if index % 2 == 0 => frame.extend([0, 0, 0, 1]),
                Framing::StartCodes => frame.extend([0, 0, 1]),
            }
            frame.extend(*unit);
        }
        frame
    }

    /// What is found, and how often it was asked for more; shown is never more than was asked for.
    fn read(format: FrameFormat, frame: &[u8]) -> (Vec<Vec<u8>>, End, usize) {
        let (mut shown, mut asked) = (0, 0);
        'again: loop {
            let mut units = format.units(&frame[..shown], frame.len(), Reach::Picture);
            let mut found = Vec::new();
            loop {
                match units.step() {
                    Step::Sei(nal) => found.push(nal.to_vec()),
                    Step::End(end) => return (found, end, asked),
                    Step::More { bytes } => {
                        assert!(shown < bytes && bytes <= frame.len().min(MAX_LEAD));
                        (shown, asked) = (bytes, asked + 1);
                        continue 'again;
                    }
                }
            }
        }
    }

    #[test]
    fn messages_before_the_picture_are_found_however_nal_units_are_told_apart() {
        let slice = [&[0x65, 0x88][..], &[0xAB; 3000]].concat();
        let (aud, sps, sei): (&[u8], &[u8], &[u8]) = (&[9, 0xF0], &[0x67; 30], &[6, 5, 1, 9, 0x80]);
        let formats = SIZES[1..].iter().map(|size| lengths(H264, *size));
        for format in formats.chain([start_codes(H264)]) {
            let frame = framed(format, &[aud, sps, sei, sei, &slice, sei, &slice]);
            let (found, end, _) = read(format, &frame);
            assert_eq!((found, end), (Vec::from([sei, sei].map(<[u8]>::to_vec)), End::Read));
        }
        // A slice of another layer and a prefix are of the picture.
        for nal in [[0x6E, 1], [0x74, 1]] {
            let format = lengths(H264, LengthSize::Four);
            assert_eq!(read(format, &framed(format, &[&nal, sei])).0.len(), 0);
        }
    }

    #[test]
    fn a_suffix_is_read_where_the_whole_frame_is() {
        let slice = [&[2, 1][..], &[0xAB; 3000]].concat();
        let (prefix, suffix): (&[u8], &[u8]) = (&[78, 1, 5, 1, 9, 0x80], &[80, 1, 5, 1, 9, 0x80]);
        for format in [lengths(H265, LengthSize::Four), start_codes(H265)] {
            let frame = framed(format, &[prefix, &slice, suffix]);
            let (found, end, _) = read(format, &frame);
            assert_eq!((found, end), (Vec::from([prefix.to_vec()]), End::Read));
            let mut units = format.units(&frame, frame.len(), Reach::Whole);
            assert_eq!(units.step(), Step::Sei(prefix));
            assert_eq!(units.step(), Step::Sei(suffix));
            assert_eq!(units.step(), Step::End(End::Read));
        }
    }

    #[test]
    fn few_questions_are_enough() {
        let sei = [&[6][..], &[5; 700]].concat();
        let slice = [0x41; 5000];
        for (format, with, without) in
            [(lengths(H264, LengthSize::Four), 3, 2), (start_codes(H264), 2, 1)]
        {
            // A length, the delimiter's; the next one; then the whole message with what follows it.
            let frame = framed(format, &[&[9, 0xF0], &sei, &slice]);
            assert_eq!(read(format, &frame).2, with);
            let frame = framed(format, &[&[9, 0xF0], &slice]);
            assert_eq!(read(format, &frame).2, without);
        }
    }

    #[test]
    fn what_is_no_frame_is_broken() {
        let four = lengths(H264, LengthSize::Four);
        for frame in [
            // Start codes for lengths; a length that reaches behind the end; half a length.
            &b"\0\0\0\x01\x65\x88\x84"[..],
            b"\0\0\0\x09\x65\x88\x84",
            b"\xFF\xFF\xFF\xFF\x65",
            b"\0\0",
        ] {
            assert_eq!(read(four, frame).1, End::Broken, "{frame:02x?}");
        }
        // Lengths for start codes.
        assert_eq!(read(start_codes(H264), b"\0\0\x02\x65\x88").1, End::Broken);
        for format in [four, start_codes(H265)] {
            assert_eq!(read(format, b""), (Vec::new(), End::Read, 0));
        }
    }

    #[test]
    fn what_never_comes_to_a_picture_is_not_copied_for_ever() {
        let long = [&[6][..], &std::vec![0xFF; MAX_LEAD]].concat();
        for format in [lengths(H264, LengthSize::Four), start_codes(H264)] {
            let frame = framed(format, &[&long, &[0x65, 0x88, 0x84]]);
            assert_eq!(read(format, &frame).1, End::TooLong);
        }
    }

    fn any_format(codec: Codec, size: usize) -> FrameFormat {
        SIZES.get(size).map_or_else(|| start_codes(codec), |size| lengths(codec, *size))
    }

    /// Units of which some are pictures, without start codes in them.
    fn unit() -> impl Strategy<Value = Vec<u8>> {
        let header = prop::sample::select(&[6_u8, 9, 0x67, 0x65, 0x41, 12, 78, 80, 2, 64][..]);
        (header, prop::collection::vec(1_u8..=255, 2..40))
            .prop_map(|(header, rest)| [&[header, 1][..], &rest].concat())
    }

    /// The SEI before the first picture, by the readers of whole frames.
    fn expected(format: FrameFormat, frame: &[u8]) -> Vec<Vec<u8>> {
        let nals: Vec<Vec<u8>> = match format.framing {
            Framing::Lengths(size) => {
                length::units(frame, size).map(|found| found.nal.to_vec()).collect()
            }
            Framing::StartCodes => annexb::units(frame).map(|nal| nal.bytes.to_vec()).collect(),
        };
        let unit = |nal: &Vec<u8>| Unit::parse(format.codec, nal);
        let before = nals
            .into_iter()
            .take_while(|nal| unit(nal).is_none_or(|unit| !unit.is_vcl() && !unit.is_prefix()));
        before.filter(|nal| unit(nal).is_some_and(Unit::is_sei)).collect()
    }

    proptest! {
        #[test]
        fn finds_what_the_readers_of_whole_frames_find(
            units in prop::collection::vec(unit(), 1..8), size in 0_usize..5, is_h265 in any::<bool>(),
        ) {
            let codec = if is_h265 { H265 } else { H264 };
            let format = any_format(codec, size);
            let units: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
            let frame = framed(format, &units);
            let (found, end, _) = read(format, &frame);
            prop_assert_eq!(found, expected(format, &frame));
            prop_assert_eq!(end, End::Read);
        }

        #[test]
        fn holds_for_any_bytes(frame in prop::collection::vec(0_u8..10, 0..60), size in 0_usize..5) {
            for codec in [H264, H265] {
                let format = any_format(codec, size);
                let _ = read(format, &frame);
            }
        }
    }
}
