//! ZEGO's callbacks: a mixed stream began or ended.
//!
//! A body is one flat object, or a form that holds one; every field may be a text. There is no id of
//! an event: a mixing request's `seq` grows, and with `task_id` and `event` it stands for one.
//! Sources: ZEGOCLOUD, Server API, "Stream mixing started callback", "Stream mixing stopped
//! callback".
//!
//! There is no callback for a mix that ends by itself or cannot be stopped: `mix_stop` is not the
//! only end.

use super::entity::entity;
use super::error::DialectError;
use super::object::Object;
use super::task::channel_or_task;
use crate::event::{Event, Kind, Relay, RelayState};

/// What the events mean. A mix that began is taken for one that arrives: nothing is said later.
const EVENTS: &[(&str, RelayState)] =
    &[("mix_start", RelayState::Live), ("mix_stop", RelayState::Ended)];

const CHANNEL: &[&str] = &["/channel_id"];
const TASK: &[&str] = &["/task_id"];

/// Reads a callback.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let vendor_type = root
        .name(&["/event"])?
        .ok_or_else(|| DialectError::shape("/event", "a string that is not empty"))?;
    let known = EVENTS.iter().find(|(known, _)| *known == vendor_type);
    let mut event = object.event(Kind::Unknown, vendor_type);
    event.time = root.time(&["/timestamp"])?;
    let Some((_, state)) = known else {
        // Nothing is known of its fields: one of another type is no error.
        event.channel = root.name(CHANNEL).unwrap_or_default().map(Into::into);
        return Ok(event);
    };
    event.kind = Kind::RelayState;
    let channel = root.name(CHANNEL)?;
    let user = root.name(&["/publish_id"])?;
    // The id may be made of the address, secrets and all: what is shown has them masked.
    let whole = root.text(TASK)?;
    let task = root.name(TASK)?;
    let url = root.text(&["/mix_url"])?;
    let seq = root.int(&["/seq"])?;
    event.entity = entity(event.kind, &[whole.as_deref(), url.as_deref()]);
    event.repeat_key = seq.and_then(|seq| {
        let seq = alloc::format!("{seq}");
        entity(event.kind, &[Some(event.vendor_type.as_ref()), whole.as_deref(), Some(&seq)])
    });
    event.channel = channel_or_task(channel, task.as_deref()).map(Into::into);
    event.user = user.map(Into::into);
    event.relay =
        Some(Relay { state: Some(*state), task: task.map(Into::into), url: url.map(Into::into) });
    Ok(event)
}
