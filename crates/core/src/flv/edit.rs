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
    /// How many NAL units lost messages of ours.
    stripped: u64,
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
        Self { format: None, ours, reach: Reach::Picture, stripped: 0 }
    }

    /// Takes messages out, wherever in a frame they are.
    pub const fn stripping(ours: Marker) -> Self {
        Self { format: None, ours: Some(ours), reach: Reach::Whole, stripped: 0 }
    }

    /// How samples are written, by the latest configuration; `None` before one.
    pub const fn format(&self) -> Option<SampleFormat> {
        self.format
    }

    /// How many NAL units lost messages of ours.
    pub const fn stripped(&self) -> u64 {
        self.stripped
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
        let body = body.get(..len).unwrap_or(body);
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
                Some(payload) => format.insert(place, payload).map(|splice| {
                    let ahead =
                        splices.iter().skip(before).filter(|ours| ours.at < place.at).count();
                    splices.insert(before + ahead, splice);
                    true
                }),
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
        let cut = added.iter().filter(|splice| splice.remove > 0).count();
        self.stripped += u64::try_from(cut).unwrap_or(u64::MAX);
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

#[cfg(test)]
mod tests {
    use super::{EditError, Edited, Editor, Frame, Messages, NoMessages, Supply};
    use crate::error::Coded;
    use crate::flv::config::ConfigurationError;
    use crate::flv::header::TagHeader;
    use crate::flv::video::FrameKind;
    use crate::sei::codec::Codec;
    use crate::sei::edit::{Splice, apply};
    use crate::sei::length::LengthSize;
    use crate::sei::ours::Marker;
    use crate::sei::sample::SampleError;
    use crate::sei::uuid::Uuid;
    use crate::sei::write::Payload;
    use std::vec;
    use std::vec::Vec;

    /// Lengths of four bytes.
    const AVC: &[u8] = b"\x17\0\0\0\0\x01\x64\0\x1F\xFF";
    const IDR: &[u8] = b"\x17\x01\0\0\x28\0\0\0\x02\x65\x88";

    struct One(Vec<u8>, Vec<Frame>, usize);

    impl One {
        fn new(text: &[u8]) -> Self {
            Self(text.to_vec(), Vec::new(), 0)
        }
    }

    impl Messages for One {
        fn message(&mut self, frame: &Frame) -> Option<Payload<'_>> {
            self.1.push(*frame);
            Some(Payload::typed(100, &self.0).unwrap())
        }

        fn written(&mut self, _: &Frame) {
            self.2 += 1;
        }
    }

    fn edit(editor: &mut Editor, body: &[u8], messages: &mut One) -> Result<Vec<u8>, EditError> {
        let mut splices = Vec::new();
        let growth = editor.body(7, body, messages, &mut splices)?;
        let out = apply(body, &splices);
        assert_eq!(i64::try_from(body.len()).unwrap() + growth, i64::try_from(out.len()).unwrap());
        Ok(out)
    }

    #[test]
    fn puts_a_message_into_a_frame_once_its_configuration_came() {
        let mut editor = Editor::inserting(None);
        let mut one = One::new(b"a");
        assert_eq!(edit(&mut editor, IDR, &mut one).unwrap(), IDR);
        assert_eq!(edit(&mut editor, AVC, &mut one).unwrap(), AVC);
        assert_eq!((one.1.len(), one.2), (0, 0));
        let expected = b"\x17\x01\0\0\x28\0\0\0\x05\x06\x64\x01a\x80\0\0\0\x02\x65\x88";
        assert_eq!(edit(&mut editor, IDR, &mut one).unwrap(), expected);
        let frame =
            Frame { dts: 7, composition_time: 40, codec: Codec::H264, kind: FrameKind::Key };
        assert_eq!((one.1, one.2), (vec![frame], 1));
    }

    #[test]
    fn the_latest_configuration_counts() {
        let mut editor = Editor::inserting(None);
        let mut one = One::new(b"a");
        edit(&mut editor, AVC, &mut one).unwrap();
        // avc1 in the enhanced form, lengths of one byte.
        edit(&mut editor, b"\x90avc1\x01\x64\0\x1F\xFC", &mut one).unwrap();
        assert_eq!(editor.format().unwrap().length_size, LengthSize::One);
        let out = edit(&mut editor, b"\xA3avc1\x02\x41\x9A", &mut one).unwrap();
        assert_eq!(out, b"\xA3avc1\x05\x06\x64\x01a\x80\x02\x41\x9A");
        // A frame of another codec than the configuration's.
        let hevc = b"\xA3hvc1\x03\x02\x01\x80";
        assert_eq!(edit(&mut editor, hevc, &mut one).unwrap(), hevc);
        // A configuration that cannot be read: what follows it passes.
        let error = EditError::Configuration(ConfigurationError::Version { found: 0 });
        assert_eq!(edit(&mut editor, b"\x17\0\0\0\0\0\0\0\x01\x67", &mut one), Err(error));
        assert_eq!(editor.format(), None);
        assert_eq!(edit(&mut editor, IDR, &mut one).unwrap(), IDR);
        assert_eq!((one.1.len(), one.2), (1, 1));
        assert_eq!(error.code().as_str(), "flv.configuration_version");
    }

    #[test]
    fn only_coded_frames_change() {
        let mut editor = Editor::inserting(None);
        let mut one = One::new(b"a");
        edit(&mut editor, AVC, &mut one).unwrap();
        for body in [
            &b"\x57\x01"[..],
            b"\x57\x01\0\0\0\0\0\0\x02\x65\x88",
            b"\x17\x02\0\0\0",
            b"\x17\x02\0\0\0\0\0\0\x02\x65\x88",
            b"\x94avc1\0\0\0\x02\x65\x88",
            b"\x96\x03avc1\0\0\0\0\x02\x65\x88",
            // SEI of others alone: no picture.
            b"\x27\x01\0\0\0\0\0\0\x02\x06\x80",
            b"\x27\x01\0\0\0",
            b"",
        ] {
            assert_eq!(edit(&mut editor, body, &mut one).unwrap(), body);
        }
        assert_eq!((one.1.len(), one.2), (0, 0));
    }

    #[test]
    fn what_cannot_hold_the_message_passes_and_it_stays_due() {
        let mut editor = Editor::inserting(Some(Marker::Uuid(Uuid::LIVEGATE)));
        let mut one = One::new(&[b'x'; 300]);
        edit(&mut editor, b"\x17\0\0\0\0\x01\x64\0\x1F\xFC", &mut one).unwrap();
        // Ours of upstream stay as well: the body is not to change.
        let ours = [&[21, 6, 5, 17][..], &Uuid::LIVEGATE.0, b"!", &[0x80]].concat();
        let body = [&b"\x27\x01\0\0\0"[..], &ours, &[2, 0x41, 0x9A]].concat();
        let mut splices = vec![Splice { at: 0, remove: 0, insert: Vec::new() }];
        // Header, type, size 255 + 45, content, stop bit.
        let error = SampleError::LengthOverflow { len: 1 + 1 + 2 + 300 + 1, most: 255 };
        let edited = editor.body(0, &body, &mut one, &mut splices);
        assert_eq!(edited, Err(EditError::Sample(error)));
        assert_eq!((splices.len(), one.1.len(), one.2), (1, 1, 0));
        // Lengths that do not add up: nobody is asked.
        let broken = editor.body(0, b"\x27\x01\0\0\0\x05\x41", &mut one, &mut splices);
        assert_eq!(broken, Err(EditError::Sample(SampleError::Broken { at: 0 })));
        assert_eq!((splices.len(), one.1.len(), one.2), (1, 1, 0));
    }

    #[test]
    fn a_body_fills_24_bits_and_no_more() {
        let mut editor = Editor::inserting(None);
        let mut one = One::new(b"a");
        edit(&mut editor, AVC, &mut one).unwrap();
        // What stands in front of the slice, which has all the rest: 5 + 4 bytes.
        let mut part = |len: usize| {
            let slice = u32::try_from(len - 9).unwrap().to_be_bytes();
            let head = [&b"\x27\x01\0\0\0"[..], &slice, &[0x41]].concat();
            let mut splices = Vec::new();
            let edited = editor.part(0, &head, len, Supply::Open, &mut one, &mut splices);
            (edited, splices.len(), one.2)
        };
        // The message has 5 bytes and a length of 4.
        let most = TagHeader::MAX_BODY as usize;
        assert_eq!(part(most - 9), (Ok(Edited::Done { growth: 9 }), 1, 1));
        let error = EditError::TooLarge { bytes: 0x0100_0000 };
        assert_eq!(part(most - 8), (Err(error), 0, 1));
        assert_eq!(error.code().as_str(), "flv.tag_too_large");
    }

    #[test]
    fn taking_out_wants_all_of_a_body_and_makes_do_with_less_at_the_end() {
        let mut editor = Editor::stripping(Marker::Uuid(Uuid::LIVEGATE));
        let ours = [&[0, 0, 0, 21, 6, 5, 17][..], &Uuid::LIVEGATE.0, b"!", &[0x80]].concat();
        let slice = [&[0, 0, 0, 100, 0x41][..], &[0x9A; 99]].concat();
        let body = [&b"\x27\x01\0\0\0"[..], &ours, &slice, &ours].concat();
        let mut splices = Vec::new();
        assert_eq!(editor.body(0, AVC, &mut NoMessages, &mut splices), Ok(0));
        let mut part = |bytes: usize, supply| {
            let mut splices = Vec::new();
            let there = &body[..bytes];
            let done = editor.part(0, there, body.len(), supply, &mut NoMessages, &mut splices);
            (done.unwrap(), apply(there, &splices))
        };
        let without = [&body[..5], &slice].concat();
        assert_eq!(part(body.len(), Supply::Open), (Edited::Done { growth: -50 }, without));
        // 5 + 25, the slice's length and one byte; behind the slice the next length.
        let (open, same) = part(35, Supply::Open);
        assert_eq!((open, &same[..]), (Edited::More { bytes: 5 + 25 + 104 + 4 }, &body[..35]));
        let (ended, rest) = part(35, Supply::Ended);
        assert_eq!(
            (ended, rest),
            (Edited::Done { growth: -25 }, [&body[..5], &slice[..5]].concat())
        );
    }
}
