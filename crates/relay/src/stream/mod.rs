//! What is published or pulled at this moment, and whoever reads along.

use livegate_core::layout::Picture;
use livegate_core::relay::queue::{Class, Next, Payload};
use livegate_rtmp::message::Message;

/// Which stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The user.
    pub user: String,
    /// Camera or screen.
    pub picture: Picture,
}

/// One message of a stream, and what it is to a decoder. Cloning it shares the payload.
#[derive(Clone, Debug)]
pub struct Packet {
    /// What it is.
    pub class: Class,
    /// It; its timestamps never go back, also when the publisher comes anew.
    pub message: Message,
}

impl Payload for Packet {
    fn size(&self) -> usize {
        self.message.payload.len()
    }
}

/// Whoever reads along: what a decoder needs first, then from a key frame on. What it does not read
/// in time is skipped up to the next key frame.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// The next message, at once or when there is one; `None` when the stream has ended.
    #[expect(clippy::unused_async, reason = "a slice: nothing is published yet")]
    pub async fn next(&mut self) -> Option<Next<Packet>> {
        None
    }

    /// The next message if there is one already.
    pub fn try_next(&mut self) -> Option<Next<Packet>> {
        None
    }
}

/// All streams of the host. Cloning it gives another handle.
#[derive(Clone, Debug, Default)]
pub struct Streams;

impl Streams {
    /// Reads a stream along. Without a user it is the channel's only one, or the one that began first.
    pub fn read(
        &self,
        _app: &str,
        _channel: &str,
        _user: Option<&str>,
        _picture: Picture,
    ) -> Option<Reader> {
        None
    }

    /// All that are published or pulled.
    pub fn list(&self) -> Vec<StreamKey> {
        Vec::new()
    }
}
