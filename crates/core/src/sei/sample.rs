//! One sample of FLV, MP4 or RTMP, NAL units behind their lengths: where a message goes, and which
//! of ours are there.
//!
//! Only lengths and the first bytes of NAL units are looked at, and those of SEI where ours are to
//! go; the bytes of a picture are not. A sample may be shown in part, as long as the part has what
//! is looked at.

use alloc::vec::Vec;
use core::fmt;

use super::codec::{Codec, Unit};
use super::edit::Splice;
use super::length::LengthSize;
use super::ours::{Marker, Without, without_ours};
use super::write::{Payload, SeiNal};
use crate::error::{Code, Coded, Fault};

/// How a stream's samples are written, as its decoder configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleFormat {
    /// What the NAL units are coded in.
    pub codec: Codec,
    /// How many bytes the length of each has.
    pub length_size: LengthSize,
}

/// How far a sample is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Up to the first NAL unit of a picture, where a message goes. Whatever writes messages like
    /// ours writes them before that: H.264 allows it nowhere else.
    Picture,
    /// To the end: in H.265 a suffix SEI may follow a picture, and a sample can hold two fields.
    Whole,
}

/// Where a message goes in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Before the NAL unit whose length begins here.
    pub at: usize,
    /// What the header of a message's NAL unit has to say there; 1 in H.264.
    pub temporal_id_plus1: u8,
}

/// How far a walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Walked {
    /// More of the sample is needed: at least so many bytes from its first.
    More {
        /// How many, at most the whole sample.
        bytes: usize,
    },
    /// A message can go here.
    Place(Place),
    /// There is no picture. A message would belong to nothing.
    NoPicture,
}

/// Why a sample is not edited. It stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleError {
    /// `sei.sample_broken`: before the first picture, a length reaches behind the sample.
    Broken {
        /// Where in the sample the length is.
        at: usize,
    },
    /// `sei.length_overflow`: the message is longer than such a length can say.
    LengthOverflow {
        /// How long its NAL unit is.
        len: usize,
        /// The most.
        most: u32,
    },
}

impl SampleFormat {
    /// Goes through a sample of `len` bytes that begins with `sample`, and adds to `splices` what
    /// takes out the messages that `ours` knows. Where it is `None`, or there are none, nothing is
    /// added and nothing allocated.
    ///
    /// If more is needed, what was added up to there is right as far as it goes.
    ///
    /// # Errors
    /// `sei.sample_broken`; nothing is added then. What is broken behind the first picture ends the
    /// walk and is no error: decoders take what is before it.
    pub fn walk(
        self,
        sample: &[u8],
        len: usize,
        ours: Option<&Marker>,
        reach: Reach,
        splices: &mut Vec<Splice>,
    ) -> Result<Walked, SampleError> {
        let before = splices.len();
        let mut place = None;
        let mut at = 0;
        while at < len {
            let Some((start, end)) = self.unit(sample, at, len) else {
                let bytes = at.saturating_add(self.length_size.bytes());
                if bytes <= len && bytes > sample.len() {
                    return Ok(Walked::More { bytes });
                }
                if place.is_some() {
                    break;
                }
                splices.truncate(before);
                return Err(SampleError::Broken { at });
            };
            let header = end.min(start + self.codec.header_len());
            if header > sample.len() {
                return Ok(Walked::More { bytes: header });
            }
            let unit = Unit::parse(self.codec, &sample[start..header]);
            // A slice is more than its header. One that is not is the 1 of a start code, read as a
            // length.
            let is_slice = unit.is_some_and(Unit::is_vcl);
            if place.is_none() && is_slice && end <= start + self.codec.header_len() {
                splices.truncate(before);
                return Err(SampleError::Broken { at });
            }
            if let Some(unit) = unit.filter(|unit| unit.is_vcl() || unit.is_prefix()) {
                let temporal_id_plus1 = unit.temporal_id_plus1();
                let first = *place.get_or_insert(Place { at, temporal_id_plus1 });
                if reach == Reach::Picture {
                    return Ok(Walked::Place(first));
                }
            }
            if let (Some(ours), true) = (ours, unit.is_some_and(Unit::is_sei)) {
                let Some(nal) = sample.get(start..end) else {
                    return Ok(Walked::More { bytes: end });
                };
                splices.extend(self.without(nal, ours, at, end - at));
            }
            at = end;
        }
        Ok(place.map_or(Walked::NoPicture, Walked::Place))
    }

    /// What puts a message in.
    ///
    /// # Errors
    /// `sei.length_overflow`.
    pub fn insert(self, place: Place, payload: Payload<'_>) -> Result<Splice, SampleError> {
        let nal = SeiNal::new(self.codec, payload).with_temporal_id_plus1(place.temporal_id_plus1);
        let len = nal.encoded_len();
        let most = self.length_size.most();
        let length = self.length(len).ok_or(SampleError::LengthOverflow { len, most })?;
        let mut insert = Vec::with_capacity(self.length_size.bytes() + len);
        self.append_length(length, &mut insert);
        nal.append_to(&mut insert);
        Ok(Splice { at: place.at, remove: 0, insert })
    }

    /// Where the NAL unit whose length is at `at` begins and ends. `None` if its length is not
    /// there or reaches behind the sample.
    fn unit(self, sample: &[u8], at: usize, len: usize) -> Option<(usize, usize)> {
        let start = at.checked_add(self.length_size.bytes())?;
        let length = sample.get(at..start)?;
        let length = length.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= len).then_some((start, end))
    }

    /// What takes our messages out of a SEI NAL unit at `at`, which has `whole` bytes with its
    /// length.
    fn without(self, nal: &[u8], ours: &Marker, at: usize, whole: usize) -> Option<Splice> {
        let insert = match without_ours(self.codec, nal, ours) {
            Without::Same => return None,
            Without::Nothing => Vec::new(),
            Without::Rest(rest) => {
                let mut insert = Vec::with_capacity(whole);
                self.append_length(self.length(rest.len())?, &mut insert);
                insert.extend_from_slice(&rest);
                insert
            }
        };
        Some(Splice { at, remove: whole, insert })
    }

    fn length(self, len: usize) -> Option<[u8; 4]> {
        self.length_size.write(len)
    }

    fn append_length(self, length: [u8; 4], out: &mut Vec<u8>) {
        out.extend_from_slice(&length[4 - self.length_size.bytes()..]);
    }
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { at } => {
                write!(f, "the length at byte {at} of the sample does not fit what follows it")
            }
            Self::LengthOverflow { len, most } => {
                write!(f, "the message has {len} bytes, the stream's lengths say at most {most}")
            }
        }
    }
}

impl core::error::Error for SampleError {}

impl Coded for SampleError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Broken { .. } => "sei.sample_broken",
            Self::LengthOverflow { .. } => "sei.length_overflow",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Broken { .. } => Fault::Peer,
            Self::LengthOverflow { .. } => Fault::Limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Reach, SampleError, SampleFormat, Walked};
    use crate::error::Coded;
    use crate::sei::codec::Codec::{self, H264, H265};
    use crate::sei::edit::apply;
    use crate::sei::length::LengthSize;
    use crate::sei::ours::Marker;
    use crate::sei::uuid::Uuid;
    use crate::sei::write::Payload;
    use std::vec::Vec;

    const SIZES: [LengthSize; 4] =
        [LengthSize::One, LengthSize::Two, LengthSize::Three, LengthSize::Four];

    fn marker() -> Marker {
        Marker::Uuid(Uuid::LIVEGATE)
    }

    /// A sample of these NAL units.
    fn sample(size: LengthSize, units: &[&[u8]]) -> Vec<u8> {
        let mut sample = Vec::new();
        for unit in units {
            let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
            sample.extend(&length[4 - size.bytes()..]);
            sample.extend(*unit);
        }
        sample
    }

    /// Where a message goes, as the number of NAL units before it, and its temporal id.
    fn place(codec: Codec, units: &[&[u8]]) -> Option<(usize, u8)> {
        let format = SampleFormat { codec, length_size: LengthSize::Four };
        let sample = sample(format.length_size, units);
        let mut splices = Vec::new();
        match format.walk(&sample, sample.len(), None, Reach::Picture, &mut splices).unwrap() {
            Walked::Place(Place { at, temporal_id_plus1 }) => {
                let mut before = 0;
                let mut bytes = 0;
                while bytes < at {
                    bytes += 4 + units[before].len();
                    before += 1;
                }
                assert_eq!(bytes, at);
                Some((before, temporal_id_plus1))
            }
            Walked::NoPicture => None,
            Walked::More { .. } => panic!("the sample is whole"),
        }
    }

    #[test]
    fn a_message_goes_before_the_first_slice_and_behind_all_that_leads_it() {
        // H.264: delimiter 9, SPS 7, PPS 8, SEI 6, IDR slices 5, slices 1, partitions 2 to 4.
        let (aud, sps, pps, sei) =
            (&[9, 0xF0][..], &[0x67, 1][..], &[0x68, 1][..], &[6, 1, 0, 0x80][..]);
        assert_eq!(place(H264, &[aud, sps, pps, sei, &[0x65, 0x88], &[0x65, 0x40]]), Some((4, 1)));
        for slice in [1, 2, 5] {
            assert_eq!(place(H264, &[&[slice, 0x9A]]), Some((0, 1)));
        }
        // Before the prefix of a slice (14) and the slice of another layer (20).
        assert_eq!(place(H264, &[aud, &[0x6E, 1], &[0x65, 0x88]]), Some((1, 1)));
        assert_eq!(place(H264, &[sei, &[0x74, 1]]), Some((1, 1)));
        // H.265: delimiter 35, VPS 32, SEI 39; the slice has temporal id 2.
        let units: [&[u8]; 4] =
            [&[35 << 1, 1, 0x50], &[32 << 1, 1], &[39 << 1, 1, 6, 0x80], &[1 << 1, 3, 0x80]];
        assert_eq!(place(H265, &units), Some((3, 3)));
        // Filler (12), an end of sequence (10), an empty unit and one that is cut are no pictures.
        assert_eq!(place(H264, &[&[12, 0xFF], &[10], &[]]), None);
        assert_eq!(place(H265, &[&[2], &[38 << 1, 1]]), None);
        assert_eq!(place(H264, &[]), None);
        assert_eq!(place(H264, &[&[], &[], &[0x41, 0x9A]]), Some((2, 1)));
    }

    #[test]
    fn start_codes_in_place_of_lengths_are_no_lengths() {
        // 00 00 00 01 is a length of 1, and the unit behind it the header of a slice alone.
        for (codec, sample) in
            [(H264, &b"\0\0\0\x01\x65\x88\x84\0"[..]), (H265, b"\0\0\0\x02\x26\x01")]
        {
            let format = SampleFormat { codec, length_size: LengthSize::Four };
            let walked = format.walk(sample, sample.len(), None, Reach::Picture, &mut Vec::new());
            assert_eq!(walked, Err(SampleError::Broken { at: 0 }));
        }
    }

    #[test]
    fn what_is_put_in_is_one_unit_behind_its_length() {
        let payload = Payload::typed(100, b"abc").unwrap();
        for (size, length) in [
            (LengthSize::One, &[7][..]),
            (LengthSize::Two, &[0, 7]),
            (LengthSize::Four, &[0, 0, 0, 7]),
        ] {
            let format = SampleFormat { codec: H264, length_size: size };
            let plain = sample(size, &[&[9, 0xF0], &[0x65, 0x88, 0x84]]);
            let mut splices = Vec::new();
            let at = size.bytes() + 2;
            let walked = format.walk(&plain, plain.len(), None, Reach::Picture, &mut splices);
            assert_eq!(walked, Ok(Walked::Place(Place { at, temporal_id_plus1: 1 })));
            assert_eq!(splices.capacity(), 0);
            let place = Place { at, temporal_id_plus1: 1 };
            let splice = format.insert(place, payload).unwrap();
            let nal = [length, &[6, 100, 3, b'a', b'b', b'c', 0x80]].concat();
            assert_eq!(apply(&plain, &[splice]), [&plain[..at], &nal, &plain[at..]].concat());
        }
        // H.265: type 39, and the temporal id of the picture.
        let format = SampleFormat { codec: H265, length_size: LengthSize::One };
        let splice = format.insert(Place { at: 0, temporal_id_plus1: 3 }, payload).unwrap();
        assert_eq!(splice.insert, b"\x08\x4E\x03\x64\x03abc\x80");
    }

    #[test]
    fn a_message_that_no_length_can_say_is_refused() {
        let data = [b'x'; 1000];
        let payload = |len: usize| Payload::typed(100, &data[..len]).unwrap();
        let place = Place { at: 0, temporal_id_plus1: 1 };
        let one = SampleFormat { codec: H264, length_size: LengthSize::One };
        // Header, type, size, content and stop bit: 251 bytes of content make 255.
        let fits = one.insert(place, payload(251)).unwrap();
        assert_eq!((fits.insert[0], fits.insert.len()), (255, 256));
        let error = SampleError::LengthOverflow { len: 256, most: 255 };
        assert_eq!(one.insert(place, payload(252)), Err(error));
        assert_eq!(error.code().as_str(), "sei.length_overflow");
        let two = SampleFormat { codec: H264, length_size: LengthSize::Two };
        assert!(two.insert(place, payload(1000)).is_ok());
    }

    #[test]
    fn ours_go_wherever_the_walk_comes_and_others_stay() {
        let ours = |header: &[u8]| [header, &[5, 17], &Uuid::LIVEGATE.0, b"!", &[0x80]].concat();
        let other = [&[6, 5, 17][..], &[0xDC; 16], b"!", &[0x80]].concat();
        let slice: &[u8] = &[0x65, 0x88];
        for size in SIZES {
            let format = SampleFormat { codec: H264, length_size: size };
            let plain = sample(size, &[&other, slice, slice]);
            let with = sample(size, &[&ours(&[6]), &other, &ours(&[6]), slice, &ours(&[6]), slice]);
            let walked = |reach| {
                let mut splices = Vec::new();
                let walked = format.walk(&with, with.len(), Some(&marker()), reach, &mut splices);
                assert!(matches!(walked, Ok(Walked::Place(_))));
                apply(&with, &splices)
            };
            assert_eq!(walked(Reach::Whole), plain);
            assert_eq!(walked(Reach::Picture), sample(size, &[&other, slice, &ours(&[6]), slice]));
        }
        // A suffix SEI of H.265 is ours as well.
        let format = SampleFormat { codec: H265, length_size: LengthSize::Two };
        let slice: &[u8] = &[1 << 1, 1, 0x80];
        let with = sample(LengthSize::Two, &[slice, &ours(&[40 << 1, 1])]);
        let mut splices = Vec::new();
        let walked = format.walk(&with, with.len(), Some(&marker()), Reach::Whole, &mut splices);
        assert!(matches!(walked, Ok(Walked::Place(Place { at: 0, .. }))));
        assert_eq!(apply(&with, &splices), sample(LengthSize::Two, &[slice]));
    }

    #[test]
    fn others_in_the_same_unit_stay_behind_a_new_length() {
        let ours = [&[5, 17][..], &Uuid::LIVEGATE.0, b"!"].concat();
        let both = [&[6, 1, 1, 0x12][..], &ours, &[0x80]].concat();
        let with = sample(LengthSize::Two, &[&both, &[0x65, 0x88]]);
        let format = SampleFormat { codec: H264, length_size: LengthSize::Two };
        let mut splices = Vec::new();
        let walked = format.walk(&with, with.len(), Some(&marker()), Reach::Picture, &mut splices);
        assert!(matches!(walked, Ok(Walked::Place(_))));
        let rest = sample(LengthSize::Two, &[&[6, 1, 1, 0x12, 0x80], &[0x65, 0x88]]);
        assert_eq!(apply(&with, &splices), rest);
    }

    #[test]
    fn a_part_is_enough_if_it_has_what_is_looked_at() {
        let sei = [&[6, 5, 17][..], &Uuid::LIVEGATE.0, b"!", &[0x80]].concat();
        let whole = sample(LengthSize::Four, &[&[9, 0xF0], &sei, &[0x65; 1000]]);
        let format = SampleFormat { codec: H264, length_size: LengthSize::Four };
        let asked = |ours: Option<&Marker>| {
            let mut asked = Vec::new();
            let mut there = 0;
            loop {
                let mut splices = Vec::new();
                let part = &whole[..there];
                match format.walk(part, whole.len(), ours, Reach::Picture, &mut splices).unwrap() {
                    Walked::More { bytes } => {
                        assert!(bytes > there);
                        asked.push(bytes);
                        there = bytes;
                    }
                    Walked::Place(place) => {
                        assert_eq!(place.at, 6 + 4 + sei.len());
                        return (asked, splices.len());
                    }
                    Walked::NoPicture => panic!("there is one"),
                }
            }
        };
        // Each length and one byte behind it; the SEI is 21 bytes, at 10.
        assert_eq!(asked(None), (Vec::from([4, 5, 10, 11, 35, 36]), 0));
        assert_eq!(asked(Some(&marker())), (Vec::from([4, 5, 10, 11, 31, 35, 36]), 1));
    }

    #[test]
    fn a_length_that_reaches_behind_the_sample_is_broken_before_a_picture_only() {
        let format = SampleFormat { codec: H264, length_size: LengthSize::Four };
        let walk = |sample: &[u8], reach| {
            let mut splices = Vec::new();
            format.walk(sample, sample.len(), Some(&marker()), reach, &mut splices)
        };
        // Start codes instead of lengths: a unit of one byte, then a length of 0xF0000000.
        let annex_b = b"\0\0\0\x01\x09\xF0\0\0\0\x01\x65\x88";
        for reach in [Reach::Picture, Reach::Whole] {
            let error = SampleError::Broken { at: 5 };
            assert_eq!(walk(annex_b, reach), Err(error));
            assert_eq!(error.code().as_str(), "sei.sample_broken");
            assert_eq!(walk(b"\0\0\0\x02\x65", reach), Err(SampleError::Broken { at: 0 }));
            assert_eq!(walk(b"\0\0", reach), Err(SampleError::Broken { at: 0 }));
            let place = Place { at: 0, temporal_id_plus1: 1 };
            assert_eq!(walk(b"\0\0\0\x02\x65\x88\0\0", reach), Ok(Walked::Place(place)));
        }
    }
}
