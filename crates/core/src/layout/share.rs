//! Parts of a canvas, exactly.

use core::fmt;

/// A part of the canvas' width or height, in billionths: 0 to 1,000,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// The whole.
    pub const WHOLE: Self = Self(1_000_000_000);

    /// So many billionths, if that is not more than the whole.
    pub const fn from_billionths(billionths: u32) -> Option<Self> {
        if billionths <= Self::WHOLE.0 { Some(Self(billionths)) } else { None }
    }

    /// So many of so many pixels, to the nearest billionth; `None` for more than the whole, or of
    /// nothing. [`Self::of`] as many pixels gives the same number again.
    pub fn ratio(pixels: u32, whole: u32) -> Option<Self> {
        let product = u64::from(pixels) * u64::from(Self::WHOLE.0);
        let half = u64::from(whole / 2);
        let billionths = product.saturating_add(half).checked_div(u64::from(whole))?;
        u32::try_from(billionths).ok().and_then(Self::from_billionths)
    }

    /// Reads a decimal from 0 to 1, such as `0.25`. Digits behind the ninth are cut off: they are
    /// less than a millionth of a pixel.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, digits) = text.split_once('.').unwrap_or((text, "0"));
        let is_decimal = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_decimal(whole) || !is_decimal(digits) || whole.len() > 10 {
            return None;
        }
        let mut billionths: u32 = whole.parse().ok()?;
        let behind = digits.bytes().map(|digit| u32::from(digit.wrapping_sub(b'0')));
        for digit in behind.chain(core::iter::repeat(0)).take(9) {
            billionths = billionths.checked_mul(10)?.checked_add(digit)?;
        }
        // 1.0000000001 is more than the whole, though its first nine digits are not.
        let more = digits.bytes().skip(9).any(|digit| digit != b'0');
        if more && billionths == Self::WHOLE.0 { None } else { Self::from_billionths(billionths) }
    }

    /// In billionths.
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// That part of so many pixels, rounded half up.
    pub fn of(self, pixels: u32) -> u32 {
        let product = u64::from(self.0) * u64::from(pixels);
        // It is at most `pixels`.
        u32::try_from((product + 500_000_000) / 1_000_000_000).unwrap_or(pixels)
    }
}

/// As the shortest decimal that reads back: `0`, `0.25`, `1`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut behind) = (self.0 / Self::WHOLE.0, self.0 % Self::WHOLE.0);
        if behind == 0 {
            return write!(f, "{whole}");
        }
        let mut digits = 9;
        while behind % 10 == 0 {
            behind /= 10;
            digits -= 1;
        }
        write!(f, "{whole}.{behind:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::Share;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_kept_to_the_ninth_digit() {
        for (text, billionths) in [
            ("0", 0),
            ("1", 1_000_000_000),
            ("1.000", 1_000_000_000),
            ("0.25", 250_000_000),
            ("0.5018382", 501_838_200),
            ("0.333333333333", 333_333_333),
            ("00.1", 100_000_000),
        ] {
            assert_eq!(Share::parse(text).map(Share::billionths), Some(billionths), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_from_0_to_1_is_refused() {
        for text in ["", ".", ".5", "1.", "1.0000000001", "1.1", "2", "-0.1", "1e-1", "0,5", " 0"] {
            assert_eq!(Share::parse(text), None, "{text}");
        }
        assert_eq!(Share::parse("99999999999"), None);
        assert_eq!(Share::from_billionths(1_000_000_001), None);
    }

    #[test]
    fn pixels_are_rounded_half_up() {
        // 1/3 of 1920 is 640 - 0.00000064; 0.5 of 3 is 1.5.
        let of = |text, pixels| Share::parse(text).unwrap().of(pixels);
        assert_eq!(of("0.333333333", 1920), 640);
        assert_eq!(of("0.5", 3), 2);
        assert_eq!(of("1", u32::MAX), u32::MAX);
        assert_eq!(of("0.499999999", 1), 0);
    }

    #[test]
    fn decimals_are_written_as_short_as_they_read_back() {
        for text in ["0", "1", "0.25", "0.5018382", "0.000000001", "0.999999999", "0.1"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Share::parse("0.500").unwrap().to_string(), "0.5");
    }

    #[test]
    fn a_ratio_is_rounded_to_the_nearest_billionth() {
        // 2/3 = 0.6666666666…
        assert_eq!(Share::ratio(2, 3).map(Share::billionths), Some(666_666_667));
        assert_eq!(Share::ratio(3, 3), Some(Share::WHOLE));
        assert_eq!(Share::ratio(4, 3), None);
        assert_eq!(Share::ratio(0, 0), None);
    }

    proptest! {
        #[test]
        fn pixels_survive_being_written_as_a_part(whole in 1_u32..=8192, part in 0_u32..=8192) {
            let part = part.min(whole);
            let text = Share::ratio(part, whole).unwrap().to_string();
            prop_assert_eq!(Share::parse(&text).unwrap().of(whole), part);
        }
    }
}
