//! Alibaba `DingRTC`.
//!
//! Source: Alibaba Cloud RTC, document 2709168.
//!
//! | field | is |
//! |---|---|
//! | `eventId` | the event's id |
//! | `eventType` | `001`: the address is tried; `2000`, `2001`, `2002`: a recording began, succeeded, failed |
//! | `notifyTime` | when it was sent, in milliseconds |
//! | `eventData` | `channelId`, `taskId`, `recordState` |

use alloc::borrow::Cow;

use super::entity::entity;
use super::error::DialectError;
use super::object::Object;
use crate::event::{Event, Kind};

const TYPE: &str = "/eventType";

/// Reads a callback's body.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let event_type = root.name(&[TYPE])?;
    let event_type =
        event_type.ok_or_else(|| DialectError::shape(TYPE, "a string that is not empty"))?;
    let kind = match event_type.as_str() {
        "001" => Kind::SourceCheck,
        "2000" | "2001" | "2002" => Kind::RecordingState,
        _ => Kind::Unknown,
    };
    root.at("/eventData")?;
    let task = root.name(&["/eventData/taskId"])?;
    let id = root.name(&["/eventId"])?;

    let mut event = object.event(kind, event_type);
    event.channel = root.name(&["/eventData/channelId"])?.map(Cow::Owned);
    if kind == Kind::RecordingState {
        event.entity = entity(kind, &[task.as_deref()]);
    }
    event.repeat_key = id.clone().map(Cow::Owned);
    event.vendor_id = id.map(Cow::Owned);
    event.time = root.time(&["/notifyTime"])?;
    Ok(event)
}
