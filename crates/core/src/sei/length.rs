//! NAL units behind their lengths (ISO/IEC 14496-15), as FLV and MP4 have them.

/// How many bytes a length has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthSize {
    /// One byte.
    One,
    /// Two bytes.
    Two,
    /// Three bytes. ISO/IEC 14496-15 does not allow it, some writers use it and players read it; a
    /// sample that has it keeps it.
    Three,
    /// Four bytes.
    Four,
}

impl LengthSize {
    /// From the `lengthSizeMinusOne` of a decoder configuration record, 0 to 3; the other bits of
    /// its byte do not count.
    pub const fn from_minus_one(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::One,
            1 => Self::Two,
            2 => Self::Three,
            _ => Self::Four,
        }
    }

    /// How many bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
        }
    }

    /// The longest NAL unit that such a length can say.
    pub const fn most(self) -> u32 {
        match self {
            Self::One => 0xFF,
            Self::Two => 0xFFFF,
            Self::Three => 0x00FF_FFFF,
            Self::Four => u32::MAX,
        }
    }

    /// Writes `len` into four bytes of which the last [`bytes`](Self::bytes) count. `None` if it
    /// does not fit.
    pub fn write(self, len: usize) -> Option<[u8; 4]> {
        let len = u32::try_from(len).ok()?;
        (len <= self.most()).then(|| len.to_be_bytes())
    }
}

/// One NAL unit of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Where its length stands in the sample.
    pub offset: usize,
    /// The NAL unit, without its length; what there is of it if it is truncated.
    pub nal: &'a [u8],
    /// Whether the sample ends before it does, or within its length. It is the last, then.
    pub truncated: bool,
}

/// The NAL units of a sample, empty ones included. Every byte of the sample belongs to one.
pub const fn units(sample: &[u8], size: LengthSize) -> Units<'_> {
    Units { sample, size, at: 0 }
}

/// See [`units`].
#[derive(Clone, Debug)]
pub struct Units<'a> {
    sample: &'a [u8],
    size: LengthSize,
    at: usize,
}

impl<'a> Iterator for Units<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let offset = self.at;
        let rest = self.sample.get(offset..).filter(|rest| !rest.is_empty())?;
        let Some((length, rest)) = rest.split_at_checked(self.size.bytes()) else {
            self.at = self.sample.len();
            return Some(Found { offset, nal: &[], truncated: true });
        };
        let len = length.iter().fold(0_u32, |len, byte| len << 8 | u32::from(*byte));
        // Where a usize is narrower than the length, the sample is shorter as well.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(nal) = rest.get(..len) else {
            self.at = self.sample.len();
            return Some(Found { offset, nal: rest, truncated: true });
        };
        self.at = offset + self.size.bytes() + len;
        Some(Found { offset, nal, truncated: false })
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, LengthSize, units};
    use std::vec::Vec;

    #[test]
    fn reads_every_size_of_length() {
        for (minus_one, length) in
            [(0, &[2][..]), (1, &[0, 2]), (2, &[0, 0, 2]), (0xFF, &[0, 0, 0, 2])]
        {
            let size = LengthSize::from_minus_one(minus_one);
            assert_eq!(size.bytes(), length.len());
            let one = [length, &[0x65, 0x88]].concat();
            let sample = [&one[..], &one].concat();
            let found: Vec<_> = units(&sample, size).collect();
            let second = Found { offset: one.len(), nal: &[0x65, 0x88], truncated: false };
            assert_eq!(found, [Found { offset: 0, ..second }, second]);
        }
    }

    #[test]
    fn an_empty_unit_is_one() {
        let found: Vec<_> = units(&[0, 1, 9], LengthSize::One).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Found { offset: 0, nal: &[], truncated: false });
        assert_eq!(found[1], Found { offset: 1, nal: &[9], truncated: false });
        assert_eq!(units(&[], LengthSize::Four).next(), None);
    }

    #[test]
    fn what_is_cut_short_is_truncated() {
        let found: Vec<_> = units(&[1, 9, 3, 7, 7], LengthSize::One).collect();
        assert_eq!(found[1], Found { offset: 2, nal: &[7, 7], truncated: true });
        let found: Vec<_> = units(&[0, 1, 9, 0], LengthSize::Two).collect();
        assert_eq!(found[1], Found { offset: 3, nal: &[], truncated: true });
        let found: Vec<_> = units(&[0xFF; 5], LengthSize::Four).collect();
        assert_eq!(found, [Found { offset: 0, nal: &[0xFF], truncated: true }]);
    }

    #[test]
    fn a_length_that_does_not_fit_is_not_written() {
        assert_eq!(LengthSize::One.write(255), Some([0, 0, 0, 255]));
        assert_eq!(LengthSize::One.write(256), None);
        assert_eq!(LengthSize::Two.write(0xFFFF), Some([0, 0, 0xFF, 0xFF]));
        assert_eq!(LengthSize::Two.write(0x1_0000), None);
        assert_eq!(LengthSize::Three.write(0x100_0000), None);
        assert_eq!(LengthSize::Four.write(0x0102_0304), Some([1, 2, 3, 4]));
    }
}
