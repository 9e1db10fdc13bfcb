//! Volcengine RTC's callbacks, which `BytePlus` RTC sends too.
//!
//! A body is an envelope with `EventType`, `EventTime` (RFC 3339) and `EventId`, and the event's own
//! fields are JSON once more in the string `EventData`. Sources: Volcengine RTC, document 69820;
//! `BytePlus` RTC, "Reference for Callback Details" and "`EventType` Reference".
//!
//! Of a transcoding, which is what pushes a mixed stream to a CDN, the types say whether it began or
//! ended. What the states in `TranscodeStateChanged` mean is not known, so it says none. Users who
//! are not visible are in the room as viewers are elsewhere: they cannot publish.

use serde_json::{Value, json};

use super::entity::entity;
use super::error::DialectError;
use super::object::{At, Object, inner};
use crate::event::{Event, Kind, Relay, RelayState};

const TYPE: &str = "/EventType";
const DATA: &str = "/EventData";

const ROOM: &[&str] = &["/EventData/RoomId"];
const USER: &[&str] = &["/EventData/UserId"];
const TASK: &[&str] = &["/EventData/TaskId"];
/// Not 0 if what was asked for was not done.
const CODE: &[&str] = &["/EventData/Code"];

/// What the types mean.
const TYPES: &[(&str, Kind)] = &[
    ("RoomDestroy", Kind::ChannelEnd),
    ("UserJoinRoom", Kind::UserJoin),
    ("InvisibleUserJoinRoom", Kind::UserJoin),
    ("UserLeaveRoom", Kind::UserLeave),
    ("InvisibleUserLeaveRoom", Kind::UserLeave),
    ("RoleChangeInvisible2Visible", Kind::UserRole),
    ("RoleChangeVisible2Invisible", Kind::UserRole),
    ("TranscodeStarted", Kind::RelayState),
    ("TranscodeUpdated", Kind::RelayState),
    ("TranscodeStateChanged", Kind::RelayState),
    ("TranscodeStopped", Kind::RelayState),
    ("RecordStarted", Kind::RecordingState),
    ("RecordStopped", Kind::RecordingState),
    ("SnapshotRealTimeData", Kind::SnapshotTaken),
];

pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let vendor_type = root
        .name(&[TYPE])?
        .ok_or_else(|| DialectError::shape(TYPE, "a string that is not empty"))?;
    let known = TYPES.iter().find(|(name, _)| *name == vendor_type);
    let known = known.map(|(_, kind)| *kind);
    let kind = known.unwrap_or(Kind::Unknown);

    let parsed;
    let fields = if root.at(DATA).is_ok() {
        root
    } else {
        parsed = json!({ "EventData": lenient(known, data(root))? });
        At::of(&parsed)
    };
    let room = lenient(known, fields.name(ROOM))?;
    let user = lenient(known, fields.name(USER))?;
    let task = lenient(known, fields.name(TASK))?;
    let failed = lenient(known, fields.int(CODE))?.is_some_and(|code| code != 0);
    let state = match vendor_type.as_str() {
        "TranscodeStarted" if !failed => Some(RelayState::Connecting),
        "TranscodeStopped" if !failed => Some(RelayState::Ended),
        _ => None,
    };

    let mut event = object.event(kind, vendor_type);
    event.entity = match kind {
        Kind::ChannelEnd => entity(kind, &[]),
        Kind::UserJoin | Kind::UserLeave | Kind::UserRole => entity(kind, &[user.as_deref()]),
        Kind::RelayState => entity(kind, &[task.as_deref(), None]),
        Kind::RecordingState => entity(kind, &[task.as_deref()]),
        _ => None,
    };
    if kind == Kind::RelayState {
        event.relay = Some(Relay { state, task: task.map(Into::into), url: None });
    }
    event.channel = room.map(Into::into);
    event.user = user.map(Into::into);
    event.time = root.time(&["/EventTime"])?;
    let id = root.name(&["/EventId"])?;
    event.repeat_key = id.clone().map(Into::into);
    event.vendor_id = id.map(Into::into);
    Ok(event)
}

/// Nothing is known of the fields of a type that is not: one of another type is no error then.
fn lenient<T: Default>(
    known: Option<Kind>,
    field: Result<T, DialectError>,
) -> Result<T, DialectError> {
    field.or_else(|error| if known.is_some() { Err(error) } else { Ok(T::default()) })
}

/// The event's own fields, which a string holds.
fn data(root: At<'_>) -> Result<Value, DialectError> {
    let Some(text) = root.text(&[DATA])? else { return Ok(Value::Null) };
    let value = inner(&text).ok().filter(Value::is_object);
    value.ok_or_else(|| DialectError::shape(DATA, "a string that holds a JSON object"))
}
