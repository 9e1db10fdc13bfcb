//! Relay tasks: what runs on this host, started, changed, stopped.
//!
//! | module | has |
//! |---|---|
//! | `registry` | all tasks: they are started, changed, stopped and shown here |
//! | `claims` | which push addresses are whose |
//! | `running` | one task that runs |
//! | `asked` | what is asked of it, written and answered |
//! | `progress` | how far that has come, and who waits |
//! | `pushes` | what it does to its destinations |
//! | `source` | what a task takes, and where that is |
//! | `destination` | where one push goes, over all its connections |
//! | `fanout` | one task's stream on its way to many |
//! | `view` | tasks as they are shown, and counted |
//! | `error` | why a task cannot be started |

mod asked;
mod claims;
mod destination;
mod error;
mod fanout;
mod progress;
mod pushes;
mod registry;
mod running;
mod source;
mod view;

pub use self::error::StartError;
pub use self::registry::{Started, Tasks};
pub(crate) use self::view::Tally;
pub use self::view::{PushView, TaskView};
pub use crate::key::TaskKey;
