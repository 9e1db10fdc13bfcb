//! How long the log is kept, and when it is full.
//!
//! - **By age.** What is older than the days that were set goes, delivered or not; a lane records
//!   what it had not delivered ([`Lane::expired`](super::lane::Lane::expired)).
//! - **By size.** Beyond the bytes that were set the oldest goes, but never what a live lane still
//!   owes. Events held for a disabled endpoint are not owed in that sense: one endpoint that its
//!   owner forgot must not stop a channel. They are recorded as expired.
//! - **Full.** If even so there is no room, a new event is refused, and its sender tries again:
//!   nothing is accepted that could not be kept.

use core::fmt;

use crate::error::{Code, Coded, Fault};
use crate::id::Seq;
use crate::time::{Millis, UnixMillis};

/// What is kept of a channel's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    days: u16,
    bytes: u64,
    capacity: u64,
}

/// A run of the log that is removed as one: a day's table, or so many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its last event.
    pub up_to: Seq,
    /// When that was accepted.
    pub newest_at: UnixMillis,
    /// What it takes, in bytes.
    pub bytes: u64,
}

/// Why settings make no retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetentionError {
    /// Not 1 to [`Retention::MAX_DAYS`].
    Days {
        /// What was asked for.
        days: u16,
    },
    /// Zero, or more than the log may take at all.
    Bytes {
        /// What was asked for.
        bytes: u64,
        /// What the log may take.
        capacity: u64,
    },
}

/// The log has no room for an event. The sender is to try again later (503), never told that it
/// was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFull {
    /// What the log takes, in bytes.
    pub used: u64,
    /// What it may take.
    pub capacity: u64,
}

impl Retention {
    /// A year.
    pub const MAX_DAYS: u16 = 366;
    /// Where nothing else is said: a week, as long as the schedule and a week-end.
    pub const DEFAULT_DAYS: u16 = 7;
    /// Where nothing else is said: 1 GiB.
    pub const DEFAULT_BYTES: u64 = 1 << 30;
    /// The platform gives an object 10 GB; a tenth is left for rows and for what a deletion needs.
    pub const DEFAULT_CAPACITY: u64 = 9_000_000_000;

    /// `days` is 1 to 366, `bytes` 1 to `capacity`.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub const fn new(days: u16, bytes: u64, capacity: u64) -> Result<Self, RetentionError> {
        if days == 0 || days > Self::MAX_DAYS {
            return Err(RetentionError::Days { days });
        }
        if bytes == 0 || bytes > capacity {
            return Err(RetentionError::Bytes { bytes, capacity });
        }
        Ok(Self { days, bytes, capacity })
    }

    /// How long an event is kept at the longest.
    pub const fn span(&self) -> Millis {
        Millis::from_hours((self.days as u64).saturating_mul(24))
    }

    /// Up to where the log may be removed now; `None` if nothing may go.
    ///
    /// `segments` is the whole log, oldest first. `owed_from` is the first event that a lane of an
    /// enabled endpoint has still to deliver (past its cursor, or waiting in a row); if there is
    /// none, `None`. A segment goes as a whole or stays.
    pub fn removable(
        &self,
        segments: &[Segment],
        owed_from: Option<Seq>,
        now: UnixMillis,
    ) -> Option<Seq> {
        let oldest = now.minus(self.span());
        let mut left = segments.iter().fold(0u64, |sum, part| sum.saturating_add(part.bytes));
        let mut up_to = None;
        for segment in segments {
            let aged = segment.newest_at < oldest;
            let owed = owed_from.is_some_and(|from| segment.up_to >= from);
            if !aged && (left <= self.bytes || owed) {
                break;
            }
            left = left.saturating_sub(segment.bytes);
            up_to = Some(segment.up_to);
        }
        up_to
    }

    /// Whether an event of that size still fits into a log that takes `used` bytes.
    ///
    /// # Errors
    /// [`LogFull`], if not.
    pub const fn admits(&self, used: u64, incoming: u64) -> Result<(), LogFull> {
        if used.saturating_add(incoming) > self.capacity {
            return Err(LogFull { used, capacity: self.capacity });
        }
        Ok(())
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: Self::DEFAULT_DAYS,
            bytes: Self::DEFAULT_BYTES,
            capacity: Self::DEFAULT_CAPACITY,
        }
    }
}

impl fmt::Display for RetentionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days { days } => {
                write!(f, "events are kept for 1 to {} days, not {days}", Retention::MAX_DAYS)
            }
            Self::Bytes { bytes, capacity } => {
                write!(f, "a log keeps 1 to {capacity} bytes, not {bytes}")
            }
        }
    }
}

impl core::error::Error for RetentionError {}

impl Coded for RetentionError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Days { .. } => "delivery.retention_days",
            Self::Bytes { .. } => "delivery.retention_bytes",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

impl fmt::Display for LogFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the channel's log is full: {} of {} bytes", self.used, self.capacity)
    }
}

impl core::error::Error for LogFull {}

impl Coded for LogFull {
    fn code(&self) -> Code {
        Code::new("delivery.log_full")
    }

    fn fault(&self) -> Fault {
        Fault::Limit
    }
}

#[cfg(test)]
mod tests {
    use super::{LogFull, Retention, RetentionError, Segment};
    use crate::error::{Coded, Fault};
    use crate::id::Seq;
    use crate::time::UnixMillis;
    use proptest::prelude::{any, prop_assert, proptest};
    use std::vec::Vec;

    const DAY: u64 = 86_400_000;

    /// Ten events and 100 bytes a day, days 0, 1, 2 …
    fn days(count: u64) -> Vec<Segment> {
        (0..count)
            .map(|day| Segment {
                up_to: Seq(day * 10 + 10),
                newest_at: UnixMillis(day * DAY),
                bytes: 100,
            })
            .collect()
    }

    #[test]
    fn what_is_too_old_goes_even_if_it_is_owed() {
        let week = Retention::new(7, 10_000, 10_000).unwrap();
        // On day 9, days 0 and 1 are more than seven days old; day 2 is exactly seven.
        let now = UnixMillis(9 * DAY);
        assert_eq!(week.removable(&days(9), None, now), Some(Seq(20)));
        assert_eq!(week.removable(&days(9), Some(Seq(5)), now), Some(Seq(20)));
        assert_eq!(week.removable(&days(9), None, UnixMillis(7 * DAY)), None);
        assert_eq!(week.removable(&[], None, now), None);
    }

    #[test]
    fn what_is_too_much_goes_unless_it_is_owed() {
        let small = Retention::new(366, 250, 1_000).unwrap();
        let now = UnixMillis(5 * DAY);
        // 500 bytes: three segments of 100 must go for 250 to suffice.
        assert_eq!(small.removable(&days(5), None, now), Some(Seq(30)));
        assert_eq!(small.removable(&days(5), Some(Seq(31)), now), Some(Seq(30)));
        assert_eq!(small.removable(&days(5), Some(Seq(30)), now), Some(Seq(20)));
        assert_eq!(small.removable(&days(5), Some(Seq(1)), now), None);
        let just = Retention::new(366, 500, 1_000).unwrap();
        assert_eq!(just.removable(&days(5), None, now), None);
    }

    #[test]
    fn a_full_log_refuses() {
        let small = Retention::new(1, 500, 1_000).unwrap();
        assert_eq!(small.admits(900, 100), Ok(()));
        let full = LogFull { used: 900, capacity: 1_000 };
        assert_eq!(small.admits(900, 101), Err(full));
        assert_eq!(small.admits(u64::MAX, 1).map_err(|e| e.fault()), Err(Fault::Limit));
        assert!(full.code().is_well_formed());
    }

    #[test]
    fn refuses_settings_out_of_range() {
        for (result, error) in [
            (Retention::new(0, 1, 1), RetentionError::Days { days: 0 }),
            (Retention::new(367, 1, 1), RetentionError::Days { days: 367 }),
            (Retention::new(1, 0, 1), RetentionError::Bytes { bytes: 0, capacity: 1 }),
            (Retention::new(1, 2, 1), RetentionError::Bytes { bytes: 2, capacity: 1 }),
        ] {
            assert!(error.code().is_well_formed());
            assert_eq!(result, Err(error));
        }
        assert!(Retention::new(1, 1, 1).is_ok());
        assert!(Retention::new(366, 1, 1).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_young_goes_that_is_owed(
            count in 0u64..20, bytes in 1u64..2_000, from in any::<Option<u8>>(), day in 0u64..40,
        ) {
            let retention = Retention::new(7, bytes, 2_000).unwrap();
            let (log, now) = (days(count), UnixMillis(day * DAY));
            let from = from.map(|from| Seq(u64::from(from)));
            let up_to = retention.removable(&log, from, now).unwrap_or_default();
            for segment in log.iter().filter(|segment| segment.up_to <= up_to) {
                let young = segment.newest_at.0 + 7 * DAY >= now.0;
                prop_assert!(!young || from.is_none_or(|from| segment.up_to < from));
            }
        }
    }
}
