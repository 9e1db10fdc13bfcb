//! What a task writes into its stream: which message is due on which frame.
//!
//! One stream of one user. What the messages say is [`payload`](crate::sei::payload)'s, when they are
//! due [`schedule`](crate::sei::schedule)'s, where they go [`flv::edit`](crate::flv::edit)'s; here they
//! meet. docs/spec/relay.md §9.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use core::fmt;

use super::loudness::Meter;
use super::sei::{DEFAULT_PAYLOAD_TYPE, Timing};
use super::task::{Source, Task};
use crate::error::{Code, Coded, Fault};
use crate::flv::edit::{Frame, Messages};
use crate::layout::{Canvas, Size};
use crate::sei::error::SeiError;
use crate::sei::payload::{Extra, LayoutMessage, PayloadError, Profile, Sound, Stream, custom};
use crate::sei::schedule::{Due, Interval, Rhythm, Schedule};
use crate::sei::uuid::Uuid;
use crate::sei::write::Payload;
use crate::time::{Millis, UnixMillis};

/// The interval where a task sets none.
pub const DEFAULT_INTERVAL: Interval = Interval::MIN;

/// The messages of one stream.
#[derive(Clone, Debug)]
pub struct Writer {
    profile: Profile,
    payload_type: u8,
    /// Whose stream it is.
    user: Option<String>,
    /// Who publishes, where the task does not say whose stream it is.
    publisher: Option<String>,
    canvas: Option<Canvas>,
    layout: Option<Part>,
    meter: Option<Box<Meter>>,
    pass: Option<(Part, Extra)>,
    custom: Option<String>,
    /// Whether the custom message is still to be written.
    owes_custom: bool,
    /// The message that was given last, and what is in it.
    text: String,
    given: Given,
    refused: Option<Refusal>,
}

/// A part of the message, and when it is due.
#[derive(Clone, Debug)]
struct Part {
    schedule: Schedule,
    /// Whether it is on the frame that was asked about last.
    is_due: bool,
}

/// What the message that was given last consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Given {
    #[default]
    Parts,
    Custom,
}

/// Why a message that was due is not written. The next one is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its format cannot say it.
    Payload(PayloadError),
    /// It is no SEI message.
    Message(SeiError),
}

impl Writer {
    /// What a task writes.
    pub fn new(task: &Task) -> Self {
        let mut own = Self {
            profile: Profile::Alibaba,
            payload_type: DEFAULT_PAYLOAD_TYPE,
            user: None,
            publisher: None,
            canvas: None,
            layout: None,
            meter: None,
            pass: None,
            custom: None,
            owes_custom: false,
            text: String::new(),
            given: Given::default(),
            refused: None,
        };
        own.configure(task);
        own
    }

    /// The task is another one now. What changed is due at the next frame; what did not goes on as it
    /// was. A custom message is due once, when its text is another one.
    pub fn configure(&mut self, task: &Task) {
        let sei = &task.sei;
        let (profile, payload_type) = (task.profile(), sei.payload_type);
        let is_other_format = self.profile != profile || self.payload_type != payload_type;
        (self.profile, self.payload_type) = (profile, payload_type);
        let user = match &task.source {
            Source::Single(one) => Some(&one.user).filter(|user| !user.is_empty()),
            Source::Mix(_) => None,
        };
        let is_other_layout = is_other_format || self.user.as_ref() != user;
        self.user = user.cloned();
        self.layout = sei
            .layout_volume
            .map(|timing| Part::next(self.layout.take(), rhythm(timing), is_other_layout));
        self.meter = sei.layout_volume.map(|timing| {
            let window = timing.interval.map_or(DEFAULT_INTERVAL, nearest);
            match self.meter.take() {
                Some(meter) if meter.window() == window => meter,
                _ => Box::new(Meter::new(window)),
            }
        });
        let before = self.pass.take();
        self.pass = sei.pass_through.as_ref().map(|pass| {
            let extra = Extra::text(profile.pass_key(&pass.key), &*pass.content);
            let (part, same) = match before {
                Some((part, before)) => (Some(part), before == extra),
                None => (None, false),
            };
            (Part::next(part, rhythm(pass.timing), is_other_format || !same), extra)
        });
        let custom = sei.custom.as_ref().filter(|text| !text.is_empty());
        if self.custom.as_ref() != custom {
            self.owes_custom = custom.is_some();
            self.custom = custom.cloned();
        }
    }

    /// Whether there is nothing to write, so that every frame passes as it is.
    pub const fn is_idle(&self) -> bool {
        self.layout.is_none() && self.pass.is_none() && self.custom.is_none()
    }

    /// What measures the sound, if the messages say how loud it is.
    pub fn meter(&mut self) -> Option<&mut Meter> {
        self.meter.as_deref_mut()
    }

    /// Who publishes: the name in messages where the task names nobody.
    pub fn set_publisher(&mut self, user: &str) {
        if self.publisher.as_deref() != Some(user) {
            self.publisher = Some(String::from(user));
            self.change_layout();
        }
    }

    /// How large pictures are. Another size is another layout.
    pub fn set_size(&mut self, size: Size) {
        let canvas = Canvas::new(size.width & !1, size.height & !1).ok();
        if self.canvas != canvas {
            self.canvas = canvas;
            self.change_layout();
        }
    }

    /// The stream goes on after a gap, or its receiver is another one: all but the custom message is
    /// due at the next frame.
    pub fn reconnect(&mut self) {
        let pass = self.pass.as_mut().map(|(part, _)| part);
        for part in self.layout.as_mut().into_iter().chain(pass) {
            part.schedule.reconnect();
        }
    }

    /// Writes the custom message once more.
    pub const fn repeat_custom(&mut self) {
        self.owes_custom = self.custom.is_some();
    }

    /// The messages of one frame, which passes `now`.
    pub const fn at(&mut self, now: UnixMillis) -> At<'_> {
        At { writer: self, now }
    }

    /// Why a message was not written since this was asked last, if one was not.
    pub const fn take_refusal(&mut self) -> Option<Refusal> {
        self.refused.take()
    }

    fn change_layout(&mut self) {
        if let Some(part) = &mut self.layout {
            part.schedule.change();
        }
    }

    /// Makes the message of a frame; whether there is one.
    fn make(&mut self, frame: &Frame, now: UnixMillis) -> Result<bool, Refusal> {
        let key = frame.kind.is_key();
        let layout = self.layout.as_mut().is_some_and(|part| part.ask(frame.dts, key));
        let pass = self.pass.as_mut().is_some_and(|(part, _)| part.ask(frame.dts, key));
        if let Some(text) = self.custom.as_ref().filter(|_| self.owes_custom) {
            self.given = Given::Custom;
            custom::check(text).map_err(Refusal::Payload)?;
            self.text.clone_from(text);
            return Ok(true);
        }
        self.given = Given::Parts;
        if !layout && !pass {
            return Ok(false);
        }
        // The other formats say all of it or nothing.
        let is_whole = self.profile != Profile::Alibaba;
        let mut message = LayoutMessage { canvas: self.canvas, ..LayoutMessage::default() };
        if self.layout.is_some() && (layout || is_whole) {
            message = self.layout_at(frame.dts);
        }
        message.sent_at = Some(now);
        let extra = self.pass.as_ref().filter(|_| pass || is_whole);
        message.extras = extra.map(|(_, extra)| extra.clone()).into_iter().collect();
        self.text = self.profile.write(&message).map_err(Refusal::Payload)?;
        Ok(true)
    }

    /// Who is there, alone, and how loud.
    fn layout_at(&self, dts: u32) -> LayoutMessage {
        let user = self.user.as_ref().or(self.publisher.as_ref());
        let mut stream = Stream::new(user.cloned().unwrap_or_default());
        stream.sound = self.meter.as_ref().map_or_else(Sound::default, |meter| meter.sound(dts));
        LayoutMessage { canvas: self.canvas, streams: vec![stream], ..LayoutMessage::default() }
    }

    fn payload(&self) -> Result<Payload<'_>, SeiError> {
        match self.payload_type {
            DEFAULT_PAYLOAD_TYPE => Payload::unregistered(Uuid::LIVEGATE, self.text.as_bytes()),
            payload_type => Payload::typed(payload_type, self.text.as_bytes()),
        }
    }

    /// The frame carries the message, or nothing can.
    fn done(&mut self) {
        if self.given == Given::Custom {
            self.owes_custom = false;
            return;
        }
        let is_whole = self.profile != Profile::Alibaba;
        let pass = self.pass.as_mut().map(|(part, _)| part);
        for part in self.layout.as_mut().into_iter().chain(pass) {
            if part.is_due || is_whole {
                part.schedule.written();
            }
        }
    }
}

impl Part {
    /// What becomes of a part when the task is another one. What was changed, or is new, is due.
    fn next(before: Option<Self>, rhythm: Rhythm, is_changed: bool) -> Self {
        let is_new = before.is_none();
        let mut own =
            before.unwrap_or_else(|| Self { schedule: Schedule::new(rhythm), is_due: false });
        own.schedule.set_rhythm(rhythm);
        if is_changed || is_new {
            own.schedule.change();
        }
        own
    }

    /// Asks for a frame whether it is due.
    fn ask(&mut self, dts: u32, key: bool) -> bool {
        self.is_due = self.schedule.frame(dts, key) == Due::Now;
        self.is_due
    }
}

/// When a part is written. Without an interval, `follow_idr` is key frames alone.
fn rhythm(timing: Timing) -> Rhythm {
    match timing {
        Timing { interval: None, follow_idr: true } => Rhythm::KeyFrames,
        Timing { interval, follow_idr } => Rhythm::Timer {
            interval: interval.map_or(DEFAULT_INTERVAL, nearest),
            key_frames: follow_idr,
        },
    }
}

/// The interval nearest to a span.
fn nearest(span: Millis) -> Interval {
    let (least, most) = (Interval::MIN.as_millis(), Interval::MAX.as_millis());
    let millis = u32::try_from(span.0).unwrap_or(most).clamp(least, most);
    Interval::from_millis(millis).unwrap_or(DEFAULT_INTERVAL)
}

/// The messages of one frame.
#[derive(Debug)]
pub struct At<'a> {
    writer: &'a mut Writer,
    now: UnixMillis,
}

impl Messages for At<'_> {
    fn message(&mut self, frame: &Frame) -> Option<Payload<'_>> {
        let refusal = match self.writer.make(frame, self.now) {
            Ok(false) => return None,
            Ok(true) => self.writer.payload().err().map(Refusal::Message),
            Err(refusal) => Some(refusal),
        };
        if refusal.is_some() {
            self.writer.refused = refusal;
            self.writer.done();
            return None;
        }
        self.writer.payload().ok()
    }

    fn written(&mut self, _: &Frame) {
        self.writer.done();
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(error) => error.fmt(f),
            Self::Message(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Refusal {}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Payload(error) => error.code(),
            Self::Message(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Payload(error) => error.fault(),
            Self::Message(error) => error.fault(),
        }
    }
}
