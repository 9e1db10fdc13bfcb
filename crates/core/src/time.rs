//! Time as integers, handed in by shells: this crate never reads a clock.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// A span in milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl UnixMillis {
    /// The later time, or the end of time.
    #[must_use]
    pub const fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The earlier time, or 1970.
    #[must_use]
    pub const fn minus(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How much later than `earlier`; zero if it is not.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since 1970.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The time `secs` seconds after 1970-01-01T00:00:00Z, or the end of time.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }
}

impl Millis {
    /// A span of whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// A span of whole minutes.
    pub const fn from_mins(mins: u64) -> Self {
        Self::from_secs(mins.saturating_mul(60))
    }

    /// A span of whole hours.
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_mins(hours.saturating_mul(60))
    }
}

/// RFC 3339 in UTC with milliseconds, e.g. `2024-09-10T00:30:00.000Z`. Years past 9999 show as
/// 9999-12-31T23:59:59.999Z, which RFC 3339 §1 cannot exceed.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: u64 = 253_402_300_799_999;
        let ms = self.0.min(LAST);
        let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (h, m, s) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
        let milli = in_day % 1000;
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{milli:03}Z")
    }
}

/// Days since 1970-01-01 as a date of the proleptic Gregorian calendar: years counted from 1 March
/// so that the leap day is a year's last, eras of 400 years (146,097 days).
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let since_0000_03_01 = days + 719_468;
    let era = since_0000_03_01 / 146_097;
    let of_era = since_0000_03_01 % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Millis, UnixMillis};
    use std::string::ToString;

    #[test]
    fn shows_rfc_3339() {
        // Expected values: `date -u -d @SECONDS +%FT%T`.
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_725_928_200_000, "2024-09-10T00:30:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(UnixMillis(ms).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(UnixMillis(5).minus(Millis(6)), UnixMillis(0));
        assert_eq!(UnixMillis(u64::MAX).plus(Millis(1)), UnixMillis(u64::MAX));
        assert_eq!(UnixMillis(5).since(UnixMillis(9)), Millis(0));
        assert_eq!(UnixMillis::from_secs(u64::MAX), UnixMillis(u64::MAX));
    }
}
