//! A relay task.

/// A part of the canvas' width or height, in billionths: 0 to 1,000,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// The whole.
    pub const WHOLE: Self = Self(1_000_000_000);

    /// Reads a decimal from 0 to 1, such as `0.25`. Digits behind the ninth are cut off: they are
    /// less than a millionth of a pixel.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, digits) = text.split_once('.').unwrap_or((text, "0"));
        let is_decimal = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_decimal(whole) || !is_decimal(digits) || whole.len() > 10 {
            return None;
        }
        let mut billionths: u32 = whole.parse().ok()?;
        let digits = digits.bytes().map(|digit| u32::from(digit.wrapping_sub(b'0')));
        for digit in digits.chain(core::iter::repeat(0)).take(9) {
            billionths = billionths.checked_mul(10)?.checked_add(digit)?;
        }
        (billionths <= Self::WHOLE.0).then_some(Self(billionths))
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
