//! The relay host: takes live streams and pushes them to many places.
//!
//! One thread moves everything (docs/adr/0016): what the modules share is `Rc`, and nothing locks.
//! What to do is decided by `livegate_core::relay`; here are sockets, files and timers.
//!
//! | module | does |
//! |---|---|
//! | [`net`] | connections that the host makes |
//! | [`push`] | one destination: what waits for it, and its connection |
//! | [`stream`] | what is published or pulled at this moment, and whoever reads along |
//! | [`task`] | relay tasks: what runs, started, changed, stopped |
//! | [`callback`] | state events on their way out |
//! | [`store`] | what has to outlive the process |
#![forbid(unsafe_code)]

pub mod callback;
mod clock;
pub mod net;
mod push;
pub mod store;
pub mod stream;
pub mod task;
