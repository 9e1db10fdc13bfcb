//! The relay host: takes live streams and pushes them to many places.
//!
//! One thread moves everything (docs/adr/0016): what the modules share is `Rc`, and nothing locks.
//! What to do is decided by `livegate_core::relay`; here are sockets, files and timers.
//!
//! | module | does |
//! |---|---|
//! | [`ingest`] | who publishes and watches over RTMP |
//! | [`pull`] | streams that the host fetches |
//! | [`stream`] | what is there at this moment, and whoever reads along |
//! | [`task`] | relay tasks: what runs, started, changed, stopped |
//! | [`sei`] | messages put into a task's video |
//! | [`push`] | one destination: what waits for it, and its connection |
//! | [`net`] | connections that the host makes |
//! | [`http`] | its HTTP side: the APIs, health and numbers, play in a browser |
//! | [`credentials`] | the file that says who may do what |
//! | [`meter`] | what is counted |
//! | [`journal`] | what is written down while it runs |
//! | [`store`] | what has to outlive the process |
#![forbid(unsafe_code)]

mod clock;
pub mod credentials;
mod host;
pub mod http;
mod ingest;
mod journal;
pub mod meter;
pub mod net;
mod pull;
mod push;
pub mod sei;
pub mod store;
pub mod stream;
pub mod task;

pub use host::{Config, HostError, Ready, Rtmps, run};
pub use net::Egress;
