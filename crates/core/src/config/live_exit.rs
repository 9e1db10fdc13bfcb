//! When a live job stops by itself: `LiveExitConfig` of the `MetaStudio` API reference.

use serde::Serialize;
use serde_json::Value;

use super::named::named;
use super::table::{Kind, Object, Shape, may, shape, text};
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

/// The fields of the settings.
pub(crate) const SHAPE: Shape = shape(&[
    may("max_live_duration", Kind::Int { min: 0, max: MAX_LIVE_HOURS as i64, unit: "hours" }),
    may("auto_stop_mode", Kind::Name(AutoStopMode::NAMES)),
    may(
        "max_exception_waiting_duration",
        Kind::Int { min: 0, max: MAX_EXCEPTION_WAIT_MINS as i64, unit: "minutes" },
    ),
]);

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
    /// The settings of a checked object.
    pub(crate) fn from_checked(object: &Object) -> Self {
        let number = |name| object.get(name).and_then(Value::as_u64);
        let small = |name| number(name).and_then(|value| u8::try_from(value).ok());
        Self {
            live_hours: small("max_live_duration"),
            auto_stop_mode: text(object, "auto_stop_mode").and_then(AutoStopMode::from_name),
            exception_wait_mins: small("max_exception_waiting_duration"),
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
