//! Decimal numbers of any size, without floating point.

/// A number, exact to the ninth digit behind its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// What stands before the point. All that is beyond an `i64` is its largest.
    whole: i64,
    /// What stands behind it, in billionths: nine digits, the others cut off.
    behind: i64,
}

/// One, in billionths.
const UNIT: i64 = 1_000_000_000;

impl Decimal {
    /// A number as JSON writes it (RFC 8259 §6). Leading zeros, a plus and a missing digit on either side
    /// of the point are taken as well: senders print numbers in many ways.
    pub(super) fn parse(text: &str) -> Option<Self> {
        plain(text).or_else(|| any(text))
    }

    /// The integer nearest to it, a tie away from zero.
    pub(super) const fn nearest(self) -> i64 {
        self.signed(self.whole.saturating_add((self.behind >= UNIT / 2) as i64))
    }

    /// In billionths, as shares of a canvas are.
    pub(super) const fn billionths(self) -> i64 {
        // Beyond this all are alike: no share has as many.
        let whole = if self.whole < UNIT { self.whole } else { UNIT };
        self.signed(whole * UNIT + self.behind)
    }

    const fn signed(self, number: i64) -> i64 {
        if self.is_negative { -number } else { number }
    }
}

/// A number with one more digit.
const fn with_digit(number: i64, digit: u8) -> i64 {
    // What is multiplied has a place in 64 bits: a check of the product needs 128.
    if number < i64::MAX / 10 { number * 10 + (digit.wrapping_sub(b'0') as i64) } else { i64::MAX }
}

/// A number of nothing but digits and a point, as nearly all are.
#[inline(never)]
fn plain(text: &str) -> Option<Decimal> {
    let (mut whole, mut behind) = (0, 0);
    // What the next digit behind the point counts; 0 from the tenth on, none before the point.
    let mut scale = None;
    for byte in text.bytes() {
        match (byte, &mut scale) {
            (b'0'..=b'9', None) => whole = with_digit(whole, byte),
            (b'0'..=b'9', Some(scale)) => {
                behind += i64::from(byte - b'0') * *scale;
                *scale /= 10;
            }
            (b'.', None) => scale = Some(UNIT / 10),
            _ => return None,
        }
    }
    // A point alone is no number.
    let has_digits = text.len() > usize::from(scale.is_some());
    has_digits.then_some(Decimal { is_negative: false, whole, behind })
}

/// Any number.
fn any(text: &str) -> Option<Decimal> {
    let text = text.trim_matches([' ', '\t']);
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return plain(text).map(|number| Decimal { is_negative, ..number });
    };
    plain(mantissa)?;
    let (head, tail) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Where the point is, from the first digit.
    let point = i64::try_from(head.len()).ok()?.saturating_add(power(exponent)?);
    let (mut whole, mut behind, mut at) = (0, 0, 0);
    for digit in head.bytes().chain(tail.bytes()) {
        if at < point {
            whole = with_digit(whole, digit);
        } else if let Ok(place @ 0..9) = u32::try_from(at.saturating_sub(point)) {
            behind += i64::from(digit.wrapping_sub(b'0')) * 10_i64.pow(8 - place);
        }
        at += 1;
    }
    while at < point && (1..i64::MAX).contains(&whole) {
        whole = with_digit(whole, b'0');
        at += 1;
    }
    Some(Decimal { is_negative, whole, behind })
}

/// An exponent; a huge one is as good as any that is larger than all texts are long.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.bytes().fold(0, with_digit).min(i64::MAX / 4);
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::{Decimal, UNIT, any, plain};
    use proptest::prelude::*;

    /// In billionths, of any size.
    fn billionths(text: &str) -> Option<i128> {
        let Decimal { is_negative, whole, behind } = Decimal::parse(text)?;
        let number = i128::from(whole) * i128::from(UNIT) + i128::from(behind);
        Some(if is_negative { -number } else { number })
    }

    #[test]
    fn decimals_are_exact_to_the_ninth_digit() {
        for (text, expected) in [
            ("0", 0),
            ("1", 1_000_000_000),
            ("-1", -1_000_000_000),
            ("0.5018382", 501_838_200),
            ("5.018382e-1", 501_838_200),
            ("0.0005E+3", 500_000_000),
            ("0.50183820724487305", 501_838_207),
            (".5", 500_000_000),
            ("1.", 1_000_000_000),
            ("+007", 7_000_000_000),
            (" 3 ", 3_000_000_000),
            ("-0.0", 0),
            ("1e-10", 0),
            ("1e-99999999999999999999", 0),
            ("0e999999999", 0),
            ("1535385600000", 1_535_385_600_000_000_000_000),
        ] {
            assert_eq!(billionths(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn huge_numbers_stop_at_the_limit() {
        for text in ["1e400", "99999999999999999999999999999999999999999", "1e99999999999999999999"]
        {
            let number = Decimal::parse(text).unwrap();
            assert_eq!((number.whole, number.nearest()), (i64::MAX, i64::MAX), "{text}");
            assert!(number.billionths() >= UNIT * UNIT, "{text}");
        }
        assert_eq!(Decimal::parse("-1e400").unwrap().nearest(), -i64::MAX);
        let largest = Decimal::parse("9223372036854775806").unwrap();
        assert!(largest.nearest() >= i64::MAX - 1);
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "-", "1e", "e5", "1e+", "0x10", "1,5", "nan", "1 2", "--1", "1e1.5"] {
            assert_eq!(billionths(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_the_nearest() {
        let nearest = |text| Decimal::parse(text).unwrap().nearest();
        assert_eq!([nearest("0.5"), nearest("0.499999999"), nearest("-1.5")], [1, 0, -2]);
    }

    #[test]
    fn shares_have_their_sign() {
        let billionths = |text| Decimal::parse(text).unwrap().billionths();
        assert_eq!([billionths("-0.5"), billionths("1.25")], [-500_000_000, 1_250_000_000]);
    }

    proptest! {
        /// The short way gives what the long one gives.
        #[test]
        fn both_ways_agree(text in "[0-9]{0,11}(\\.[0-9]{0,12})?") {
            prop_assert_eq!(plain(&text), any(&alloc::format!("{text}e0")));
        }

        /// Against integers of 128 bits, which no text here is beyond.
        #[test]
        fn digits_count_by_their_place(whole in 0_u64..1_000_000_000_000_000_000, behind in 0_u64..1_000_000_000_000) {
            let text = alloc::format!("{whole}.{behind:012}");
            let exact = (u128::from(whole) * 1_000_000_000_000 + u128::from(behind)) / 1000;
            prop_assert_eq!(billionths(&text), i128::try_from(exact).ok());
        }

        /// The same number, written with any exponent, is the same.
        #[test]
        fn an_exponent_moves_the_point(digits in 0_u64..1_000_000_000_000, by in 0_usize..12) {
            let plain = alloc::format!("{digits}");
            let moved = alloc::format!("{digits}{}e-{by}", "0".repeat(by));
            prop_assert_eq!(billionths(&plain), Some(i128::from(digits) * 1_000_000_000));
            prop_assert_eq!(billionths(&moved), billionths(&plain));
        }
    }
}
