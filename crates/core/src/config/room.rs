//! Live rooms and the start of a live job: `CreateSmartLiveRoomReq` and `StartSmartLiveReq` of the
//! `MetaStudio` API reference.
//!
//! What livegate acts on is checked field by field: where the live is pushed to, when it stops,
//! where its events are called back to. What the vendor's figures need beyond that (scripts, models,
//! rules) is kept as it was sent, within a size, and shown again. Fields without a row in the tables
//! are dropped.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_json::Value;

use super::callback::{self, LiveEventCallBackConfig};
use super::live_exit::{self, LiveExitConfig};
use super::named::named;
use super::platform::{PLATFORM_LIVE, PlatformLive};
use super::table::{
    Chars, Form, Holds, Http, Kind, Object, Rest, Row, Shape, Walk, checked, may, must, part, read,
    shape, text, texts,
};
use super::violation::{Problem, Violations};
use crate::relay::address::PushUrl;

/// The most bytes that a room or the start of a job may have.
pub const MAX_BODY: usize = 256 * 1024;

/// The most outputs. The vendor allows one at present, in a list.
pub const MAX_OUTPUTS: usize = 5;

/// The longest stream key, in characters. The vendor documents none.
pub const MAX_STREAM_KEY_CHARS: usize = 1024;

/// The most bytes of a list of scripts or rules, as compact JSON. The vendor documents none.
pub const MAX_SCRIPTS: usize = 192 * 1024;

/// The most bytes of another object that is kept as it was sent. The vendor documents none.
pub const MAX_KEPT: usize = 16 * 1024;

named! {
    /// How long a room lives.
    pub enum RoomType {
        /// Until it is deleted.
        Normal = "NORMAL",
        /// Until its job has ended.
        Temp = "TEMP",
        /// It is a pattern for others.
        Template = "TEMPLATE",
    }
}

named! {
    /// What a job may be paid from.
    pub enum ResourceType {
        /// What was bought for a period.
        Period = "PERIOD",
        /// What is billed by use.
        OnDemand = "ONDEMAND",
        /// Either.
        Unlimited = "UNLIMITED",
        /// What was bought for one live.
        OneTime = "ONE_TIME",
    }
}

const fn kept(name: &'static str) -> Row {
    may(name, Kind::Opaque { of: Holds::Object, max: MAX_KEPT })
}

const PLAY_POLICY: Row = may(
    "play_policy",
    Kind::Object(&Shape {
        rows: &[may("live_exit_config", Kind::Object(&live_exit::SHAPE))],
        also: None,
        rest: Rest::Kept,
    }),
);

pub(super) const OUTPUT_URLS: Row =
    may("output_urls", Kind::List { min: 0, max: MAX_OUTPUTS, of: &Kind::Push });

pub(super) const STREAM_KEYS: Row = may(
    "stream_keys",
    Kind::List {
        min: 0,
        max: MAX_OUTPUTS,
        of: &Kind::Text { max: MAX_STREAM_KEY_CHARS, of: Chars::Any },
    },
);

const VIEW_MODE: Row = may("view_mode", Kind::Name(&["LANDSCAPE", "VERTICAL"]));

const ROOM_CALLBACK: Shape = Shape {
    rows: &[
        callback::ADDRESS,
        callback::AUTH_TYPE,
        callback::KEY,
        callback::TYPES,
        may("is_inheritance_platform_callback", Kind::Bool),
    ],
    also: Some(callback::key_to_sign_with),
    rest: Rest::Dropped,
};

const ROOM: Shape = Shape {
    rows: &[
        must("room_name", Kind::Text { max: 256, of: Chars::Any }),
        may("room_description", Kind::Text { max: 1024, of: Chars::Any }),
        may("room_type", Kind::Name(RoomType::NAMES)),
        may("scene_scripts", Kind::Opaque { of: Holds::List, max: MAX_SCRIPTS }),
        kept("interaction_config"),
        may("interaction_rules", Kind::Opaque { of: Holds::List, max: MAX_SCRIPTS }),
        PLAY_POLICY,
        kept("video_config"),
        OUTPUT_URLS,
        STREAM_KEYS,
        may(
            "backup_model_asset_ids",
            Kind::List { min: 0, max: 5, of: &Kind::Text { max: 64, of: Chars::Any } },
        ),
        may("live_event_callback_config", Kind::Object(&ROOM_CALLBACK)),
        kept("rtc_callback_config"),
        kept("review_config"),
        kept("shared_config"),
        VIEW_MODE,
        kept("co_streamer_config"),
        may("priv_data", Kind::Text { max: 8192, of: Chars::Any }),
        may("relation_live_platform_info", Kind::Object(&PLATFORM_LIVE)),
    ],
    also: Some(keys_of_outputs),
    rest: Rest::Dropped,
};

const JOB: Shape = Shape {
    rows: &[
        kept("video_config"),
        PLAY_POLICY,
        OUTPUT_URLS,
        STREAM_KEYS,
        may("interaction_callback_url", Kind::Address { max: 2048, http: Http::Allowed }),
        may("live_event_callback_config", Kind::Object(&callback::SHAPE)),
        kept("rtc_callback_config"),
        VIEW_MODE,
        kept("co_streamer_config"),
        may(
            "job_run_config",
            Kind::Object(&shape(&[
                may("allow_resource_type", Kind::Name(ResourceType::NAMES)),
                may("single_job_in_room", Kind::Bool),
            ])),
        ),
    ],
    also: Some(keys_of_outputs),
    rest: Rest::Dropped,
};

/// Either there is a key for each output, or there are none; joined, they are different addresses.
pub(super) fn keys_of_outputs(sent: &Object, walk: &mut Walk) {
    let urls: Vec<&str> = texts(sent, "output_urls").take(MAX_OUTPUTS).collect();
    let keys: Vec<&str> = texts(sent, "stream_keys").take(MAX_OUTPUTS).collect();
    if !keys.is_empty() && keys.len() != urls.len() {
        walk.report("stream_keys", Problem::Unmatched { with: "output_urls" });
        return;
    }
    let mut seen = Vec::new();
    for (index, text) in urls.into_iter().enumerate() {
        let Ok(url) = PushUrl::parse(text) else { continue };
        let key = keys.get(index).copied().unwrap_or("");
        match url.with_key(key) {
            Err(problem) => walk.report_item("stream_keys", index, problem),
            Ok(url) if seen.contains(&url.identity()) => {
                walk.report_item("output_urls", index, Problem::Duplicate);
            }
            Ok(url) => seen.push(url.identity()),
        }
    }
}

pub(super) fn outputs(object: &Object) -> Vec<PushUrl> {
    let keys = texts(object, "stream_keys").map(Some).chain(core::iter::repeat(None));
    let pairs = texts(object, "output_urls").zip(keys);
    pairs
        .filter_map(|(url, key)| PushUrl::parse(url).ok()?.with_key(key.unwrap_or("")).ok())
        .collect()
}

fn live_exit(object: &Object) -> Option<LiveExitConfig> {
    let policy = part(object, "play_policy")?;
    part(policy, "live_exit_config").map(LiveExitConfig::from_checked)
}

/// A room's own callback settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomCallback {
    /// The settings that tenants and jobs have as well.
    pub config: LiveEventCallBackConfig,
    /// Whether the room uses its platform's settings as well, if it says so. The vendor's
    /// documents give both `true` and `false` for the default.
    pub inherits: Option<bool>,
}

/// What a change does to fields that it does not have. The vendor does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Absent {
    /// They stay as they are. The default.
    #[default]
    Stays,
    /// They are cleared: the change is the whole room.
    Clears,
}

/// A live room within its limits.
#[derive(Clone, PartialEq, Eq)]
pub struct Room(Object);

impl Room {
    /// Reads a new room, or one as [`Self::as_object`] had it.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        checked(body, MAX_BODY, &ROOM).map(Self)
    }

    /// The room after a change, which has a new room's fields. A field that is null in it is
    /// cleared, whatever `absent` says.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn update(&self, body: &[u8], absent: Absent) -> Result<Self, Violations> {
        let mut sent = read(body, MAX_BODY)?;
        // A room always has a name; a change has to say it all the same, as the vendor wants it.
        let name = sent.remove("room_name").unwrap_or(Value::Null);
        let mut whole = match absent {
            Absent::Stays => self.0.clone(),
            Absent::Clears => Object::new(),
        };
        whole.extend(sent);
        whole.insert(String::from("room_name"), name);
        let mut walk = Walk::new(Form::Json);
        let kept = walk.object(&ROOM, whole);
        walk.settle(Self(kept))
    }

    /// The name.
    pub fn name(&self) -> &str {
        text(&self.0, "room_name").unwrap_or("")
    }

    /// How long it lives; [`RoomType::Normal`] by default.
    pub fn room_type(&self) -> RoomType {
        let named = text(&self.0, "room_type").and_then(RoomType::from_name);
        named.unwrap_or(RoomType::Normal)
    }

    /// Where its lives are pushed to, each with its stream key.
    pub fn outputs(&self) -> Vec<PushUrl> {
        outputs(&self.0)
    }

    /// When its lives stop by themselves (`play_policy.live_exit_config`), if it says so.
    pub fn live_exit(&self) -> Option<LiveExitConfig> {
        live_exit(&self.0)
    }

    /// Where its events are called back to, if it says so.
    pub fn callback(&self) -> Option<RoomCallback> {
        let object = part(&self.0, "live_event_callback_config")?;
        let inherits = object.get("is_inheritance_platform_callback").and_then(Value::as_bool);
        Some(RoomCallback { config: LiveEventCallBackConfig::from_checked(object), inherits })
    }

    /// Which live on which platform it is for, if it is.
    pub fn platform_live(&self) -> Option<PlatformLive> {
        part(&self.0, "relation_live_platform_info").and_then(PlatformLive::from_checked)
    }

    /// As the vendor's API shows it, **keys and push addresses included**.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }
}

/// The name alone: much of the rest is secret.
impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The start of a live job in a room, within its limits.
#[derive(Clone, PartialEq, Eq)]
pub struct JobStart(Object);

impl JobStart {
    /// Reads the start of a job. An empty body starts one with the room's settings.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        if body.is_empty() {
            return Ok(Self(Object::new()));
        }
        checked(body, MAX_BODY, &JOB).map(Self)
    }

    /// Where the live is pushed to: the job's own outputs, or without any the room's.
    pub fn outputs(&self, room: &Room) -> Vec<PushUrl> {
        let own = outputs(&self.0);
        if own.is_empty() { room.outputs() } else { own }
    }

    /// When the live stops by itself: as the job says, or the room, or nobody here.
    pub fn live_exit(&self, room: &Room) -> Option<LiveExitConfig> {
        live_exit(&self.0).or_else(|| room.live_exit())
    }

    /// Where its events are called back to, if it says so.
    pub fn callback(&self) -> Option<LiveEventCallBackConfig> {
        let object = part(&self.0, "live_event_callback_config")?;
        Some(LiveEventCallBackConfig::from_checked(object))
    }

    /// Whether it may not run beside another job of its room, if it says so.
    pub fn is_alone(&self) -> Option<bool> {
        part(&self.0, "job_run_config")?.get("single_job_in_room")?.as_bool()
    }

    /// As it was sent, checked, **keys and push addresses included**.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }
}

/// Nothing of it: much is secret.
impl fmt::Debug for JobStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobStart").finish_non_exhaustive()
    }
}
