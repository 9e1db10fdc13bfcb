//! When a live job stops by itself: `live_exit_config` carried out.
//!
//! Two times end a job: how long it may last, and how long an exception may. What an exception is
//! the vendor does not say; here it is that no push of the job is connected. The first waits for
//! what `auto_stop_mode` names, the second for nothing. Three of the modes wait for a place in a
//! script: a job without one, which is every job so far, stops at once in them too, and its record
//! says so.

use serde_json::Value;

use super::push::Cause;
use super::task::put;
use crate::config::table::Object;
use crate::config::{AutoStopMode, LiveExitConfig, Longest, named};
use crate::error::Coded;
use crate::time::{Millis, UnixMillis};

named! {
    /// Why a job that was due to stop did not wait.
    pub enum Promptness {
        /// Its mode is to stop at once.
        Forced = "forced",
        /// Its mode waits for a place in its script, and it has none.
        NoScript = "no_script",
        /// An exception is never waited for.
        Exception = "exception",
    }
}

/// How a job stopped by itself: its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exited {
    /// When.
    pub at: UnixMillis,
    /// Which of the two times it was: [`Cause::LongestLive`] or [`Cause::LongestException`].
    pub cause: Cause,
    /// The mode as it was set.
    pub mode: AutoStopMode,
    /// Why it did not wait.
    pub promptness: Promptness,
    /// How long the job had lasted.
    pub lasted: Millis,
}

impl Exited {
    /// As JSON, for the job's record and its notice.
    pub fn to_value(&self) -> Value {
        let mut out = Object::new();
        put(&mut out, "code", Some(self.cause.code().as_str()));
        put(&mut out, "auto_stop_mode", Some(self.mode.as_str()));
        put(&mut out, "stopped", Some(self.promptness.as_str()));
        put(&mut out, "at_ms", Some(self.at.0));
        put(&mut out, "lasted_ms", Some(self.lasted.0));
        out.into()
    }
}

/// Watches one job's two times.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    config: LiveExitConfig,
    began_at: UnixMillis,
    exception_since: Option<UnixMillis>,
}

impl Exit {
    /// Of a job that began then. A job begins in an exception: nothing is connected yet.
    pub const fn new(config: LiveExitConfig, began_at: UnixMillis) -> Self {
        Self { config, began_at, exception_since: Some(began_at) }
    }

    /// Other settings, from now on; the times go on.
    pub const fn configure(&mut self, config: LiveExitConfig) {
        self.config = config;
    }

    /// Whether there is an exception now.
    pub const fn set_exception(&mut self, is_there: bool, now: UnixMillis) {
        self.exception_since = match self.exception_since {
            Some(since) if is_there => Some(since),
            None if is_there => Some(now),
            _ => None,
        };
    }

    /// Whether the job stops now.
    pub fn due(&self, now: UnixMillis) -> Option<Exited> {
        let mode = self.config.auto_stop_mode();
        let (cause, promptness) = if self.live_ends().is_some_and(|at| now >= at) {
            let promptness = match mode {
                AutoStopMode::ForceExit => Promptness::Forced,
                _ => Promptness::NoScript,
            };
            (Cause::LongestLive, promptness)
        } else if self.exception_ends().is_some_and(|at| now >= at) {
            (Cause::LongestException, Promptness::Exception)
        } else {
            return None;
        };
        Some(Exited { at: now, cause, mode, promptness, lasted: now.since(self.began_at) })
    }

    /// When to ask again at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        [self.live_ends(), self.exception_ends()].into_iter().flatten().min()
    }

    const fn live_ends(&self) -> Option<UnixMillis> {
        match self.config.longest_live() {
            Longest::Span(span) => Some(self.began_at.plus(span)),
            Longest::Unlimited => None,
        }
    }

    const fn exception_ends(&self) -> Option<UnixMillis> {
        match (self.config.longest_exception(), self.exception_since) {
            (Longest::Span(span), Some(since)) => Some(since.plus(span)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Promptness};
    use crate::config::{AutoStopMode, LiveExitConfig};
    use crate::relay::push::Cause;
    use crate::time::{Millis, UnixMillis};
    use serde_json::{Value, json};

    const T0: UnixMillis = UnixMillis(1_700_000_000_000);
    const HOUR: u64 = 3_600_000;
    const MINUTE: u64 = 60_000;

    fn config(value: &Value) -> LiveExitConfig {
        LiveExitConfig::from_checked(value.as_object().unwrap())
    }

    fn after(ms: u64) -> UnixMillis {
        T0.plus(Millis(ms))
    }

    #[test]
    fn a_job_that_lasts_as_long_as_it_may_stops() {
        let mut exit = Exit::new(config(&json!({"max_live_duration": 2})), T0);
        exit.set_exception(false, after(1));
        assert_eq!(exit.wake_at(), Some(after(2 * HOUR)));
        assert_eq!(exit.due(after(2 * HOUR - 1)), None);
        let exited = exit.due(after(2 * HOUR + 5)).unwrap();
        assert_eq!(exited.cause, Cause::LongestLive);
        assert_eq!(exited.promptness, Promptness::Forced);
        assert_eq!(
            exited.to_value(),
            json!({"code": "push.longest_live", "auto_stop_mode": "FORCE_EXIT", "stopped": "forced",
                   "at_ms": 1_700_007_200_005_u64, "lasted_ms": 7_200_005})
        );
    }

    #[test]
    fn without_a_script_its_modes_stop_at_once_and_say_so() {
        for mode in ["SEGMENT_END", "SCENE_END", "SCRIPT_END"] {
            let set = json!({"max_live_duration": 1, "auto_stop_mode": mode});
            let exited = Exit::new(config(&set), T0).due(after(HOUR)).unwrap();
            assert_eq!(exited.mode, AutoStopMode::from_name(mode).unwrap());
            assert_eq!(exited.promptness, Promptness::NoScript);
        }
    }

    #[test]
    fn an_exception_lasts_three_minutes_unless_said_otherwise_and_counts_anew() {
        let mut exit = Exit::new(LiveExitConfig::default(), T0);
        assert_eq!(exit.due(after(3 * MINUTE - 1)), None);
        assert_eq!(exit.due(after(3 * MINUTE)).unwrap().cause, Cause::LongestException);
        exit.set_exception(false, after(MINUTE));
        assert_eq!(exit.wake_at(), None);
        exit.set_exception(true, after(2 * MINUTE));
        exit.set_exception(true, after(4 * MINUTE));
        assert_eq!(exit.wake_at(), Some(after(5 * MINUTE)));
        exit.configure(config(&json!({"max_exception_waiting_duration": 10})));
        assert_eq!(exit.wake_at(), Some(after(12 * MINUTE)));
        exit.configure(config(&json!({"max_exception_waiting_duration": 0})));
        assert_eq!(exit.wake_at(), None);
        assert_eq!(exit.due(UnixMillis(u64::MAX)), None);
    }

    #[test]
    fn of_both_times_the_longest_live_is_the_one_that_is_told() {
        let set = json!({"max_live_duration": 1, "max_exception_waiting_duration": 60});
        let exited = Exit::new(config(&set), T0).due(after(HOUR)).unwrap();
        assert_eq!(exited.cause, Cause::LongestLive);
    }
}
