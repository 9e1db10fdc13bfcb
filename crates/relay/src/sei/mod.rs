//! SEI on its way through the host: put into the video between a stream and its fan-out.
//!
//! When and what is decided by `livegate_core::relay::writer`, where by `livegate_core::flv::edit`.

mod listener;

use std::fmt;

use bytes::Bytes;
use livegate_core::error::{Code, Coded};
use livegate_core::flv::audio::Audio;
use livegate_core::flv::config::Configuration;
use livegate_core::flv::edit::{Editor, NoMessages};
use livegate_core::flv::video::Video;
use livegate_core::relay::Task;
use livegate_core::relay::writer::Writer;
use livegate_core::sei::edit::{Splice, pieces};
use livegate_core::sei::ours::Marker;
use livegate_core::sei::uuid::Uuid;
use livegate_core::time::UnixMillis;
use livegate_rtmp::message::Message;

use listener::{HearError, Listener};

/// Puts a task's messages into one stream.
///
/// A task that writes nothing has one as well: it may write something later, and then has to know how
/// the stream is coded. Until then every message passes as it is, looked at by its first bytes alone.
pub struct Inserter {
    writer: Writer,
    editor: Editor,
    listener: Listener,
    /// The sound's latest configuration: what listens may begin later.
    audio_header: Option<Bytes>,
    /// Whether what listens has that still to come.
    begins_to_listen: bool,
    splices: Vec<Splice>,
    counted: Counted,
    /// Why something was not done, told once each.
    said: Vec<Code>,
}

/// What was written, and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Frames that passed changed.
    pub changed: u64,
    /// Frames that passed as they are because they cannot be read, or cannot hold the message.
    pub refused: u64,
    /// Frames of sound that could not be decoded: they count as silence.
    pub undecoded: u64,
}

impl Inserter {
    /// What puts a task's messages in.
    pub fn new(task: &Task) -> Self {
        Self {
            writer: Writer::new(task),
            editor: Editor::inserting(Some(Marker::Uuid(Uuid::LIVEGATE))),
            listener: Listener::default(),
            audio_header: None,
            begins_to_listen: false,
            splices: Vec::new(),
            counted: Counted::default(),
            said: Vec::new(),
        }
    }

    /// The task is another one now; what changed is written at once.
    pub fn configure(&mut self, task: &Task) {
        let listened = self.writer.meter().is_some();
        self.writer.configure(task);
        self.begins_to_listen |= !listened && self.writer.meter().is_some();
    }

    /// Who publishes: the name in messages where the task names nobody.
    pub fn set_publisher(&mut self, user: &str) {
        self.writer.set_publisher(user);
    }

    /// Writes the custom message once more.
    pub const fn repeat_custom(&mut self) {
        self.writer.repeat_custom();
    }

    /// The stream goes on after a gap: what is written is written again at once.
    pub fn reconnect(&mut self) {
        self.writer.reconnect();
    }

    /// What was done so far.
    pub const fn counted(&self) -> Counted {
        Counted { undecoded: self.listener.undecoded(), ..self.counted }
    }

    /// A video message that passes `now`, as it goes on. It is copied once if it changes, and shared
    /// if not.
    pub fn video(&mut self, message: &Message, now: UnixMillis) -> Message {
        let body = &*message.payload;
        let configuration = match Video::parse(body, body.len()) {
            Ok(Video::Configuration { codec, at }) => Some((codec, at)),
            Ok(Video::Frame(_)) if !self.writer.is_idle() => None,
            _ => return message.clone(),
        };
        if let Some((codec, at)) = configuration {
            let record = body.get(at..).unwrap_or_default();
            let read = Configuration::parse(codec, record).ok();
            if let Some(size) = read.and_then(|configuration| configuration.picture_size()) {
                self.writer.set_size(size);
            }
        }
        self.splices.clear();
        let edited = if configuration.is_some() {
            self.editor.body(message.timestamp, body, &mut NoMessages, &mut self.splices)
        } else {
            let mut messages = self.writer.at(now);
            self.editor.body(message.timestamp, body, &mut messages, &mut self.splices)
        };
        if let Some(refusal) = self.writer.take_refusal() {
            self.say(&refusal, "a message was not written");
        }
        match edited {
            Ok(_) if self.splices.is_empty() => message.clone(),
            Ok(growth) => {
                self.counted.changed += 1;
                let len = body.len().saturating_add_signed(isize::try_from(growth).unwrap_or(0));
                let mut out = Vec::with_capacity(len);
                for piece in pieces(body, &self.splices) {
                    out.extend_from_slice(piece);
                }
                Message { payload: Bytes::from(out), ..message.clone() }
            }
            Err(error) => {
                self.counted.refused += 1;
                self.say(&error, "a frame passes as it is");
                message.clone()
            }
        }
    }

    /// An audio message that comes `now`: it is listened to if the task writes how loud it is.
    pub fn audio(&mut self, message: &Message, now: UnixMillis) {
        if let Audio::Configuration { .. } = Audio::parse(&message.payload) {
            self.audio_header = Some(message.payload.clone());
        }
        let header = self.audio_header.clone().filter(|_| self.begins_to_listen);
        self.begins_to_listen = false;
        for body in header.iter().chain([&message.payload]) {
            let Some(meter) = self.writer.meter() else { return };
            let heard = self.listener.hear(message.timestamp, body, now, meter);
            self.say_unheard(heard);
        }
    }

    fn say_unheard(&mut self, heard: Result<(), HearError>) {
        if let Err(error) = heard {
            self.say(&error, "sound is not heard");
        }
    }

    /// Tells why something was not done, each reason once: a stream could have it on every frame.
    fn say(&mut self, error: &(impl Coded + fmt::Display), what: &str) {
        let code = error.code();
        if !self.said.contains(&code) {
            self.said.push(code);
            tracing::warn!(code = code.as_str(), "{what}: {error}");
        }
    }
}

impl fmt::Debug for Inserter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inserter").field("counted", &self.counted()).finish_non_exhaustive()
    }
}
