//! Streams made for tests, bit by bit as the tables of H.264 7.3 and H.265 7.3 say.

use alloc::vec::Vec;

use super::rbsp::escape_into;

/// Bits, from the most significant on.
#[derive(Clone, Default)]
pub(super) struct Bits(Vec<bool>);

impl Bits {
    pub(super) fn u(mut self, n: u32, value: u32) -> Self {
        self.0.extend((0..n).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    /// 9.1: as many zeros as `value + 1` has bits but one, then `value + 1`.
    pub(super) fn ue(self, value: u32) -> Self {
        let bits = 32 - (value + 1).leading_zeros();
        self.u(bits - 1, 0).u(bits, value + 1)
    }

    /// 9.1.1: 1, -1, 2, -2 … are 1, 2, 3, 4.
    pub(super) fn se(self, value: i32) -> Self {
        let twice = 2 * value.unsigned_abs();
        self.ue(if value > 0 { twice - 1 } else { twice })
    }

    /// A NAL unit with this header, these bits, and a stop bit.
    pub(super) fn nal(self, header: &[u8]) -> Vec<u8> {
        let mut bits = self.u(1, 1).0;
        bits.resize(bits.len().next_multiple_of(8), false);
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        let rbsp: Vec<u8> = bits.chunks(8).map(byte).collect();
        let mut out = header.to_vec();
        escape_into(&rbsp, &mut out);
        out
    }
}

/// A sequence parameter set of the Extended profile, in which everything below may vary.
#[derive(Clone, Copy)]
pub(super) struct Sps {
    pub(super) id: u32,
    /// High 4:4:4 Predictive with three colour planes apart, and scaling lists.
    pub(super) planes: bool,
    pub(super) order: u32,
    pub(super) frames_only: bool,
}

pub(super) const SPS: Sps = Sps { id: 0, planes: false, order: 0, frames_only: true };

impl Sps {
    pub(super) fn nal(self) -> Vec<u8> {
        let mut bits = Bits::default().u(8, if self.planes { 244 } else { 88 }).u(16, 30);
        bits = bits.ue(self.id);
        if self.planes {
            bits = bits.ue(3).u(1, 1).ue(0).ue(0).u(1, 0);
            // seq_scaling_matrix_present_flag; the first list of 16 is 8 + 1 each, the seventh, of
            // 64, ends at once: 8 - 8 = 0; no others.
            bits = bits.u(1, 1).u(1, 1).se(1);
            for _ in 1..16 {
                bits = bits.se(0);
            }
            bits = bits.u(5, 0).u(1, 1).se(-8).u(5, 0);
        }
        // Frame numbers of 5 bits.
        bits = bits.ue(1).ue(self.order);
        match self.order {
            // And orders of 6.
            0 => bits = bits.ue(2),
            1 => bits = bits.u(1, 0).se(-3).se(2).ue(2).se(1).se(-1),
            _ => {}
        }
        bits = bits.ue(1).u(1, 0).ue(3).ue(3).u(1, u32::from(self.frames_only));
        if !self.frames_only {
            bits = bits.u(1, 0);
        }
        bits.u(3, 0).nal(&[0x67])
    }
}

/// A picture parameter set.
#[derive(Clone, Copy)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps: u32,
    pub(super) bottom_field_order: bool,
    /// `slice_group_map_type`, of three groups; `None` for one group.
    pub(super) groups: Option<u32>,
    pub(super) redundant: bool,
}

pub(super) const PPS: Pps =
    Pps { id: 0, sps: 0, bottom_field_order: false, groups: None, redundant: false };

impl Pps {
    pub(super) fn nal(self) -> Vec<u8> {
        let mut bits = Bits::default().ue(self.id).ue(self.sps).u(1, 0);
        bits = bits.u(1, u32::from(self.bottom_field_order));
        bits = bits.ue(if self.groups.is_some() { 2 } else { 0 });
        if let Some(groups) = self.groups {
            bits = bits.ue(groups);
            bits = match groups {
                0 => bits.ue(4).ue(5).ue(6),
                2 => bits.ue(0).ue(3).ue(5).ue(9),
                3..=5 => bits.u(1, 1).ue(7),
                // Two bits each for three groups: 13 map units, the last of them 1 2 0 1 1 2 0. Read as
                // one bit each, what is left reads as a picture parameter set without redundancy.
                6 => bits.ue(12).u(26, 0b01_10_00_01_01_10_00),
                _ => bits,
            };
        }
        bits = bits.ue(0).ue(0).u(3, 0).se(-4).se(3).se(-2).u(2, 0);
        bits.u(1, u32::from(self.redundant)).nal(&[0x68])
    }
}

/// A slice, of what a stream with [`Sps`] and [`Pps`] has.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    pub(super) sps: Sps,
    pub(super) pps: Pps,
    pub(super) unit_type: u8,
    pub(super) ref_idc: u8,
    pub(super) first_mb: u32,
    pub(super) plane: u32,
    pub(super) frame_num: u32,
    /// 0 is a frame, 1 a top field, 2 a bottom field.
    pub(super) field: u32,
    pub(super) idr_pic_id: u32,
    pub(super) lsb: u32,
    pub(super) deltas: [i32; 2],
    pub(super) redundant: u32,
}

/// A P slice.
pub(super) const SLICE: Slice = Slice {
    sps: SPS,
    pps: PPS,
    unit_type: 1,
    ref_idc: 2,
    first_mb: 0,
    plane: 0,
    frame_num: 3,
    field: 0,
    idr_pic_id: 0,
    lsb: 6,
    deltas: [0, 0],
    redundant: 0,
};

impl Slice {
    pub(super) fn nal(self) -> Vec<u8> {
        let mut bits = Bits::default().ue(self.first_mb).ue(5).ue(self.pps.id);
        if self.sps.planes {
            bits = bits.u(2, self.plane);
        }
        bits = bits.u(5, self.frame_num);
        if !self.sps.frames_only {
            bits = bits.u(1, u32::from(self.field != 0));
            if self.field != 0 {
                bits = bits.u(1, self.field - 1);
            }
        }
        if self.unit_type == 5 {
            bits = bits.ue(self.idr_pic_id);
        }
        let second = self.pps.bottom_field_order && self.field == 0;
        if self.sps.order == 0 {
            bits = bits.u(6, self.lsb);
        }
        if self.sps.order == 1 {
            bits = bits.se(self.deltas[0]);
        }
        if self.sps.order < 2 && second {
            bits = bits.se(self.deltas[1]);
        }
        if self.pps.redundant {
            bits = bits.ue(self.redundant);
        }
        // What follows is not looked at.
        bits.u(32, 0x1234_5678).nal(&[self.ref_idc << 5 | self.unit_type])
    }
}

/// An H.265 slice segment.
pub(super) fn h265_slice(unit_type: u8, layer: u8, temporal_id_plus1: u8, first: bool) -> Vec<u8> {
    let bits = Bits::default().u(1, u32::from(first)).u(31, 0x2B3C_4D5E);
    bits.nal(&[unit_type << 1 | layer >> 5, layer << 3 | temporal_id_plus1])
}
