//! What has to outlive the process: tasks, the last report of each push, state events that are not
//! told yet, addresses that rest.

use std::path::Path;

use livegate_core::relay::Task;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{TargetId, TaskState};
use livegate_core::relay::push::Report;
use livegate_core::time::UnixMillis;

use crate::task::TaskKey;

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
    /// An address, by the hash of its identity, has a task, or rests.
    Address {
        /// The address's identity, hashed.
        identity: String,
        /// The name of the task that has it.
        task: String,
        /// Until when it rests; without, it is in use.
        rests_until: Option<UnixMillis>,
    },
}

/// A state event: what is to be told to whom.
#[derive(Clone, Debug)]
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

/// Why nothing can be kept.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {}

/// Where things are kept. Cloning it gives another handle.
#[derive(Clone, Debug)]
pub struct Store;

impl Store {
    /// Opens the folder's database, or makes it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(_folder: &Path) -> Result<Self, StoreError> {
        Ok(Self)
    }

    /// Writes changes, all or none. What is written later is on disk later.
    ///
    /// # Errors
    /// [`StoreError`].
    #[expect(clippy::unused_async, reason = "a slice: nothing is kept yet")]
    pub async fn write(&self, _changes: Vec<Change>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for StoreError {}

impl livegate_core::error::Coded for StoreError {
    fn code(&self) -> livegate_core::error::Code {
        match *self {}
    }

    fn fault(&self) -> livegate_core::error::Fault {
        match *self {}
    }
}
