//! The client: publishes to a server, or plays from one.

use alloc::string::String;
use core::fmt;

use bytes::{Bytes, BytesMut};
use livegate_core::error::{Code, Coded, Fault};

use super::SessionError;
use super::command::{self, Command, Status};
use super::connect::{Capabilities, whole};
use super::flow::Flow;
use super::link::{Came, Link};
use crate::Limits;
use crate::amf0::Writer;
use crate::chunk::ChunkSize;
use crate::handshake::{Form, Handshake, Seed};
use crate::message::Message;
use crate::message::control::Control;

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
    /// The answer to [`Client::ping`].
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

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Connect,
    CreateStream,
    Start { stream: u32 },
    Started { stream: u32 },
    Over,
}

/// The transactions of a client, each sent once.
const CONNECT: f64 = 1.0;
const RELEASE_STREAM: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
const CREATE_STREAM: f64 = 4.0;
const START: f64 = 5.0;
const FC_UNPUBLISH: f64 = 6.0;

/// How many milliseconds a player says that it buffers, as ffmpeg says it.
const BUFFER_MS: u32 = 3_000;

/// One connection of a client.
#[derive(Debug)]
pub struct Client {
    link: Link,
    settings: Settings,
    state: State,
}

impl Client {
    /// A client's side of a new connection, with the handshake's beginning to send. `seed` is what its
    /// random bytes are made of.
    pub fn new(seed: Seed, settings: Settings) -> Self {
        let mut out = BytesMut::new();
        let handshake = Handshake::client(seed, settings.handshake, &mut out);
        let mut link = Link::new(handshake, out, settings.limits);
        if settings.purpose == Purpose::Play {
            link.allow_media();
        }
        Self { link, settings, state: State::Handshake }
    }

    /// Takes bytes from the beginning of `input` up to the next event; nothing when all was taken.
    /// After an error there is only the same again; after a refusal all is passed over.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, SessionError> {
        loop {
            let came = self.link.next(input);
            // Said as soon as it can be, also where the server says nothing of its own.
            if self.state == State::Handshake && self.link.is_established() {
                self.connect();
            }
            let event = match came? {
                None => return Ok(None),
                Some(_) if self.state == State::Over => Ok(None),
                Some(Came::Control(control)) => Ok(self.control(control)),
                Some(Came::Message(message)) => self.message(message),
            };
            match event {
                Ok(None) => {}
                Ok(event) => return Ok(event),
                Err(error) => return self.link.fail(error),
            }
        }
    }

    /// Whether the handshake is done.
    pub fn is_established(&self) -> bool {
        self.link.is_established()
    }

    /// The message stream that the server has accepted.
    pub const fn stream(&self) -> Option<u32> {
        match self.state {
            State::Started { stream } => Some(stream),
            _ => None,
        }
    }

    /// Whether there are bytes for the server.
    pub fn has_output(&self) -> bool {
        self.link.has_output()
    }

    /// What is to be sent to the server, between two messages of the caller's own.
    #[must_use]
    pub fn take_output(&mut self) -> Bytes {
        self.link.take_output()
    }

    /// The size of the chunks that are sent. It is the set one from [`Event::Connected`] on.
    pub const fn chunk_size(&self) -> ChunkSize {
        self.link.chunk_size()
    }

    /// What was sent and what the server has acknowledged.
    pub const fn flow(&self) -> &Flow {
        self.link.flow()
    }

    /// Bytes of chunks that came.
    pub const fn received(&self) -> u64 {
        self.link.received()
    }

    /// Counts bytes that the caller has sent itself, such as the pieces of a
    /// [`Shared`](crate::chunk::shared::Shared).
    pub fn count_sent(&mut self, bytes: usize) {
        self.link.count_sent(bytes);
    }

    /// Asks the server to answer with the same number.
    pub fn ping(&mut self, time: u32) {
        self.link.control_out(Control::PingRequest(time));
    }

    /// Writes a message of what is published; it goes out with [`take_output`](Self::take_output). Says
    /// whether publishing has started; else nothing is written. For many destinations, chunk once:
    /// [`Shared`](crate::chunk::shared::Shared).
    pub fn send(&mut self, message: &Message) -> bool {
        match self.state {
            State::Started { stream } if self.settings.purpose == Purpose::Publish => {
                self.link.media_out(&Message { stream, ..message.clone() });
                true
            }
            _ => false,
        }
    }

    /// Says that the stream has ended. The connection can be closed when that is sent.
    pub fn finish(&mut self) {
        if let State::Start { stream } | State::Started { stream } = self.state {
            if self.settings.purpose == Purpose::Publish && self.settings.fc_commands {
                self.named("FCUnpublish", FC_UNPUBLISH);
            }
            let mut writer = command::begin("deleteStream", 0.0);
            writer.number(f64::from(stream));
            self.link.command_out(&command::message(0, writer.finish()));
        }
        self.state = State::Over;
    }

    fn connect(&mut self) {
        self.state = State::Connect;
        let settings = &self.settings;
        let mut writer = Writer::new();
        writer.string("connect").number(CONNECT).object(|object| {
            object.property("app").string(&settings.app);
            if settings.purpose == Purpose::Publish {
                object.property("type").string("nonprivate");
            }
            object.property("flashVer").string(&settings.flash_version);
            object.property("tcUrl").string(&settings.tc_url);
            if settings.purpose == Purpose::Play {
                object.property("fpad").boolean(false);
                object.property("capabilities").number(239.0);
                // All codecs of RTMP 1.0 §7.2.1.1, and seeking.
                object.property("audioCodecs").number(4_095.0);
                object.property("videoCodecs").number(255.0);
                object.property("videoFunction").number(1.0);
            }
            object.property("objectEncoding").number(0.0);
            settings.capabilities.write(object);
        });
        self.link.command_out(&command::message(0, writer.finish()));
    }

    /// A command about the stream by its name.
    fn named(&mut self, name: &str, transaction: f64) {
        let mut writer = command::begin(name, transaction);
        writer.string(&self.settings.name);
        self.link.command_out(&command::message(0, writer.finish()));
    }

    /// `connect` was accepted. What ffmpeg's server reads first has to be `connect`, so that sizes are
    /// said only now.
    fn connected(&mut self) {
        self.state = State::CreateStream;
        self.link.control_out(Control::WindowSize(self.settings.window));
        self.link.set_chunk_size(self.settings.chunk_size);
        if self.settings.purpose == Purpose::Publish && self.settings.fc_commands {
            self.named("releaseStream", RELEASE_STREAM);
            self.named("FCPublish", FC_PUBLISH);
        }
        let writer = command::begin("createStream", CREATE_STREAM);
        self.link.command_out(&command::message(0, writer.finish()));
    }

    fn start(&mut self, stream: u32) {
        self.state = State::Start { stream };
        match self.settings.purpose {
            Purpose::Publish => {
                let mut writer = command::begin("publish", START);
                writer.string(&self.settings.name).string("live");
                self.link.command_out(&command::message(stream, writer.finish()));
            }
            Purpose::Play => {
                let mut writer = command::begin("play", START);
                // Live, or else recorded.
                writer.string(&self.settings.name).number(-2.0);
                self.link.command_out(&command::message(stream, writer.finish()));
                self.link.control_out(Control::BufferLength { stream, milliseconds: BUFFER_MS });
            }
        }
    }

    fn control(&mut self, control: Control) -> Option<Event> {
        match control {
            Control::PingResponse(time) => Some(Event::Pong(time)),
            Control::StreamEof(stream)
                if self.settings.purpose == Purpose::Play && self.stream() == Some(stream) =>
            {
                let code = String::from("StreamEOF");
                Some(Event::Ended(Status { is_error: false, code, description: String::new() }))
            }
            _ => None,
        }
    }

    fn message(&mut self, message: Message) -> Result<Option<Event>, SessionError> {
        if message.kind.is_media() {
            let plays = match self.state {
                State::Start { stream } | State::Started { stream } => stream == message.stream,
                _ => false,
            };
            let wanted = plays && self.settings.purpose == Purpose::Play;
            return Ok(wanted.then_some(Event::Media(message)));
        }
        match Command::parse(&message)? {
            Some(command) => self.command(&command),
            None => Ok(None),
        }
    }

    fn refused(&mut self, stage: Stage, command: &Command<'_>) -> Event {
        self.state = State::Over;
        Event::Refused(Refusal { stage, status: Status::of(command) })
    }

    fn command(&mut self, command: &Command<'_>) -> Result<Option<Event>, SessionError> {
        let is = |transaction: f64| command.transaction.to_bits() == transaction.to_bits();
        Ok(match (command.name, self.state) {
            (b"_result", State::Connect) if is(CONNECT) => {
                let info = command.arguments.first();
                let told = info.map(Capabilities::read).filter(|told| !told.is_empty());
                let told = told.unwrap_or_else(|| Capabilities::read(&command.object));
                self.connected();
                Some(Event::Connected(told))
            }
            (b"_error", State::Connect) if is(CONNECT) => {
                Some(self.refused(Stage::Connect, command))
            }
            (b"_result", State::CreateStream) if is(CREATE_STREAM) => {
                let stream = command.number(0).and_then(whole);
                let malformed = SessionError::Malformed { command: "the answer to createStream" };
                self.start(stream.ok_or(malformed)?);
                None
            }
            (b"_error", State::CreateStream) if is(CREATE_STREAM) => {
                Some(self.refused(Stage::CreateStream, command))
            }
            (b"_error", State::Start { .. }) if is(START) => {
                let stage = self.stage();
                Some(self.refused(stage, command))
            }
            (b"onStatus", state) => self.status(state, command),
            // Answers to the commands that nothing depends on, and whatever a server announces.
            _ => None,
        })
    }

    const fn stage(&self) -> Stage {
        match self.settings.purpose {
            Purpose::Publish => Stage::Publish,
            Purpose::Play => Stage::Play,
        }
    }

    fn status(&mut self, state: State, command: &Command<'_>) -> Option<Event> {
        let status = Status::of(command);
        let stage = match state {
            State::Connect => Stage::Connect,
            State::CreateStream => Stage::CreateStream,
            State::Start { .. } | State::Started { .. } => self.stage(),
            State::Handshake | State::Over => return None,
        };
        if status.is_error {
            return Some(self.refused(stage, command));
        }
        Some(match (&status.code[..], state) {
            ("NetStream.Publish.Start" | "NetStream.Play.Start", State::Start { stream }) => {
                self.state = State::Started { stream };
                Event::Started { stream }
            }
            (
                "NetStream.Unpublish.Success"
                | "NetStream.Play.UnpublishNotify"
                | "NetStream.Play.Stop"
                | "NetStream.Play.Complete",
                _,
            ) => Event::Ended(status),
            _ => Event::Status(status),
        })
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
