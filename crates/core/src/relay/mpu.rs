//! Alibaba's relay tasks: `StartLiveMPUTask`, `UpdateLiveMPUTask`, `StopLiveMPUTask`,
//! `SetLiveMpuTaskSei` and `ListRtcMPUTaskDetail` of `ApsaraVideo` Live, 2016-11-01.
//!
//! Every scalar is a string there, and nested parameters come flattened
//! (`TranscodeParams.Layout.UserPanes.1.X`) or as JSON in `TranscodeParams`, `SeiParams`,
//! `SingleSubParams` and `MultiStreamURL`: both are read. A violation has the flattened name.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::address::PushUrl;
use super::lease::Failover;
use super::mix::{Background, Codec, Encoding, Layout, Mix, Pane};
use super::sei::{DEFAULT_PAYLOAD_TYPE, PassThrough, Sei, Timing};
use super::task::{Media, Origin, Source, Subscription, Task};
use crate::config::alibaba::{APP_ID, PAGE_NO, PAGE_SIZE, Page};
use crate::config::rpc::{RpcParams, checked, gather};
use crate::config::table::{
    Chars, Http, Kind, Object, Row, Shape, Walk, items, may, must, number, part, shape, text,
};
use crate::config::{LiveExitConfig, Problem, Violations};
use crate::layout::{self, Area, Fit, Picture, Share};
use crate::sei::payload::{self, PayloadError};
use crate::time::Millis;

/// The most push addresses of a task. The vendor documents none.
pub const MAX_TARGETS: usize = 20;

/// The most panes, and the most users who are named. The vendor documents none.
pub const MAX_PANES: usize = 64;

/// The longest message that is passed through, and the longest custom one, in characters: what an
/// SEI message holds of bytes.
pub const MAX_SEI_CHARS: usize = payload::MAX_CONTENT;

/// The key of a passed message where none is set.
pub const DEFAULT_KEY: &str = "udd";

const TASK_ID: Row = must("TaskId", Kind::Text { max: 55, of: Chars::Word });
const ID: Kind = Kind::Text { max: 64, of: Chars::Word };
const USER_ID: Row = must("UserId", Kind::Text { max: 128, of: Chars::Any });
const CHANNEL: Row = may("ChannelId", ID);
const STREAM_TYPE: Row = may("StreamType", Kind::Name(&["0", "1", "2"]));
const SOURCE_TYPE: Row = may("SourceType", Kind::Name(&["camera", "shareScreen"]));
const RENDER_MODE: Row = may("RenderMode", Kind::Name(&["0", "1"]));
const IMAGE: Kind = Kind::Address { max: 2048, http: Http::Allowed };
const INTERVAL: Row = may("Interval", Kind::Int { min: 1000, max: 5000, unit: "milliseconds" });
const FOLLOW_IDR: Row = may("FollowIdr", Kind::Name(&["0", "1"]));

const SINGLE: Shape = shape(&[USER_ID, STREAM_TYPE, SOURCE_TYPE]);

const USER_INFO: Shape = shape(&[USER_ID, CHANNEL, STREAM_TYPE, SOURCE_TYPE]);

const PANE: Shape = shape(&[
    must("X", Kind::Share),
    must("Y", Kind::Share),
    must("Width", Kind::Share),
    must("Height", Kind::Share),
    must("ZOrder", Kind::Int { min: 0, max: 99, unit: "" }),
    RENDER_MODE,
    may("BackgroundImageUrl", IMAGE),
    may("UserInfo", Kind::Object(&shape(&[USER_ID, CHANNEL, SOURCE_TYPE]))),
]);

const fn int(name: &'static str, min: i64, max: i64, unit: &'static str) -> Row {
    may(name, Kind::Int { min, max, unit })
}

const ENCODE: Shape = shape(&[
    int("VideoWidth", 0, 1920, "pixels"),
    int("VideoHeight", 0, 1920, "pixels"),
    int("VideoFramerate", 1, 60, "frames a second"),
    int("VideoBitrate", 1, 10_000, "kbit/s"),
    int("VideoGop", 1, 60, ""),
    may("VideoCodec", Kind::Name(Codec::NAMES)),
    int("AudioBitrate", 8, 500, "kbit/s"),
    may("AudioSampleRate", Kind::Name(&["8000", "16000", "32000", "44100", "48000"])),
    may("AudioChannels", Kind::Name(&["1", "2"])),
    may("AudioOnly", Kind::Bool),
    may(
        "EnhancedParam",
        Kind::Object(&shape(&[
            may("profile", Kind::Name(&["baseline", "main", "high"])),
            may(
                "preset",
                Kind::Name(&[
                    "ultrafast",
                    "superfast",
                    "veryfast",
                    "faster",
                    "fast",
                    "medium",
                    "slow",
                    "slower",
                    "veryslow",
                    "placebo",
                ]),
            ),
        ])),
    ),
]);

/// What has to be there if the picture is encoded, and what if the sound is.
const VIDEO: [&str; 5] =
    ["VideoWidth", "VideoHeight", "VideoFramerate", "VideoBitrate", "VideoGop"];
const AUDIO: [&str; 3] = ["AudioBitrate", "AudioSampleRate", "AudioChannels"];

const TRANSCODE: Shape = shape(&[
    may("UserInfos", Kind::List { min: 0, max: MAX_PANES, of: &Kind::Object(&USER_INFO) }),
    may(
        "Layout",
        Kind::Object(&shape(&[must(
            "UserPanes",
            Kind::List { min: 1, max: MAX_PANES, of: &Kind::Object(&PANE) },
        )])),
    ),
    must("EncodeParams", Kind::Object(&ENCODE)),
    may("Background", Kind::Object(&shape(&[must("URL", IMAGE), RENDER_MODE]))),
]);

const LAYOUT_VOLUME: Row = may("LayoutVolume", Kind::Object(&shape(&[INTERVAL, FOLLOW_IDR])));

const PASS_THROUGH: Row = may(
    "PassThrough",
    Kind::Object(&shape(&[
        INTERVAL,
        FOLLOW_IDR,
        must("PayloadContent", Kind::Text { max: MAX_SEI_CHARS, of: Chars::Any }),
        may("PayloadContentKey", Kind::Text { max: 64, of: Chars::Any }),
    ])),
);

const STREAM_URL: Row = may("StreamURL", Kind::Push);

const MULTI_STREAM_URL: Row = may(
    "MultiStreamURL",
    Kind::List {
        min: 1,
        max: MAX_TARGETS,
        of: &Kind::Object(&shape(&[must("URL", Kind::Push), may("IsAliCdn", Kind::Bool)])),
    },
);

const SINGLE_SUB: Row = may("SingleSubParams", Kind::Object(&SINGLE));

const TRANSCODE_PARAMS: Row = may("TranscodeParams", Kind::Object(&TRANSCODE));

const MIX_MODES: Kind = Kind::Name(&["0", "1"]);

const START: Shape = shape(&[
    APP_ID,
    must("ChannelId", ID),
    TASK_ID,
    must("MixMode", MIX_MODES),
    STREAM_URL,
    MULTI_STREAM_URL,
    int("MaxIdleTime", 10, 86_400, "seconds"),
    may("Region", Kind::Name(&["CN-Shanghai", "AP-Singapore", "EMAA-Saudi"])),
    SINGLE_SUB,
    TRANSCODE_PARAMS,
    may(
        "SeiParams",
        Kind::Object(&shape(&[LAYOUT_VOLUME, PASS_THROUGH, int("PayloadType", 100, 254, "")])),
    ),
]);

const UPDATE: Shape = shape(&[
    APP_ID,
    must("ChannelId", ID),
    TASK_ID,
    may("MixMode", MIX_MODES),
    STREAM_URL,
    MULTI_STREAM_URL,
    SINGLE_SUB,
    TRANSCODE_PARAMS,
    may("SeiParams", Kind::Object(&shape(&[LAYOUT_VOLUME, PASS_THROUGH]))),
]);

const ONE: Shape = shape(&[APP_ID, TASK_ID]);

const CUSTOM_SEI: Shape =
    shape(&[APP_ID, TASK_ID, must("CustomSei", Kind::Text { max: MAX_SEI_CHARS, of: Chars::Any })]);

const LIST: Shape = shape(&[
    APP_ID,
    may("TaskId", Kind::Text { max: 55, of: Chars::Word }),
    may("PageNo", PAGE_NO),
    may("PageSize", PAGE_SIZE),
]);

/// Reads a call of `StartLiveMPUTask`.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn start(params: &(impl RpcParams + ?Sized)) -> Result<Task, Violations> {
    let (kept, walk) = gather(&START, params);
    finish(kept, walk)
}

/// Reads a call of `UpdateLiveMPUTask` for a task: all of what it becomes, but for what cannot be
/// changed (region, idle time, payload type) and the SEI that was set by itself.
///
/// # Errors
/// [`Violations`]: all of them; another task's id or channel is one.
pub fn update(task: &Task, params: &(impl RpcParams + ?Sized)) -> Result<Task, Violations> {
    let (mut kept, mut walk) = gather(&UPDATE, params);
    for (name, own) in [("AppId", &task.app_id), ("ChannelId", &task.channel), ("TaskId", &task.id)]
    {
        if text(&kept, name).is_some_and(|sent| sent != own) {
            walk.report(name, Problem::Unmatched { with: "the task's own" });
        }
    }
    if !walk.has_found("MixMode") {
        kept.entry("MixMode").or_insert_with(|| "1".into());
    }
    for name in ["Region", "MaxIdleTime"] {
        if let Some(value) = task.request.get(name) {
            kept.insert(name.to_string(), value.clone());
        }
    }
    if let Some(payload_type) =
        part(&task.request, "SeiParams").and_then(|sei| sei.get("PayloadType"))
    {
        let sei = kept.entry("SeiParams").or_insert_with(|| Object::new().into());
        if let Value::Object(sei) = sei {
            sei.insert("PayloadType".to_string(), payload_type.clone());
        }
    }
    let mut changed = finish(kept, walk)?;
    changed.sei.custom.clone_from(&task.sei.custom);
    changed.exit = task.exit;
    Ok(changed)
}

/// Which task a call is about (`StopLiveMPUTask`): its application and its id. `UpdateLiveMPUTask`
/// has them as well.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn task_of(params: &(impl RpcParams + ?Sized)) -> Result<(String, String), Violations> {
    let kept = checked(&ONE, params)?;
    Ok((own(&kept, "AppId"), own(&kept, "TaskId")))
}

/// What `SetLiveMpuTaskSei` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetSei {
    /// The application.
    pub app_id: String,
    /// The task.
    pub task_id: String,
    /// What is to be written: JSON.
    pub custom: String,
}

/// Reads a call of `SetLiveMpuTaskSei`.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn set_sei(params: &(impl RpcParams + ?Sized)) -> Result<SetSei, Violations> {
    let (kept, mut walk) = gather(&CUSTOM_SEI, params);
    let custom = own(&kept, "CustomSei");
    if !custom.is_empty() {
        match payload::custom::check(&custom) {
            Err(PayloadError::TooLarge { limit }) => {
                walk.report("CustomSei", Problem::TooLarge { limit });
            }
            Err(_) => walk.report("CustomSei", Problem::NotJson),
            Ok(()) => {}
        }
    }
    walk.settle(SetSei { app_id: own(&kept, "AppId"), task_id: own(&kept, "TaskId"), custom })
}

/// Which tasks `ListRtcMPUTaskDetail` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One, by its id.
    Task(String),
    /// A page of all.
    Page(Page),
}

/// Reads a call of `ListRtcMPUTaskDetail`: the application, and which of its tasks. An id goes
/// before a page.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn list(params: &(impl RpcParams + ?Sized)) -> Result<(String, Wanted), Violations> {
    let (kept, mut walk) = gather(&LIST, params);
    let id = text(&kept, "TaskId").filter(|id| !id.is_empty());
    let wanted = if let Some(id) = id {
        Some(Wanted::Task(String::from(id)))
    } else {
        walk.missing("PageNo", kept.get("PageNo"));
        walk.missing("PageSize", kept.get("PageSize"));
        Page::from_checked(&kept).map(Wanted::Page)
    };
    match wanted {
        Some(wanted) => walk.settle((own(&kept, "AppId"), wanted)),
        None => Err(walk.refused()),
    }
}

/// A task as an entry of `ListRtcMPUTaskDetail`'s `MPUTasks`, **push addresses included**: the
/// parameters it was started with, every scalar a string, but for `IsAliCdn`.
pub fn detail(task: &Task) -> Value {
    written(&task.request)
}

fn written(object: &Object) -> Value {
    let write = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Object(own) if name == "EnhancedParam" => {
                Value::Object(own.clone()).to_string().into()
            }
            Value::Object(own) => written(own),
            Value::Array(list) => list
                .iter()
                .map(|item| item.as_object().map_or_else(|| item.clone(), written))
                .collect(),
            Value::Bool(_) if name == "IsAliCdn" => value.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string().into(),
            Value::String(_) | Value::Null => value.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(object.iter().map(write).collect())
}

/// Checks what goes beyond one parameter, and makes the task.
fn finish(kept: Object, mut walk: Walk) -> Result<Task, Violations> {
    match (kept.get("StreamURL"), kept.get("MultiStreamURL")) {
        (None, None) if !walk.has_found("MultiStreamURL") => walk.missing("StreamURL", None),
        (Some(_), Some(_)) => {
            walk.report("MultiStreamURL", Problem::Excluded { by: "StreamURL" });
        }
        _ => {}
    }
    check_targets(items(&kept, "MultiStreamURL"), &mut walk);
    let (needed, excluded) = match text(&kept, "MixMode") {
        Some("0") => (Some("SingleSubParams"), Some("TranscodeParams")),
        Some(_) => (Some("TranscodeParams"), Some("SingleSubParams")),
        None => (None, None),
    };
    if let Some(name) = needed {
        walk.missing(name, kept.get(name));
    }
    if let Some(name) = excluded.filter(|name| kept.contains_key(*name)) {
        walk.report(name, Problem::Excluded { by: "MixMode" });
    }
    let mix = excluded == Some("SingleSubParams");
    if let Some(params) = part(&kept, "TranscodeParams").filter(|_| mix) {
        check_transcode(params, text(&kept, "ChannelId").unwrap_or(""), &mut walk);
    }
    match source(&kept) {
        Some(source) => walk.settle(task(kept, source)),
        None => Err(walk.refused()),
    }
}

/// One stream is pushed to once.
fn check_targets(targets: &[Value], walk: &mut Walk) {
    let identity = |target: &Value| {
        let url = target.get("URL").and_then(Value::as_str)?;
        PushUrl::parse(url).ok().map(|url| url.identity())
    };
    for (index, target) in targets.iter().enumerate() {
        let own = identity(target);
        if own.is_some() && targets.iter().take(index).any(|before| identity(before) == own) {
            let number = index.saturating_add(1).to_string();
            walk.report(&["MultiStreamURL.", &number, ".URL"].concat(), Problem::Duplicate);
        }
    }
}

fn check_transcode(params: &Object, channel: &str, walk: &mut Walk) {
    let none = Object::new();
    let encode = part(params, "EncodeParams");
    let audio_only = encode.is_some_and(is_audio_only);
    if !audio_only {
        walk.missing("TranscodeParams.Layout", params.get("Layout"));
    }
    if let Some(encode) = encode {
        let video: &[&str] = if audio_only { &[] } else { &VIDEO };
        for name in video.iter().chain(&AUDIO) {
            walk.missing(&["TranscodeParams.EncodeParams.", name].concat(), encode.get(*name));
        }
        let profile = text(part(encode, "EnhancedParam").unwrap_or(&none), "profile");
        if text(encode, "VideoCodec") == Some("H.265") && profile.is_some_and(|own| own != "main") {
            let name = "TranscodeParams.EncodeParams.EnhancedParam.profile";
            walk.report(name, Problem::UnknownValue { allowed: &["main"] });
        }
    }
    let users = items(params, "UserInfos");
    if audio_only || users.is_empty() {
        return;
    }
    let panes = part(params, "Layout").map_or(&[][..], |layout| items(layout, "UserPanes"));
    for (index, pane) in panes.iter().enumerate() {
        let user = pane.get("UserInfo").and_then(Value::as_object);
        let is_named = |user: &Object| {
            let mut infos = users.iter().filter_map(Value::as_object);
            infos.any(|info| who(info, channel) == who(user, channel))
        };
        if user.is_some_and(|user| !is_named(user)) {
            let number = index.saturating_add(1).to_string();
            let name = ["TranscodeParams.Layout.UserPanes.", &number, ".UserInfo.UserId"].concat();
            walk.report(&name, Problem::Unmatched { with: "TranscodeParams.UserInfos" });
        }
    }
}

/// A user's name and channel.
fn who<'u>(user: &'u Object, channel: &'u str) -> (Option<&'u str>, &'u str) {
    let own = text(user, "ChannelId").filter(|own| !own.is_empty());
    (text(user, "UserId"), own.unwrap_or(channel))
}

fn is_audio_only(encode: &Object) -> bool {
    encode.get("AudioOnly").and_then(Value::as_bool).unwrap_or(false)
}

/// What is relayed; `None` where something was found to be wrong.
fn source(kept: &Object) -> Option<Source> {
    if text(kept, "MixMode")? == "0" {
        return Some(Source::Single(subscription(part(kept, "SingleSubParams")?)?));
    }
    let params = part(kept, "TranscodeParams")?;
    let users = items(params, "UserInfos").iter().map(|user| subscription(user.as_object()?));
    let encode = part(params, "EncodeParams")?;
    let layout = if is_audio_only(encode) {
        Layout::AudioOnly
    } else {
        let panes = items(part(params, "Layout")?, "UserPanes");
        Layout::Panes(panes.iter().map(|one| pane(one.as_object()?)).collect::<Option<_>>()?)
    };
    let background = match part(params, "Background") {
        Some(own) => Some(Background { url: String::from(text(own, "URL")?), fit: fit(own) }),
        None => None,
    };
    Some(Source::Mix(Mix {
        users: users.collect::<Option<_>>()?,
        layout,
        encoding: encoding(encode),
        background,
    }))
}

fn subscription(object: &Object) -> Option<Subscription> {
    let mut own = Subscription::of(String::from(text(object, "UserId")?));
    own.channel = text(object, "ChannelId").filter(|id| !id.is_empty()).map(String::from);
    own.media = match text(object, "StreamType") {
        Some("1") => Media::Audio,
        Some("2") => Media::Video,
        _ => Media::Both,
    };
    // The vendor reads it with a stream of pictures alone; a pane has no type, and only pictures.
    let counts = own.media == Media::Video || !object.contains_key("StreamType");
    if counts && text(object, "SourceType") == Some("shareScreen") {
        own.picture = Picture::Screen;
    }
    Some(own)
}

fn fit(object: &Object) -> Fit {
    if text(object, "RenderMode") == Some("0") { Fit::Inside } else { Fit::Crop }
}

fn pane(object: &Object) -> Option<Pane> {
    let share = |name| Share::parse(text(object, name)?);
    let area = Area::Shares([share("X")?, share("Y")?, share("Width")?, share("Height")?]);
    let mut place = layout::Pane::new(area, number(object, "ZOrder")?);
    place.fit = fit(object);
    if let Some(user) = part(object, "UserInfo") {
        place.user = Some(subscription(user)?.member());
    }
    Some(Pane { place, image: text(object, "BackgroundImageUrl").map(String::from) })
}

fn encoding(object: &Object) -> Encoding {
    let none = Object::new();
    let enhanced = part(object, "EnhancedParam").unwrap_or(&none);
    let named = |name| number(object, name).or_else(|| text(object, name)?.parse().ok());
    Encoding::of(
        |name| {
            named(match name {
                "width" => "VideoWidth",
                "height" => "VideoHeight",
                "fps" => "VideoFramerate",
                "video_kbps" => "VideoBitrate",
                "gop" => "VideoGop",
                "audio_kbps" => "AudioBitrate",
                "sample_rate" => "AudioSampleRate",
                _ => "AudioChannels",
            })
        },
        text(object, "VideoCodec").and_then(Codec::from_name),
        text(enhanced, "profile"),
        text(enhanced, "preset"),
    )
}

fn sei(params: Option<&Object>) -> Sei {
    let mut own = Sei::default();
    let Some(params) = params else { return own };
    let timing = |object: &Object| Timing {
        interval: number(object, "Interval").map(Millis),
        follow_idr: text(object, "FollowIdr") == Some("1"),
    };
    own.layout_volume = part(params, "LayoutVolume").map(timing);
    own.pass_through = part(params, "PassThrough").map(|pass| PassThrough {
        timing: timing(pass),
        key: String::from(
            text(pass, "PayloadContentKey").filter(|key| !key.is_empty()).unwrap_or(DEFAULT_KEY),
        ),
        content: String::from(text(pass, "PayloadContent").unwrap_or("")),
    });
    own.payload_type = number(params, "PayloadType").unwrap_or(DEFAULT_PAYLOAD_TYPE);
    own
}

fn task(kept: Object, source: Source) -> Task {
    let many = items(&kept, "MultiStreamURL").iter();
    let many = many.filter_map(|target| target.get("URL").and_then(Value::as_str));
    let urls = text(&kept, "StreamURL").into_iter().chain(many);
    Task {
        origin: Origin::Alibaba,
        id: own(&kept, "TaskId"),
        app_id: own(&kept, "AppId"),
        channel: own(&kept, "ChannelId"),
        targets: urls.filter_map(|url| PushUrl::parse(url).ok()).collect::<Vec<_>>(),
        source,
        sei: sei(part(&kept, "SeiParams")),
        max_idle: number(&kept, "MaxIdleTime").map(Millis::from_secs),
        region: text(&kept, "Region").map(String::from),
        pull: None,
        failover: Failover::Stay,
        exit: LiveExitConfig::default(),
        request: kept,
    }
}

fn own(kept: &Object, name: &str) -> String {
    String::from(text(kept, name).unwrap_or(""))
}
