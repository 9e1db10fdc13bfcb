//! How large the pictures of a stream are, by its sequence parameter sets: as they are shown, without
//! what is cropped.

use super::bits::Bits;
use super::codec::{Codec, Unit};
use super::h264;
use super::rbsp::Escaped;
use crate::layout::Size;

/// The size of the pictures that a NAL unit describes, if it is a sequence parameter set of the base
/// layer and can be read (H.264 7.3.2.1.1, H.265 7.3.2.2.1).
pub fn picture_size(codec: Codec, nal: &[u8]) -> Option<Size> {
    let unit = Unit::parse(codec, nal)?;
    let body = Escaped::new(nal.get(codec.header_len()..)?);
    match (codec, unit.unit_type(), unit.layer_id()) {
        (Codec::H264, 7, _) => h264::picture_size(body),
        (Codec::H265, 33, 0) => h265(&mut Bits::new(body)),
        _ => None,
    }
}

fn h265(bits: &mut Bits<'_>) -> Option<Size> {
    bits.bits(4)?;
    let sub_layers_minus1 = bits.bits(3)?;
    bits.flag()?;
    skip_profile_tier_level(bits, sub_layers_minus1)?;
    bits.ue()?;
    let chroma_format = bits.ue()?;
    let separate_planes = chroma_format == 3 && bits.flag()?;
    let coded = Size { width: bits.ue()?, height: bits.ue()? };
    cropped(bits, coded, crop_units(if separate_planes { 0 } else { chroma_format }))
}

/// 7.3.3 of H.265.
fn skip_profile_tier_level(bits: &mut Bits<'_>, sub_layers_minus1: u32) -> Option<()> {
    const PROFILE: u32 = 88;
    const LEVEL: u32 = 8;
    skip(bits, PROFILE + LEVEL)?;
    let mut present = 0;
    for _ in 0..sub_layers_minus1 {
        present += PROFILE * u32::from(bits.flag()?) + LEVEL * u32::from(bits.flag()?);
    }
    if sub_layers_minus1 > 0 {
        // Two reserved bits for each sub-layer that there could be more, up to eight.
        skip(bits, 2 * 8_u32.saturating_sub(sub_layers_minus1))?;
    }
    skip(bits, present)
}

fn skip(bits: &mut Bits<'_>, n: u32) -> Option<()> {
    for _ in 0..n {
        bits.flag()?;
    }
    Some(())
}

/// What cropping is counted in: `SubWidthC` and `SubHeightC` by `ChromaArrayType` (tables 6-1).
pub(super) const fn crop_units(chroma_array_type: u32) -> (u32, u32) {
    match chroma_array_type {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    }
}

/// Reads the flag and the four offsets of a cropping window, and takes them off.
pub(super) fn cropped(bits: &mut Bits<'_>, coded: Size, units: (u32, u32)) -> Option<Size> {
    let (across, down) = units;
    let mut offsets = [0; 4];
    if bits.flag()? {
        for offset in &mut offsets {
            *offset = bits.ue()?;
        }
    }
    let [left, right, top, bottom] = offsets;
    let less = |side: u32, unit: u32, a: u32, b: u32| {
        let left = side.checked_sub(a.checked_add(b)?.checked_mul(unit)?)?;
        (left > 0).then_some(left)
    };
    Some(Size {
        width: less(coded.width, across, left, right)?,
        height: less(coded.height, down, top, bottom)?,
    })
}

#[cfg(test)]
mod tests {
    use super::picture_size;
    use crate::layout::Size;
    use crate::sei::codec::Codec;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Parameter sets of x264 and x265 (`testsrc2=size=…`, `-pix_fmt …`), and what ffprobe says.
    const MADE: [(&str, Codec, &str, (u32, u32)); 14] = {
        use Codec::{H264, H265};
        [
            ("4:2:0", H264, "6764001facd9405005bb011000000300100000030320f1831960", (1280, 720)),
            (
                "cropped",
                H264,
                "67640028acd940780227e5c044000003000400000300c83c60c658",
                (1920, 1080),
            ),
            ("fields", H264, "67640028acd94078044fde0220000003002000000643e2c5b2c0", (1920, 1080)),
            ("4:2:2", H264, "677a0015bcd941b1fe4f011000000300100000030320f162d960", (426, 240)),
            ("4:4:4", H264, "67f40015919b283610f71f80880000030008000003019078b16cb0", (430, 242)),
            ("grey", H264, "6764001ef3650280bfe7c05b20000003002000000641e2c5b2c0", (640, 362)),
            ("baseline", H264, "6742c00bd9030578888c0440000003004000000c83c50a92", (178, 146)),
            ("matrix", H264, "6764001eacd940d83de6f011000003000100000300320f162d96", (854, 480)),
            (
                "4:2:0",
                H265,
                "42010101600000030090000003000003005da00280802d165959a4932bc05a020000030002000003003210",
                (1280, 720),
            ),
            (
                "cropped",
                H265,
                "42010101600000030090000003000003003ca00d880f1c9596566924caf0168080000003008000000c84",
                (426, 238),
            ),
            (
                "4:2:2",
                H265,
                "4201010408000003009d0800000300003cb00d880f9d4f96566924caf0168080000003008000000c84",
                (430, 242),
            ),
            (
                "4:4:4",
                H265,
                "4201010408000003009e0800000300003c9001b101f3b9f2cacd24995e02d0100000030010000003019080",
                (430, 242),
            ),
            (
                "grey",
                H265,
                "4201010408000003009fc800000300003cc036203e773e5959a4932bc05b020000030002000003003210",
                (430, 242),
            ),
            (
                "sub-layers",
                H265,
                "42010201600000030090000003000003005a0000a006b201e1d7965652b2c9265780b4040000030004000003006420",
                (854, 480),
            ),
        ]
    };

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    #[test]
    fn sizes_are_those_that_are_shown() {
        for (name, codec, text, (width, height)) in MADE {
            let found = picture_size(codec, &bytes(text));
            assert_eq!(found, Some(Size { width, height }), "{name} {codec:?}");
        }
    }

    #[test]
    fn what_is_cut_short_or_something_else_has_no_size() {
        for (name, codec, text, _) in MADE {
            let nal = bytes(text);
            assert_eq!(picture_size(codec, &nal[..8]), None, "{name}");
            assert_eq!(picture_size(codec, &[]), None);
            let other = if codec == Codec::H264 { Codec::H265 } else { Codec::H264 };
            assert_eq!(picture_size(other, &nal), None, "{name}");
        }
        // A picture parameter set.
        assert_eq!(picture_size(Codec::H264, b"\x68\xEB\xEC\xB2\x2C"), None);
        // Another layer's.
        let mut layered = bytes(MADE[8].2);
        layered[1] |= 1 << 3;
        assert_eq!(picture_size(Codec::H265, &layered), None);
    }

    proptest! {
        /// Whatever the bytes: no panic, and never a side of nothing.
        #[test]
        fn anything_is_read(
            which in 0_usize..14, at: prop::sample::Index, bit in 0_u32..8,
            noise in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let (_, codec, text, _) = MADE[which];
            let mut nal = bytes(text);
            let at = at.index(nal.len());
            nal[at] ^= 1 << bit;
            let noisy = [nal.get(..at).unwrap_or_default(), &noise].concat();
            for nal in [nal, noisy] {
                let found = picture_size(codec, &nal);
                prop_assert!(found.is_none_or(|size| size.width > 0 && size.height > 0));
            }
        }
    }
}
