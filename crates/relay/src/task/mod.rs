//! Relay tasks: what runs on this host, started, changed, stopped.

use std::fmt;

use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::push::{Cause, Status};
use livegate_core::relay::task::Origin;
use livegate_core::relay::{Conflict, Task};
use livegate_core::time::UnixMillis;

/// Which task: ids are one in an application, and vendors' do not meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// Whose request it came from.
    pub origin: Origin,
    /// The application.
    pub app: String,
    /// Its id.
    pub id: String,
}

impl TaskKey {
    /// That of a task.
    pub fn of(task: &Task) -> Self {
        Self { origin: task.origin, app: task.app_id.clone(), id: task.id.clone() }
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.origin, self.app, self.id)
    }
}

/// What became of a wish to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is new.
    New,
    /// It ran, and is now as it was asked for.
    Changed,
}

/// Why a task cannot be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Addresses that another task has, or that rest.
    Addresses(Vec<Conflict>),
    /// The host cannot do what is asked, such as mixing.
    Unsupported,
    /// It cannot be kept.
    Store(crate::store::StoreError),
}

/// One push, as it is shown.
#[derive(Clone, Debug)]
pub struct PushView {
    /// Its address, **secrets included**: whoever shows it masks it
    /// (`livegate_core::dialect::redact::push_url`).
    pub url: String,
    /// How it is doing.
    pub status: Status,
    /// Bytes that arrived since it began, all connections together.
    pub sent: u64,
    /// What its queue dropped.
    pub dropped: livegate_core::relay::queue::Dropped,
}

/// One task, as it is shown.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// What was asked for, **secrets included**.
    pub task: Task,
    /// What is said of it.
    pub state: TaskState,
    /// Why it is over, if it is.
    pub ended: Option<(Cause, UnixMillis)>,
    /// When it began.
    pub began_at: UnixMillis,
    /// Its pushes.
    pub pushes: Vec<PushView>,
}

/// All tasks of the host. Cloning it gives another handle.
#[derive(Clone, Debug, Default)]
pub struct Tasks;

impl Tasks {
    /// Starts a task, or changes the one of its key.
    ///
    /// # Errors
    /// [`StartError`]; then nothing has changed.
    #[expect(clippy::unused_async, reason = "a slice: nothing runs yet")]
    pub async fn start(&self, _task: Task) -> Result<Started, StartError> {
        Ok(Started::New)
    }

    /// Stops a task; whether there was one that ran. It is over when this returns.
    ///
    /// # Errors
    /// [`StartError::Store`].
    #[expect(clippy::unused_async, reason = "a slice: nothing runs yet")]
    pub async fn stop(&self, _key: &TaskKey, _cause: Cause) -> Result<bool, StartError> {
        Ok(false)
    }

    /// Writes a message into a task's stream, once; whether there is such a task that runs.
    ///
    /// # Errors
    /// [`StartError::Store`].
    #[expect(clippy::unused_async, reason = "a slice: nothing runs yet")]
    pub async fn set_sei(&self, _key: &TaskKey, _message: String) -> Result<bool, StartError> {
        Ok(false)
    }

    /// One task.
    pub fn show(&self, _key: &TaskKey) -> Option<TaskView> {
        None
    }

    /// All that run, and those that ended of late.
    pub fn list(&self) -> Vec<TaskView> {
        Vec::new()
    }
}
