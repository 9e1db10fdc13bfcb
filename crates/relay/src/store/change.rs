//! What is written.

use std::fmt;

use livegate_core::dialect::redact;
use livegate_core::relay::Task;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{TargetId, TaskState};
use livegate_core::relay::push::Report;
use livegate_core::time::UnixMillis;

use crate::key::TaskKey;

/// One change. Those that are written together are on disk together, or none of them is.
#[derive(Clone, Debug)]
pub enum Change {
    /// A task begins, or is another one now. Its pushes stay.
    Task {
        /// The task.
        task: Box<Task>,
        /// Its tenancy, under a gateway.
        epoch: Option<Epoch>,
        /// When it began.
        began_at: UnixMillis,
    },
    /// What is said of a task as a whole.
    State(TaskKey, TaskState),
    /// Since when a task has no source, or that it has one.
    SourceGone(TaskKey, Option<UnixMillis>),
    /// A task is over: it and its pushes are not restored any more, but shown for a while.
    Ended {
        /// Which.
        key: TaskKey,
        /// What is said of it.
        state: TaskState,
        /// When.
        at: UnixMillis,
        /// Why, as it is shown: a code, or the record of how a live job exited.
        why: serde_json::Value,
    },
    /// The last report of one push.
    Push {
        /// Its task.
        key: TaskKey,
        /// Which of its pushes.
        target: TargetId,
        /// Its address, secrets included.
        url: String,
        /// The report.
        report: Report,
    },
    /// A state event to be told.
    Event(Event),
    /// A task has these addresses, those included that rest since it had them, and no others.
    Addresses {
        /// The task's name.
        task: String,
        /// Each by its identity, hashed, and until when it rests; without, it is in use.
        all: Vec<(String, Option<UnixMillis>)>,
    },
    /// Something of the host's own, such as its id; without a value it goes.
    Value {
        /// Its name.
        name: String,
        /// What it is from now on.
        value: Option<String>,
    },
}

/// A state event: what is to be told to whom.
#[derive(Clone)]
pub struct Event {
    /// The application: it says whom to tell.
    pub app: String,
    /// The channel: events of one are told in order.
    pub channel: String,
    /// The body, in livegate's own format (docs/spec/events.md §7.4), secrets included.
    pub body: String,
    /// The callback's id.
    pub id: String,
    /// When it happened.
    pub at: UnixMillis,
}

/// Shows the body with its secrets masked.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("app", &self.app)
            .field("channel", &self.channel)
            .field("body", &redact::json(&self.body))
            .field("id", &self.id)
            .field("at", &self.at)
            .finish()
    }
}
