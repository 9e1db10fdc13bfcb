//! Alibaba ARTC's mixed-stream relay events.
//!
//! Source: `ApsaraVideo` Live, `CreateRtcMPUEventSub`.
//!
//! | field | is |
//! |---|---|
//! | `EventType` | a number; which there are is not documented |
//! | `MsgId`, `AppId`, `SubId` | the message's id, and whom it is for |
//! | `TaskId` | the relay task |
//! | `CallbackTs`, `Payload/EventTs` | when it was sent and when it happened, in milliseconds |
//! | `Payload/DstUrl` | where the stream goes; it may carry a push token |
//! | `Payload/EventCode` | what became of it; not documented |
//! | `Payload/ErrorCode`, `ErrorMessage` | why; not documented |
//!
//! What a code means, the source's words say. Without them the state is not known: the codes of the
//! older service's task status are near, but nobody says that they are the same.

use alloc::borrow::Cow;
use alloc::string::ToString;

use serde_json::{Value, json};

use super::WriteContext;
use super::entity::entity;
use super::error::DialectError;
use super::object::Object;
use super::task::channel_or_task;
use super::words::Words;
use crate::event::{Event, Kind, Relay, RelayState};

const TYPE: &str = "/EventType";

/// The codes that are written where the endpoint's words have none for a state: those of the older
/// service's task status (RTC 2018-01-11, `GetMPUTaskStatus`). A choice of ours.
const CODES: &[(RelayState, &str)] = &[
    (RelayState::Connecting, "0"),
    (RelayState::Live, "1"),
    (RelayState::Ended, "2"),
    (RelayState::Recovering, "5"),
    (RelayState::Failed, "6"),
];

/// Reads a callback's body.
pub(super) fn parse<'a>(
    object: &Object<'a>,
    words: &Words<RelayState>,
) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let event_type = root.name(&[TYPE])?;
    let event_type = event_type.ok_or_else(|| DialectError::shape(TYPE, "a number"))?;
    root.at("/Payload")?;
    let code = root.name(&["/Payload/EventCode"])?;
    let task = root.name(&["/TaskId"])?;
    let url = root.text(&["/Payload/DstUrl"])?;
    let id = root.name(&["/MsgId"])?;

    let mut event = object.event(Kind::RelayState, event_type);
    event.channel = channel_or_task(None, task.as_deref()).map(Cow::Owned);
    event.entity = entity(Kind::RelayState, &[task.as_deref(), url.as_deref()]);
    event.repeat_key = id.clone().map(Cow::Owned);
    event.vendor_id = id.map(Cow::Owned);
    event.time = root.time(&["/Payload/EventTs", "/CallbackTs"])?;
    event.relay = Some(Relay {
        state: code.and_then(|code| words.meaning(&code)),
        task: task.map(Cow::Owned),
        url: url.map(Cow::Owned),
    });
    Ok(event)
}

/// Another vendor's event in this one's words.
pub(super) fn write(
    event: &Event<'_>,
    words: &Words<RelayState>,
    context: &WriteContext<'_>,
) -> Option<Value> {
    let relay = event.relay.as_ref()?;
    let state = relay.state?;
    // A code of ours to which the endpoint gave another meaning would say that.
    let ours = || {
        let (_, code) = CODES.iter().find(|(of, _)| *of == state)?;
        Some(*code).filter(|code| words.meaning(code).is_none())
    };
    let code = words.word(state).or_else(ours)?;
    let code = code.parse::<i64>().map_or_else(|_| Value::from(code), Value::from);
    Some(json!({
        "EventType": 1,
        "MsgId": context.id.to_string(),
        "AppId": context.app_id,
        "SubId": context.subscription,
        "TaskId": relay.task.as_deref().unwrap_or(""),
        "CallbackTs": context.accepted_at.0,
        "Payload": {
            "DstUrl": context.url(relay.url.as_deref().unwrap_or("")),
            "EventTs": event.time.unwrap_or(context.accepted_at).0,
            "EventCode": code,
            "ErrorCode": 0,
            "ErrorMessage": "",
        },
    }))
}
