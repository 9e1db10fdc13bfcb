//! What of H.264's parameter sets and slice headers says where a picture begins.

use super::bits::Bits;
use super::codec::Unit;
use super::picture::{crop_units, cropped};
use super::rbsp::Escaped;
use crate::layout::Size;

/// What of a sequence parameter set slice headers depend on (7.3.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sps {
    separate_colour_planes: bool,
    frame_num_bits: u8,
    order: Order,
    chroma_format: u32,
    /// Less one, in macroblocks; the height in map units, two macroblocks where there can be fields.
    size: [u32; 2],
    frames_only: bool,
}

/// `pic_order_cnt_type`, with what it takes to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Zero { lsb_bits: u8 },
    One { always_zero: bool },
    Two,
}

/// What of a picture parameter set slice headers depend on (7.3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pps {
    sps: u8,
    bottom_field_order: bool,
    redundant: bool,
}

/// The parameter sets of a stream, the latest of each id.
#[derive(Clone, Debug)]
pub(super) struct ParameterSets {
    sps: [Option<Sps>; 32],
    pps: [Option<Pps>; 256],
}

/// Top or bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// The first line and every second one after it.
    Top,
    /// The others.
    Bottom,
}

/// What of a slice header tells one picture from the next (7.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    first_mb: u32,
    pps: u32,
    reference: bool,
    idr: bool,
    /// `None` if its parameter sets are not known.
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    colour_plane: u32,
    frame_num: u32,
    field: Option<Parity>,
    idr_pic_id: u32,
    /// `pic_order_cnt_type`, then the two elements of it that a slice has.
    order: (u8, i64, i64),
    redundant: u32,
}

impl ParameterSets {
    pub(super) const fn new() -> Self {
        Self { sps: [None; 32], pps: [None; 256] }
    }

    /// Keeps a parameter set. What cannot be read takes the place of the former one if its id can:
    /// slices that depend on it are then compared by less.
    pub(super) fn keep(&mut self, unit: Unit, body: Escaped<'_>) {
        let mut bits = Bits::new(body);
        match unit.unit_type() {
            7 => {
                let Some((id, sps)) = sps(&mut bits) else { return };
                if let Some(place) = usize::try_from(id).ok().and_then(|id| self.sps.get_mut(id)) {
                    *place = sps;
                }
            }
            8 => {
                let Some((id, pps)) = pps(&mut bits) else { return };
                if let Some(place) = usize::try_from(id).ok().and_then(|id| self.pps.get_mut(id)) {
                    *place = pps;
                }
            }
            _ => {}
        }
    }

    /// Reads a slice header: of types 1, 2 and 5.
    pub(super) fn slice(&self, unit: Unit, body: Escaped<'_>) -> Option<Slice> {
        let mut bits = Bits::new(body);
        let first_mb = bits.ue()?;
        // slice_type.
        bits.ue()?;
        let mut slice = Slice {
            first_mb,
            pps: bits.ue()?,
            reference: unit.ref_idc() != 0,
            idr: unit.is_random_access(),
            rest: None,
        };
        let pps = usize::try_from(slice.pps).ok().and_then(|id| *self.pps.get(id)?);
        let sps = pps.and_then(|pps| *self.sps.get(usize::from(pps.sps))?);
        if let (Some(sps), Some(pps)) = (sps, pps) {
            slice.rest = rest(&mut bits, sps, pps, slice.idr);
        }
        Some(slice)
    }
}

/// The id, and the rest if it can be read.
fn sps(bits: &mut Bits<'_>) -> Option<(u32, Option<Sps>)> {
    let profile = bits.bits(8)?;
    bits.bits(16)?;
    let id = bits.ue()?;
    Some((id, sps_after_id(bits, profile)))
}

fn sps_after_id(bits: &mut Bits<'_>, profile: u32) -> Option<Sps> {
    let (mut separate_colour_planes, mut chroma_format) = (false, 1);
    if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        chroma_format = bits.ue()?;
        if chroma_format == 3 {
            separate_colour_planes = bits.flag()?;
        }
        bits.ue()?;
        bits.ue()?;
        bits.flag()?;
        if bits.flag()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let frame_num_bits = at_most_16(bits.ue()?)?;
    let order = match bits.ue()? {
        0 => Order::Zero { lsb_bits: at_most_16(bits.ue()?)? },
        1 => {
            let always_zero = bits.flag()?;
            bits.se()?;
            bits.se()?;
            let cycle = bits.ue()?;
            if cycle > 255 {
                return None;
            }
            for _ in 0..cycle {
                bits.se()?;
            }
            Order::One { always_zero }
        }
        2 => Order::Two,
        _ => return None,
    };
    bits.ue()?;
    bits.flag()?;
    let size = [bits.ue()?, bits.ue()?];
    let frames_only = bits.flag()?;
    Some(Sps { separate_colour_planes, frame_num_bits, order, chroma_format, size, frames_only })
}

/// The size of the pictures of a sequence parameter set, which is given without its header.
pub(super) fn picture_size(body: Escaped<'_>) -> Option<Size> {
    let mut bits = Bits::new(body);
    let profile = bits.bits(8)?;
    bits.bits(16)?;
    bits.ue()?;
    let sps = sps_after_id(&mut bits, profile)?;
    if !sps.frames_only {
        bits.flag()?;
    }
    bits.flag()?;
    let rows = if sps.frames_only { 1 } else { 2 };
    let [width, height] = sps.size.map(|size| size.saturating_add(1).saturating_mul(16));
    let planes = if sps.separate_colour_planes { 0 } else { sps.chroma_format };
    let (across, down) = crop_units(planes);
    let coded = Size { width, height: height.saturating_mul(rows) };
    cropped(&mut bits, coded, (across, down.saturating_mul(rows)))
}

/// A width in bits that is sent less 4, and at most 12.
fn at_most_16(minus_4: u32) -> Option<u8> {
    u8::try_from(minus_4).ok().filter(|minus_4| *minus_4 <= 12).map(|minus_4| minus_4 + 4)
}

/// 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits<'_>, len: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..len {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// The id, and the rest if it can be read.
fn pps(bits: &mut Bits<'_>) -> Option<(u32, Option<Pps>)> {
    Some((bits.ue()?, pps_after_id(bits)))
}

fn pps_after_id(bits: &mut Bits<'_>) -> Option<Pps> {
    let sps = u8::try_from(bits.ue()?).ok()?;
    bits.flag()?;
    let bottom_field_order = bits.flag()?;
    // What follows is only on the way to its last flag; without it, no picture is redundant, as in
    // all profiles but Baseline and Extended.
    let redundant = redundant_present(bits).unwrap_or(false);
    Some(Pps { sps, bottom_field_order, redundant })
}

fn redundant_present(bits: &mut Bits<'_>) -> Option<bool> {
    let groups_minus_1 = bits.ue()?;
    if groups_minus_1 > 7 {
        return None;
    }
    if groups_minus_1 > 0 {
        match bits.ue()? {
            0 => {
                for _ in 0..=groups_minus_1 {
                    bits.ue()?;
                }
            }
            2 => {
                for _ in 0..groups_minus_1 {
                    bits.ue()?;
                    bits.ue()?;
                }
            }
            3..=5 => {
                bits.flag()?;
                bits.ue()?;
            }
            6 => {
                // Ceil(Log2(groups)) bits for each map unit.
                let width = 32 - groups_minus_1.leading_zeros();
                for _ in 0..=bits.ue()? {
                    bits.bits(width)?;
                }
            }
            _ => {}
        }
    }
    bits.ue()?;
    bits.ue()?;
    bits.bits(3)?;
    bits.se()?;
    bits.se()?;
    bits.se()?;
    bits.bits(2)?;
    bits.flag()
}

fn rest(bits: &mut Bits<'_>, sps: Sps, pps: Pps, idr: bool) -> Option<Rest> {
    let colour_plane = if sps.separate_colour_planes { bits.bits(2)? } else { 0 };
    let frame_num = bits.bits(sps.frame_num_bits.into())?;
    let mut field = None;
    if !sps.frames_only && bits.flag()? {
        field = Some(if bits.flag()? { Parity::Bottom } else { Parity::Top });
    }
    let idr_pic_id = if idr { bits.ue()? } else { 0 };
    let second = pps.bottom_field_order && field.is_none();
    let order = match sps.order {
        Order::Zero { lsb_bits } => {
            let lsb = i64::from(bits.bits(lsb_bits.into())?);
            (0, lsb, if second { bits.se()? } else { 0 })
        }
        Order::One { always_zero: false } => (1, bits.se()?, if second { bits.se()? } else { 0 }),
        Order::One { always_zero: true } => (1, 0, 0),
        Order::Two => (2, 0, 0),
    };
    let redundant = if pps.redundant { bits.ue()? } else { 0 };
    Some(Rest { colour_plane, frame_num, field, idr_pic_id, order, redundant })
}

impl Slice {
    /// Whether it belongs to a redundant picture, which repeats a part of the primary one.
    pub(super) fn is_redundant(&self) -> bool {
        self.rest.is_some_and(|rest| rest.redundant > 0)
    }

    /// Which field it belongs to, if not to a frame.
    pub(super) fn field(&self) -> Option<Parity> {
        self.rest?.field
    }

    /// Whether it is of another picture than `first`, the first slice of the picture under way
    /// (7.4.1.2.4). No macroblock is twice in a picture, so a slice that begins where that one did
    /// is of another as well: it tells pictures apart whose encoder numbers none.
    pub(super) fn is_of_another_picture(&self, first: &Self) -> bool {
        if self.pps != first.pps || self.reference != first.reference || self.idr != first.idr {
            return true;
        }
        // Without parameter sets, a picture begins at its first macroblock.
        let (Some(own), Some(other)) = (self.rest, first.rest) else {
            return self.first_mb == 0;
        };
        own.frame_num != other.frame_num
            || own.field != other.field
            || own.idr_pic_id != other.idr_pic_id
            || own.order != other.order
            || own.colour_plane == other.colour_plane && self.first_mb == first.first_mb
    }

    /// Whether its field and the one of `first`, the picture before it, make a frame (clause 3,
    /// complementary field pairs): opposite parity, the same `frame_num`, both references or neither.
    pub(super) fn is_second_field_of(&self, first: &Self) -> bool {
        let (Some(own), Some(other)) = (self.rest, first.rest) else { return false };
        let (Some(own_field), Some(other_field)) = (own.field, other.field) else { return false };
        own_field != other_field
            && own.frame_num == other.frame_num
            && !self.idr
            && first.reference == self.reference
    }
}
