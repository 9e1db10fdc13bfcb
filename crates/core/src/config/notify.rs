//! Whom a live's interruption is told: `LiveNotifyConfig` of the `MetaStudio` API reference.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::field::{Field, object_field};
use super::named::named;
use super::violation::{Checker, Problem, Violations, settle};

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

/// The events that are told, as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RawLiveNotifyConfig {
    /// Some of the [`NotifyEvent`]s.
    pub notify_events: Field<Vec<Field<String>>>,
}

object_field!(RawLiveNotifyConfig);

/// A request to change the events that are told, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RawLiveNotifyConfigReq {
    /// A [`NotifyAction`].
    pub action: Field<String>,
    /// Some of the [`NotifyEvent`]s.
    pub notify_events: Field<Vec<Field<String>>>,
}

object_field!(RawLiveNotifyConfigReq);

/// The events that are told: each once, in the order of [`NotifyEvent::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiveNotifyConfig {
    notify_events: Vec<NotifyEvent>,
}

impl LiveNotifyConfig {
    /// Checks settings.
    ///
    /// # Errors
    /// [`Violations`]: all of them, with paths below `live_notify_config`.
    pub fn new(raw: RawLiveNotifyConfig) -> Result<Self, Violations> {
        let mut found = Vec::new();
        let checked = Self::check(raw, &mut Checker::new("live_notify_config", &mut found));
        settle(checked, found)
    }

    pub(super) fn check(raw: RawLiveNotifyConfig, checker: &mut Checker<'_>) -> Self {
        Self { notify_events: check_events(raw.notify_events, checker).unwrap_or_default() }
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
    /// Checks a request.
    ///
    /// # Errors
    /// [`Violations`]: all of them, with paths below `live_notify_config`.
    pub fn new(raw: RawLiveNotifyConfigReq) -> Result<Self, Violations> {
        let mut found = Vec::new();
        let checked = Self::check(raw, &mut Checker::new("live_notify_config", &mut found));
        settle(checked, found)
    }

    pub(super) fn check(raw: RawLiveNotifyConfigReq, checker: &mut Checker<'_>) -> Self {
        let no_action = raw.action == Field::Absent;
        let no_events = raw.notify_events == Field::Absent;
        let action = NotifyAction::check(raw.action, "action", checker);
        let events = check_events(raw.notify_events, checker);
        if no_action && !no_events {
            checker.report("action", Problem::Missing);
        }
        if no_events && !no_action {
            checker.report("notify_events", Problem::Missing);
        }
        Self { change: action.zip(events) }
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
fn check_events(
    field: Field<Vec<Field<String>>>,
    checker: &mut Checker<'_>,
) -> Option<Vec<NotifyEvent>> {
    let items = field.take("notify_events", checker)?;
    let mut events = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let name = alloc::format!("notify_events[{index}]");
        // Only a field may be null, not an item.
        let item = if item == Field::Absent { Field::Mistyped } else { item };
        events.extend(NotifyEvent::check(item, &name, checker));
    }
    events.sort_unstable();
    events.dedup();
    Some(events)
}
