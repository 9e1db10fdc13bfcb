//! How a lane behaves.

use core::fmt;

use crate::delivery::schedule::Schedule;
use crate::error::{Code, Coded, Fault};
use crate::time::Millis;

/// A lane's settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneConfig {
    order: Order,
    schedule: Schedule,
    attempts: u32,
}

/// Whether the order of events is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// First deliveries follow the log; one send at a time.
    Ordered {
        /// How long one failing event may hold up those behind it, from its first failure.
        max_block: Millis,
    },
    /// A failing event steps aside at once.
    Unordered {
        /// How many sends may be under way at once.
        in_flight: u8,
    },
}

/// Why settings make no lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaneConfigError {
    /// Longer than [`LaneConfig::LONGEST_BLOCK`].
    MaxBlockTooLong {
        /// What was asked for.
        max_block: Millis,
    },
    /// Not 1 to [`LaneConfig::MOST_IN_FLIGHT`].
    InFlight {
        /// What was asked for.
        in_flight: u8,
    },
    /// Not 1 to the number of attempts that the schedule has.
    Attempts {
        /// What was asked for.
        attempts: u32,
        /// What the schedule has.
        schedule: u32,
    },
}

impl LaneConfig {
    /// [`Order::Ordered::max_block`] where nothing else is said.
    pub const DEFAULT_MAX_BLOCK: Millis = Millis::from_mins(15);
    /// A day: what waits longer than that behind one event is late by any measure.
    pub const LONGEST_BLOCK: Millis = Millis::from_hours(24);
    /// [`Order::Unordered::in_flight`] where nothing else is said.
    pub const DEFAULT_IN_FLIGHT: u8 = 3;
    /// The platform runs six outgoing requests at once for one object.
    pub const MOST_IN_FLIGHT: u8 = 6;

    /// A lane that keeps the order. `max_block` is 0 to 24 h; 0 parks an event at its first failure.
    ///
    /// # Errors
    /// [`LaneConfigError::MaxBlockTooLong`].
    pub fn ordered(schedule: Schedule, max_block: Millis) -> Result<Self, LaneConfigError> {
        if max_block > Self::LONGEST_BLOCK {
            return Err(LaneConfigError::MaxBlockTooLong { max_block });
        }
        let attempts = schedule.attempts();
        Ok(Self { order: Order::Ordered { max_block }, schedule, attempts })
    }

    /// A lane that does not. `in_flight` is 1 to 6.
    ///
    /// # Errors
    /// [`LaneConfigError::InFlight`].
    pub fn unordered(schedule: Schedule, in_flight: u8) -> Result<Self, LaneConfigError> {
        if in_flight == 0 || in_flight > Self::MOST_IN_FLIGHT {
            return Err(LaneConfigError::InFlight { in_flight });
        }
        let attempts = schedule.attempts();
        Ok(Self { order: Order::Unordered { in_flight }, schedule, attempts })
    }

    /// The same, but an event is parked after so many attempts: 1 to what the schedule has.
    ///
    /// # Errors
    /// [`LaneConfigError::Attempts`].
    pub fn with_attempts(self, attempts: u32) -> Result<Self, LaneConfigError> {
        let schedule = self.schedule.attempts();
        if attempts == 0 || attempts > schedule {
            return Err(LaneConfigError::Attempts { attempts, schedule });
        }
        Ok(Self { attempts, ..self })
    }

    /// Whether the order is kept, and on what terms.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The delays between attempts.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// After how many attempts an event is parked.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How many sends may be under way at once.
    pub const fn in_flight(&self) -> usize {
        match self.order {
            Order::Ordered { .. } => 1,
            Order::Unordered { in_flight } => in_flight as usize,
        }
    }

    pub(super) const fn is_ordered(&self) -> bool {
        matches!(self.order, Order::Ordered { .. })
    }
}

/// Ordered, with the default schedule and 15 minutes.
impl Default for LaneConfig {
    fn default() -> Self {
        let schedule = Schedule::default();
        let attempts = schedule.attempts();
        Self { order: Order::Ordered { max_block: Self::DEFAULT_MAX_BLOCK }, schedule, attempts }
    }
}

impl fmt::Display for LaneConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxBlockTooLong { max_block } => {
                write!(f, "an event may block for at most 86400 s, not {} s", max_block.0 / 1000)
            }
            Self::InFlight { in_flight } => {
                write!(f, "1 to {} sends at once, not {in_flight}", LaneConfig::MOST_IN_FLIGHT)
            }
            Self::Attempts { attempts, schedule } => {
                write!(f, "1 to {schedule} attempts by this schedule, not {attempts}")
            }
        }
    }
}

impl core::error::Error for LaneConfigError {}

impl Coded for LaneConfigError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::MaxBlockTooLong { .. } => "delivery.max_block_too_long",
            Self::InFlight { .. } => "delivery.in_flight_out_of_range",
            Self::Attempts { .. } => "delivery.attempts_out_of_range",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{LaneConfig, LaneConfigError, Order};
    use crate::delivery::schedule::Schedule;
    use crate::error::Coded;
    use crate::time::Millis;

    #[test]
    fn is_ordered_for_a_quarter_of_an_hour_unless_told_otherwise() {
        let config = LaneConfig::default();
        assert_eq!(config.order(), Order::Ordered { max_block: Millis(900_000) });
        assert_eq!((config.attempts(), config.in_flight()), (10, 1));
        assert_eq!(LaneConfig::ordered(Schedule::default(), Millis(900_000)), Ok(config));
    }

    #[test]
    fn takes_the_limits_themselves() {
        assert!(LaneConfig::ordered(Schedule::default(), Millis(0)).is_ok());
        assert!(LaneConfig::ordered(Schedule::default(), Millis(86_400_000)).is_ok());
        for in_flight in [1, 6] {
            let config = LaneConfig::unordered(Schedule::default(), in_flight).unwrap();
            assert_eq!(config.in_flight(), usize::from(in_flight));
        }
        for attempts in [1, 10] {
            let config = LaneConfig::default().with_attempts(attempts).unwrap();
            assert_eq!(config.attempts(), attempts);
        }
    }

    #[test]
    fn refuses_what_is_beyond_the_limits() {
        let too_long = Millis(86_400_001);
        let (plain, schedule) = (LaneConfig::default(), Schedule::default());
        for (result, error) in [
            (
                LaneConfig::ordered(schedule.clone(), too_long),
                LaneConfigError::MaxBlockTooLong { max_block: too_long },
            ),
            (
                LaneConfig::unordered(schedule.clone(), 0),
                LaneConfigError::InFlight { in_flight: 0 },
            ),
            (LaneConfig::unordered(schedule, 7), LaneConfigError::InFlight { in_flight: 7 }),
            (
                plain.clone().with_attempts(0),
                LaneConfigError::Attempts { attempts: 0, schedule: 10 },
            ),
            (plain.with_attempts(11), LaneConfigError::Attempts { attempts: 11, schedule: 10 }),
        ] {
            assert!(error.code().is_well_formed());
            assert_eq!(result, Err(error));
        }
    }
}
