//! Jocloud's push status.
//!
//! That there is such a callback is documented, what it looks like is not (it is arranged with
//! their support). What is read here is the envelope of its sibling, the callback of cloud recording
//! (Jocloud, Cloud Recording, "Callback"), and the names of the request that starts a push
//! (`startrtmp`), each wherever it may be: at the top or in `context`. So nothing but the object is
//! asked for, and what a state means is the source's setting ([`Words`]).
//!
//! `msgid` is the event's id, but is not taken for a mark of repetition: whether it differs in every
//! event is not known, and an event too many can be borne, one too few cannot.

use alloc::string::String;

use super::entity::entity;
use super::error::DialectError;
use super::object::{At, Object};
use super::words::Words;
use crate::event::{Event, Kind, Relay, RelayState};

/// What an event is called that says nothing of itself.
const UNNAMED: &str = "push-status";

const TYPE: &[&str] = &["/context/msgname", "/msgname", "/msgtype"];
const ROOM: &[&str] = &["/context/roomid", "/roomid"];
const TASK: &[&str] = &["/context/taskid", "/taskid"];
const URL: &[&str] = &["/context/rtmpurl", "/rtmpurl"];
const STATE: &[&str] = &["/context/state", "/context/status", "/state", "/status"];
const TIME: &[&str] = &["/notifytime", "/context/notifytime"];

pub(super) fn parse<'a>(
    object: &Object<'a>,
    words: &Words<RelayState>,
) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let vendor_type = root.name(TYPE)?;
    let task = root.name(TASK)?;
    let url = root.text(URL)?;
    let state = root.name(STATE)?;

    let kind = Kind::RelayState;
    let mut event = object.event(kind, vendor_type.as_deref().unwrap_or(UNNAMED));
    event.entity = entity(kind, &[task.as_deref(), url.as_deref()]);
    event.relay = Some(Relay {
        state: state.and_then(|state| words.meaning(&state)),
        task: task.map(Into::into),
        url: url.map(Into::into),
    });
    event.channel = root.name(ROOM)?.map(Into::into);
    event.user = user(root)?.map(Into::into);
    event.time = root.time(TIME)?;
    event.vendor_id = root.name(&["/msgid"])?.map(Into::into);
    Ok(event)
}

/// The one user: the sibling has a list of them.
fn user(root: At<'_>) -> Result<Option<String>, DialectError> {
    for (all, first) in [("/context/uid", "/context/uid/0"), ("/uid", "/uid/0")] {
        match root.list(all) {
            Ok([]) => {}
            Ok([_]) => return root.name(&[first]),
            Ok(_) => return Ok(None),
            Err(_) => return root.name(&[all]),
        }
    }
    Ok(None)
}
