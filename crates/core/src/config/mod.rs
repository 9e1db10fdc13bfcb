//! Live configuration of a tenant: read, checked against all limits at once, and written back.
//!
//! The three objects of `MetaStudio`'s user configuration (API reference, `ShowSmartLiveUserConfig`
//! and `UpdateSmartLiveUserConfig`). What is sent becomes a `Raw…`, which takes every type, and that
//! becomes the checked one, or [`Violations`] with everything that is wrong. Unknown fields are
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

pub mod callback;
mod field;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
pub mod live_exit;
mod named;
pub mod notify;
mod violation;

use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use callback::{AuthType, LiveEventCallBackConfig, RawLiveEventCallBackConfig};
pub use field::Field;
pub use live_exit::{AutoStopMode, LiveExitConfig, Longest, RawLiveExitConfig};
pub use notify::{
    LiveNotifyConfig, LiveNotifyConfigReq, NotifyAction, NotifyEvent, RawLiveNotifyConfig,
    RawLiveNotifyConfigReq,
};
pub use violation::{Problem, Violation, Violations};

use violation::{Checker, settle};

/// The most bytes that a configuration may have; the largest within all limits has under 4 KiB.
pub const MAX_BODY: usize = 64 * 1024;

/// A tenant's configuration as it was stored or shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RawUserConfig {
    /// When a live job stops by itself.
    pub live_exit_config: Field<RawLiveExitConfig>,
    /// Where live events are called back to.
    pub live_event_callback_config: Field<RawLiveEventCallBackConfig>,
    /// Whom a live's interruption is told.
    pub live_notify_config: Field<RawLiveNotifyConfig>,
}

/// A change of a tenant's configuration as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RawUserConfigUpdate {
    /// When a live job stops by itself.
    pub live_exit_config: Field<RawLiveExitConfig>,
    /// Where live events are called back to.
    pub live_event_callback_config: Field<RawLiveEventCallBackConfig>,
    /// What changes about whom a live's interruption is told.
    pub live_notify_config: Field<RawLiveNotifyConfigReq>,
}

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
    /// Checks a configuration.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn new(raw: RawUserConfig) -> Result<Self, Violations> {
        let mut found = Vec::new();
        let checked = Self {
            live_exit: live_exit(raw.live_exit_config, &mut found),
            callback: callback(raw.live_event_callback_config, &mut found),
            notify: raw
                .live_notify_config
                .take("live_notify_config", &mut Checker::new("", &mut found))
                .map(|raw| {
                    let mut checker = Checker::new("live_notify_config", &mut found);
                    LiveNotifyConfig::check(raw, &mut checker)
                }),
        };
        settle(checked, found)
    }

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`Violations`]: all of them, or one without a path if the whole is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        read(body).and_then(Self::new)
    }
}

impl UserConfigUpdate {
    /// Checks a change.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn new(raw: RawUserConfigUpdate) -> Result<Self, Violations> {
        let mut found = Vec::new();
        let checked = Self {
            live_exit: live_exit(raw.live_exit_config, &mut found),
            callback: callback(raw.live_event_callback_config, &mut found),
            notify: raw
                .live_notify_config
                .take("live_notify_config", &mut Checker::new("", &mut found))
                .map(|raw| {
                    let mut checker = Checker::new("live_notify_config", &mut found);
                    LiveNotifyConfigReq::check(raw, &mut checker)
                }),
        };
        settle(checked, found)
    }

    /// Reads and checks a change.
    ///
    /// # Errors
    /// [`Violations`]: all of them, or one without a path if the whole is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        read(body).and_then(Self::new)
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

fn live_exit(
    field: Field<RawLiveExitConfig>,
    found: &mut Vec<Violation>,
) -> Option<LiveExitConfig> {
    let raw = field.take("live_exit_config", &mut Checker::new("", found))?;
    Some(LiveExitConfig::check(raw, &mut Checker::new("live_exit_config", found)))
}

fn callback(
    field: Field<RawLiveEventCallBackConfig>,
    found: &mut Vec<Violation>,
) -> Option<LiveEventCallBackConfig> {
    let raw = field.take("live_event_callback_config", &mut Checker::new("", found))?;
    let mut checker = Checker::new("live_event_callback_config", found);
    Some(LiveEventCallBackConfig::check(raw, &mut checker))
}

fn read<Raw: DeserializeOwned>(body: &[u8]) -> Result<Raw, Violations> {
    if body.len() > MAX_BODY {
        return Err(Violations::of("", Problem::TooLarge { limit: MAX_BODY }));
    }
    let value: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| Violations::of("", Problem::NotJson))?;
    if !value.is_object() {
        return Err(Violations::of("", Problem::WrongType { expected: "an object" }));
    }
    // Every field takes every type, so that this cannot fail.
    serde_json::from_value(value).map_err(|_| Violations::of("", Problem::NotJson))
}
