//! What was read: the messages of the last push, and the layouts among them by time.

use alloc::string::String;
use alloc::vec::Vec;

use super::history::History;
use super::json::{self, Object};
use super::scene::Scene;
use super::warning::Warning;
use crate::dialect::json::push_string;
use crate::error::Code;
use crate::sei::codec::Codec;
use crate::sei::message::{Message, USER_DATA_UNREGISTERED, messages};
use crate::sei::payload::{Defect, Form, MAX_READ, Reading, read};
use crate::sei::uuid::Uuid;

/// The most messages of one push that are told. A segment of ten seconds with one on every of sixty
/// frames a second has 600.
const MAX_TOLD: usize = 4096;

/// The most messages of one frame that are read; what follows is passed over.
const MAX_IN_FRAME: usize = 64;

/// The most bytes of them, all together.
const MAX_CONTENTS: usize = 1024 * 1024;

/// How far a player's time for a message may be from ours, in microseconds.
const REACH: i64 = 5_000_000;

/// Decoding times that go back by less are a sender's carelessness, in microseconds.
const JUMP: i64 = 100_000;

/// The payload types that clouds let their users choose. From [`STANDARD`] on, some have a meaning in
/// the standards: those of them that are no text are not for pages.
const CHOSEN: core::ops::RangeInclusive<u32> = 100..=254;
const STANDARD: u32 = 128;

/// A message of the last push, or a warning without one.
#[derive(Clone, Copy, Debug)]
struct Told {
    time: i64,
    kind: Kind,
    /// Where its content is among the contents.
    from: usize,
    to: usize,
    warning: Option<Warning>,
    /// Its number, if it may be a layout.
    layout: u32,
}

/// What a push had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many messages, at most 4,096.
    pub messages: usize,
    /// Whether something was wrong beside them.
    pub is_warned: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Message { payload_type: u32, uuid: Option<Uuid> },
    Warning,
}

/// See the module. What a message says is read when somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Book {
    history: History,
    told: Vec<Told>,
    /// The contents of what is told, one behind the other.
    contents: Vec<u8>,
    /// The warnings among them: each thing is told once.
    warned: Vec<Code>,
    /// How many messages the frame under way had.
    in_frame: usize,
    /// The decoding time of a stream's last frame, and the latest time at which one is shown.
    last: Option<(i64, i64)>,
    /// The layout that was asked for last.
    cached: Option<(u32, Scene)>,
}

impl Book {
    pub(super) const fn new(max_age: i64) -> Self {
        Self {
            history: History::new(max_age),
            told: Vec::new(),
            contents: Vec::new(),
            warned: Vec::new(),
            in_frame: 0,
            last: None,
            cached: None,
        }
    }

    /// A push begins: the messages of the last one are forgotten.
    pub(super) fn begin(&mut self) {
        self.told.clear();
        self.contents.clear();
        self.warned.clear();
    }

    /// Other bytes come next.
    pub(super) fn part(&mut self) {
        self.begin();
        self.last = None;
        self.history.land();
    }

    /// Another stream begins: the layouts are forgotten, too.
    pub(super) fn clear(&mut self) {
        self.part();
        self.history.clear();
        self.cached = None;
    }

    /// What the push had so far.
    pub(super) const fn found(&self) -> Found {
        // Each warning is one of those that are told.
        let messages = self.told.len().saturating_sub(self.warned.len());
        Found { messages, is_warned: !self.warned.is_empty() }
    }

    /// A frame begins.
    pub(super) const fn frame(&mut self) {
        self.in_frame = 0;
    }

    /// The frame that begins is a stream's, whose frames come in the order of decoding.
    #[inline(never)]
    pub(super) fn follows(&mut self, decoded: i64, shown: i64) {
        let mut latest = shown;
        if let Some((last, before)) = self.last {
            if last.saturating_sub(decoded) > JUMP {
                self.history.jump(decoded, before);
            } else {
                latest = shown.max(before);
            }
        }
        self.last = Some((decoded, latest));
    }

    /// Takes a SEI NAL unit of a frame that is shown at `time`.
    pub(super) fn nal(&mut self, codec: Codec, nal: &[u8], time: i64) {
        for message in messages(codec, nal) {
            let kind = message.payload_type;
            if kind == USER_DATA_UNREGISTERED || CHOSEN.contains(&kind) {
                if self.in_frame >= MAX_IN_FRAME {
                    return self.warn(time, Warning::TooManyMessages);
                }
                self.in_frame = self.in_frame.saturating_add(1);
                self.message(&message, time);
            }
        }
    }

    fn message(&mut self, message: &Message<'_>, time: i64) {
        let from = self.contents.len();
        message.content().extend_into(&mut self.contents);
        let content = self.contents.get(from..).unwrap_or_default();
        let is_json = content.contains(&b'{');
        if message.payload_type >= STANDARD && !is_text(content) {
            self.contents.truncate(from);
            return;
        }
        let layout = if is_json && content.len() <= MAX_READ {
            self.history.insert(time, content)
        } else {
            0
        };
        if self.told.len() >= MAX_TOLD || self.contents.len() > MAX_CONTENTS {
            self.contents.truncate(from);
            self.warn(time, Warning::TooManyMessages);
            return;
        }
        self.told.push(Told {
            time,
            kind: Kind::Message { payload_type: message.payload_type, uuid: message.uuid() },
            from,
            to: self.contents.len(),
            warning: message.is_truncated().then_some(Warning::MessageCut),
            layout,
        });
    }

    /// Tells that something is wrong beside the messages; of one push each thing once.
    pub(super) fn warn(&mut self, time: i64, warning: Warning) {
        let code = warning.code();
        if self.warned.contains(&code) {
            return;
        }
        self.warned.push(code);
        let warning = Some(warning);
        self.told.push(Told { time, kind: Kind::Warning, from: 0, to: 0, warning, layout: 0 });
    }

    /// The number of the layout that counts at a time.
    pub(super) fn at(&mut self, time: i64) -> Option<u32> {
        let cached = &mut self.cached;
        self.history.at(time, &mut |id, message| {
            let found = scene(read(message));
            let is_layout = found.is_ok();
            *cached = found.ok().map(|scene| (id, scene)).or_else(|| cached.take());
            is_layout
        })
    }

    /// A layout and its time, if it is still there.
    pub(super) fn layout(&mut self, id: u32) -> Option<(i64, &Scene)> {
        let (time, message) = self.history.get(id)?;
        if self.cached.as_ref().is_none_or(|(cached, _)| *cached != id) {
            self.cached = Some((id, scene(read(message)).ok()?));
        }
        self.cached.as_ref().map(|(_, scene)| (time, scene))
    }

    /// When a message of this content is, near a time and if there is one alone.
    pub(super) fn time_of(&mut self, content: &[u8], time: i64) -> Option<i64> {
        self.history.time_of(content, time, REACH)
    }

    /// What the last push had, as JSON; times are the player's.
    pub(super) fn write(&mut self, shift: i64, out: &mut String) {
        out.reserve(self.contents.len().saturating_mul(2).saturating_add(256));
        out.push('[');
        for (index, told) in self.told.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let content = self.contents.get(told.from..told.to).unwrap_or_default();
            told.write(content, shift, &mut self.history, out);
        }
        out.push(']');
    }
}

/// Whether it is text that a page can show.
fn is_text(content: &[u8]) -> bool {
    text_of(content).is_some_and(|text| {
        !text.contains(|letter: char| letter.is_control() && !letter.is_whitespace())
    })
}

/// Text, without the NUL that C ends its texts with.
fn text_of(content: &[u8]) -> Option<&str> {
    let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1));
    core::str::from_utf8(content.get(..end)?).ok()
}

/// The layout that a message says; or, if it does not, whether a canvas is all that is missing.
fn scene(reading: Reading) -> Result<Scene, bool> {
    match reading.form {
        Some(form @ (Form::Alibaba | Form::Agora)) => Scene::new(form, reading.message).ok_or(true),
        _ => Err(false),
    }
}

impl Told {
    fn write(&self, content: &[u8], shift: i64, history: &mut History, out: &mut String) {
        let mut codes: Vec<Code> = self.warning.map(Warning::code).into_iter().collect();
        let (mut form, mut layout) = ("other", self.layout);
        if layout != 0 {
            let reading = read(content);
            for remark in &reading.remarks {
                let code = remark.defect.code();
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
            form = match reading.form {
                Some(Form::Alibaba) => "alibaba",
                Some(Form::Agora) => "agora",
                Some(Form::Other) => "custom",
                None => "other",
            };
            if let Err(has_no_canvas) = scene(reading) {
                if has_no_canvas {
                    codes.push(Code::new("payload.canvas_missing"));
                }
                history.remove(self.time, layout);
                layout = 0;
            }
        }
        if content.len() > MAX_READ {
            codes.push(Defect::TooLarge.code());
        }
        let mut object = Object::open(out);
        json::push_seconds(object.member("time"), self.time.saturating_sub(shift));
        let mut text = None;
        if let Kind::Message { payload_type, uuid } = self.kind {
            json::push_number(object.member("payloadType"), payload_type.into());
            match uuid {
                Some(uuid) => json::push_uuid(object.member("uuid"), uuid),
                None => object.member("uuid").push_str("null"),
            }
            text = text_of(content);
        } else {
            object.member("payloadType").push_str("null,\"uuid\":null");
        }
        object.text("form", form);
        match text {
            Some(text) => object.text("text", text),
            None => object.member("text").push_str("null"),
        }
        json::push_number(object.member("layout"), layout.into());
        let list = object.member("warnings");
        list.push('[');
        for (index, code) in codes.iter().enumerate() {
            if index > 0 {
                list.push(',');
            }
            push_string(list, code.as_str());
        }
        list.push(']');
        object.close();
    }
}
