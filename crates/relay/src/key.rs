//! What a task is named by on this host.

use std::fmt;

use livegate_core::relay::Task;
use livegate_core::relay::task::Origin;

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
