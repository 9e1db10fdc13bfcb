//! The callbacks of livegate's own relay hosts.
//!
//! A body is one flat object; docs/spec/events.md §7.4 says what its fields are. Its types are the names
//! of [`Kind`]s, its states those of [`RelayState`]s, so that nothing has to be translated.

use alloc::string::ToString;

use serde_json::{Map, Value};

use super::entity::entity;
use super::error::DialectError;
use super::object::Object;
use super::task::{channel_or_task, named_channel};
use super::{DialectName, WriteContext};
use crate::event::{Event, Kind, Relay, RelayState};

/// Reads a callback.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let vendor_type = root
        .name(&["/type"])?
        .ok_or_else(|| DialectError::shape("/type", "a string that is not empty"))?;
    let known = |kind: &Kind| DialectName::LivegateRelay.kinds().contains(kind);
    let kind = Kind::from_name(&vendor_type).filter(known).unwrap_or(Kind::Unknown);
    let mut event = object.event(kind, vendor_type);
    let channel = root.name(&["/channel"])?;
    let user = root.name(&["/user"])?;
    let task = root.name(&["/task"])?;
    let url = root.text(&["/url"])?;
    let state = root.name(&["/state"])?;
    let id = root.name(&["/id"])?;
    root.text(&["/reason"])?;
    root.int(&["/attempt"])?;
    root.name(&["/app_id"])?;
    event.time = root.time(&["/time"])?;
    event.entity = match kind {
        Kind::Unknown => None,
        Kind::RelayState => entity(kind, &[task.as_deref(), url.as_deref()]),
        Kind::ChannelStart | Kind::ChannelEnd => entity(kind, &[]),
        Kind::StreamStart | Kind::StreamEnd | Kind::LiveAutoExit => {
            entity(kind, &[task.as_deref(), user.as_deref()])
        }
        _ => entity(kind, &[user.as_deref()]),
    };
    event.channel = channel_or_task(channel, task.as_deref()).map(Into::into);
    event.user = user.map(Into::into);
    event.repeat_key = id.clone().map(Into::into);
    event.vendor_id = id.map(Into::into);
    if kind == Kind::RelayState {
        event.relay = Some(Relay {
            state: state.as_deref().and_then(RelayState::from_name),
            task: task.map(Into::into),
            url: url.map(Into::into),
        });
    }
    Ok(event)
}

/// Another vendor's event as a callback.
pub(super) fn write(event: &Event<'_>, context: &WriteContext<'_>) -> Option<Value> {
    let relay = event.relay.as_ref();
    if event.kind == Kind::RelayState && relay.is_none() {
        return None;
    }
    let url = relay.and_then(|relay| relay.url.as_deref()).map(|url| context.url(url));
    let state = relay.and_then(|relay| relay.state).map(RelayState::as_str);
    let fields = [
        ("id", Some(context.id.to_string().into())),
        ("type", Some(event.kind.as_str().into())),
        ("time", Some(event.time.unwrap_or(context.accepted_at).to_string().into())),
        ("channel", named_channel(event).map(Value::from)),
        ("user", event.user.as_deref().map(Value::from)),
        ("task", relay.and_then(|relay| relay.task.as_deref()).map(Value::from)),
        ("url", url.map(Value::from)),
        ("state", state.map(Value::from)),
        ("app_id", Some(context.app_id).filter(|app| !app.is_empty()).map(Value::from)),
    ];
    let there = fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    Some(Value::Object(there.collect::<Map<_, _>>()))
}
