//! Alibaba `ApsaraVideo` Live's ingest, record and snapshot callbacks.
//!
//! Ingest callbacks come by GET, and all that they say is in the query; the others are posted as
//! JSON. Sources: `ApsaraVideo` Live, "Format of stream ingest callbacks", "Callbacks for live
//! stream recording" and "Manage callbacks".
//!
//! | | fields |
//! |---|---|
//! | ingest | `action` (`publish`, `publish_done`), `app` (the ingest domain), `appname`, `id` (the stream), `time` (seconds), `usrargs` (the push address' query: a secret), `ip`, `node` |
//! | a recording's state | `domain`, `app`, `stream`, `event` (`record_started` and others) |
//! | a recorded file | `domain`, `app`, `stream`, `uri`, `duration`, `start_time`, `stop_time` (seconds) |
//!
//! There is no id in them. What tells the callback about a file from others is its `uri`; the vendor
//! has no name for it. The fields of the snapshots' callback are not known well enough to read: it
//! counts as one if its `event` says so.

use alloc::borrow::Cow;
use alloc::string::String;

use super::MAX_NAME;
use super::entity::entity;
use super::error::DialectError;
use super::object::{At, Object};
use crate::event::{Event, Kind};

/// What the callback about a recorded file is called here.
const FILE: &str = "record_file";

/// Reads a callback's query or body.
pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    match root.name(&["/action"])? {
        Some(action) => ingest(object, root, &action),
        None => posted(object, root),
    }
}

fn ingest<'a>(object: &Object<'a>, root: At<'_>, action: &str) -> Result<Event<'a>, DialectError> {
    let kind = match action {
        "publish" => Kind::StreamStart,
        "publish_done" => Kind::StreamEnd,
        _ => Kind::Unknown,
    };
    let domain = root.name(&["/app"])?;
    let app = root.name(&["/appname"])?;
    let stream = root.name(&["/id"])?;
    let time = root.time(&["/time"])?;
    let node = root.name(&["/node"])?;

    let at = root.text(&["/time"]).unwrap_or_default();

    let of = [domain.as_deref(), app.as_deref(), stream.as_deref()];
    let mut event = object.event(kind, action);
    if kind != Kind::Unknown {
        event.entity = entity(kind, &of);
        let [domain, app, stream] = of;
        let once = [Some(action), domain, app, stream, at.as_deref(), node.as_deref()];
        event.repeat_key = time.and_then(|_| entity(kind, &once));
    }
    event.channel = channel(app, stream);
    event.time = time;
    Ok(event)
}

fn posted<'a>(object: &Object<'a>, root: At<'_>) -> Result<Event<'a>, DialectError> {
    let name = root.name(&["/event"])?;
    let uri = root.text(&["/uri"])?;
    let domain = root.name(&["/domain"])?;
    let app = root.name(&["/app"])?;
    let stream = root.name(&["/stream"])?;
    let ended_at = root.time(&["/stop_time"])?;
    let kind = match (&name, &uri) {
        (Some(name), _) if name.starts_with("record") => Kind::RecordingState,
        (Some(name), _) if name.starts_with("snapshot") => Kind::SnapshotTaken,
        (None, Some(_)) => Kind::RecordingState,
        _ => Kind::Unknown,
    };
    let at = root.text(&["/stop_time"]).unwrap_or_default();
    let unnamed = if kind == Kind::RecordingState { FILE } else { "" };
    let mut event = object.event(kind, name.as_deref().unwrap_or(unnamed));
    if kind == Kind::RecordingState {
        let [domain, app] = [domain.as_deref(), app.as_deref()];
        let [stream, uri] = [stream.as_deref(), uri.as_deref()];
        event.entity = entity(kind, &[domain, app, stream, uri]);
        if name.is_none() && ended_at.is_some() {
            event.repeat_key = entity(kind, &[domain, app, stream, uri, at.as_deref()]);
        }
    }
    event.channel = channel(app, stream);
    event.time = ended_at;
    Ok(event)
}

/// `app/stream`: the domains of ingest and play differ, so they cannot be a part of it. Two names
/// that are too long for one are none.
fn channel(app: Option<String>, stream: Option<String>) -> Option<Cow<'static, str>> {
    let mut channel = app.unwrap_or_default();
    let stream = stream?;
    if !channel.is_empty() {
        channel.push('/');
    }
    channel.push_str(&stream);
    (channel.len() <= MAX_NAME).then_some(Cow::Owned(channel))
}
