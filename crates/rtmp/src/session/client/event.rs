//! What a client tells.

use core::fmt;

use livegate_core::error::{Code, Coded, Fault};

use crate::message::Message;
use crate::session::command::Status;
use crate::session::connect::Capabilities;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The server has accepted the connection; it can do this of enhanced RTMP.
    Connected(Capabilities),
    /// The server has accepted the stream: media may be sent on this message stream, or will come.
    Started {
        /// The message stream.
        stream: u32,
    },
    /// Audio, video or data of a stream that is played. Aggregates come as what they hold.
    Media(Message),
    /// The stream that is played has ended, or what was published is not published any more.
    Ended(Status),
    /// The server refuses, at once or after a while. Nothing follows.
    Refused(Refusal),
    /// Anything else that the server says.
    Status(Status),
    /// The answer to [`Client::ping`](super::Client::ping).
    Pong(u32),
}

/// At what a server has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// `connect`.
    Connect,
    /// `createStream`.
    CreateStream,
    /// `publish`, or publishing went on and was cut off.
    Publish,
    /// `play`.
    Play,
}

/// What a server refuses. `rtmp.refused_connect`, `rtmp.refused_create_stream`,
/// `rtmp.refused_publish`, `rtmp.refused_play`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// At what.
    pub stage: Stage,
    /// What it says.
    pub status: Status,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.stage {
            Stage::Connect => "to connect",
            Stage::CreateStream => "to create a stream",
            Stage::Publish => "to take the stream",
            Stage::Play => "to play the stream",
        };
        write!(f, "the server refused {what}")?;
        if !self.status.code.is_empty() {
            write!(f, ": {}", self.status.code)?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

impl Coded for Refusal {
    fn code(&self) -> Code {
        Code::new(match self.stage {
            Stage::Connect => "rtmp.refused_connect",
            Stage::CreateStream => "rtmp.refused_create_stream",
            Stage::Publish => "rtmp.refused_publish",
            Stage::Play => "rtmp.refused_play",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}
