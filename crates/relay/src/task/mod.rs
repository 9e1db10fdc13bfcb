//! Relay tasks: what runs on this host, started, changed, stopped.
//!
//! | module | has |
//! |---|---|
//! | `registry` | all tasks: they are started, changed, stopped and shown here |
//! | `claims` | which push addresses are whose |
//! | `running` | one task that runs |
//! | `fanout` | one task's stream on its way to many |
//! | `view` | tasks as they are shown, and counted |
//! | `error` | why a task cannot be started |

mod claims;
mod error;
mod fanout;
mod registry;
mod running;
mod view;

use std::fmt;

use livegate_core::relay::Task;
use livegate_core::relay::task::Origin;

pub use self::error::StartError;
pub use self::registry::{Started, Tasks};
pub(crate) use self::view::Tally;
pub use self::view::{PushView, TaskView};

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
