//! A call's time as text.

use alloc::format;
use alloc::string::{String, ToString};

use super::model::TimeFormat;
use crate::time::UnixMillis;

impl TimeFormat {
    /// Reads a time. A count that is too large for milliseconds becomes the end of time, which no
    /// policy accepts.
    pub(super) fn read(self, text: &str) -> Option<UnixMillis> {
        match self {
            Self::HexSeconds => digits(text, 16, 16).map(UnixMillis::from_secs),
            Self::Seconds => digits(text, 10, 20).map(UnixMillis::from_secs),
            Self::Millis => digits(text, 10, 20).map(UnixMillis),
            Self::Rfc3339 => rfc3339(text.as_bytes()),
        }
    }

    /// Writes a time; the counts of seconds leave out the rest.
    pub(super) fn write(self, time: UnixMillis) -> String {
        match self {
            Self::HexSeconds => format!("{:x}", time.as_secs()),
            Self::Seconds => time.as_secs().to_string(),
            Self::Millis => time.0.to_string(),
            Self::Rfc3339 => time.to_string(),
        }
    }
}

/// Digits and nothing else: no sign, no space, at least one, at most `longest`.
fn digits(text: &str, radix: u32, longest: usize) -> Option<u64> {
    let plain = text.bytes().all(|byte| char::from(byte).is_digit(radix));
    if text.is_empty() || text.len() > longest || !plain {
        return None;
    }
    // Twenty decimal digits can exceed 64 bits: later than every clock.
    Some(u64::from_str_radix(text, radix).unwrap_or(u64::MAX))
}

/// RFC 3339 §5.6, from 1970 on. A leap second counts as the second after it; digits beyond
/// milliseconds are left out.
///
/// No field has more than four digits, so nothing here comes near the ends of an `i64`.
fn rfc3339(text: &[u8]) -> Option<UnixMillis> {
    let mut rest = text;
    let year = take(&mut rest, 4)?;
    expect(&mut rest, b"-")?;
    let month = take(&mut rest, 2)?;
    expect(&mut rest, b"-")?;
    let day = take(&mut rest, 2)?;
    expect(&mut rest, b"Tt ")?;
    let hour = take(&mut rest, 2)?;
    expect(&mut rest, b":")?;
    let minute = take(&mut rest, 2)?;
    expect(&mut rest, b":")?;
    let second = take(&mut rest, 2)?;
    let milli = fraction(&mut rest)?;
    let ahead = offset_secs(rest)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > month_days || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970-01-01, counted in years that begin on 1 March, so that a leap day is a
    // year's last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
            - 1
            - 719_468;
    let secs = days * 86_400 + hour * 3600 + minute * 60 + second - ahead;
    u64::try_from(secs * 1000 + milli).ok().map(UnixMillis)
}

fn take(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    head.iter().try_fold(0i64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

fn expect(rest: &mut &[u8], one_of: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    one_of.contains(first).then_some(*first)
}

fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let Some(mut tail) = rest.strip_prefix(b".") else {
        return Some(0);
    };
    let (mut milli, mut scale, mut count) = (0, 100, 0usize);
    while let Some((digit, more)) = tail.split_first().filter(|(byte, _)| byte.is_ascii_digit()) {
        milli += i64::from(digit - b'0') * scale;
        scale /= 10;
        count = count.saturating_add(1);
        tail = more;
    }
    *rest = tail;
    (count > 0).then_some(milli)
}

fn offset_secs(mut rest: &[u8]) -> Option<i64> {
    let sign = match expect(&mut rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return rest.is_empty().then_some(0),
    };
    let hours = take(&mut rest, 2)?;
    expect(&mut rest, b":")?;
    let minutes = take(&mut rest, 2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::TimeFormat;
    use crate::time::UnixMillis;

    #[test]
    fn hex_seconds_are_digits_of_either_case() {
        let read = |text| TimeFormat::HexSeconds.read(text);
        // 0x66df9308 = 1725928200.
        assert_eq!(read("66df9308"), Some(UnixMillis(1_725_928_200_000)));
        assert_eq!(read("66DF9308"), Some(UnixMillis(1_725_928_200_000)));
        assert_eq!(read("0"), Some(UnixMillis(0)));
        assert_eq!(read("0000000066df9308"), Some(UnixMillis(1_725_928_200_000)));
        assert_eq!(read("ffffffffffffffff"), Some(UnixMillis(u64::MAX)));
        for bad in
            ["", "+66df9308", "-1", " 66df9308", "0x66df9308", "66dg", "6６", "00000000066df9308"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn decimal_times_do_not_overflow() {
        assert_eq!(TimeFormat::Seconds.read("1614265330"), Some(UnixMillis(1_614_265_330_000)));
        assert_eq!(TimeFormat::Millis.read("1614265330001"), Some(UnixMillis(1_614_265_330_001)));
        for format in [TimeFormat::Seconds, TimeFormat::Millis] {
            assert_eq!(format.read("99999999999999999999"), Some(UnixMillis(u64::MAX)));
            for bad in ["", "+1", "-1", "1.5", "1e9", "0x1", "a", "000000000000000000001"] {
                assert_eq!(format.read(bad), None, "{bad}");
            }
        }
    }

    #[test]
    fn rfc_3339_times_are_read() {
        // Expected values: `date -u -d TEXT +%s%3N`.
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-09-10T08:30:00+08:00", 1_725_928_200_000),
            ("2024-09-10T00:30:00.5Z", 1_725_928_200_500),
            ("2024-09-09t20:00:00.123456789-04:30", 1_725_928_200_123),
            ("2000-02-29 23:59:59Z", 951_868_799_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ] {
            assert_eq!(TimeFormat::Rfc3339.read(text), Some(UnixMillis(ms)), "{text}");
        }
        for bad in [
            "",
            "2024-09-10T00:30:00",
            "2024-13-10T00:30:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-09-00T00:30:00Z",
            "2024-09-10T24:00:00Z",
            "2024-09-10T00:60:00Z",
            "2024-09-10T00:30:61Z",
            "2024-09-10T00:30:00.Z",
            "2024-09-10T00:30:00Zx",
            "2024-09-10T00:30:00+24:00",
            "1969-12-31T23:59:59Z",
            "20240910T003000Z",
        ] {
            assert_eq!(TimeFormat::Rfc3339.read(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_format_reads_what_it_writes() {
        let time = UnixMillis(1_725_928_200_000);
        for format in TimeFormat::ALL {
            assert_eq!(format.read(&format.write(time)), Some(time), "{format}");
        }
        assert_eq!(TimeFormat::HexSeconds.write(time), "66df9308");
        assert_eq!(TimeFormat::Seconds.write(UnixMillis(1999)), "1");
    }
}
