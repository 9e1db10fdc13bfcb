//! Huawei `MetaStudio`'s live callbacks.
//!
//! A body is an object of two strings, `event_type` and `message`, and `message` holds JSON once
//! more: the object with the event's own fields. There is no id, no time and no sequence in it.
//! Source: the field `callback_event_type` of `LiveEventCallBackConfig`, `MetaStudio` API
//! reference, `ShowSmartLiveUserConfig`.
//!
//! | `event_type` | fields of the inner object |
//! |---|---|
//! | `SHOOT_SCRIPT_SWITCH` | `room_id`, `job_id`, `scene_script_name`, `shoot_script_sequence_no`, `shoot_script_title` |
//! | `RTMP_STREAM_STATE_CHANGE` | `room_id`, `job_id`, `output_url`, `stream_key` (a secret), `state` |
//! | `REPLY_COMMAND_FINISH` | `room_id`, `job_id`, `reply_id` |
//!
//! An unknown type and unknown fields are kept: an event's data is the whole inner object. A known
//! field may be missing or null, but must have its type where it is there, and be there once.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::DialectError;
use super::json::{FieldsError, Value, fields, fields_and_text, push_string};
use super::{MAX_NAME, WriteContext, redact};
use crate::event::{Event, Kind, Relay, RelayState as Normal};

/// The types of event that `MetaStudio` documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventType {
    /// The script went on to another segment (`SHOOT_SCRIPT_SWITCH`).
    ShootScriptSwitch,
    /// The pushed stream's connection changed its state (`RTMP_STREAM_STATE_CHANGE`).
    RtmpStreamStateChange,
    /// A commanded reply was played (`REPLY_COMMAND_FINISH`).
    ReplyCommandFinish,
}

impl EventType {
    /// Every type, in the order of declaration.
    pub const ALL: &[Self] =
        &[Self::ShootScriptSwitch, Self::RtmpStreamStateChange, Self::ReplyCommandFinish];

    /// The vendor's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShootScriptSwitch => "SHOOT_SCRIPT_SWITCH",
            Self::RtmpStreamStateChange => "RTMP_STREAM_STATE_CHANGE",
            Self::ReplyCommandFinish => "REPLY_COMMAND_FINISH",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event_type| event_type.as_str() == name)
    }

    /// What such an event is called for every vendor.
    pub const fn kind(self) -> Kind {
        match self {
            Self::ShootScriptSwitch => Kind::ScriptSegment,
            Self::RtmpStreamStateChange => Kind::RelayState,
            Self::ReplyCommandFinish => Kind::ReplyFinished,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a pushed stream's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayState<'a> {
    /// Being connected (`CONNECTING`).
    Connecting,
    /// Connected (`CONNECTED`).
    Connected,
    /// The connection was lost (`DISCONNECTED`).
    Disconnected,
    /// Being connected again (`RECONNECTING`).
    Reconnecting,
    /// Over: it is not connected again (`END`).
    End,
    /// A state that this version does not know, as it came.
    Unknown(Cow<'a, str>),
}

impl<'a> RelayState<'a> {
    /// The state of that name.
    pub fn from_name(name: Cow<'a, str>) -> Self {
        match &*name {
            "CONNECTING" => Self::Connecting,
            "CONNECTED" => Self::Connected,
            "DISCONNECTED" => Self::Disconnected,
            "RECONNECTING" => Self::Reconnecting,
            "END" => Self::End,
            _ => Self::Unknown(name),
        }
    }

    /// The state in the words of every vendor. A lost connection is made again or ended, which the
    /// next callback says: until then it is being recovered.
    pub const fn normal(&self) -> Option<Normal> {
        Some(match self {
            Self::Connecting => Normal::Connecting,
            Self::Connected => Normal::Live,
            Self::Disconnected | Self::Reconnecting => Normal::Recovering,
            Self::End => Normal::Ended,
            Self::Unknown(_) => return None,
        })
    }

    /// The vendor's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::Disconnected => "DISCONNECTED",
            Self::Reconnecting => "RECONNECTING",
            Self::End => "END",
            Self::Unknown(name) => name,
        }
    }
}

/// A script's move to another segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptSwitch<'a> {
    /// The live room.
    pub room_id: Option<Cow<'a, str>>,
    /// The live job.
    pub job_id: Option<Cow<'a, str>>,
    /// The scene that the segment is part of.
    pub scene_script_name: Option<Cow<'a, str>>,
    /// The segment's number within the scene, as text: the vendor sends it as a string here and as
    /// a number on its data channel.
    pub shoot_script_sequence_no: Option<Cow<'a, str>>,
    /// The segment's title.
    pub shoot_script_title: Option<Cow<'a, str>>,
}

/// A change of a pushed stream's connection. Its stream key is left out: it stays in the event's
/// data.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamState<'a> {
    /// The live room.
    pub room_id: Option<Cow<'a, str>>,
    /// The live job.
    pub job_id: Option<Cow<'a, str>>,
    /// The push address, which may hold secrets.
    pub output_url: Option<Cow<'a, str>>,
    /// The state it is in now.
    pub state: Option<RelayState<'a>>,
}

/// Shows the address with its secrets masked.
impl fmt::Debug for StreamState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamState")
            .field("room_id", &self.room_id)
            .field("job_id", &self.job_id)
            .field("output_url", &self.output_url.as_deref().map(redact::url))
            .field("state", &self.state)
            .finish()
    }
}

/// A commanded reply that was played to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyFinished<'a> {
    /// The live room.
    pub room_id: Option<Cow<'a, str>>,
    /// The live job.
    pub job_id: Option<Cow<'a, str>>,
    /// The reply.
    pub reply_id: Option<Cow<'a, str>>,
}

/// The inner object of a callback, by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// `SHOOT_SCRIPT_SWITCH`.
    ScriptSwitch(ScriptSwitch<'a>),
    /// `RTMP_STREAM_STATE_CHANGE`.
    StreamState(StreamState<'a>),
    /// `REPLY_COMMAND_FINISH`.
    ReplyFinished(ReplyFinished<'a>),
    /// Any other type; of its fields only the room is looked for.
    Unknown {
        /// The live room, where it has one.
        room_id: Option<Cow<'a, str>>,
    },
}

impl<'a> Message<'a> {
    /// Reads the inner object of a callback of that type.
    ///
    /// # Errors
    /// [`DialectError`] with paths that begin with `/message`.
    pub fn parse(event_type: &str, data: &'a str) -> Result<Self, DialectError> {
        match EventType::from_name(event_type) {
            Some(EventType::ShootScriptSwitch) => {
                let [room, job, scene, sequence, title] = inner(
                    data,
                    [
                        "/message/room_id",
                        "/message/job_id",
                        "/message/scene_script_name",
                        "/message/shoot_script_sequence_no",
                        "/message/shoot_script_title",
                    ],
                )?;
                Ok(Self::ScriptSwitch(ScriptSwitch {
                    room_id: name(room, "/message/room_id")?,
                    job_id: name(job, "/message/job_id")?,
                    scene_script_name: string(scene, "/message/scene_script_name")?,
                    shoot_script_sequence_no: string_or_number(
                        sequence,
                        "/message/shoot_script_sequence_no",
                    )?,
                    shoot_script_title: string(title, "/message/shoot_script_title")?,
                }))
            }
            Some(EventType::RtmpStreamStateChange) => {
                let [room, job, output_url, stream_key, state] = inner(
                    data,
                    [
                        "/message/room_id",
                        "/message/job_id",
                        "/message/output_url",
                        "/message/stream_key",
                        "/message/state",
                    ],
                )?;
                string(stream_key, "/message/stream_key")?;
                Ok(Self::StreamState(StreamState {
                    room_id: name(room, "/message/room_id")?,
                    job_id: name(job, "/message/job_id")?,
                    output_url: string(output_url, "/message/output_url")?,
                    state: name(state, "/message/state")?.map(RelayState::from_name),
                }))
            }
            Some(EventType::ReplyCommandFinish) => {
                let [room, job, reply] =
                    inner(data, ["/message/room_id", "/message/job_id", "/message/reply_id"])?;
                Ok(Self::ReplyFinished(ReplyFinished {
                    room_id: name(room, "/message/room_id")?,
                    job_id: name(job, "/message/job_id")?,
                    reply_id: name(reply, "/message/reply_id")?,
                }))
            }
            None => {
                let [room] = inner(data, ["/message/room_id"])?;
                // Nothing is known of this type, so a room of another type is no error: it only
                // does not name a channel.
                let room_id = room.and_then(Value::text).map(redact::text);
                Ok(Self::Unknown { room_id: room_id.filter(|room| room.len() <= MAX_NAME) })
            }
        }
    }

    /// The live room.
    pub fn room_id(&self) -> Option<&str> {
        match self {
            Self::ScriptSwitch(message) => message.room_id.as_deref(),
            Self::StreamState(message) => message.room_id.as_deref(),
            Self::ReplyFinished(message) => message.room_id.as_deref(),
            Self::Unknown { room_id } => room_id.as_deref(),
        }
    }

    /// What became of the pushed stream.
    fn into_relay(self) -> Option<Relay<'static>> {
        let Self::StreamState(message) = self else { return None };
        let relay = Relay {
            state: message.state.as_ref().and_then(RelayState::normal),
            task: message.job_id,
            url: message.output_url,
        };
        Some(relay.into_owned())
    }

    /// What the message is the latest news of: the job, and its output address, segment or reply.
    /// Lines cannot be confused with each other's content but by a sender that wants to repeat
    /// itself.
    fn entity(&self) -> Option<String> {
        let parts: [&str; 3] = match self {
            Self::ScriptSwitch(message) => [
                message.job_id.as_deref()?,
                message.shoot_script_sequence_no.as_deref()?,
                message.scene_script_name.as_deref().unwrap_or(""),
            ],
            Self::StreamState(message) => {
                [message.job_id.as_deref()?, message.output_url.as_deref()?, ""]
            }
            Self::ReplyFinished(message) => {
                [message.job_id.as_deref()?, message.reply_id.as_deref()?, ""]
            }
            Self::Unknown { .. } => return None,
        };
        let kind = match self {
            Self::ScriptSwitch(_) => Kind::ScriptSegment,
            Self::StreamState(_) => Kind::RelayState,
            Self::ReplyFinished(_) => Kind::ReplyFinished,
            Self::Unknown { .. } => Kind::Unknown,
        };
        let mut entity =
            String::with_capacity(parts.iter().fold(kind.as_str().len(), |sum, part| {
                sum.saturating_add(part.len()).saturating_add(1)
            }));
        entity.push_str(kind.as_str());
        for part in parts.iter().filter(|part| !part.is_empty()) {
            entity.push('\n');
            entity.push_str(part);
        }
        Some(entity)
    }
}

/// Reads a callback's body.
pub(super) fn parse(body: &str) -> Result<Event<'_>, DialectError> {
    let names = [Some("event_type"), Some("message")];
    let ([event_type, _], message) =
        fields_and_text(body, names, Some(1)).map_err(|error| match error {
            FieldsError::Malformed(malformed) => DialectError::not_json(body, malformed),
            FieldsError::NotAnObject => DialectError::shape("", "an object"),
            FieldsError::Twice(0) => DialectError::shape("/event_type", "there once"),
            FieldsError::Twice(_) => DialectError::shape("/message", "there once"),
        })?;
    let vendor_type = name(event_type, "/event_type")?
        .filter(|event_type| !event_type.is_empty())
        .ok_or(DialectError::shape("/event_type", "a string that is not empty"))?;
    let Some(message) = message else {
        return Err(DialectError::shape("/message", "a string that holds JSON"));
    };
    let data = trimmed(message);
    let (channel, entity, relay) = {
        let message = Message::parse(&vendor_type, &data)?;
        let room = message.room_id().filter(|room| !room.is_empty());
        let room = room.map(String::from).map(Cow::Owned);
        (room, message.entity().map(Cow::Owned), message.into_relay())
    };
    let kind = EventType::from_name(&vendor_type).map_or(Kind::Unknown, EventType::kind);
    Ok(Event { channel, entity, relay, ..Event::new(kind, vendor_type, data) })
}

/// The callback that `event` was read from: the same type, and a message that says the same.
pub(super) fn write(event: &Event<'_>) -> Vec<u8> {
    let room = event.data.len().saturating_add(event.data.len() / 4).saturating_add(80);
    let mut out = String::with_capacity(room);
    out.push_str("{\"event_type\":");
    push_string(&mut out, &event.vendor_type);
    out.push_str(",\"message\":");
    push_string(&mut out, &event.data);
    out.push('}');
    out.into_bytes()
}

/// Another vendor's event in this one's words.
pub(super) fn translate(
    event: &Event<'_>,
    context: &WriteContext<'_>,
) -> Option<serde_json::Value> {
    let relay = event.relay.as_ref()?;
    let state = match relay.state? {
        Normal::Connecting => "CONNECTING",
        Normal::Live => "CONNECTED",
        Normal::Recovering if is_disconnected(&event.data) => "DISCONNECTED",
        Normal::Recovering => "RECONNECTING",
        // It has no word for what failed: either way the link is finished.
        Normal::Failed | Normal::Ended => "END",
    };
    let url = context.url(relay.url.as_deref().unwrap_or(""));
    // In the documented order; the key is in the address.
    let fields = [
        ("{", "room_id", event.channel.as_deref().unwrap_or("")),
        (",", "job_id", relay.task.as_deref().unwrap_or("")),
        (",", "output_url", &url),
        (",", "stream_key", ""),
        (",", "state", state),
    ];
    let mut message = String::new();
    for (before, name, value) in fields {
        message.push_str(before);
        push_string(&mut message, name);
        message.push(':');
        push_string(&mut message, value);
    }
    message.push('}');
    Some(serde_json::json!({
        "event_type": EventType::RtmpStreamStateChange.as_str(), "message": message,
    }))
}

/// Whether a relay host of livegate's says by this vendor's word that the link is lost: one that is
/// recovering is one of two states here.
fn is_disconnected(data: &str) -> bool {
    let link = fields(data, [Some("link")]).ok().and_then(|[link]| link);
    matches!(link, Some(Value::Text(raw)) if raw.text() == "DISCONNECTED")
}

/// The fields at these paths of the inner object.
fn inner<'a, const N: usize>(
    data: &'a str,
    paths: [&'static str; N],
) -> Result<[Option<Value<'a>>; N], DialectError> {
    let names = paths.map(|path| path.strip_prefix("/message/"));
    fields(data, names).map_err(|error| match error {
        FieldsError::Malformed(malformed) => DialectError::message_not_json(data, malformed),
        FieldsError::NotAnObject => {
            DialectError::shape("/message", "a string that holds a JSON object")
        }
        FieldsError::Twice(index) => {
            DialectError::shape(paths.get(index).copied().unwrap_or("/message"), "there once")
        }
    })
}

fn string<'a>(
    value: Option<Value<'a>>,
    path: &'static str,
) -> Result<Option<Cow<'a, str>>, DialectError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(raw)) => Ok(Some(raw.text())),
        Some(_) => Err(DialectError::shape(path, "a string")),
    }
}

fn string_or_number<'a>(
    value: Option<Value<'a>>,
    path: &'static str,
) -> Result<Option<Cow<'a, str>>, DialectError> {
    match value {
        Some(Value::Number(number)) => Ok(Some(Cow::Borrowed(number))),
        Some(Value::Text(_) | Value::Null) | None => name(value, path),
        Some(_) => Err(DialectError::shape(path, "a string or a number")),
    }
}

/// A string that names something: short, its secrets masked, for it is shown in lists.
fn name<'a>(
    value: Option<Value<'a>>,
    path: &'static str,
) -> Result<Option<Cow<'a, str>>, DialectError> {
    let name = string(value, path)?;
    if name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
        return Err(DialectError::ValueTooLong { path: Cow::Borrowed(path), limit: MAX_NAME });
    }
    Ok(name.map(redact::text))
}

/// Without the white space that JSON allows around a value.
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    const SPACE: &[char] = &[' ', '\t', '\r', '\n'];
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(SPACE)),
        Cow::Owned(text) if text.starts_with(SPACE) || text.ends_with(SPACE) => {
            Cow::Owned(String::from(text.trim_matches(SPACE)))
        }
        owned @ Cow::Owned(_) => owned,
    }
}
