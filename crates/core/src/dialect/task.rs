//! Channels of events that name no channel but a task.

use alloc::format;
use alloc::string::String;

use super::MAX_NAME;
use crate::event::Event;

/// The channel: the vendor's, or for want of one the task's, `task:ID`. Whoever knows the task's own
/// channel can put it there instead.
pub(super) fn channel_or_task(channel: Option<String>, task: Option<&str>) -> Option<String> {
    channel.or_else(|| task.map(of_task)).filter(|channel| channel.len() <= MAX_NAME)
}

/// The channel that an event's vendor named, to be written in another's words.
pub(super) fn named_channel<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let task = event.relay.as_ref().and_then(|relay| relay.task.as_deref());
    let own = task.map(of_task);
    event.channel.as_deref().filter(|channel| own.as_deref() != Some(channel))
}

fn of_task(task: &str) -> String {
    format!("task:{task}")
}
