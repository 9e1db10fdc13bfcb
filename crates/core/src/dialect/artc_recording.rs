//! Alibaba ARTC's cloud recording.
//!
//! Source: `ApsaraVideo` Live, "Cloud recording callback notifications".
//!
//! | field | is |
//! |---|---|
//! | `appId`, `channelId`, `taskId` | the application, the channel, the recording |
//! | `eventType` | what became of it: `TaskCreated`, `TaskRunning`, `TaskStopped` and others |
//! | `callbackTs` | when it was sent, in milliseconds |
//! | `payload` | more, as JSON in a string |
//!
//! There is no id, and a second try may be stamped anew: nothing tells it for sure.

use alloc::borrow::Cow;

use super::entity::entity;
use super::error::DialectError;
use super::object::Object;
use crate::event::{Event, Kind};

const TYPE: &str = "/eventType";

/// Reads a callback's body. Whatever the type, it is about a recording.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let event_type = root.name(&[TYPE])?;
    let event_type =
        event_type.ok_or_else(|| DialectError::shape(TYPE, "a string that is not empty"))?;
    let task = root.name(&["/taskId"])?;

    let mut event = object.event(Kind::RecordingState, event_type);
    event.channel = root.name(&["/channelId"])?.map(Cow::Owned);
    event.entity = entity(Kind::RecordingState, &[task.as_deref()]);
    event.time = root.time(&["/callbackTs"])?;
    Ok(event)
}
