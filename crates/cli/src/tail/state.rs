//! What a listener says about its connection: only what it knows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::output::clean;

/// A change of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A connection is being opened.
    Connecting,
    /// The gateway has answered and streams, for the first time.
    Connected,
    /// It streams again, and no place was known to go on from.
    ConnectedAnew,
    /// It streams from the place that it was asked to go on from.
    Resumed {
        /// The last event before.
        after: String,
    },
    /// The gateway said that events between the two places are gone.
    Gap {
        /// The last event seen before.
        after: String,
        /// Where the stream goes on.
        resumed_at: String,
    },
    /// The connection ended.
    Lost {
        /// Why, as far as it is known.
        why: String,
        /// How long it had lasted.
        lasted: Duration,
    },
    /// Nothing is connected; another attempt follows.
    Reconnecting {
        /// How long until then.
        wait: Duration,
        /// Which attempt that will be, from 1.
        attempt: u32,
        /// Why the attempt before failed, if one did.
        why: Option<String>,
    },
}

impl State {
    /// The state for people, `target` being what is listened to.
    pub(crate) fn line(&self, target: &str) -> String {
        match self {
            Self::Connecting => format!("connecting to {}", clean(target)),
            Self::Connected => "connected; events from now on follow".to_owned(),
            Self::ConnectedAnew => {
                "connected; events from now on follow, those since the break do not".to_owned()
            }
            Self::Resumed { after } => format!("connected; resumed after {}", clean(after)),
            Self::Gap { after, resumed_at } if is_before(resumed_at, after) => format!(
                "the gateway's sequence began anew at {} (this was {})",
                clean(resumed_at),
                clean(after)
            ),
            Self::Gap { after, resumed_at } => format!(
                "gap: events after {} and before {} are no longer kept",
                clean(after),
                clean(resumed_at)
            ),
            Self::Lost { why, lasted } => {
                format!("lost after {}: {}", seconds(*lasted), clean(why))
            }
            Self::Reconnecting { wait, attempt, why } => {
                let why = why.as_ref().map_or(String::new(), |why| format!("{}; ", clean(why)));
                format!(
                    "not connected: {why}reconnecting in {} (attempt {attempt})",
                    seconds(*wait)
                )
            }
        }
    }

    /// The state for machines.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Connecting => json!({"connection": "connecting"}),
            Self::Connected => json!({"connection": "connected", "missed": false}),
            Self::ConnectedAnew => json!({"connection": "connected", "missed": true}),
            Self::Resumed { after } => json!({"connection": "connected", "resumed_after": after}),
            Self::Gap { after, resumed_at } => {
                json!({"connection": "gap", "after": after, "resumed_at": resumed_at})
            }
            Self::Lost { why, lasted } => {
                json!({"connection": "lost", "why": why, "lasted_ms": millis(*lasted)})
            }
            Self::Reconnecting { wait, attempt, why } => json!({
                "connection": "reconnecting", "in_ms": millis(*wait), "attempt": attempt, "why": why,
            }),
        }
    }
}

fn is_before(a: &str, b: &str) -> bool {
    matches!((a.parse::<u64>(), b.parse::<u64>()), (Ok(a), Ok(b)) if a <= b)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(span: Duration) -> String {
    let tenths = span.as_millis() / 100;
    if tenths.is_multiple_of(10) {
        format!("{} s", tenths / 10)
    } else {
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}

/// How long to wait before attempt `attempt` (from 1): 1 s, doubled each time up to 30 s, up to a
/// fifth less by `chance` so that many clients of a restarted gateway do not come at once; never
/// below what the server asked for.
pub(crate) fn pause(attempt: u32, chance: u8, asked: Option<Duration>) -> Duration {
    let full = 1000_u64.saturating_mul(1 << attempt.saturating_sub(1).min(5)).min(30_000);
    let less = full / 5 * u64::from(chance) / 255;
    Duration::from_millis(full - less).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{State, pause};
    use std::time::Duration;

    #[test]
    fn says_each_state_in_a_line() {
        let line = |state: State| state.line("source studio at http://127.0.0.1:8787");
        assert_eq!(line(State::Connecting), "connecting to source studio at http://127.0.0.1:8787");
        let resumed = State::Resumed { after: "42".to_owned() };
        assert_eq!(line(resumed), "connected; resumed after 42");
        let lost = State::Lost {
            why: "the gateway closed it".to_owned(),
            lasted: Duration::from_millis(12_345),
        };
        assert_eq!(line(lost), "lost after 12.3 s: the gateway closed it");
        let wait = Duration::from_secs(2);
        let why = Some("connection refused".to_owned());
        assert_eq!(
            line(State::Reconnecting { wait, attempt: 3, why }),
            "not connected: connection refused; reconnecting in 2 s (attempt 3)"
        );
    }

    #[test]
    fn machines_get_numbers() {
        let wait = Duration::from_millis(1500);
        let state = State::Reconnecting { wait, attempt: 1, why: None };
        let expected = r#"{"attempt":1,"connection":"reconnecting","in_ms":1500,"why":null}"#;
        assert_eq!(state.json().to_string(), expected);
    }

    #[test]
    fn pauses_double_to_half_a_minute() {
        let full: Vec<u64> = (1..=8).map(|n| pause(n, 0, None).as_secs()).collect();
        assert_eq!(full, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pause(u32::MAX, 0, None), Duration::from_secs(30));
    }

    #[test]
    fn chance_takes_at_most_a_fifth_and_the_server_is_heeded() {
        assert_eq!(pause(1, 255, None), Duration::from_millis(800));
        assert_eq!(pause(1, 255, Some(Duration::from_secs(9))), Duration::from_secs(9));
    }
}
