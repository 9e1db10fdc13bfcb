//! Where a client goes and how.

use core::fmt;

use alloc::string::String;

use crate::Limits;
use crate::chunk::ChunkSize;
use crate::handshake::Form;
use crate::session::connect::Capabilities;

/// What a client is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To publish, live.
    Publish,
    /// To play, live or else recorded.
    Play,
}

/// Where a client goes and how.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What it does there.
    pub purpose: Purpose,
    /// The application.
    pub app: String,
    /// The URL without the stream's name.
    pub tc_url: String,
    /// The stream's name or key, with its query.
    pub name: String,
    /// What a connection may take.
    pub limits: Limits,
    /// Which handshake it begins. Default [`Form::Digest`].
    pub handshake: Form,
    /// The size of the chunks that are sent. Default [`ChunkSize::OURS`].
    pub chunk_size: ChunkSize,
    /// After how many bytes the server is asked to acknowledge. Default 256 KiB, less than a second of
    /// 3 Mbit/s: whoever watches a push sees soon that it stands still. A server may be slower.
    pub window: u32,
    /// What it calls itself. Servers look at how it begins: default `FMLE/3.0 (compatible; livegate)`
    /// to publish, `LNX 9,0,124,2` to play.
    pub flash_version: String,
    /// What it says of enhanced RTMP; nothing if it is empty. Default [`Capabilities::forwarding`].
    pub capabilities: Capabilities,
    /// Whether `releaseStream`, `FCPublish` and `FCUnpublish` are sent: some CDNs ask for them and
    /// others pass over them. Default yes.
    pub fc_commands: bool,
}

/// Splits the path of a push or pull URL, without its first slash, into application and stream: the
/// stream is what follows the last slash before the query. Nothing where one of them is empty.
pub fn split_path(path: &str) -> Option<(&str, &str)> {
    let query = path.find('?').unwrap_or(path.len());
    let slash = path.get(..query)?.rfind('/')?;
    let (app, name) = (path.get(..slash)?, path.get(slash + 1..)?);
    (!app.is_empty() && !name.is_empty()).then_some((app, name))
}

impl fmt::Debug for Settings {
    /// Application, URL and name can have keys in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings with the defaults for the rest.
    pub fn new(
        purpose: Purpose,
        app: impl Into<String>,
        tc_url: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        let flash_version = match purpose {
            Purpose::Publish => "FMLE/3.0 (compatible; livegate)",
            Purpose::Play => "LNX 9,0,124,2",
        };
        Self {
            purpose,
            app: app.into(),
            tc_url: tc_url.into(),
            name: name.into(),
            limits: Limits::default(),
            handshake: Form::Digest,
            chunk_size: ChunkSize::OURS,
            window: 256 << 10,
            flash_version: flash_version.into(),
            capabilities: Capabilities::forwarding(),
            fc_commands: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_path;

    #[test]
    fn the_stream_follows_the_last_slash_before_the_query() {
        assert_eq!(split_path("live/key"), Some(("live", "key")));
        assert_eq!(split_path("live/room/key?a=/b/c"), Some(("live/room", "key?a=/b/c")));
        assert_eq!(split_path("live/?key=1"), Some(("live", "?key=1")));
        for none in ["", "live", "live/", "/key", "live?a=/key"] {
            assert_eq!(split_path(none), None, "{none}");
        }
    }
}
