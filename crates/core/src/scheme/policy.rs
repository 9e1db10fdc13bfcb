//! How fresh a call must be.

use core::fmt;

use crate::error::{Code, Coded, Fault};
use crate::time::{Millis, UnixMillis};

/// How old a signed call may be, and how far in the future its time may lie.
///
/// The window is where a captured call can be sent again, so it should be short; it has to bear
/// network delay and the difference between two clocks, so it cannot be nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    freshness: Millis,
    skew: Millis,
}

impl Policy {
    /// One minute both ways: how long Huawei says that a signature of its `x-hw-mss-time` kind is
    /// valid (`MetaStudio` API reference, `CreateLivePlatform`, `CustomPlatformAuthConfig`).
    pub const MINUTE: Self = Self { freshness: Millis::from_mins(1), skew: Millis::from_mins(1) };

    /// Five minutes both ways: the tolerance of the Standard Webhooks reference libraries.
    pub const FIVE_MINUTES: Self =
        Self { freshness: Millis::from_mins(5), skew: Millis::from_mins(5) };

    /// The longest span either way: an hour. Within it a captured call works like a key, so no
    /// setting should go further.
    pub const MAX: Millis = Millis::from_hours(1);

    /// The shortest freshness: two seconds, since most schemes count in whole seconds and a call
    /// on its way needs the rest.
    pub const MIN_FRESHNESS: Millis = Millis::from_secs(2);

    /// A policy. `freshness` is the greatest accepted age, [`Policy::MIN_FRESHNESS`] to
    /// [`Policy::MAX`]; `skew` is how far ahead a call's time may be, zero to [`Policy::MAX`].
    ///
    /// # Errors
    /// [`PolicyError`] names the span that is out of bounds.
    pub const fn new(freshness: Millis, skew: Millis) -> Result<Self, PolicyError> {
        if freshness.0 < Self::MIN_FRESHNESS.0 || freshness.0 > Self::MAX.0 {
            return Err(PolicyError::Freshness { given: freshness });
        }
        if skew.0 > Self::MAX.0 {
            return Err(PolicyError::Skew { given: skew });
        }
        Ok(Self { freshness, skew })
    }

    /// The greatest accepted age.
    pub const fn freshness(self) -> Millis {
        self.freshness
    }

    /// How far ahead of our clock a call's time may be.
    pub const fn skew(self) -> Millis {
        self.skew
    }

    pub(super) fn place(self, signed_at: UnixMillis, now: UnixMillis) -> Freshness {
        let age = now.since(signed_at);
        if age > self.freshness {
            return Freshness::Stale { by: Millis(age.0.saturating_sub(self.freshness.0)) };
        }
        let ahead = signed_at.since(now);
        if ahead > self.skew {
            return Freshness::Future { by: Millis(ahead.0.saturating_sub(self.skew.0)) };
        }
        Freshness::Fresh
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::MINUTE
    }
}

/// Where a time lies in a policy's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    Stale { by: Millis },
    Future { by: Millis },
}

/// A span that a [`Policy`] cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The freshness is out of bounds.
    Freshness {
        /// What was given.
        given: Millis,
    },
    /// The skew is out of bounds.
    Skew {
        /// What was given.
        given: Millis,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = Policy::MAX.0;
        match self {
            Self::Freshness { given } => {
                let min = Policy::MIN_FRESHNESS.0;
                write!(f, "freshness is {min} to {max} ms, not {} ms", given.0)
            }
            Self::Skew { given } => write!(f, "skew is 0 to {max} ms, not {} ms", given.0),
        }
    }
}

impl core::error::Error for PolicyError {}

impl Coded for PolicyError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Freshness { .. } => "scheme.freshness",
            Self::Skew { .. } => "scheme.skew",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{Freshness, Policy, PolicyError};
    use crate::time::{Millis, UnixMillis};

    const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

    #[test]
    fn both_edges_of_the_window_are_inside() {
        let policy = Policy::MINUTE;
        assert_eq!(policy.place(NOW.minus(Millis(60_000)), NOW), Freshness::Fresh);
        assert_eq!(policy.place(NOW.plus(Millis(60_000)), NOW), Freshness::Fresh);
        assert_eq!(policy.place(NOW, NOW), Freshness::Fresh);
    }

    #[test]
    fn says_by_how_much_a_time_misses_the_window() {
        let policy = Policy::MINUTE;
        let stale = policy.place(NOW.minus(Millis(60_001)), NOW);
        assert_eq!(stale, Freshness::Stale { by: Millis(1) });
        let future = policy.place(NOW.plus(Millis(61_000)), NOW);
        assert_eq!(future, Freshness::Future { by: Millis(1000) });
        assert!(matches!(policy.place(UnixMillis(u64::MAX), NOW), Freshness::Future { .. }));
        assert!(matches!(policy.place(UnixMillis(0), NOW), Freshness::Stale { .. }));
    }

    #[test]
    fn spans_out_of_bounds_are_refused() {
        let ok = Millis::from_secs(60);
        let hour = Millis(3_600_000);
        assert!(Policy::new(Millis(2000), Millis(0)).is_ok());
        assert!(Policy::new(hour, hour).is_ok());
        let over = Millis(3_600_001);
        assert_eq!(Policy::new(over, ok), Err(PolicyError::Freshness { given: over }));
        assert_eq!(
            Policy::new(Millis(1999), ok),
            Err(PolicyError::Freshness { given: Millis(1999) })
        );
        assert_eq!(Policy::new(ok, over), Err(PolicyError::Skew { given: over }));
    }
}
