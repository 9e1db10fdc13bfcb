//! JSON numbers, compared by their value.

use core::cmp::Ordering;

/// A JSON number (RFC 8259, section 6): exact from -2⁶³ to 2⁶⁴-1 as an integer, else the nearest
/// binary64.
///
/// Compared by value across the three: 1 and 1.0 are equal, 9007199254740993 and 9007199254740992.0
/// are not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// 0 or a positive integer.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    /// Anything else; never NaN or infinite when it comes from JSON.
    Float(f64),
}

impl Number {
    /// Which of two is greater; `None` only if one is NaN.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Unsigned(a), Self::Unsigned(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Float(a), b) => integer_to_float(b.integer(), a).map(Ordering::reverse),
            (a, Self::Float(b)) => integer_to_float(a.integer(), b),
            (a, b) => Some(a.integer().cmp(&b.integer())),
        }
    }

    fn integer(self) -> i128 {
        match self {
            Self::Unsigned(n) => n.into(),
            Self::Negative(n) => n.into(),
            Self::Float(_) => 0,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Some(Ordering::Equal)
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Self::Unsigned(n)
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        u64::try_from(n).map_or(Self::Negative(n), Self::Unsigned)
    }
}

/// Compares an integer of at most 65 bits with a float, without rounding either.
fn integer_to_float(integer: i128, float: f64) -> Option<Ordering> {
    // Beyond these every integer that a Number holds is smaller, or greater.
    const ABOVE: f64 = 18_446_744_073_709_551_616.0; // 2^64
    const BELOW: f64 = -9_223_372_036_854_775_808.0; // -2^63
    if float.is_nan() {
        return None;
    }
    if float >= ABOVE {
        return Some(Ordering::Less);
    }
    if float < BELOW {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "cutting the fraction off is the point")]
    let whole = float as i128;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a float's whole part is a float again, exactly"
    )]
    let fraction = float - whole as f64;
    Some(integer.cmp(&whole).then_with(|| {
        // The whole parts are equal: what is left of the float decides.
        0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
    }))
}

impl serde::Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Unsigned(n) => serializer.serialize_u64(n),
            Self::Negative(n) => serializer.serialize_i64(n),
            Self::Float(n) => serializer.serialize_f64(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Number::{self, Float, Negative, Unsigned};
    use core::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn numbers_compare_by_value_whatever_they_are_kept_in() {
        for (a, b, expected) in [
            (Unsigned(1), Float(1.0), Equal),
            (Negative(-1), Float(-1.0), Equal),
            (Unsigned(0), Float(-0.0), Equal),
            (Unsigned(1), Float(1.5), Less),
            (Negative(-1), Float(-1.5), Greater),
            (Negative(-2), Float(-1.5), Less),
            (Negative(-1), Unsigned(0), Less),
            (Float(0.5), Float(0.25), Greater),
            // 2^53 + 1 has no float of its own.
            (Unsigned(9_007_199_254_740_993), Float(9_007_199_254_740_992.0), Greater),
            (Unsigned(9_007_199_254_740_992), Float(9_007_199_254_740_992.0), Equal),
            (Unsigned(u64::MAX), Float(18_446_744_073_709_551_616.0), Less),
            (Unsigned(u64::MAX), Float(1e300), Less),
            (Negative(i64::MIN), Float(-9_223_372_036_854_775_808.0), Equal),
            (Negative(i64::MIN), Float(-1e300), Greater),
            (Unsigned(u64::MAX), Unsigned(u64::MAX - 1), Greater),
            (Negative(i64::MIN), Negative(i64::MIN + 1), Less),
        ] {
            assert_eq!(a.compare(b), Some(expected), "{a:?} {b:?}");
            assert_eq!(b.compare(a), Some(expected.reverse()), "{b:?} {a:?}");
        }
    }

    #[test]
    fn nan_compares_with_nothing() {
        assert_eq!(Float(f64::NAN).compare(Unsigned(0)), None);
        assert_ne!(Float(f64::NAN), Float(f64::NAN));
    }

    #[test]
    fn signed_input_keeps_one_form_for_each_value() {
        assert!(matches!(Number::from(5_i64), Unsigned(5)));
        assert!(matches!(Number::from(-5_i64), Negative(-5)));
    }
}
