//! Bits of a NAL unit, from the most significant on (H.264 7.2 and 9.1).

use super::rbsp::{Bytes, Escaped};

/// A reader of bits. What it returns is `None` once the bits are over.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: Bytes<'a>,
    /// The byte under way; its lowest `left` bits have not been read.
    byte: u8,
    left: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(body: Escaped<'a>) -> Self {
        Self { bytes: body.bytes(), byte: 0, left: 0 }
    }

    /// `u(1)`.
    pub(super) fn flag(&mut self) -> Option<bool> {
        if self.left == 0 {
            self.byte = self.bytes.next()?;
            self.left = 8;
        }
        self.left -= 1;
        Some(self.byte >> self.left & 1 == 1)
    }

    /// `u(n)`, `n` at most 32.
    pub(super) fn bits(&mut self, n: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..n {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// `ue(v)`. `None` as well for what is beyond 32 bits, which no syntax element is.
    pub(super) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros == 32 {
                return None;
            }
        }
        // 2^zeros - 1, and at most as much again.
        Some((1_u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// `se(v)`.
    pub(super) fn se(&mut self) -> Option<i64> {
        let k = i64::from(self.ue()?);
        Some(if k % 2 == 0 { -(k / 2) } else { k / 2 + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;
    use crate::sei::rbsp::Escaped;

    #[test]
    fn reads_exponential_golomb_codes() {
        // Table 9-2 of H.264: 1, 010, 011, 00100, 00101, then 0001000 (7).
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_1000];
        let mut bits = Bits::new(Escaped::new(&bytes));
        for value in [0, 1, 2, 3, 4, 7] {
            assert_eq!(bits.ue(), Some(value));
        }
        assert_eq!(bits.flag(), None);
        // Table 9-3: 0, 1, -1, 2, -2, and 7 is 4.
        let mut bits = Bits::new(Escaped::new(&bytes));
        for value in [0, 1, -1, 2, -2, 4] {
            assert_eq!(bits.se(), Some(value));
        }
    }

    #[test]
    fn reads_the_longest_code_and_refuses_longer_ones() {
        // 31 zeros, a one, 31 ones: 2^31 - 1 + 2^31 - 1. No byte is escaped: 0, 0, 0 as they stand.
        let longest = [0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFE];
        assert_eq!(Bits::new(Escaped::new(&longest)).ue(), Some(u32::MAX - 1));
        assert_eq!(Bits::new(Escaped::new(&[0, 0, 0, 0, 0x80, 0, 0, 0, 0])).ue(), None);
    }

    #[test]
    fn inserted_bytes_are_not_bits() {
        let mut bits = Bits::new(Escaped::new(&[0, 0, 3, 0xA5]));
        assert_eq!(bits.bits(24), Some(0xA5));
        assert_eq!(bits.bits(1), None);
    }
}
