//! Where pictures begin: H.264 7.4.1.2.3 and 7.4.1.2.4, H.265 7.4.2.4.4 and 7.4.2.4.5.
//!
//! A picture of H.264 is told from the one before it by their slice headers, not by
//! `first_mb_in_slice`: slices may come in any order, and a field is a picture of its own.

use super::codec::{Codec, Unit};
use super::h264::{ParameterSets, Parity, Slice};
use super::message::messages;
use super::rbsp::Escaped;

/// How many bytes of a VCL NAL unit are looked at: more than any slice header takes to where a
/// picture is told from another (at most ten numbers).
pub const VCL_HEAD: usize = 128;

/// `recovery_point` (H.264 Annex D).
const RECOVERY_POINT: u32 = 6;

/// Follows a stream's NAL units and tells where pictures begin.
#[derive(Clone, Debug)]
pub struct Pictures {
    codec: Codec,
    sets: ParameterSets,
    /// The first slice of the H.264 picture under way; `None` if there is none or it is illegible.
    first: Option<Slice>,
    /// Whether the picture under way is a field whose frame wants another.
    half: bool,
    gap: Gap,
    /// Whether a recovery point came since the last picture.
    recovery: bool,
    frames: u64,
}

/// What came since the last VCL NAL unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    /// Nothing that says anything.
    None,
    /// What comes before the first VCL NAL unit of a picture only. Where slices can be compared they
    /// decide none the less: there are writers that put SEI between slices.
    Between,
    /// What is followed by a new picture whatever its slices say.
    New,
}

/// What a NAL unit is to the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Step {
    /// No picture begins here.
    Within,
    /// It belongs to the VCL NAL unit that follows, if one does: if a picture begins there, what goes
    /// before its first VCL NAL unit goes before this (H.264 14 and 20).
    Prefix,
    /// The first VCL NAL unit of a picture.
    Picture(Picture),
}

/// A picture: a frame, or a field of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Picture {
    /// Which frame it is or belongs to, from 0, in the order of decoding.
    pub frame: u64,
    /// Whether it is the second field of its frame.
    pub second_field: bool,
    /// Which field it is, if it is one. H.265 does not say so in its slices: there, a field counts as
    /// a frame.
    pub field: Option<Parity>,
    /// Whether a player can begin here: H.264 IDR, or a recovery point, which is where an open GOP
    /// or a gradual refresh begins; H.265 IRAP. FLV calls this a key frame.
    pub random_access: bool,
    /// `nuh_temporal_id_plus1` of its first VCL NAL unit; 1 in H.264.
    pub temporal_id_plus1: u8,
}

impl Pictures {
    /// Before the first NAL unit.
    pub const fn new(codec: Codec) -> Self {
        Self {
            codec,
            sets: ParameterSets::new(),
            first: None,
            half: false,
            gap: Gap::New,
            recovery: false,
            frames: 0,
        }
    }

    /// How many frames began.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// The next NAL unit, with its header. Of a VCL NAL unit the first [`VCL_HEAD`] bytes are enough;
    /// of any other, what is missing is as if it were damaged.
    pub fn push(&mut self, unit: Unit, nal: &[u8]) -> Step {
        let body = Escaped::new(nal.get(self.codec.header_len()..).unwrap_or_default());
        match self.codec {
            Codec::H264 => self.push_h264(unit, nal, body),
            Codec::H265 => self.push_h265(unit, body),
        }
    }

    fn push_h264(&mut self, unit: Unit, nal: &[u8], body: Escaped<'_>) -> Step {
        match unit.unit_type() {
            1 | 2 | 5 => return self.slice(unit, body),
            6 => {
                let mut all = messages(Codec::H264, nal);
                self.recovery |= all.any(|message| message.payload_type == RECOVERY_POINT);
                self.gap = self.gap.max(Gap::Between);
            }
            7 | 8 => {
                self.sets.keep(unit, body);
                self.gap = self.gap.max(Gap::Between);
            }
            9 => self.gap = Gap::New,
            // After the end of a sequence comes a picture that has nothing to do with the last one.
            10 | 11 => (self.gap, self.half) = (Gap::New, false),
            14 => {
                self.gap = self.gap.max(Gap::Between);
                return Step::Prefix;
            }
            15..=18 => self.gap = self.gap.max(Gap::Between),
            // Before the first VCL NAL unit only; after it, it is another view of the same picture.
            20 if self.gap != Gap::None => return Step::Prefix,
            // Parts that belong to a slice (3, 4), repeat or add to a picture (19 to 21), fillers.
            _ => {}
        }
        Step::Within
    }

    fn slice(&mut self, unit: Unit, body: Escaped<'_>) -> Step {
        let slice = self.sets.slice(unit, body);
        if slice.is_some_and(|slice| slice.is_redundant()) {
            return Step::Within;
        }
        let begins = core::mem::replace(&mut self.gap, Gap::None) == Gap::New
            || match (slice, self.first) {
                (Some(slice), Some(first)) => slice.is_of_another_picture(&first),
                (Some(_), None) => true,
                (None, _) => false,
            };
        if !begins {
            return Step::Within;
        }
        let second_field = self.half
            && matches!((slice, self.first), (Some(slice), Some(first)) if slice.is_second_field_of(&first));
        let field = slice.and_then(|slice| slice.field());
        self.first = slice;
        self.half = field.is_some() && !second_field;
        let random_access = unit.is_random_access() || self.recovery;
        Step::Picture(self.picture(unit, second_field, field, random_access))
    }

    fn push_h265(&mut self, unit: Unit, body: Escaped<'_>) -> Step {
        if unit.layer_id() != 0 {
            return Step::Within;
        }
        if !unit.is_vcl() {
            // What begins an access unit (7.4.2.4.4), and what ends a sequence.
            if matches!(unit.unit_type(), 32..=37 | 39 | 41..=44 | 48..=55) {
                self.gap = Gap::New;
            }
            return Step::Within;
        }
        // first_slice_segment_in_pic_flag (7.3.6.1).
        let first = body.bytes().next().is_some_and(|byte| byte & 0x80 != 0);
        let fresh = core::mem::replace(&mut self.gap, Gap::None) == Gap::New;
        if !first && !fresh {
            return Step::Within;
        }
        Step::Picture(self.picture(unit, false, None, unit.is_random_access()))
    }

    fn picture(
        &mut self,
        unit: Unit,
        second_field: bool,
        field: Option<Parity>,
        random_access: bool,
    ) -> Picture {
        self.recovery = false;
        self.frames += u64::from(!second_field);
        Picture {
            frame: self.frames.saturating_sub(1),
            second_field,
            field,
            random_access,
            temporal_id_plus1: unit.temporal_id_plus1(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parity, Picture, Pictures, Step};
    use crate::sei::codec::{Codec, Unit};
    use crate::sei::made::{PPS, Pps, SLICE, SPS, Slice, Sps, h265_slice};
    use alloc::vec::Vec;

    fn push(pictures: &mut Pictures, nal: &[u8]) -> Step {
        let unit = Unit::parse(pictures.codec, nal).unwrap();
        pictures.push(unit, nal)
    }

    fn picture(step: Step) -> Option<Picture> {
        match step {
            Step::Picture(picture) => Some(picture),
            _ => None,
        }
    }

    /// What each NAL unit is: the frame that begins with it, `None` if none does.
    fn frames(codec: Codec, nals: &[Vec<u8>]) -> Vec<Option<u64>> {
        let mut pictures = Pictures::new(codec);
        nals.iter()
            .map(|nal| picture(push(&mut pictures, nal)))
            .map(|picture| Some(picture.filter(|picture| !picture.second_field)?.frame))
            .collect()
    }

    /// Whether the second slice is of another picture than the first.
    fn differs(sps: Sps, pps: &[Pps], one: Slice, two: Slice) -> bool {
        let mut pictures = Pictures::new(Codec::H264);
        let _ = push(&mut pictures, &sps.nal());
        for pps in pps {
            let _ = push(&mut pictures, &pps.nal());
        }
        assert!(picture(push(&mut pictures, &one.nal())).is_some());
        picture(push(&mut pictures, &two.nal())).is_some()
    }

    #[test]
    fn slices_are_of_one_picture_in_any_order() {
        for (one, two) in [(0, 9), (9, 0), (9, 5)] {
            let [one, two] = [one, two].map(|first_mb| Slice { first_mb, ..SLICE });
            assert!(!differs(SPS, &[PPS], one, two));
        }
    }

    #[test]
    fn each_difference_of_7_4_1_2_4_is_another_picture() {
        let one = Slice { first_mb: 9, ..SLICE };
        let two = SLICE;
        let second = Pps { id: 1, ..PPS };
        assert!(differs(SPS, &[PPS], one, Slice { frame_num: 4, ..two }));
        assert!(differs(SPS, &[PPS, second], one, Slice { pps: second, ..two }));
        assert!(differs(SPS, &[PPS], one, Slice { ref_idc: 0, ..two }));
        assert!(!differs(SPS, &[PPS], one, Slice { ref_idc: 1, ..two }), "both are references");
        assert!(differs(SPS, &[PPS], one, Slice { lsb: 7, ..two }));
        assert!(differs(SPS, &[PPS], one, Slice { unit_type: 5, ..two }));
        let idr = |slice: Slice| Slice { unit_type: 5, ..slice };
        assert!(!differs(SPS, &[PPS], idr(one), idr(two)));
        assert!(differs(SPS, &[PPS], idr(one), Slice { idr_pic_id: 1, ..idr(two) }));

        let sps = Sps { frames_only: false, ..SPS };
        let of = |slice: Slice| Slice { sps, ..slice };
        assert!(!differs(sps, &[PPS], of(one), of(two)));
        assert!(differs(sps, &[PPS], of(one), Slice { field: 1, ..of(two) }));
        let top = |slice| Slice { field: 1, ..of(slice) };
        assert!(!differs(sps, &[PPS], top(one), top(two)));
        assert!(differs(sps, &[PPS], top(one), Slice { field: 2, ..of(two) }));

        let pps = Pps { bottom_field_order: true, ..PPS };
        let of = |slice: Slice| Slice { pps, ..slice };
        assert!(!differs(SPS, &[pps], of(one), of(two)));
        assert!(differs(SPS, &[pps], of(one), Slice { deltas: [0, 1], ..of(two) }));

        let sps = Sps { order: 1, ..SPS };
        let of = |slice: Slice| Slice { sps, pps, ..slice };
        assert!(!differs(sps, &[pps], of(one), of(two)));
        assert!(differs(sps, &[pps], of(one), Slice { deltas: [-1, 0], ..of(two) }));
        assert!(differs(sps, &[pps], of(one), Slice { deltas: [0, -1], ..of(two) }));
    }

    #[test]
    fn a_slice_that_begins_where_the_first_did_is_of_another_picture() {
        // Nothing else tells them apart: an encoder that sends IDR pictures of one idr_pic_id.
        let idr = Slice { unit_type: 5, ..SLICE };
        assert!(differs(SPS, &[PPS], idr, idr));
        assert!(!differs(SPS, &[PPS], idr, Slice { first_mb: 1, ..idr }));
        // Three colour planes have each a slice that begins there.
        let sps = Sps { planes: true, ..SPS };
        let slice = Slice { sps, ..SLICE };
        assert!(!differs(sps, &[PPS], slice, Slice { plane: 1, ..slice }));
        assert!(differs(sps, &[PPS], slice, slice));
    }

    #[test]
    fn redundant_slices_begin_no_picture() {
        for groups in [None, Some(0), Some(1), Some(2), Some(4), Some(6)] {
            let pps = Pps { redundant: true, groups, ..PPS };
            let slice = Slice { pps, ..SLICE };
            let redundant = Slice { redundant: 1, frame_num: 9, ..slice };
            assert!(!differs(SPS, &[pps], slice, redundant), "{groups:?}");
            assert!(differs(SPS, &[pps], slice, slice), "{groups:?}");
        }
    }

    #[test]
    fn two_fields_are_a_frame() {
        let sps = Sps { frames_only: false, ..SPS };
        let field = |field, frame_num, ref_idc, unit_type| Slice {
            sps,
            unit_type,
            ref_idc,
            frame_num,
            field,
            ..SLICE
        };
        // One, two: whether the second is the second field of its frame.
        for (one, two, expected, why) in [
            (field(1, 3, 2, 1), field(2, 3, 2, 1), true, "top, bottom"),
            (field(2, 3, 0, 1), field(1, 3, 0, 1), true, "bottom, top, no references"),
            (field(1, 0, 2, 5), field(2, 0, 2, 1), true, "IDR, and P that refers to it"),
            (field(1, 3, 2, 1), field(2, 3, 0, 1), false, "the second is no reference"),
            (field(1, 3, 0, 1), field(2, 3, 2, 1), false, "a reference after none (clause 3)"),
            (field(1, 3, 2, 1), field(1, 4, 2, 1), false, "the same parity"),
            (field(1, 3, 2, 1), field(2, 4, 2, 1), false, "another frame number"),
            (field(1, 0, 2, 1), field(2, 0, 2, 5), false, "IDR is a first field"),
            (field(0, 3, 2, 1), field(2, 3, 2, 1), false, "a frame and a field"),
        ] {
            let mut pictures = Pictures::new(Codec::H264);
            let _ = push(&mut pictures, &sps.nal());
            let _ = push(&mut pictures, &PPS.nal());
            let one = picture(push(&mut pictures, &one.nal())).unwrap();
            assert!(!one.second_field && one.frame == 0, "{why}");
            let two = picture(push(&mut pictures, &two.nal())).unwrap();
            assert_eq!(two.second_field, expected, "{why}");
            assert_eq!(two.frame, u64::from(!expected), "{why}");
            assert_eq!(pictures.frames(), if expected { 1 } else { 2 }, "{why}");
        }
    }

    #[test]
    fn a_third_field_begins_a_frame() {
        let sps = Sps { frames_only: false, ..SPS };
        let field = |field, lsb| Slice { sps, field, lsb, ..SLICE }.nal();
        // Bottom after top and bottom, all of one frame_num: no pair is left.
        let nals = [sps.nal(), PPS.nal(), field(1, 6), field(2, 7), field(1, 8)];
        assert_eq!(frames(Codec::H264, &nals), [None, None, Some(0), None, Some(1)]);
        let mut pictures = Pictures::new(Codec::H264);
        let all: Vec<_> = nals.iter().filter_map(|nal| picture(push(&mut pictures, nal))).collect();
        let fields: Vec<_> = all.iter().map(|picture| picture.field.unwrap()).collect();
        assert_eq!(fields, [Parity::Top, Parity::Bottom, Parity::Top]);
    }

    #[test]
    fn a_delimiter_begins_a_picture_whatever_the_slices_say() {
        let slice = |first_mb| Slice { first_mb, ..SLICE }.nal();
        for nal in [&[9, 0xF0][..], &[10], &[11]] {
            let nals = [SPS.nal(), PPS.nal(), slice(0), nal.to_vec(), slice(9)];
            assert_eq!(frames(Codec::H264, &nals)[4], Some(1));
        }
        // SEI between the slices of a picture should not be there, but is in some streams.
        let sei = [6, 5, 0, 0x80].to_vec();
        let nals = [SPS.nal(), PPS.nal(), slice(0), sei, slice(9)];
        assert_eq!(frames(Codec::H264, &nals)[4], None);
    }

    #[test]
    fn without_parameter_sets_a_picture_begins_at_its_first_macroblock() {
        let slice = |first_mb| Slice { first_mb, ..SLICE }.nal();
        let nals = [slice(0), slice(5), slice(9), slice(0), slice(5)];
        let expected = [Some(0), None, None, Some(1), None];
        assert_eq!(frames(Codec::H264, &nals), expected);
        // The same with a parameter set that is cut short, or for another sequence.
        let broken = SPS.nal()[..6].to_vec();
        let other = Pps { sps: 7, ..PPS }.nal();
        for sets in [[broken, PPS.nal()], [SPS.nal(), other]] {
            let nals = [&sets[..], &nals].concat();
            assert_eq!(frames(Codec::H264, &nals)[2..], expected);
        }
    }

    #[test]
    fn what_belongs_to_a_slice_begins_nothing() {
        // Partitions B and C, a filler, an auxiliary picture, another view.
        let mut nals = [SPS.nal(), PPS.nal(), Slice { unit_type: 2, ..SLICE }.nal()].to_vec();
        nals.extend([3, 4, 12, 19, 20, 21].map(|unit_type| [unit_type, 0x88, 0x80].to_vec()));
        nals.push(Slice { unit_type: 2, frame_num: 4, ..SLICE }.nal());
        let mut expected = [None; 10];
        (expected[2], expected[9]) = (Some(0), Some(1));
        assert_eq!(frames(Codec::H264, &nals), expected);
    }

    #[test]
    fn prefixes_belong_to_what_follows() {
        let mut pictures = Pictures::new(Codec::H264);
        let (prefix, view) = ([14, 0x80, 0, 7], [20, 0x80, 0, 7]);
        assert_eq!(push(&mut pictures, &prefix), Step::Prefix);
        assert_eq!(push(&mut pictures, &view), Step::Prefix);
        assert!(picture(push(&mut pictures, &SLICE.nal())).is_some());
        // Behind a slice, a view belongs to it; a prefix to the slice that follows. What begins an
        // access unit is between the two.
        assert_eq!(push(&mut pictures, &view), Step::Within);
        assert_eq!(push(&mut pictures, &prefix), Step::Prefix);
        assert_eq!(push(&mut pictures, &Slice { first_mb: 9, ..SLICE }.nal()), Step::Within);
        for unit_type in [6, 7, 8, 9, 14, 15, 16, 17, 18] {
            assert_eq!(push(&mut pictures, &view), Step::Within);
            let _ = push(&mut pictures, &[unit_type, 0x80]);
            assert_eq!(push(&mut pictures, &view), Step::Prefix, "{unit_type}");
            let _ = push(&mut pictures, &SLICE.nal());
        }
    }

    #[test]
    fn a_player_can_begin_at_idr_and_at_a_recovery_point() {
        // Of several messages, the second is a recovery point.
        let recovery = [6, 1, 1, 0x12, 6, 1, 0xC4, 0x80].to_vec();
        let mut pictures = Pictures::new(Codec::H264);
        let mut next = |nals: &[Vec<u8>]| {
            nals.iter().find_map(|nal| picture(push(&mut pictures, nal))).unwrap().random_access
        };
        assert!(next(&[SPS.nal(), PPS.nal(), Slice { unit_type: 5, ..SLICE }.nal()]));
        assert!(!next(&[SLICE.nal()]));
        assert!(next(&[recovery, Slice { frame_num: 4, ..SLICE }.nal()]));
        // It counts for one picture.
        assert!(!next(&[Slice { frame_num: 5, ..SLICE }.nal()]));
    }

    #[test]
    fn h265_pictures_begin_with_their_first_slice_segment() {
        let nals = [
            h265_slice(19, 0, 1, true),
            h265_slice(19, 0, 1, false),
            // Another layer, and the SEI behind a picture.
            h265_slice(19, 1, 1, true),
            [40 << 1, 1, 4, 0, 0x80].to_vec(),
            h265_slice(1, 0, 3, true),
        ];
        assert_eq!(frames(Codec::H265, &nals), [Some(0), None, None, None, Some(1)]);
        let mut pictures = Pictures::new(Codec::H265);
        let all: Vec<_> = nals.iter().filter_map(|nal| picture(push(&mut pictures, nal))).collect();
        let told: Vec<_> = all.iter().map(|p| (p.random_access, p.temporal_id_plus1)).collect();
        assert_eq!(told, [(true, 1), (false, 3)]);
    }

    #[test]
    fn h265_units_that_begin_an_access_unit_are_those_of_the_base_layer() {
        // 7.4.2.4.4, and the ends of a sequence and of the stream.
        let begins = |unit_type: u8, layer: u8| {
            let nal = [unit_type << 1, layer << 3 | 1, 0x50].to_vec();
            let nals = [h265_slice(1, 0, 1, true), nal, h265_slice(1, 0, 1, false)];
            frames(Codec::H265, &nals)[2].is_some()
        };
        let found: Vec<u8> = (32..64).filter(|unit_type| begins(*unit_type, 0)).collect();
        let expected: Vec<u8> = (32..=37).chain([39]).chain(41..=44).chain(48..=55).collect();
        assert_eq!(found, expected);
        assert!((32..64).all(|unit_type| !begins(unit_type, 1)));
    }
}
