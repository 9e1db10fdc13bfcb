//! How a server answers, what it is asked, and what it tells.

use core::fmt;

use alloc::string::String;

use crate::Limits;
use crate::chunk::ChunkSize;
use crate::message::Message;
use crate::session::connect::{Capabilities, Connect};

/// How a server answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What a connection may take.
    pub limits: Limits,
    /// The size of the chunks that are sent. Default [`ChunkSize::OURS`].
    pub chunk_size: ChunkSize,
    /// After how many bytes a client is asked to acknowledge, and how many it may have under way.
    /// Default 2,500,000, as other servers have it.
    pub window: u32,
    /// What a client is told of enhanced RTMP if it told something. Default
    /// [`Capabilities::forwarding`].
    pub capabilities: Capabilities,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            chunk_size: ChunkSize::OURS,
            window: 2_500_000,
            capabilities: Capabilities::forwarding(),
        }
    }
}

/// A request to publish.
#[derive(Clone, PartialEq, Eq)]
pub struct Publish {
    /// The message stream that media will come on.
    pub stream: u32,
    /// The stream's name or key, with what query the client gave it.
    pub name: String,
    /// `live`, `record` or `append`; empty where the client said nothing.
    pub kind: String,
}

impl fmt::Debug for Publish {
    /// The name is a secret for most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// A request to play.
#[derive(Clone, PartialEq)]
pub struct Play {
    /// The message stream that media is to go out on.
    pub stream: u32,
    /// The stream's name, with what query the client gave it.
    pub name: String,
    /// Seconds from its beginning; -1 is live, -2 live or else recorded.
    pub start: f64,
}

impl fmt::Debug for Play {
    /// The name can have a token in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Play").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Splits a name or an application where its query begins.
pub fn split_query(name: &str) -> (&str, Option<&str>) {
    match name.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (name, None),
    }
}

/// What a client did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// It wants to use an application. To be accepted or refused; nothing is read until then.
    Connect(Connect),
    /// It wants to publish. To be accepted or refused; nothing is read until then.
    Publish(Publish),
    /// It wants to play. To be accepted or refused; nothing is read until then.
    Play(Play),
    /// Audio, video or data on a message stream that publishes. Aggregates come as what they hold.
    Media(Message),
    /// It has stopped publishing or playing on a message stream, and may ask again.
    Ended {
        /// The message stream.
        stream: u32,
    },
    /// A player pauses or goes on.
    Pause {
        /// The message stream.
        stream: u32,
        /// Whether it pauses.
        paused: bool,
    },
    /// The answer to [`Server::ping`](super::Server::ping).
    Pong(u32),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The client may not do that.
    NotAllowed,
    /// Somebody publishes there already.
    InUse,
    /// There is no such application or stream.
    NotFound,
}
