//! Agora's notifications: of channels (product 1) and of Media Push (product 5).
//!
//! A body is an envelope with `noticeId`, `productId` and `eventType`, and the event's own fields in
//! `payload`. `notifyMs` changes when a notice is sent again, `noticeId` does not. Sources: Agora,
//! "Channel event types", "Media Push events", "Receive notifications about channel events".
//!
//! The console's health check sends a channel's events with the channel name `test_webhook` and the
//! user 12121212: nothing happened then.
//!
//! A converter's state and its end come with its id and no channel; they belong to the task's.

use alloc::string::{String, ToString};

use serde_json::{Map, Value, json};

use super::WriteContext;
use super::entity::entity;
use super::error::DialectError;
use super::object::{At, Object};
use super::task::{channel_or_task, named_channel};
use crate::event::{Event, Kind, Relay, RelayState};

const CHANNELS: i64 = 1;
const MEDIA_PUSH: i64 = 5;

/// A converter was destroyed.
const DESTROYED: i64 = 4;
/// Its state changed.
const STATE_CHANGED: i64 = 3;

/// What a channel's types mean. Of two that mean the same, the last is written: it says nothing of
/// the user's role.
const TYPES: &[(i64, Kind)] = &[
    (101, Kind::ChannelStart),
    (102, Kind::ChannelEnd),
    (103, Kind::UserJoin),
    (104, Kind::UserLeave),
    (105, Kind::UserJoin),
    (106, Kind::UserLeave),
    (107, Kind::UserJoin),
    (108, Kind::UserLeave),
    (111, Kind::UserRole),
    (112, Kind::UserRole),
];

/// A converter's states. None is for a connection that is made again.
const STATES: &[(&str, RelayState)] = &[
    ("connecting", RelayState::Connecting),
    ("running", RelayState::Live),
    ("failed", RelayState::Failed),
];

const CHANNEL: &[&str] = &["/payload/channelName"];
/// Of a converter that mixes, and of one that does not.
const CONVERTER_CHANNEL: &[&str] =
    &["/payload/converter/transcodeOptions/rtcChannel", "/payload/converter/rawOptions/rtcChannel"];

/// Reads a notice.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let number = root
        .int(&["/eventType"])?
        .ok_or_else(|| DialectError::shape("/eventType", "an integer"))?;
    let product = root.int(&["/productId"])?;
    root.at("/payload")?;
    let known = TYPES.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind);
    let mut event = object.event(Kind::Unknown, number.to_string());
    match (product, known, number) {
        (Some(CHANNELS), Some(kind), _) => read_channel(root, kind, &mut event)?,
        (Some(MEDIA_PUSH), _, 1..=DESTROYED) => read_converter(root, number, &mut event)?,
        // Nothing is known of its fields: one of another type is no error.
        _ => {
            event.channel = root.name(CHANNEL).unwrap_or_default().map(Into::into);
            let times = &["/eventMs", "/payload/ts", "/payload/lts"];
            event.time = root.time(times).unwrap_or_default();
        }
    }
    let id = root.name(&["/noticeId"])?;
    event.repeat_key = id.clone().map(Into::into);
    event.vendor_id = id.map(Into::into);
    Ok(event)
}

fn read_channel(root: At<'_>, kind: Kind, event: &mut Event<'_>) -> Result<(), DialectError> {
    let channel = root.name(CHANNEL)?;
    let uid = root.int(&["/payload/uid"])?;
    // The app's own name of the user, or else the number that Agora knows it by.
    let user = root.name(&["/payload/account"])?.or_else(|| uid.map(|uid| uid.to_string()));
    let time = root.time(&["/eventMs", "/payload/ts"])?;
    if channel.as_deref() == Some("test_webhook") && uid.is_none_or(|uid| uid == 12_121_212) {
        event.kind = Kind::SourceCheck;
        return Ok(());
    }
    event.kind = kind;
    event.entity = match kind {
        Kind::ChannelStart | Kind::ChannelEnd => entity(kind, &[]),
        _ => entity(kind, &[user.as_deref()]),
    };
    event.channel = channel.map(Into::into);
    event.user = user.map(Into::into);
    event.time = time;
    Ok(())
}

fn read_converter(root: At<'_>, number: i64, event: &mut Event<'_>) -> Result<(), DialectError> {
    root.at("/payload/converter")?;
    let task = root.name(&["/payload/converter/id"])?;
    let word = root.name(&["/payload/converter/state"])?;
    let reason = root.name(&["/payload/destroyReason"])?;
    let state = if number == DESTROYED {
        let failed = reason.as_deref() == Some("Internal Error");
        Some(if failed { RelayState::Failed } else { RelayState::Ended })
    } else {
        STATES.iter().find(|(known, _)| word.as_deref() == Some(known)).map(|(_, state)| *state)
    };
    event.kind = Kind::RelayState;
    // Not the address: the notices of its states leave it out.
    event.entity = entity(Kind::RelayState, &[task.as_deref(), None]);
    let channel = root.name(CONVERTER_CHANNEL)?;
    event.channel = channel_or_task(channel, task.as_deref()).map(Into::into);
    event.time = root.time(&["/payload/lts"])?;
    let url = root.text(&["/payload/converter/rtmpUrl"])?;
    event.relay = Some(Relay { state, task: task.map(Into::into), url: url.map(Into::into) });
    Ok(())
}

/// Another vendor's event as a notice.
pub(super) fn write(event: &Event<'_>, context: &WriteContext<'_>) -> Option<Value> {
    let time = event.time.unwrap_or(context.accepted_at);
    let (product, number, payload) = if event.kind == Kind::RelayState {
        let relay = event.relay.as_ref()?;
        let (number, payload) = converter(relay, named_channel(event), time.0, context)?;
        (MEDIA_PUSH, number, payload)
    } else {
        let (number, _) = TYPES.iter().rev().find(|(_, kind)| *kind == event.kind)?;
        (CHANNELS, *number, channel_payload(event, time.0))
    };
    Some(json!({
        "noticeId": context.id.to_string(), "productId": product, "eventType": number,
        "notifyMs": context.accepted_at.0, "payload": payload,
    }))
}

fn channel_payload(event: &Event<'_>, time: u64) -> Value {
    let mut payload = Map::new();
    payload.insert("channelName".into(), event.channel.as_deref().unwrap_or("").into());
    payload.insert("ts".into(), (time / 1000).into());
    if let Some(user) = event.user.as_deref().filter(|_| event.kind.family() == "user") {
        // A number that Agora could have given; any other name is the app's own.
        match user.parse::<u32>().ok().filter(|uid| uid.to_string() == user) {
            Some(uid) => payload.insert("uid".into(), uid.into()),
            None => payload.insert("account".into(), user.into()),
        };
        // "Other" where a platform or a reason is not known; receivers sort a user's events by
        // the sequence.
        payload.insert("platform".into(), 0.into());
        payload.insert("clientSeq".into(), time.into());
        if event.kind == Kind::UserLeave {
            payload.insert("reason".into(), 0.into());
        }
    }
    Value::Object(payload)
}

/// The type and the payload of a converter's notice; its mask says what is in the converter.
fn converter(
    relay: &Relay<'_>,
    channel: Option<&str>,
    time: u64,
    context: &WriteContext<'_>,
) -> Option<(i64, Value)> {
    let state = relay.state?;
    let word = STATES.iter().find(|(_, known)| *known == state).map(|(word, _)| *word);
    if word.is_none() && state != RelayState::Ended {
        return None;
    }
    let mut fields = String::from("id");
    let mut converter = json!({ "id": relay.task.as_deref().unwrap_or("") });
    if let Some(channel) = channel {
        converter["transcodeOptions"] = json!({ "rtcChannel": channel });
        fields.push_str(",transcodeOptions.rtcChannel");
    }
    if let Some(url) = relay.url.as_deref() {
        converter["rtmpUrl"] = Value::from(context.url(url));
        fields.push_str(",rtmpUrl");
    }
    let mut payload = json!({ "lts": time });
    if let Some(word) = word {
        converter["state"] = Value::from(word);
        fields.push_str(",state");
    } else {
        payload["destroyReason"] = Value::from("Delete Request");
    }
    payload["converter"] = converter;
    payload["fields"] = Value::from(fields);
    Some((if word.is_some() { STATE_CHANGED } else { DESTROYED }, payload))
}
