//! What a player in a browser asks: which layout is in the stream, which one counts at the frame that
//! is shown, and where its panes are in the player's box.
//!
//! | module | knows |
//! |---|---|
//! | [`tracker`] | all of it together: bytes in, layouts out |
//! | [`history`] | which layout counts when |
//! | [`scene`] | a layout's panes, and where they are |
//!
//! docs/spec/player.md has the rules. Bytes are strangers': nothing of them is an error, and how much
//! of them is kept is bounded.

mod base;
mod book;
mod flv;
mod frame;
#[cfg(any(test, feature = "_fuzzing"))]
pub mod fuzz;
pub mod history;
mod json;
mod mp4;
pub mod scene;
pub mod tracker;
mod ts;
mod warning;

pub use book::Found;
pub use tracker::{Pushed, Scope, Tracker};
pub use warning::Warning;
