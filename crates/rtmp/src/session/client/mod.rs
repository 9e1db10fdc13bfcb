//! The client: publishes to a server, or plays from one.

mod event;
mod settings;

use alloc::string::String;

use bytes::{Bytes, BytesMut};

use super::SessionError;
use super::command::{self, Command, Status};
use super::connect::{Capabilities, whole};
use super::flow::Flow;
use super::link::{Came, Link};
use crate::amf0::Writer;
use crate::chunk::ChunkSize;
use crate::handshake::{Handshake, Seed};
use crate::message::Message;
use crate::message::control::Control;

pub use event::{Event, Refusal, Stage};
pub use settings::{Purpose, Settings, split_path};

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
