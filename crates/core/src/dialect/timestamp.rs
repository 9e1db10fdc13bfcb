//! Vendors' ways to write a time, read as one.

use crate::time::UnixMillis;

/// Numbers below this are seconds, others milliseconds: as seconds it is the year 5138, as
/// milliseconds the year 1973.
const FIRST_MILLIS: u64 = 100_000_000_000;

/// Seconds or milliseconds since 1970 in decimal digits, with a fraction of a second at most.
pub(super) fn number(text: &str) -> Option<UnixMillis> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if text.contains('.') && fraction.is_empty() {
        return None;
    }
    let value: u64 = whole.parse().ok()?;
    let thousandths = millis_of_fraction(fraction)?;
    if value < FIRST_MILLIS {
        Some(UnixMillis(value.checked_mul(1000)?.checked_add(thousandths)?))
    } else {
        Some(UnixMillis(value))
    }
}

/// RFC 3339 §5.6, e.g. `2024-09-10T08:30:00.5+08:00`; or a number as text. Leap seconds count as
/// the second after them, and times before 1970 are not there.
pub(crate) fn text(text: &str) -> Option<UnixMillis> {
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return number(text);
    }
    let (date, rest) = text.split_at_checked(10)?;
    let (separator, rest) = rest.split_at_checked(1)?;
    if !matches!(separator, "T" | "t" | " ") {
        return None;
    }
    let (time, rest) = rest.split_at_checked(8)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            if end == 0 {
                return None;
            }
            rest.split_at_checked(end)?
        }
    };
    let [year, month, day] = three(date, b'-', [4, 2, 2])?;
    let [hour, minute, second] = three(time, b':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = i64::try_from(days_since_1970(year, month, day)?).ok()?;
    let in_day = i64::try_from(hour * 3600 + minute * 60 + second).ok()?;
    let seconds = days.checked_mul(86_400)?.checked_add(in_day)?.checked_sub(offset(zone)?)?;
    let millis = u64::try_from(seconds).ok()?.checked_mul(1000)?;
    Some(UnixMillis(millis.checked_add(millis_of_fraction(fraction)?)?))
}

/// Three groups of digits of these lengths. Four digits at most, so that sums of them fit.
fn three(text: &str, separator: u8, lens: [usize; 3]) -> Option<[u64; 3]> {
    let mut groups = text.split(char::from(separator));
    let mut numbers = [0; 3];
    for (number, len) in numbers.iter_mut().zip(lens) {
        let digits = groups.next()?;
        if digits.len() != len || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = digits.parse().ok()?;
    }
    groups.next().is_none().then_some(numbers)
}

/// Seconds east of Greenwich: `Z` or `+HH:MM` or `-HH:MM`.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let in_range = |digits: &str, most: i64| {
        let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        let value: i64 = digits.parse().ok()?;
        (two && value <= most).then_some(value)
    };
    let seconds = in_range(hours, 23)? * 3600 + in_range(minutes, 59)? * 60;
    match sign {
        "+" => Some(seconds),
        "-" => Some(seconds.saturating_neg()),
        _ => None,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` for dates before it or none.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    if day == 0 || day > *lengths.get(index)? {
        return None;
    }
    let past = year.checked_sub(1970)?;
    let years_done = year.checked_sub(1)?;
    // Leap years from the year 1 to the last one that is over, less the 477 of them before 1970.
    let leaps = (years_done / 4 - years_done / 100 + years_done / 400).checked_sub(477)?;
    let this_leap = u64::from(leap && month > 2);
    Some(past * 365 + leaps + days_before.get(index)? + this_leap + day - 1)
}

/// The first three digits behind a decimal point, as thousandths.
fn millis_of_fraction(digits: &str) -> Option<u64> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value =
        |at: usize| digits.as_bytes().get(at).map_or(0, |b| u64::from(b.saturating_sub(b'0')));
    Some(value(0) * 100 + value(1) * 10 + value(2))
}

#[cfg(test)]
mod tests {
    use super::{number, text};
    use crate::time::UnixMillis;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn numbers_are_seconds_or_milliseconds_by_their_size() {
        assert_eq!(number("1725928200"), Some(UnixMillis(1_725_928_200_000)));
        assert_eq!(number("1725928200.25"), Some(UnixMillis(1_725_928_200_250)));
        assert_eq!(number("1725928200123"), Some(UnixMillis(1_725_928_200_123)));
        assert_eq!(number("1725928200123.9"), Some(UnixMillis(1_725_928_200_123)));
        assert_eq!(number("0"), Some(UnixMillis(0)));
        assert_eq!(number("99999999999"), Some(UnixMillis(99_999_999_999_000)));
        assert_eq!(number("100000000000"), Some(UnixMillis(100_000_000_000)));
        for bad in ["", "-1", "1e9", "1.", ".5", "99999999999999999999", "1x"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_rfc_3339_in_any_zone() {
        // Expected values: Python, int(datetime.fromisoformat(TEXT).timestamp() * 1000).
        for (written, millis) in [
            ("2024-09-10T08:30:00+08:00", 1_725_928_200_000),
            ("2024-09-10T00:30:00Z", 1_725_928_200_000),
            ("2024-09-09t19:00:00.5-05:30", 1_725_928_200_500),
            ("2000-02-29 23:59:59.999999Z", 951_868_799_999),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
            ("1970-01-01T00:00:00Z", 0),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1725928200", 1_725_928_200_000),
        ] {
            assert_eq!(text(written), Some(UnixMillis(millis)), "{written}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for bad in [
            "",
            "now",
            "2024-09-10",
            "2024-09-10T08:30:00",
            "2024-9-10T08:30:00Z",
            "2023-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+8:00",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00*08:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "é024-01-01T00:00:00Z",
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    proptest! {
        /// The other direction, from days to a date, is written by another algorithm.
        #[test]
        fn reads_what_times_show(millis in 0_u64..=253_402_300_799_999) {
            let time = UnixMillis(millis);
            prop_assert_eq!(text(&time.to_string()), Some(time));
        }
    }
}
