//! What both roles do alike: handshake, chunks, acknowledgements, pings.

use core::fmt;

use bytes::{Bytes, BytesMut};

use super::SessionError;
use super::flow::Flow;
use crate::Limits;
use crate::chunk::reader::Reader;
use crate::chunk::writer::{Headers, Writer};
use crate::chunk::{ChunkSize, ChunkStreamId};
use crate::handshake::Handshake;
use crate::message::aggregate::Messages;
use crate::message::control::Control;
use crate::message::{Kind, Message};

/// A peer that wants to be told more often is told this often: an acknowledgement has 16 bytes.
const SMALLEST_WINDOW: u32 = 4_096;

/// What came and is not done with.
#[derive(Debug)]
pub(crate) enum Came {
    /// Media, data or a command.
    Message(Message),
    /// A control message that says something about streams, or a ping's answer.
    Control(Control),
}

/// One connection.
pub(crate) struct Link {
    handshake: Handshake,
    reader: Reader,
    writer: Writer,
    out: BytesMut,
    limits: Limits,
    /// The rest of an aggregate.
    aggregate: Option<Messages>,
    received: u64,
    acknowledged: u64,
    window: Option<u32>,
    flow: Flow,
    error: Option<SessionError>,
}

impl fmt::Debug for Link {
    /// What waits to be sent can have keys in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("handshake", &self.handshake)
            .field("received", &self.received)
            .field("flow", &self.flow)
            .field("waiting", &self.out.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(handshake: Handshake, out: BytesMut, limits: Limits) -> Self {
        let mut link = Self {
            handshake,
            reader: Reader::new(limits),
            writer: Writer::new(),
            out,
            limits,
            aggregate: None,
            received: 0,
            acknowledged: 0,
            window: None,
            flow: Flow::default(),
            error: None,
        };
        link.only_commands();
        link
    }

    /// Messages may be no longer than commands from now on.
    pub(crate) fn only_commands(&mut self) {
        self.reader.set_longest(self.limits.command.min(self.limits.message));
    }

    /// Messages may be as long as media from now on.
    pub(crate) fn allow_media(&mut self) {
        self.reader.set_longest(self.limits.message);
    }

    pub(crate) fn is_established(&self) -> bool {
        self.handshake.is_done()
    }

    pub(crate) const fn flow(&self) -> &Flow {
        &self.flow
    }

    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn count_sent(&mut self, bytes: usize) {
        self.flow.count(bytes);
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    pub(crate) fn take_output(&mut self) -> Bytes {
        // Mostly there is nothing, and even a split of nothing counts references.
        if self.out.is_empty() { Bytes::new() } else { self.out.split().freeze() }
    }

    pub(crate) const fn chunk_size(&self) -> ChunkSize {
        self.writer.chunk_size()
    }

    /// Remembers why the session cannot go on.
    pub(crate) fn fail<T>(&mut self, error: SessionError) -> Result<T, SessionError> {
        self.error = Some(error);
        Err(error)
    }

    /// Takes input up to the next message that is not done with here.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Came>, SessionError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let came = self.take(input);
        match came {
            Err(error) => self.fail(error),
            Ok(_) if self.out.len() > self.limits.output => {
                self.fail(SessionError::Output { limit: self.limits.output })
            }
            Ok(came) => Ok(came),
        }
    }

    fn take(&mut self, input: &mut &[u8]) -> Result<Option<Came>, SessionError> {
        loop {
            if let Some(messages) = &mut self.aggregate {
                if let Some(message) = messages.next() {
                    return Ok(Some(Came::Message(message?)));
                }
                self.aggregate = None;
            }
            if !self.handshake.is_done() {
                self.handshake.read(input, &mut self.out)?;
                if !self.handshake.is_done() {
                    return Ok(None);
                }
            }
            let before = input.len();
            let message = self.reader.next(input)?;
            self.received += u64::try_from(before - input.len()).unwrap_or_default();
            self.acknowledge();
            let Some(message) = message else { return Ok(None) };
            match message.kind {
                Kind::AGGREGATE => self.aggregate = Some(Messages::of(&message)),
                _ => match Control::parse(&message) {
                    Some(control) => {
                        if let Some(control) = self.control(control) {
                            return Ok(Some(Came::Control(control)));
                        }
                    }
                    // A control message that is too short for what it says means nothing.
                    None if message.kind <= Kind::PEER_BANDWIDTH => {}
                    None => return Ok(Some(Came::Message(message))),
                },
            }
            if self.out.len() > self.limits.output {
                return Err(SessionError::Output { limit: self.limits.output });
            }
        }
    }

    fn control(&mut self, control: Control) -> Option<Control> {
        match control {
            Control::Acknowledgement(bytes) => self.flow.acknowledge(bytes),
            Control::WindowSize(bytes) => self.window = Some(bytes.max(SMALLEST_WINDOW)),
            Control::PingRequest(time) => self.control_out(Control::PingResponse(time)),
            Control::PeerBandwidth(..) | Control::Other(_) => {}
            _ => return Some(control),
        }
        None
    }

    /// Tells the peer what came, if it is time.
    fn acknowledge(&mut self) {
        let Some(window) = self.window else { return };
        if self.received - self.acknowledged >= u64::from(window) {
            self.acknowledged = self.received;
            let [.., a, b, c, d] = self.received.to_be_bytes();
            self.control_out(Control::Acknowledgement(u32::from_be_bytes([a, b, c, d])));
        }
    }

    pub(crate) fn control_out(&mut self, control: Control) {
        self.write(ChunkStreamId::CONTROL, &control.to_message());
    }

    /// Announces another chunk size and writes with it from then on.
    pub(crate) fn set_chunk_size(&mut self, size: ChunkSize) {
        self.control_out(Control::SetChunkSize(size.bytes()));
        self.writer.set_chunk_size(size);
    }

    /// A command of the connection or of a stream.
    pub(crate) fn command_out(&mut self, message: &Message) {
        let id = if message.stream == 0 { ChunkStreamId::COMMAND } else { ChunkStreamId::STREAM };
        self.write(id, message);
    }

    /// Any message, on the chunk stream of its kind.
    pub(crate) fn media_out(&mut self, message: &Message) {
        let id = match message.kind {
            Kind::AUDIO => ChunkStreamId::AUDIO,
            Kind::VIDEO => ChunkStreamId::VIDEO,
            _ => ChunkStreamId::DATA,
        };
        self.write(id, message);
    }

    fn write(&mut self, id: ChunkStreamId, message: &Message) {
        let before = self.out.len();
        self.writer.write(id, message, Headers::Full, &mut self.out);
        self.flow.count(self.out.len() - before);
    }
}
