//! When a live job stops by itself: `LiveExitConfig` of the `MetaStudio` API reference.

use serde::{Deserialize, Serialize};

use super::field::{Field, object_field};
use super::named::named;
use super::violation::{Checker, Problem, Violations, settle};
use crate::time::Millis;

/// The longest live, in hours: a week.
pub const MAX_LIVE_HOURS: u8 = 168;

/// The longest wait for an exception to pass, in minutes.
pub const MAX_EXCEPTION_WAIT_MINS: u8 = 60;

/// The wait for an exception to pass where none is set, in minutes: the vendor's present default.
pub const DEFAULT_EXCEPTION_WAIT_MINS: u8 = 3;

named! {
    /// What an automatic stop waits for.
    pub enum AutoStopMode {
        /// Nothing: it stops at once. The default.
        ForceExit = "FORCE_EXIT",
        /// The end of the segment.
        SegmentEnd = "SEGMENT_END",
        /// The end of the scene.
        SceneEnd = "SCENE_END",
        /// The end of the script.
        ScriptEnd = "SCRIPT_END",
    }
}

/// A live job's exit settings as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RawLiveExitConfig {
    /// Hours, 0 to 168; 0 is without limit.
    pub max_live_duration: Field<i64>,
    /// An [`AutoStopMode`].
    pub auto_stop_mode: Field<alloc::string::String>,
    /// Minutes, 0 to 60; 0 is without limit.
    pub max_exception_waiting_duration: Field<i64>,
}

object_field!(RawLiveExitConfig);

/// How long something may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Longest {
    /// As long as it likes.
    Unlimited,
    /// At most this.
    Span(Millis),
}

/// A live job's exit settings, within their limits. As JSON it has the vendor's fields; those that
/// were not set stay out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiveExitConfig {
    #[serde(rename = "max_live_duration", skip_serializing_if = "Option::is_none")]
    live_hours: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_stop_mode: Option<AutoStopMode>,
    #[serde(rename = "max_exception_waiting_duration", skip_serializing_if = "Option::is_none")]
    exception_wait_mins: Option<u8>,
}

impl LiveExitConfig {
    /// Checks settings.
    ///
    /// # Errors
    /// [`Violations`]: all of them, with paths below `live_exit_config`.
    pub fn new(raw: RawLiveExitConfig) -> Result<Self, Violations> {
        let mut found = alloc::vec::Vec::new();
        let checked = Self::check(raw, &mut Checker::new("live_exit_config", &mut found));
        settle(checked, found)
    }

    pub(super) fn check(raw: RawLiveExitConfig, checker: &mut Checker<'_>) -> Self {
        Self {
            live_hours: within(
                raw.max_live_duration,
                "max_live_duration",
                (MAX_LIVE_HOURS, "hours"),
                checker,
            ),
            auto_stop_mode: AutoStopMode::check(raw.auto_stop_mode, "auto_stop_mode", checker),
            exception_wait_mins: within(
                raw.max_exception_waiting_duration,
                "max_exception_waiting_duration",
                (MAX_EXCEPTION_WAIT_MINS, "minutes"),
                checker,
            ),
        }
    }

    /// How long the job may run; without limit by default.
    pub const fn longest_live(&self) -> Longest {
        match self.live_hours {
            None | Some(0) => Longest::Unlimited,
            Some(hours) => Longest::Span(Millis::from_hours(hours as u64)),
        }
    }

    /// What an automatic stop waits for; nothing by default.
    pub const fn auto_stop_mode(&self) -> AutoStopMode {
        match self.auto_stop_mode {
            None => AutoStopMode::ForceExit,
            Some(mode) => mode,
        }
    }

    /// How long an exception may last before the job is stopped at once; three minutes by default.
    pub const fn longest_exception(&self) -> Longest {
        match self.exception_wait_mins {
            None => Longest::Span(Millis::from_mins(DEFAULT_EXCEPTION_WAIT_MINS as u64)),
            Some(0) => Longest::Unlimited,
            Some(minutes) => Longest::Span(Millis::from_mins(minutes as u64)),
        }
    }
}

fn within(
    field: Field<i64>,
    name: &str,
    (max, unit): (u8, &'static str),
    checker: &mut Checker<'_>,
) -> Option<u8> {
    let value = field.take(name, checker)?;
    let allowed = u8::try_from(value).ok().filter(|value| *value <= max);
    if allowed.is_none() {
        checker.report(name, Problem::OutOfRange { min: 0, max: i64::from(max), unit });
    }
    allowed
}
