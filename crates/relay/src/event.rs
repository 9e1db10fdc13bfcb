//! What is told of what happened.

use livegate_core::relay::callback::About;
use livegate_core::time::UnixMillis;

use crate::clock;
use crate::store::{Change, Event};

/// A state event, with an id that no other has.
pub(crate) fn event(
    app: &str,
    channel: &str,
    task: &str,
    at: UnixMillis,
    body: impl FnOnce(About<'_>) -> String,
) -> Change {
    let id = format!("evt_{}", hex::encode(clock::random::<16>()));
    let body = body(About { id: &id, app_id: app, channel, task });
    let (app, channel) = (app.to_owned(), channel.to_owned());
    Change::Event(Event { app, channel, body, id, at })
}
