//! Tencent TRTC's callbacks: of rooms (group 1), of media (2), and of relays to a CDN (4).
//!
//! A body has `EventGroupId`, `EventType` and `CallbackTs`, and the event's own fields in
//! `EventInfo`. There is no id of an event. Sources: TRTC, "Room & Media Callback" (39558) and
//! "Relay to CDN Callback" (54913).
//!
//! A relay's state is said of each address by itself, every 5 s while it connects, and perhaps out
//! of order. A user who leaves a room stops sending without a callback that says so.

use alloc::string::ToString;

use serde_json::{Map, Value, json};

use super::WriteContext;
use super::entity::entity;
use super::error::DialectError;
use super::object::Object;
use super::task::{channel_or_task, named_channel};
use crate::event::{Event, Kind, Relay, RelayState};

/// What the types mean. A type's hundreds are its group.
const TYPES: &[(i64, Kind)] = &[
    (101, Kind::ChannelStart),
    (102, Kind::ChannelEnd),
    (103, Kind::UserJoin),
    (104, Kind::UserLeave),
    (105, Kind::UserRole),
    (201, Kind::VideoStart),
    (202, Kind::VideoStop),
    (203, Kind::AudioStart),
    (204, Kind::AudioStop),
    // The auxiliary stream, which shares a screen.
    (205, Kind::ScreenStart),
    (206, Kind::ScreenStop),
    (401, Kind::RelayState),
];

/// A relay's states. An address that is being disconnected is idle next, so both are its end; of
/// two that mean the same, the first is written.
const STATES: &[(i64, RelayState)] = &[
    (0, RelayState::Ended),
    (1, RelayState::Connecting),
    (2, RelayState::Live),
    (3, RelayState::Recovering),
    (4, RelayState::Failed),
    (5, RelayState::Ended),
];

const ROOM: &[&str] = &["/EventInfo/RoomId"];
const USER: &[&str] = &["/EventInfo/UserId"];
/// The table of fields has one spelling, a sample the other.
const MILLIS: &[&str] = &["/EventInfo/EventMsTs", "/EventInfo/EventTsMs"];

/// Reads a callback.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let number = root
        .int(&["/EventType"])?
        .ok_or_else(|| DialectError::shape("/EventType", "an integer"))?;
    let group = root.int(&["/EventGroupId"])?;
    root.at("/EventInfo")?;
    let known = TYPES.iter().find(|(known, _)| {
        *known == number && group.is_none_or(|group| Some(group) == number.checked_div(100))
    });
    let mut event = object.event(Kind::Unknown, number.to_string());
    let Some((_, kind)) = known else {
        // Nothing is known of its fields: one of another type is no error.
        event.channel = root.name(ROOM).unwrap_or_default().map(Into::into);
        event.time = root.time(MILLIS).unwrap_or_default();
        return Ok(event);
    };
    event.kind = *kind;
    let room = root.name(ROOM)?;
    let user = root.name(USER)?;
    let millis = root.time(MILLIS)?;
    event.time = millis.or(root.time(&["/EventInfo/EventTs"])?);
    let at = millis.map(|at| at.0.to_string());
    // A repetition has all of this in common, two events of one thing at least not the time. Whole
    // seconds would not tell them apart.
    let repeated = |parts: &[Option<&str>]| at.as_ref().and_then(|_| entity(*kind, parts));
    if *kind == Kind::RelayState {
        root.at("/EventInfo/Payload")?;
        let task = root.name(&["/EventInfo/TaskId"])?;
        let url = root.text(&["/EventInfo/Payload/Url"])?;
        let status = root.int(&["/EventInfo/Payload/Status"])?;
        let state = STATES.iter().find(|(known, _)| Some(*known) == status);
        let (task_name, status) = (task.as_deref(), status.map(|status| status.to_string()));
        event.entity = entity(*kind, &[task_name, url.as_deref()]);
        event.repeat_key = repeated(&[task_name, url.as_deref(), status.as_deref(), at.as_deref()]);
        event.channel = channel_or_task(room, task_name).map(Into::into);
        event.relay = Some(Relay {
            state: state.map(|(_, state)| *state),
            task: task.map(Into::into),
            url: url.map(Into::into),
        });
    } else {
        let of_channel = matches!(kind, Kind::ChannelStart | Kind::ChannelEnd);
        event.entity =
            if of_channel { entity(*kind, &[]) } else { entity(*kind, &[user.as_deref()]) };
        let number = event.vendor_type.as_ref();
        event.repeat_key =
            repeated(&[Some(number), room.as_deref(), user.as_deref(), at.as_deref()]);
        event.channel = room.map(Into::into);
    }
    // A room is opened by a user, but that is not whom the callback is about.
    event.user = user.filter(|_| kind.family() != "channel").map(Into::into);
    Ok(event)
}

/// Another vendor's event as a callback. What TRTC may leave out of one and livegate does not know
/// is left out: the user's role, device and reason.
pub(super) fn write(event: &Event<'_>, context: &WriteContext<'_>) -> Option<Value> {
    let (number, _) = TYPES.iter().find(|(_, kind)| *kind == event.kind)?;
    let at = event.time.unwrap_or(context.accepted_at).0;
    let mut info = Map::new();
    info.insert("RoomId".into(), named_channel(event).unwrap_or("").into());
    info.insert("EventMsTs".into(), at.into());
    info.insert("UserId".into(), event.user.as_deref().unwrap_or("").into());
    if event.kind == Kind::RelayState {
        let relay = event.relay.as_ref()?;
        let state = relay.state?;
        let (status, _) = STATES.iter().find(|(_, known)| *known == state)?;
        // A room that is named by a text.
        info.insert("RoomType".into(), 1.into());
        info.insert("TaskId".into(), relay.task.as_deref().unwrap_or("").into());
        let url = context.url(relay.url.as_deref().unwrap_or(""));
        let payload = json!({ "Url": url, "Status": status, "ErrorCode": 0, "ErrorMsg": "" });
        info.insert("Payload".into(), payload);
    } else {
        info.insert("EventTs".into(), (at / 1000).into());
    }
    Some(json!({
        "EventGroupId": number.checked_div(100), "EventType": number,
        "CallbackTs": context.accepted_at.0, "EventInfo": info,
    }))
}
