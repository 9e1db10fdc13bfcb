//! The server: publishers and players ask, the caller accepts or refuses, and only then does media
//! pass.

mod event;

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::SessionError;
use super::command::{self, Command};
use super::connect::{Connect, whole};
use super::flow::Flow;
use super::link::{Came, Link};
use crate::amf0::Writer;
use crate::chunk::ChunkSize;
use crate::handshake::{Handshake, Seed};
use crate::message::Message;
use crate::message::control::{BandwidthLimit, Control};

pub use event::{Event, Play, Publish, Reason, Settings, split_query};

/// What a message stream does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Nothing,
    Publishing,
    Playing,
}

/// A request that waits for the caller.
#[derive(Clone, Debug)]
enum Open {
    Connect { transaction: f64, enhanced: bool },
    Publish { stream: u32 },
    Play { stream: u32, reset: bool },
}

/// One connection of a server.
#[derive(Debug)]
pub struct Server {
    link: Link,
    settings: Settings,
    is_connected: bool,
    streams: Vec<(u32, Use)>,
    open: Option<Open>,
    /// Whether the client sent `FCPublish`, and so waits for `onFCPublish`.
    wants_fc_publish: bool,
}

impl Server {
    /// A server's side of a new connection. `seed` is what the handshake's random bytes are made of.
    pub fn new(seed: Seed, settings: Settings) -> Self {
        let handshake = Handshake::server(seed);
        Self {
            link: Link::new(handshake, BytesMut::new(), settings.limits),
            settings,
            is_connected: false,
            streams: Vec::new(),
            open: None,
            wants_fc_publish: false,
        }
    }

    /// Takes bytes from the beginning of `input` up to the next event.
    ///
    /// Gives nothing when all was taken, or when a request waits for [`accept`](Self::accept) or
    /// [`refuse`](Self::refuse): then nothing is taken. After an error there is only the same again.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, SessionError> {
        while self.open.is_none() {
            let event = match self.link.next(input)? {
                None => return Ok(None),
                Some(Came::Control(Control::PingResponse(time))) => Ok(Some(Event::Pong(time))),
                Some(Came::Control(_)) => Ok(None),
                Some(Came::Message(message)) => self.message(message),
            };
            match event {
                Ok(None) => {}
                Ok(event) => return Ok(event),
                Err(error) => return self.link.fail(error),
            }
        }
        Ok(None)
    }

    /// Whether a request waits for an answer.
    pub const fn is_waiting(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the handshake is done.
    pub fn is_established(&self) -> bool {
        self.link.is_established()
    }

    /// Whether there are bytes for the client.
    pub fn has_output(&self) -> bool {
        self.link.has_output()
    }

    /// What is to be sent to the client, between two messages of the caller's own.
    #[must_use]
    pub fn take_output(&mut self) -> Bytes {
        self.link.take_output()
    }

    /// The size of the chunks that are sent: what is [`Shared`](crate::chunk::shared::Shared) has to be
    /// of the same. It is the set one from when `connect` was accepted.
    pub const fn chunk_size(&self) -> ChunkSize {
        self.link.chunk_size()
    }

    /// What was sent and what the client has acknowledged.
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

    /// Asks the client to answer with the same number.
    pub fn ping(&mut self, time: u32) {
        self.link.control_out(Control::PingRequest(time));
    }

    /// Writes a message to a player. Its message stream is set; it goes out with
    /// [`take_output`](Self::take_output). For many players, chunk once:
    /// [`Shared`](crate::chunk::shared::Shared).
    pub fn send(&mut self, stream: u32, message: &Message) {
        self.link.media_out(&Message { stream, ..message.clone() });
    }

    /// Accepts the request that waits.
    pub fn accept(&mut self) -> Result<(), SessionError> {
        match self.open.take().ok_or(SessionError::NoRequest)? {
            Open::Connect { transaction, enhanced } => self.accept_connect(transaction, enhanced),
            Open::Publish { stream } => self.accept_publish(stream),
            Open::Play { stream, reset } => self.accept_play(stream, reset),
        }
        Ok(())
    }

    /// Refuses the request that waits. The description is for people; it is cut at 256 bytes. The
    /// client may ask again; most close.
    pub fn refuse(&mut self, reason: Reason, description: &str) -> Result<(), SessionError> {
        let open = self.open.take().ok_or(SessionError::NoRequest)?;
        let mut end = description.len().min(256);
        while !description.is_char_boundary(end) {
            end -= 1;
        }
        let description = &description[..end];
        let (stream, code) = match open {
            Open::Connect { transaction, .. } => {
                let mut writer = command::begin("_error", transaction);
                let code = match reason {
                    Reason::NotFound => "NetConnection.Connect.InvalidApp",
                    _ => "NetConnection.Connect.Rejected",
                };
                command::info(&mut writer, true, code, description);
                self.link.command_out(&command::message(0, writer.finish()));
                return Ok(());
            }
            Open::Publish { stream } => match reason {
                Reason::InUse => (stream, "NetStream.Publish.BadName"),
                _ => (stream, "NetStream.Publish.Denied"),
            },
            Open::Play { stream, .. } => match reason {
                Reason::NotFound => (stream, "NetStream.Play.StreamNotFound"),
                _ => (stream, "NetStream.Play.Failed"),
            },
        };
        self.link.command_out(&command::on_status(stream, true, code, description));
        Ok(())
    }

    /// Ends what a message stream does. A player is told that the stream has ended; a publisher that it
    /// was cut off, and what it still sends is an error, so the connection is to be closed.
    pub fn end(&mut self, stream: u32) {
        match self.set_use(stream, Use::Nothing) {
            Some(Use::Playing) => {
                self.link.control_out(Control::StreamEof(stream));
                let code = "NetStream.Play.UnpublishNotify";
                self.link.command_out(&command::on_status(stream, false, code, "ended"));
            }
            Some(Use::Publishing) => {
                let code = "NetStream.Publish.Denied";
                self.link.command_out(&command::on_status(stream, true, code, "ended"));
            }
            _ => {}
        }
    }

    /// Sets what a stream does and says what it did; nothing if there is no such stream.
    fn set_use(&mut self, stream: u32, now: Use) -> Option<Use> {
        let (_, then) = self.streams.iter_mut().find(|(number, _)| *number == stream)?;
        let before = core::mem::replace(then, now);
        // Longer messages only while there is a publisher.
        if self.streams.iter().any(|(_, what)| *what == Use::Publishing) {
            self.link.allow_media();
        } else {
            self.link.only_commands();
        }
        Some(before)
    }

    fn use_of(&self, stream: u32) -> Option<Use> {
        self.streams.iter().find(|(number, _)| *number == stream).map(|(_, what)| *what)
    }

    fn accept_connect(&mut self, transaction: f64, enhanced: bool) {
        self.is_connected = true;
        self.link.control_out(Control::WindowSize(self.settings.window));
        let limit = BandwidthLimit::Dynamic;
        self.link.control_out(Control::PeerBandwidth(self.settings.window, limit));
        self.link.set_chunk_size(self.settings.chunk_size);
        let mut writer = Writer::new();
        writer.string("_result").number(transaction);
        writer.object(|properties| {
            // Some clients ask for a version that begins so.
            properties.property("fmsVer").string("FMS/3,0,1,123");
            properties.property("capabilities").number(31.0);
        });
        writer.object(|info| {
            info.property("level").string("status");
            info.property("code").string("NetConnection.Connect.Success");
            info.property("description").string("connected");
            info.property("objectEncoding").number(0.0);
            if enhanced {
                self.settings.capabilities.write(info);
            }
        });
        self.link.command_out(&command::message(0, writer.finish()));
    }

    fn accept_publish(&mut self, stream: u32) {
        self.set_use(stream, Use::Publishing);
        if core::mem::take(&mut self.wants_fc_publish) {
            let mut writer = command::begin("onFCPublish", 0.0);
            command::info(&mut writer, false, "NetStream.Publish.Start", "publishing");
            self.link.command_out(&command::message(0, writer.finish()));
        }
        self.link.control_out(Control::StreamBegin(stream));
        let code = "NetStream.Publish.Start";
        self.link.command_out(&command::on_status(stream, false, code, "publishing"));
    }

    fn accept_play(&mut self, stream: u32, reset: bool) {
        self.set_use(stream, Use::Playing);
        self.link.control_out(Control::StreamBegin(stream));
        let mut say = |code: &str| {
            self.link.command_out(&command::on_status(stream, false, code, "playing"));
        };
        if reset {
            say("NetStream.Play.Reset");
        }
        say("NetStream.Play.Start");
    }

    fn message(&mut self, message: Message) -> Result<Option<Event>, SessionError> {
        if message.kind.is_media() {
            let stream = message.stream;
            return match self.use_of(stream) {
                Some(Use::Publishing) => Ok(Some(Event::Media(message))),
                _ => Err(SessionError::NotPublishing { stream }),
            };
        }
        match Command::parse(&message)? {
            Some(command) => self.command(message.stream, &command),
            None => Ok(None),
        }
    }

    fn command(
        &mut self,
        stream: u32,
        command: &Command<'_>,
    ) -> Result<Option<Event>, SessionError> {
        if command.name == b"connect" {
            if self.is_connected {
                return Err(SessionError::Order { command: "connect" });
            }
            let connect = Connect::read(&command.object)
                .ok_or(SessionError::Malformed { command: "connect" })?;
            let enhanced = !connect.capabilities.is_empty();
            self.open = Some(Open::Connect { transaction: command.transaction, enhanced });
            return Ok(Some(Event::Connect(connect)));
        }
        if !self.is_connected {
            return Err(SessionError::Order { command: "a command before connect" });
        }
        match command.name {
            b"createStream" => self.create_stream(command.transaction)?,
            b"publish" => return self.publish(stream, command).map(Some),
            b"play" => return self.play(stream, command).map(Some),
            b"deleteStream" => {
                let number = command.number(0).and_then(whole).unwrap_or(stream);
                let ended = self.set_use(number, Use::Nothing);
                self.streams.retain(|(stream, _)| *stream != number);
                return Ok(Self::ended(number, ended));
            }
            b"closeStream" => {
                let ended = self.set_use(stream, Use::Nothing);
                return Ok(Self::ended(stream, ended));
            }
            b"FCUnpublish" => return Ok(self.unpublish(command.transaction)),
            b"FCPublish" => {
                self.wants_fc_publish = true;
                self.result(command.transaction, |_| {});
            }
            b"getStreamLength" => self.result(command.transaction, |writer| {
                writer.number(0.0);
            }),
            b"pause" => return Ok(self.pause(stream, command)),
            // Nothing depends on these.
            b"releaseStream" | b"_checkbw" | b"FCSubscribe" => {
                self.result(command.transaction, |_| {});
            }
            b"receiveAudio" | b"receiveVideo" | b"_result" | b"_error" | b"onStatus" => {}
            _ => self.unknown(command.transaction),
        }
        Ok(None)
    }

    fn ended(stream: u32, before: Option<Use>) -> Option<Event> {
        match before {
            Some(Use::Publishing | Use::Playing) => Some(Event::Ended { stream }),
            _ => None,
        }
    }

    fn create_stream(&mut self, transaction: f64) -> Result<(), SessionError> {
        let limit = self.link.limits().streams;
        if self.streams.len() >= limit {
            return Err(SessionError::Streams { limit });
        }
        // Of one more number than there are streams, one is free.
        let most = u32::try_from(self.streams.len()).unwrap_or(u32::MAX).saturating_add(1);
        let free = (1..=most).find(|number| self.use_of(*number).is_none()).unwrap_or(most);
        self.streams.push((free, Use::Nothing));
        self.result(transaction, |writer| {
            writer.number(f64::from(free));
        });
        Ok(())
    }

    fn publish(&mut self, stream: u32, command: &Command<'_>) -> Result<Event, SessionError> {
        if self.use_of(stream) != Some(Use::Nothing) {
            return Err(SessionError::Order { command: "publish" });
        }
        let name = command.text(0).ok_or(SessionError::Malformed { command: "publish" })?;
        let kind = command.text(1).unwrap_or_default();
        self.open = Some(Open::Publish { stream });
        Ok(Event::Publish(Publish { stream, name: name.into(), kind: kind.into() }))
    }

    fn play(&mut self, stream: u32, command: &Command<'_>) -> Result<Event, SessionError> {
        if self.use_of(stream) != Some(Use::Nothing) {
            return Err(SessionError::Order { command: "play" });
        }
        let name = command.text(0).ok_or(SessionError::Malformed { command: "play" })?;
        let start = command.number(1).filter(|start| start.is_finite()).unwrap_or(-2.0);
        let reset = command.arguments.get(3).and_then(crate::amf0::Value::as_bool).unwrap_or(true);
        self.open = Some(Open::Play { stream, reset });
        Ok(Event::Play(Play { stream, name: name.into(), start }))
    }

    /// `FCUnpublish` names a stream by its key and no message stream: it is the one that publishes.
    fn unpublish(&mut self, transaction: f64) -> Option<Event> {
        self.result(transaction, |_| {});
        let publishing = self.streams.iter().find(|(_, what)| *what == Use::Publishing);
        let stream = publishing.map(|(stream, _)| *stream)?;
        self.set_use(stream, Use::Nothing);
        let code = "NetStream.Unpublish.Success";
        self.link.command_out(&command::on_status(stream, false, code, "ended"));
        Some(Event::Ended { stream })
    }

    fn pause(&mut self, stream: u32, command: &Command<'_>) -> Option<Event> {
        if self.use_of(stream) != Some(Use::Playing) {
            return None;
        }
        let paused = command.arguments.first()?.as_bool()?;
        let code = if paused { "NetStream.Pause.Notify" } else { "NetStream.Unpause.Notify" };
        self.link.command_out(&command::on_status(stream, false, code, "as asked"));
        Some(Event::Pause { stream, paused })
    }

    /// A `_result`, where one is wanted.
    fn result(&mut self, transaction: f64, fill: impl FnOnce(&mut Writer)) {
        if transaction != 0.0 {
            let mut writer = command::begin("_result", transaction);
            fill(&mut writer);
            self.link.command_out(&command::message(0, writer.finish()));
        }
    }

    fn unknown(&mut self, transaction: f64) {
        if transaction != 0.0 {
            let mut writer = command::begin("_error", transaction);
            command::info(&mut writer, true, "NetConnection.Call.Failed", "no such command");
            self.link.command_out(&command::message(0, writer.finish()));
        }
    }
}
