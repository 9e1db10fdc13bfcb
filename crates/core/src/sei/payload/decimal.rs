//! Decimal numbers of any size, without floating point.

/// What a number is counted in: billionths, as shares of a canvas are.
pub(super) const UNIT: i128 = 1_000_000_000;

/// Beyond this, 10^30, all numbers are alike: no member has as many.
const LIMIT: i128 = UNIT * UNIT * UNIT * 1000;

/// The most digits that count; 10^37 is more than [`LIMIT`] and has a place in 128 bits.
const DIGITS: u32 = 37;

/// A number as JSON writes it (RFC 8259 §6), in billionths: digits behind the ninth are cut off, and
/// what is beyond 10^30 of them becomes that. Leading zeros, a plus and a missing digit on either
/// side of the point are taken as well: senders print numbers in many ways.
pub(super) fn billionths(text: &str) -> Option<i128> {
    plain(text).map(i128::from).or_else(|| any(text))
}

/// The same for at most nine digits before the point and nothing else but digits: what nearly all
/// numbers are, in half the width.
fn plain(text: &str) -> Option<i64> {
    let (mut number, mut before, mut behind): (i64, u32, Option<u32>) = (0, 0, None);
    for byte in text.bytes() {
        match (byte, &mut behind) {
            (b'0'..=b'9', Some(9)) => {}
            (digit @ b'0'..=b'9', behind) => {
                number = number * 10 + i64::from(digit - b'0');
                match behind {
                    Some(behind) => *behind += 1,
                    None if before < 9 => before += 1,
                    None => return None,
                }
            }
            (b'.', None) => behind = Some(0),
            _ => return None,
        }
    }
    if before == 0 {
        return None;
    }
    // Below 10^18.
    Some(number * 10_i64.pow(9 - behind.unwrap_or(0)))
}

/// The same for any number.
fn any(text: &str) -> Option<i128> {
    let text = text.trim_matches([' ', '\t']);
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
        None => (text, 0),
    };
    let point = mantissa.bytes().position(|byte| byte == b'.').unwrap_or(mantissa.len());
    let (whole, behind) = mantissa.split_at_checked(point)?;
    let behind = behind.get(1..).unwrap_or("");
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && behind.is_empty()) || !is_digits(whole) || !is_digits(behind) {
        return None;
    }
    // Where the last digit to count stands, from the first digit of all.
    let wanted = i64::try_from(whole.len()).ok()?.saturating_add(exponent).saturating_add(9);
    let mut number: i128 = 0;
    let mut taken: u32 = 0;
    let mut at: i64 = 0;
    for digit in whole.bytes().chain(behind.bytes()) {
        if at >= wanted || taken >= DIGITS {
            break;
        }
        at += 1;
        number = number * 10 + i128::from(digit.wrapping_sub(b'0'));
        // Leading zeros are no digits that fill the room.
        taken += u32::from(number > 0);
    }
    let left = wanted.saturating_sub(at).max(0);
    if number > 0 {
        for _ in 0..left.min(i64::from(DIGITS)) {
            if number >= LIMIT {
                break;
            }
            number *= 10;
        }
    }
    let number = number.min(LIMIT);
    Some(if is_negative { -number } else { number })
}

/// An exponent; a huge one is as good as any that is larger than all texts are long.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if text.starts_with('-') { -size } else { size })
}

/// The integer nearest to so many billionths, a tie away from zero.
pub(super) fn whole(billionths: i128) -> i128 {
    // In half the width where that is enough: its division is a tenth of the other's work.
    const HALF: i64 = 500_000_000;
    match i64::try_from(billionths) {
        Ok(small) if (-i64::MAX / 2..i64::MAX / 2).contains(&small) => {
            i128::from((small + small.signum() * HALF) / (HALF * 2))
        }
        _ => (billionths + billionths.signum() * (UNIT / 2)) / UNIT,
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, any, billionths, plain, whole};
    use proptest::prelude::*;

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
            assert_eq!(billionths(text), Some(LIMIT), "{text}");
        }
        assert_eq!(billionths("-1e400"), Some(-LIMIT));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "-", "1e", "e5", "1e+", "0x10", "1,5", "nan", "1 2", "--1", "1e1.5"] {
            assert_eq!(billionths(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_the_nearest() {
        let nearest = |text| whole(billionths(text).unwrap());
        assert_eq!([nearest("0.5"), nearest("0.499999999"), nearest("-1.5")], [1, 0, -2]);
    }

    proptest! {
        /// The short way gives what the long one gives.
        #[test]
        fn both_ways_agree(text in "[0-9]{0,11}(\\.[0-9]{0,12})?") {
            if let Some(number) = plain(&text) {
                prop_assert_eq!(Some(i128::from(number)), any(&text));
            }
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
