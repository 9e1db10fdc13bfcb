//! How long to wait before each attempt.
//!
//! Source: Standard Webhooks 1.0.0, "Deliverability and reliability" (the example schedule, jitter)
//! and "Delivery success and failure" (`Retry-After`).

use alloc::vec::Vec;
use core::fmt;

use crate::error::{Code, Coded, Fault};
use crate::time::Millis;

/// The delays before the attempts of one delivery, and how far chance may shift them.
///
/// ```
/// use livegate_core::delivery::schedule::Schedule;
/// use livegate_core::time::Millis;
///
/// let schedule = Schedule::from_secs(&[0, 5, 300], 0)?;
/// assert_eq!(schedule.delay_after(1, 0), Some(Millis::from_secs(5)));
/// assert_eq!(schedule.delay_after(3, 0), None);
/// # Ok::<(), livegate_core::delivery::schedule::ScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Before attempt 1, 2, 3 …; the first is zero, the list is never empty.
    delays: Vec<Millis>,
    jitter_percent: u8,
}

/// Why a list of delays is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleError {
    /// There is no attempt at all.
    Empty,
    /// More attempts than [`Schedule::MAX_ATTEMPTS`].
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The first attempt would have to wait; it is always made at once.
    FirstDelayed {
        /// The delay that stands there, in seconds.
        secs: u32,
    },
    /// A delay beyond [`Schedule::MAX_DELAY`].
    DelayTooLong {
        /// Its place in the list, from 0.
        index: usize,
        /// What it is, in seconds.
        secs: u32,
    },
    /// More jitter than [`Schedule::MAX_JITTER_PERCENT`].
    JitterTooLarge {
        /// What it is.
        percent: u8,
    },
}

impl Schedule {
    /// The longest list: as many attempts as the most patient of the common gateways makes.
    pub const MAX_ATTEMPTS: usize = 24;
    /// The longest wait between two attempts, before jitter.
    pub const MAX_DELAY: Millis = Millis::from_hours(24);
    /// Jitter where nothing else is said, in percent either way.
    pub const DEFAULT_JITTER_PERCENT: u8 = 20;
    /// Most jitter: beyond half of the delay the order of the schedule itself would blur.
    pub const MAX_JITTER_PERCENT: u8 = 50;
    /// The soonest attempt after an answer that asks for patience.
    pub const MIN_THROTTLED: Millis = Millis::from_secs(1);
    /// The longest that a `Retry-After` is obeyed.
    pub const MAX_RETRY_AFTER: Millis = Millis::from_hours(24);

    /// The example schedule of Standard Webhooks: ten attempts within 75 h 35 min 5 s, before a
    /// jitter of 20 % either way.
    pub fn standard_webhooks() -> Self {
        let mut delays = Vec::new();
        for secs in [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] {
            delays.push(Millis::from_secs(secs));
        }
        Self { delays, jitter_percent: Self::DEFAULT_JITTER_PERCENT }
    }

    /// A schedule of one's own: the delay before each attempt, in seconds.
    ///
    /// 1 to 24 entries of 0 to 86,400 s, the first 0: a cursor sends as soon as it may, and a
    /// delay there would hold up the whole lane for each event. Jitter 0 to 50 percent.
    ///
    /// # Errors
    /// [`ScheduleError`], for the first entry that is out of range.
    pub fn from_secs(delays: &[u32], jitter_percent: u8) -> Result<Self, ScheduleError> {
        let first = *delays.first().ok_or(ScheduleError::Empty)?;
        if delays.len() > Self::MAX_ATTEMPTS {
            return Err(ScheduleError::TooMany { count: delays.len() });
        }
        if first != 0 {
            return Err(ScheduleError::FirstDelayed { secs: first });
        }
        let mut checked = Vec::with_capacity(delays.len());
        for (index, &secs) in delays.iter().enumerate() {
            let delay = Millis::from_secs(u64::from(secs));
            if delay > Self::MAX_DELAY {
                return Err(ScheduleError::DelayTooLong { index, secs });
            }
            checked.push(delay);
        }
        if jitter_percent > Self::MAX_JITTER_PERCENT {
            return Err(ScheduleError::JitterTooLarge { percent: jitter_percent });
        }
        Ok(Self { delays: checked, jitter_percent })
    }

    /// How many attempts there are, the first included.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.delays.len()).unwrap_or(u32::MAX)
    }

    /// How long to wait after `made` attempts before the next one, shifted by jitter; `None` when
    /// the schedule is at its end. `random` is any uniform 64 bits.
    pub fn delay_after(&self, made: u32, random: u64) -> Option<Millis> {
        let index = usize::try_from(made).ok()?;
        self.delays.get(index).map(|&delay| self.jittered(delay, random))
    }

    /// The same after an answer that asks for patience ([`Outcome::Throttled`]).
    ///
    /// The later of the scheduled delay and the one that was asked for. Never sooner than the
    /// schedule: the attempts would be used up faster than it means, and the receiver has only said
    /// what is too soon. Never sooner than 1 s, whatever the schedule says. A wish of more than
    /// 24 h counts as 24 h, so that a slip of one digit does not silence an endpoint for weeks.
    ///
    /// [`Outcome::Throttled`]: super::outcome::Outcome::Throttled
    pub fn delay_when_throttled(
        &self,
        made: u32,
        retry_after: Option<Millis>,
        random: u64,
    ) -> Option<Millis> {
        let scheduled = self.delay_after(made, random)?;
        Some(scheduled.max(obeyed(retry_after)))
    }

    fn jittered(&self, delay: Millis, random: u64) -> Millis {
        let half = delay.0.saturating_mul(u64::from(self.jitter_percent)) / 100;
        let width = half.saturating_mul(2).saturating_add(1);
        // The high half of a widening product maps 64 uniform bits onto 0..width without a bias
        // that matters here.
        let shift = (u128::from(random).saturating_mul(u128::from(width)) >> 64) as u64;
        Millis(delay.0.saturating_sub(half).saturating_add(shift))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::standard_webhooks()
    }
}

/// The pause that a throttling answer asks for, within what is obeyed: 1 s to 24 h.
pub fn obeyed(retry_after: Option<Millis>) -> Millis {
    retry_after.unwrap_or_default().clamp(Schedule::MIN_THROTTLED, Schedule::MAX_RETRY_AFTER)
}

/// Reads a `Retry-After` that is a number of seconds (RFC 9110 §10.2.3, `delay-seconds`). A date
/// needs a clock, so the shell reads that form. More digits than fit count as the largest span.
pub fn retry_after_seconds(header: &str) -> Option<Millis> {
    let digits = header.trim_matches([' ', '\t']);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Millis::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a schedule has at least one attempt"),
            Self::TooMany { count } => {
                write!(f, "a schedule has at most {} attempts, not {count}", Schedule::MAX_ATTEMPTS)
            }
            Self::FirstDelayed { secs } => {
                write!(f, "the first attempt is made at once: its delay is 0, not {secs} s")
            }
            Self::DelayTooLong { index, secs } => {
                write!(f, "delay {index} is {secs} s; the longest is 86400 s")
            }
            Self::JitterTooLarge { percent } => {
                write!(f, "jitter is at most {} %, not {percent} %", Schedule::MAX_JITTER_PERCENT)
            }
        }
    }
}

impl core::error::Error for ScheduleError {}

impl Coded for ScheduleError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Empty => "delivery.schedule_empty",
            Self::TooMany { .. } => "delivery.schedule_too_many",
            Self::FirstDelayed { .. } => "delivery.schedule_first_delayed",
            Self::DelayTooLong { .. } => "delivery.schedule_delay_too_long",
            Self::JitterTooLarge { .. } => "delivery.schedule_jitter_too_large",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{Schedule, ScheduleError, obeyed, retry_after_seconds};
    use crate::error::Coded;
    use crate::time::Millis;
    use proptest::prelude::{any, prop_assert, proptest};
    use std::vec;

    #[test]
    fn the_default_waits_as_the_standards_table_says() {
        let schedule = Schedule::from_secs(
            &[0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
            20,
        );
        assert_eq!(schedule, Ok(Schedule::default()));
        // The table's last line: 75:35:05 since the start = 272,105 s, if no delay is shifted.
        let unshifted = Schedule { jitter_percent: 0, ..Schedule::default() };
        let total: u64 = (0..10).filter_map(|n| unshifted.delay_after(n, 7)).map(|d| d.0).sum();
        assert_eq!(total, 272_105_000);
        assert_eq!(unshifted.attempts(), 10);
        assert_eq!(unshifted.delay_after(10, 7), None);
        assert_eq!(unshifted.delay_after(u32::MAX, 7), None);
    }

    #[test]
    fn jitter_reaches_both_ends_and_the_middle() {
        let schedule = Schedule::default();
        // 5 s ± 20 %: 4,000 … 6,000 ms.
        assert_eq!(schedule.delay_after(1, 0), Some(Millis(4_000)));
        assert_eq!(schedule.delay_after(1, u64::MAX), Some(Millis(6_000)));
        assert_eq!(schedule.delay_after(1, u64::MAX / 2), Some(Millis(5_000)));
        assert_eq!(schedule.delay_after(0, u64::MAX), Some(Millis(0)));
    }

    #[test]
    fn the_limits_themselves_are_fine() {
        assert!(Schedule::from_secs(&[0], 50).is_ok());
        assert!(Schedule::from_secs(&[0, 86_400], 0).is_ok());
        assert!(Schedule::from_secs(&[0; 24], 0).is_ok());
    }

    #[test]
    fn refuses_what_is_beyond_the_limits() {
        for (delays, jitter, error) in [
            (vec![], 0, ScheduleError::Empty),
            (vec![0; 25], 0, ScheduleError::TooMany { count: 25 }),
            (vec![1], 0, ScheduleError::FirstDelayed { secs: 1 }),
            (vec![0, 86_401], 0, ScheduleError::DelayTooLong { index: 1, secs: 86_401 }),
            (vec![0], 51, ScheduleError::JitterTooLarge { percent: 51 }),
        ] {
            assert!(error.code().is_well_formed());
            assert_eq!(Schedule::from_secs(&delays, jitter), Err(error));
        }
    }

    #[test]
    fn a_wish_for_patience_only_ever_delays() {
        let schedule = Schedule { jitter_percent: 0, ..Schedule::default() };
        let after = |made, secs| schedule.delay_when_throttled(made, secs, 0);
        // Shorter than scheduled: the schedule stands.
        assert_eq!(after(2, Some(Millis::from_secs(10))), Some(Millis::from_mins(5)));
        assert_eq!(after(2, None), Some(Millis::from_mins(5)));
        // Longer: obeyed, up to a day.
        assert_eq!(after(1, Some(Millis::from_mins(9))), Some(Millis::from_mins(9)));
        assert_eq!(after(1, Some(Millis::from_hours(24))), Some(Millis::from_hours(24)));
        assert_eq!(after(1, Some(Millis(u64::MAX))), Some(Millis::from_hours(24)));
        // The schedule's end is its end, whatever was asked.
        assert_eq!(after(10, Some(Millis(1))), None);
        let hasty = Schedule::from_secs(&[0, 0], 0).unwrap();
        assert_eq!(hasty.delay_when_throttled(1, Some(Millis(0)), 0), Some(Millis::from_secs(1)));
        assert_eq!(obeyed(None), Millis::from_secs(1));
    }

    #[test]
    fn reads_seconds_and_nothing_else_from_a_header() {
        assert_eq!(retry_after_seconds("120"), Some(Millis(120_000)));
        assert_eq!(retry_after_seconds(" 0\t"), Some(Millis(0)));
        // 20 digits, more than 2^64.
        assert_eq!(retry_after_seconds("99999999999999999999"), Some(Millis(u64::MAX)));
        for other in ["", " ", "-1", "+1", "1.5", "1s", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            assert_eq!(retry_after_seconds(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn jitter_stays_within_its_percent(secs in 0u32..=86_400, jitter in 0u8..=50, random: u64) {
            let schedule = Schedule::from_secs(&[0, secs], jitter).unwrap();
            let delay = schedule.delay_after(1, random).unwrap().0;
            let (plain, percent) = (u64::from(secs) * 1000, u64::from(jitter));
            prop_assert!(delay * 100 >= plain * (100 - percent));
            prop_assert!(delay * 100 <= plain * (100 + percent));
        }

        #[test]
        fn a_throttled_attempt_is_never_sooner_than_scheduled(
            made in 0u32..12, wish in any::<Option<u64>>(), random: u64,
        ) {
            let schedule = Schedule::default();
            let wish = wish.map(Millis);
            let throttled = schedule.delay_when_throttled(made, wish, random);
            prop_assert!(throttled >= schedule.delay_after(made, random));
            if let Some(delay) = throttled {
                prop_assert!(delay >= Schedule::MIN_THROTTLED);
            }
        }
    }
}
