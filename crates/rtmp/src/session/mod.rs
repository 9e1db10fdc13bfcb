//! Publish and play, as server and as client (RTMP 1.0 §7.2).
//!
//! | module | does |
//! |---|---|
//! | [`server`] | takes publishers and players; nothing happens that the caller has not accepted |
//! | [`client`] | publishes to a server, or plays from one |
//! | [`connect`] | what `connect` says, enhanced RTMP's keys included |
//! | [`command`] | commands, their answers and their status |
//! | [`flow`] | how many bytes are under way |
//!
//! A session is shown what came, one piece after the other, and gives events:
//!
//! ```
//! use livegate_rtmp::session::server::{Event, Server, Settings};
//!
//! # fn publish_is_allowed(_: &str) -> bool { true }
//! # fn run(mut came: &[u8], seed: [u8; 32]) -> Result<Vec<u8>, Box<dyn core::error::Error>> {
//! let mut session = Server::new(seed, Settings::default());
//! while let Some(event) = session.next(&mut came)? {
//!     match event {
//!         Event::Connect(_) => session.accept()?,
//!         Event::Publish(publish) if publish_is_allowed(&publish.name) => session.accept()?,
//!         Event::Publish(_) | Event::Play(_) => {
//!             session.refuse(livegate_rtmp::session::server::Reason::NotAllowed, "no")?;
//!         }
//!         Event::Media(message) => println!("{} ms", message.timestamp),
//!         _ => {}
//!     }
//! }
//! let to_send = session.take_output();
//! # Ok(to_send.to_vec())
//! # }
//! # run(&[], [0; 32]).unwrap();
//! ```

pub mod client;
pub mod command;
pub mod connect;
pub mod error;
pub mod flow;
mod link;
pub mod server;

pub use error::SessionError;
