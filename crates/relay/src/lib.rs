//! The relay host: takes live streams and pushes them to many places.
//!
//! One thread moves everything (docs/adr/0016): what the modules share is `Rc`, and nothing locks.
//! What to do is decided by `livegate_core::relay`; here are sockets, files and timers.
//!
//! | module | does |
//! |---|---|
//! | `ingest` | who publishes and watches over RTMP |
//! | `pull` | streams that the host fetches |
//! | `stream` | what is there at this moment, and whoever reads along |
//! | `task` | relay tasks: what runs, started, changed, stopped |
//! | `sei` | messages put into a task's video |
//! | `push` | one destination: what waits for it, and its connection |
//! | `fleet` | the host under a gateway |
//! | `tick` | the moments at which what is gathered goes on |
//! | `net` | connections that the host makes |
//! | `http` | its HTTP side: the APIs, health and numbers, play in a browser |
//! | `credentials` | the file that says who may do what |
//! | `percent` | percent-encoding |
//! | `key` | what a task is named by |
//! | `log` | what it says |
//! | `meter` | what is counted |
//! | `event` | what is told of what happened |
//! | `callback` | state events on their way out |
//! | `store` | what has to outlive the process |
#![forbid(unsafe_code)]

pub mod callback;
mod clock;
pub mod credentials;
mod event;
mod fleet;
mod host;
pub mod http;
mod ingest;
mod key;
mod log;
pub mod meter;
pub mod net;
mod percent;
mod pull;
mod push;
pub mod sei;
pub mod store;
pub mod stream;
pub mod task;
mod tick;

pub use fleet::Gateway;
pub use host::{Config, HostError, Ready, Rtmps, run};
pub use net::Egress;
