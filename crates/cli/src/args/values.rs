//! Values that people type: points in time, headers, `name=value` pairs.

use livegate_core::time::UnixMillis;

/// A point in time: RFC 3339, a Unix time in seconds (up to 11 digits) or milliseconds, or a span
/// before `now` such as `15m`, `2h`, `3d`, `90s`.
///
/// The error says what is accepted.
pub(crate) fn point_in_time(text: &str, now: UnixMillis) -> Result<UnixMillis, &'static str> {
    const WANTED: &str = "a time is RFC 3339 (2026-01-31T12:00:00Z), a Unix time in seconds or \
                          milliseconds, or a span ago such as 15m, 2h or 3d";
    if text == "now" {
        return Ok(now);
    }
    if !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: u64 = text.parse().map_err(|_| WANTED)?;
        let in_seconds = text.len() <= 11;
        return Ok(if in_seconds { UnixMillis::from_secs(number) } else { UnixMillis(number) });
    }
    if let Some(span) = span_ms(text) {
        return Ok(UnixMillis(now.0.saturating_sub(span)));
    }
    rfc_3339(text).ok_or(WANTED)
}

/// A span such as `90s`, `15m`, `2h`, `3d` or `250ms`, in milliseconds.
pub(crate) fn span_ms(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms)
}

/// RFC 3339 §5.6 `date-time`, from 1970 on; a leap second counts as the second after.
fn rfc_3339(text: &str) -> Option<UnixMillis> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let (year, month, day) = three(date, '-', [4, 2, 2])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').map_or((clock, ""), |(c, f)| (c, f));
    let (hour, minute, second) = three(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let milli = if clock.len() == rest.len() - zone.len() {
        0
    } else {
        let kept = fraction.get(..fraction.len().min(3))?;
        let digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return None;
        }
        format!("{kept:0<3}").parse::<i64>().ok()?
    };
    let days = days_since_1970(year, month, day)?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset_seconds(zone)?;
    u64::try_from(seconds * 1000 + milli).ok().map(UnixMillis)
}

/// Three numbers of exactly these many digits.
fn three(text: &str, separator: char, digits: [usize; 3]) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(separator);
    let mut next = |want: usize| {
        let part = parts.next()?;
        let fine = part.len() == want && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| fine)
    };
    let found = (next(digits[0])?, next(digits[1])?, next(digits[2])?);
    parts.next().is_none().then_some(found)
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes, _) = three(&format!("{hours}:{minutes}:00"), ':', [2, 2, 2])?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01, proleptic Gregorian; `None` if there is no such day.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month).ok()?.checked_sub(1)?;
    if year < 1970 || day < 1 || day > *lengths.get(index)? {
        return None;
    }
    let before: i64 = lengths.iter().take(index).sum();
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    Some((year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + before + day - 1)
}

/// `Name: value`, both trimmed (RFC 9110 §5).
pub(crate) fn header(text: &str) -> Result<(String, String), &'static str> {
    const WANTED: &str = "a header is written as `Name: value`";
    let (name, value) = text.split_once(':').ok_or(WANTED)?;
    let (name, value) = (name.trim(), value.trim());
    let token = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    let printable = !value.bytes().any(|b| b.is_ascii_control() && b != b'\t');
    (token && printable).then(|| (name.to_owned(), value.to_owned())).ok_or(WANTED)
}

/// `name=value`.
pub(crate) fn pair(text: &str) -> Result<(&str, &str), &'static str> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("a field is written as name=value")
}

#[cfg(test)]
mod tests {
    use super::{header, pair, point_in_time, span_ms};
    use livegate_core::time::UnixMillis;

    const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

    #[test]
    fn reads_rfc_3339() {
        // Expected values: `date -u -d TEXT +%s`.
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-09-10T00:30:00Z", 1_725_928_200_000),
            ("2024-09-10T08:30:00+08:00", 1_725_928_200_000),
            ("2024-09-09T20:00:00.5-04:30", 1_725_928_200_500),
            ("2024-02-29T23:59:59.123456Z", 1_709_251_199_123),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] {
            assert_eq!(point_in_time(text, NOW), Ok(UnixMillis(ms)), "{text}");
        }
    }

    #[test]
    fn a_time_shown_reads_back() {
        for ms in [0, 951_782_399_999, 1_725_928_200_001, 32_503_680_000_000] {
            assert_eq!(point_in_time(&UnixMillis(ms).to_string(), NOW), Ok(UnixMillis(ms)));
        }
    }

    #[test]
    fn reads_unix_times_and_spans_ago() {
        assert_eq!(point_in_time("1725928200", NOW), Ok(NOW));
        assert_eq!(point_in_time("1725928200000", NOW), Ok(NOW));
        assert_eq!(point_in_time("15m", NOW), Ok(UnixMillis(NOW.0 - 900_000)));
        assert_eq!(point_in_time("now", NOW), Ok(NOW));
        assert_eq!(span_ms("2h"), Some(7_200_000));
        assert_eq!(span_ms("250ms"), Some(250));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for bad in [
            "",
            "yesterday",
            "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-09-10T24:00:00Z",
            "2024-09-10T00:00:00",
            "2024-09-10T00:00:00.Z",
            "2024-09-10T00:00:00+8:00",
            "2024-9-10T00:00:00Z",
            "99999999999999999999",
            "m",
            "5y",
            "18446744073709551615d",
        ] {
            assert!(point_in_time(bad, NOW).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_headers_and_pairs() {
        assert_eq!(header("X-A:  b: c "), Ok(("X-A".to_owned(), "b: c".to_owned())));
        for bad in ["no colon", ": v", "a b: c", "x: a\r\ny: b"] {
            assert!(header(bad).is_err(), "{bad}");
        }
        assert_eq!(pair("a=b=c"), Ok(("a", "b=c")));
        assert!(pair("=b").is_err() && pair("ab").is_err());
    }
}
