//! Live configuration of a tenant: read, checked against all limits at once, and written back.
//!
//! The three objects of `MetaStudio`'s user configuration (API reference, `ShowSmartLiveUserConfig`
//! and `UpdateSmartLiveUserConfig`). What is sent is checked against a table of its fields, and
//! becomes the typed one, or [`Violations`] with everything that is wrong. Unknown fields are
//! passed over, unknown values are not.
//!
//! ```
//! use livegate_core::config::UserConfigUpdate;
//!
//! let body = br#"{"live_exit_config": {"max_live_duration": 169, "auto_stop_mode": "SOON"}}"#;
//! let violations = UserConfigUpdate::from_json(body).unwrap_err();
//! let paths: Vec<&str> = violations.iter().map(|violation| violation.path.as_str()).collect();
//! assert_eq!(paths, ["live_exit_config.max_live_duration", "live_exit_config.auto_stop_mode"]);
//! ```

pub mod alibaba;
pub mod application;
pub mod callback;
pub mod callback_level;
pub mod command;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
pub mod live_exit;
mod named;
pub mod notify;
pub mod platform;
pub mod room;
pub mod rpc;
pub(crate) mod table;
mod violation;

use serde::Serialize;

pub use callback::{AuthType, CallbackKey, LiveEventCallBackConfig};
pub use callback_level::{Level, LevelRules, Levels};
pub use command::LiveCommand;
pub use live_exit::{AutoStopMode, LiveExitConfig, Longest};
pub(crate) use named::named;
pub use notify::{LiveNotifyConfig, LiveNotifyConfigReq, NotifyAction, NotifyEvent};
pub use platform::{ApiType, Platform, PlatformLive};
pub use room::{Absent, JobStart, Room, RoomCallback, RoomType};
pub use rpc::RpcParams;
pub use violation::{Problem, Violation, Violations};

use table::{Kind, Shape, may, part, shape};

/// The most bytes that a configuration may have; the largest within all limits has under 4 KiB.
pub const MAX_BODY: usize = 64 * 1024;

/// The fields of what is stored and shown.
const CONFIG: Shape = shape(&[
    may("live_exit_config", Kind::Object(&live_exit::SHAPE)),
    may("live_event_callback_config", Kind::Object(&callback::SHAPE)),
    may("live_notify_config", Kind::Object(&notify::SHAPE)),
]);

/// The fields of a change.
const UPDATE: Shape = shape(&[
    may("live_exit_config", Kind::Object(&live_exit::SHAPE)),
    may("live_event_callback_config", Kind::Object(&callback::SHAPE)),
    may("live_notify_config", Kind::Object(&notify::REQUEST)),
]);

/// A tenant's configuration. As JSON it is what the vendor's API shows, the callback's key
/// included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UserConfig {
    /// When a live job stops by itself.
    #[serde(rename = "live_exit_config", skip_serializing_if = "Option::is_none")]
    pub live_exit: Option<LiveExitConfig>,
    /// Where live events are called back to.
    #[serde(rename = "live_event_callback_config", skip_serializing_if = "Option::is_none")]
    pub callback: Option<LiveEventCallBackConfig>,
    /// Whom a live's interruption is told.
    #[serde(rename = "live_notify_config", skip_serializing_if = "Option::is_none")]
    pub notify: Option<LiveNotifyConfig>,
}

/// A change of a tenant's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserConfigUpdate {
    /// When a live job stops by itself.
    pub live_exit: Option<LiveExitConfig>,
    /// Where live events are called back to.
    pub callback: Option<LiveEventCallBackConfig>,
    /// What changes about whom a live's interruption is told.
    pub notify: Option<LiveNotifyConfigReq>,
}

impl UserConfig {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`Violations`]: all of them, or one without a path if the whole is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        let kept = table::checked(body, MAX_BODY, &CONFIG)?;
        let notify = part(&kept, "live_notify_config");
        Ok(Self {
            live_exit: part(&kept, "live_exit_config").map(LiveExitConfig::from_checked),
            callback: part(&kept, "live_event_callback_config")
                .map(LiveEventCallBackConfig::from_checked),
            notify: notify.map(LiveNotifyConfig::from_checked),
        })
    }
}

impl UserConfigUpdate {
    /// Reads and checks a change.
    ///
    /// # Errors
    /// [`Violations`]: all of them, or one without a path if the whole is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        let kept = table::checked(body, MAX_BODY, &UPDATE)?;
        let notify = part(&kept, "live_notify_config");
        Ok(Self {
            live_exit: part(&kept, "live_exit_config").map(LiveExitConfig::from_checked),
            callback: part(&kept, "live_event_callback_config")
                .map(LiveEventCallBackConfig::from_checked),
            notify: notify.map(LiveNotifyConfigReq::from_checked),
        })
    }

    /// The configuration after the change. An object that was sent takes the former one's place;
    /// one that was not leaves it as it is.
    #[must_use]
    pub fn apply(&self, before: &UserConfig) -> UserConfig {
        let told = before.notify.clone().unwrap_or_default();
        UserConfig {
            live_exit: self.live_exit.or(before.live_exit),
            callback: self.callback.clone().or_else(|| before.callback.clone()),
            notify: match &self.notify {
                Some(request) => Some(request.apply(&told)),
                None => before.notify.clone(),
            },
        }
    }
}
