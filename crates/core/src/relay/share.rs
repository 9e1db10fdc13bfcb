//! Parts of a canvas, exactly.

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

#[cfg(test)]
mod tests {
    use super::Share;

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
}
