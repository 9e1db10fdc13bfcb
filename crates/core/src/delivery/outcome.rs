//! What an endpoint's answer, or its absence, means.
//!
//! Source: Standard Webhooks 1.0.0, "Delivery success and failure"; RFC 9110 §15.

use core::fmt;

use crate::error::Code;
use crate::time::Millis;

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Outcome {
    /// 2xx: the receiver has it.
    Delivered {
        /// The status, 200 to 299.
        status: u16,
    },
    /// 410: the receiver wants nothing more; its endpoint is to be disabled.
    Gone,
    /// 429, 502, 503 or 504: the receiver asks for patience.
    Throttled {
        /// The status.
        status: u16,
        /// What its `Retry-After` asked for, if it had one.
        retry_after: Option<Millis>,
    },
    /// 3xx: a failure. A redirect is never followed, for the next address was checked by nobody.
    Redirected {
        /// The status, 300 to 399.
        status: u16,
    },
    /// Any other 4xx: the receiver will not have it as it is.
    Refused {
        /// The status, 400 to 499.
        status: u16,
    },
    /// Anything else that is no success: 5xx, or a status outside HTTP's classes.
    Failed {
        /// The status.
        status: u16,
    },
    /// There was no answer.
    Unreachable(Cause),
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// None came in time.
    Timeout,
    /// The connection was refused, or broke.
    Reset,
    /// The host's name has no address.
    Dns,
    /// No secure connection came about.
    Tls,
    /// The address is one that may not be called.
    BlockedAddress,
    /// The transport did not say.
    Other,
}

impl Outcome {
    /// What an answer with that status means. `retry_after` is the answer's header, read by
    /// [`retry_after_seconds`](super::schedule::retry_after_seconds) or, a date, by the shell; it
    /// counts for 429, 502, 503 and 504 only.
    pub const fn from_status(status: u16, retry_after: Option<Millis>) -> Self {
        match status {
            200..=299 => Self::Delivered { status },
            410 => Self::Gone,
            429 | 502..=504 => Self::Throttled { status, retry_after },
            300..=399 => Self::Redirected { status },
            400..=499 => Self::Refused { status },
            _ => Self::Failed { status },
        }
    }

    /// Whether the receiver has the event.
    pub const fn is_delivered(self) -> bool {
        matches!(self, Self::Delivered { .. })
    }

    /// The HTTP status; `None` if there was no answer.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Delivered { status }
            | Self::Throttled { status, .. }
            | Self::Redirected { status }
            | Self::Refused { status }
            | Self::Failed { status } => Some(status),
            Self::Gone => Some(410),
            Self::Unreachable(_) => None,
        }
    }

    /// The stable name of this outcome, without the status.
    pub const fn code(self) -> Code {
        match self {
            Self::Delivered { .. } => DELIVERED,
            Self::Gone => GONE,
            Self::Throttled { .. } => THROTTLED,
            Self::Redirected { .. } => REDIRECTED,
            Self::Refused { .. } => REFUSED,
            Self::Failed { .. } => FAILED,
            Self::Unreachable(cause) => cause.code(),
        }
    }

    /// The code that is written so, for rows that are read back. `None` for anything else.
    pub fn code_named(name: &str) -> Option<Code> {
        CODES.iter().copied().find(|code| code.as_str() == name)
    }
}

impl Cause {
    /// The stable name.
    pub const fn code(self) -> Code {
        match self {
            Self::Timeout => TIMEOUT,
            Self::Reset => RESET,
            Self::Dns => DNS,
            Self::Tls => TLS,
            Self::BlockedAddress => BLOCKED_ADDRESS,
            Self::Other => UNREACHABLE,
        }
    }
}

const DELIVERED: Code = Code::new("delivery.delivered");
const GONE: Code = Code::new("delivery.gone");
const THROTTLED: Code = Code::new("delivery.throttled");
const REDIRECTED: Code = Code::new("delivery.redirected");
const REFUSED: Code = Code::new("delivery.refused");
const FAILED: Code = Code::new("delivery.failed");
const TIMEOUT: Code = Code::new("delivery.timeout");
const RESET: Code = Code::new("delivery.reset");
const DNS: Code = Code::new("delivery.dns");
const TLS: Code = Code::new("delivery.tls");
const BLOCKED_ADDRESS: Code = Code::new("delivery.blocked_address");
const UNREACHABLE: Code = Code::new("delivery.unreachable");

const CODES: [Code; 12] = [
    DELIVERED,
    GONE,
    THROTTLED,
    REDIRECTED,
    REFUSED,
    FAILED,
    TIMEOUT,
    RESET,
    DNS,
    TLS,
    BLOCKED_ADDRESS,
    UNREACHABLE,
];

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { status } => write!(f, "delivered, status {status}"),
            Self::Gone => f.write_str("the endpoint wants no more events, status 410"),
            Self::Throttled { status, retry_after: None } => {
                write!(f, "the endpoint asks for patience, status {status}")
            }
            Self::Throttled { status, retry_after: Some(span) } => {
                let secs = span.0 / 1000;
                write!(f, "the endpoint asks for patience of {secs} s, status {status}")
            }
            Self::Redirected { status } => {
                write!(f, "the endpoint redirects, which is not followed, status {status}")
            }
            Self::Refused { status } => write!(f, "the endpoint refused, status {status}"),
            Self::Failed { status } => write!(f, "the endpoint failed, status {status}"),
            Self::Unreachable(cause) => cause.fmt(f),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no answer in time",
            Self::Reset => "the connection was refused or broke",
            Self::Dns => "the host's name has no address",
            Self::Tls => "no secure connection came about",
            Self::BlockedAddress => "the address may not be called",
            Self::Other => "no answer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CODES, Cause, Outcome};
    use crate::time::Millis;
    use proptest::prelude::{prop_assert_eq, proptest};
    use std::string::ToString;

    const ALL: [Outcome; 12] = [
        Outcome::Delivered { status: 204 },
        Outcome::Gone,
        Outcome::Throttled { status: 503, retry_after: None },
        Outcome::Redirected { status: 302 },
        Outcome::Refused { status: 404 },
        Outcome::Failed { status: 500 },
        Outcome::Unreachable(Cause::Timeout),
        Outcome::Unreachable(Cause::Reset),
        Outcome::Unreachable(Cause::Dns),
        Outcome::Unreachable(Cause::Tls),
        Outcome::Unreachable(Cause::BlockedAddress),
        Outcome::Unreachable(Cause::Other),
    ];

    #[test]
    fn a_status_means_what_the_standard_says() {
        let wish = Some(Millis::from_secs(7));
        for (status, outcome) in [
            (200, Outcome::Delivered { status: 200 }),
            (299, Outcome::Delivered { status: 299 }),
            (300, Outcome::Redirected { status: 300 }),
            (399, Outcome::Redirected { status: 399 }),
            (400, Outcome::Refused { status: 400 }),
            (409, Outcome::Refused { status: 409 }),
            (410, Outcome::Gone),
            (411, Outcome::Refused { status: 411 }),
            (429, Outcome::Throttled { status: 429, retry_after: wish }),
            (499, Outcome::Refused { status: 499 }),
            (500, Outcome::Failed { status: 500 }),
            (501, Outcome::Failed { status: 501 }),
            (502, Outcome::Throttled { status: 502, retry_after: wish }),
            (503, Outcome::Throttled { status: 503, retry_after: wish }),
            (504, Outcome::Throttled { status: 504, retry_after: wish }),
            (505, Outcome::Failed { status: 505 }),
            (199, Outcome::Failed { status: 199 }),
            (0, Outcome::Failed { status: 0 }),
            (u16::MAX, Outcome::Failed { status: u16::MAX }),
        ] {
            assert_eq!(Outcome::from_status(status, wish), outcome);
        }
    }

    #[test]
    fn every_outcome_has_a_code_of_its_own_that_reads_back() {
        for (index, outcome) in ALL.iter().enumerate() {
            let code = outcome.code();
            assert!(code.is_well_formed(), "{code:?}");
            assert_eq!(CODES.iter().position(|&c| c == code), Some(index));
            assert_eq!(Outcome::code_named(code.as_str()), Some(code));
        }
        assert_eq!(Outcome::code_named("delivery.unheard_of"), None);
    }

    #[test]
    fn is_told_to_people_without_its_code() {
        for outcome in ALL {
            let text = outcome.to_string();
            assert!(!text.contains(outcome.code().as_str()), "{text}");
            assert!(!text.ends_with('.') && text.starts_with(char::is_lowercase), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_keeps_its_status(status: u16) {
            let outcome = Outcome::from_status(status, None);
            prop_assert_eq!(outcome.status(), Some(status));
            prop_assert_eq!(outcome.is_delivered(), (200..300).contains(&status));
        }
    }
}
