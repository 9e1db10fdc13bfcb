//! Whom a live's interruption is told: `LiveNotifyConfig` of the `MetaStudio` API reference.

use alloc::vec::Vec;

use serde::Serialize;

use super::named::named;
use super::table::{Kind, Object, Rest, Row, Shape, Walk, may, shape, text, texts};
use super::violation::Problem;

named! {
    /// What the vendor tells by message, mail and in its console.
    pub enum NotifyEvent {
        /// A live that stopped by itself.
        AutoExit = "AUTO_EXIT",
    }
}

named! {
    /// What a request does to the events that are told.
    pub enum NotifyAction {
        /// Adds these to them.
        Add = "add",
        /// Takes these from them.
        Del = "del",
        /// Tells these and no others.
        Replace = "replace",
    }
}

/// More than there are events, for those that are named twice.
const MAX_NAMED: usize = 100;

const EVENTS: Row = may(
    "notify_events",
    Kind::List { min: 0, max: MAX_NAMED, of: &Kind::Name(NotifyEvent::NAMES) },
);

/// The fields of what is stored and shown.
pub(crate) const SHAPE: Shape = shape(&[EVENTS]);

/// The fields of a request.
pub(crate) const REQUEST: Shape = Shape {
    rows: &[may("action", Kind::Name(NotifyAction::NAMES)), EVENTS],
    also: Some(pair),
    rest: Rest::Dropped,
};

/// An action needs events, and events an action.
fn pair(sent: &Object, walk: &mut Walk) {
    let there = |name| sent.get(name).is_some_and(|value| !value.is_null());
    match (there("action"), there("notify_events")) {
        (true, false) => walk.report("notify_events", Problem::Missing),
        (false, true) => walk.report("action", Problem::Missing),
        _ => {}
    }
}

/// The events that are told: each once, in the order of [`NotifyEvent::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiveNotifyConfig {
    notify_events: Vec<NotifyEvent>,
}

impl LiveNotifyConfig {
    /// The events of a checked object.
    pub(crate) fn from_checked(object: &Object) -> Self {
        Self { notify_events: events(object) }
    }

    /// The events.
    pub fn events(&self) -> &[NotifyEvent] {
        &self.notify_events
    }
}

/// A request to change the events that are told. One without an action and without events changes
/// nothing: the vendor's clients may leave out both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveNotifyConfigReq {
    change: Option<(NotifyAction, Vec<NotifyEvent>)>,
}

impl LiveNotifyConfigReq {
    /// The request of a checked object.
    pub(crate) fn from_checked(object: &Object) -> Self {
        let action = text(object, "action").and_then(NotifyAction::from_name);
        Self { change: action.map(|action| (action, events(object))) }
    }

    /// What is told after the request, if `before` was told until then.
    #[must_use]
    pub fn apply(&self, before: &LiveNotifyConfig) -> LiveNotifyConfig {
        let Some((action, events)) = &self.change else {
            return before.clone();
        };
        let told = |event: &NotifyEvent| {
            let before = before.notify_events.contains(event);
            let named = events.contains(event);
            match action {
                NotifyAction::Add => before || named,
                NotifyAction::Del => before && !named,
                NotifyAction::Replace => named,
            }
        };
        LiveNotifyConfig {
            notify_events: NotifyEvent::ALL.iter().copied().filter(|event| told(event)).collect(),
        }
    }
}

/// The events of a list, each once and in order.
fn events(object: &Object) -> Vec<NotifyEvent> {
    let mut events: Vec<_> =
        texts(object, "notify_events").filter_map(NotifyEvent::from_name).collect();
    events.sort_unstable();
    events.dedup();
    events
}
