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
use crate::sei::payload::{Form, MAX_READ, read};
use crate::sei::uuid::Uuid;

/// The most messages of one push that are told. A segment of ten seconds with one on every of sixty
/// frames a second has 600.
const MAX_TOLD: usize = 4096;

/// The most bytes of their texts, all together.
const MAX_TEXT: usize = 1024 * 1024;

/// The payload types that clouds let their users choose. From [`STANDARD`] on, some have a meaning in
/// the standards: those of them that are no text are not for pages.
const CHOSEN: core::ops::RangeInclusive<u32> = 100..=254;
const STANDARD: u32 = 128;

/// A message of the last push, or a warning without one.
#[derive(Clone, Debug)]
struct Told {
    time: i64,
    payload_type: Option<u32>,
    uuid: Option<Uuid>,
    form: Option<Form>,
    text: Option<String>,
    layout: u32,
    warnings: Vec<Code>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) history: History,
    told: Vec<Told>,
    text_bytes: usize,
    /// A message as it is meant, where it has to be copied for that.
    plain: Vec<u8>,
}

impl Book {
    pub(super) const fn new(max_age: i64) -> Self {
        Self { history: History::new(max_age), told: Vec::new(), text_bytes: 0, plain: Vec::new() }
    }

    /// A push begins: the messages of the last one are forgotten.
    pub(super) fn begin(&mut self) {
        self.told.clear();
        self.text_bytes = 0;
    }

    /// How many messages and warnings the push had so far.
    pub(super) const fn count(&self) -> usize {
        self.told.len()
    }

    /// Takes a SEI NAL unit of a frame that is shown at `time`.
    pub(super) fn nal(&mut self, codec: Codec, nal: &[u8], time: i64) {
        for message in messages(codec, nal) {
            let kind = message.payload_type;
            if kind == USER_DATA_UNREGISTERED || CHOSEN.contains(&kind) {
                self.message(&message, time);
            }
        }
    }

    fn message(&mut self, message: &Message<'_>, time: i64) {
        let content = message.content();
        let mut plain = core::mem::take(&mut self.plain);
        let bytes = match content.as_plain() {
            Some(bytes) => bytes,
            None => {
                plain.clear();
                content.extend_into(&mut plain);
                &plain
            }
        };
        self.content(message, bytes, time);
        self.plain = plain;
    }

    fn content(&mut self, message: &Message<'_>, bytes: &[u8], time: i64) {
        // Nothing but JSON has to be read as such: x264 signs its streams in plain text.
        let is_json = bytes.contains(&b'{');
        let text = bytes.get(..MAX_READ.min(bytes.len())).unwrap_or_default();
        let text = core::str::from_utf8(text).ok().map(|text| text.trim_end_matches('\0'));
        let is_text = |text: &str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
        if message.payload_type >= STANDARD && !is_json && !text.is_some_and(is_text) {
            return;
        }
        if self.told.len() >= MAX_TOLD {
            self.warn(time, Warning::TooManyMessages);
            return;
        }
        let reading = if is_json { Some(read(bytes)) } else { None };
        let mut warnings = Vec::new();
        let mut warn = |code: Code| {
            if !warnings.contains(&code) {
                warnings.push(code);
            }
        };
        if message.is_truncated() {
            warn(Warning::MessageCut.code());
        }
        let mut form = None;
        let mut layout = 0;
        if let Some(reading) = reading {
            for remark in &reading.remarks {
                warn(remark.defect.code());
            }
            form = reading.form;
            if let Some(form @ (Form::Alibaba | Form::Agora)) = form {
                match Scene::new(form, reading.message) {
                    Some(_) => layout = self.history.insert(time, bytes),
                    None => warn(Code::new("payload.canvas_missing")),
                }
            }
        }
        let left = MAX_TEXT.saturating_sub(self.text_bytes);
        let text = text.filter(|text| text.len() <= left);
        self.text_bytes = self.text_bytes.saturating_add(text.map_or(0, str::len));
        self.told.push(Told {
            time,
            payload_type: Some(message.payload_type),
            uuid: message.uuid(),
            form,
            text: text.map(String::from),
            layout,
            warnings,
        });
    }

    /// Tells that something is wrong beside the messages; of one push each thing once.
    pub(super) fn warn(&mut self, time: i64, warning: Warning) {
        let code = warning.code();
        let is_told = |told: &Told| told.payload_type.is_none() && told.warnings.contains(&code);
        if self.told.len() > MAX_TOLD || self.told.iter().any(is_told) {
            return;
        }
        self.told.push(Told {
            time,
            payload_type: None,
            uuid: None,
            form: None,
            text: None,
            layout: 0,
            warnings: [code].into(),
        });
    }

    /// What the last push had, as JSON; times are the player's.
    pub(super) fn write(&self, shift: i64) -> String {
        let mut out = String::with_capacity(self.text_bytes.saturating_mul(2).saturating_add(256));
        out.push('[');
        for (index, told) in self.told.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            told.write(shift, &mut out);
        }
        out.push(']');
        out
    }
}

impl Told {
    fn write(&self, shift: i64, out: &mut String) {
        let mut object = Object::open(out);
        json::push_seconds(object.member("time"), self.time.saturating_sub(shift));
        match self.payload_type {
            Some(payload_type) => {
                json::push_number(object.member("payloadType"), payload_type.into());
            }
            None => object.member("payloadType").push_str("null"),
        }
        match self.uuid {
            Some(uuid) => json::push_uuid(object.member("uuid"), uuid),
            None => object.member("uuid").push_str("null"),
        }
        object.text("form", match self.form {
            Some(Form::Alibaba) => "alibaba",
            Some(Form::Agora) => "agora",
            Some(Form::Other) => "custom",
            None => "other",
        });
        match &self.text {
            Some(text) => object.text("text", text),
            None => object.member("text").push_str("null"),
        }
        json::push_number(object.member("layout"), self.layout.into());
        let list = object.member("warnings");
        list.push('[');
        for (index, code) in self.warnings.iter().enumerate() {
            if index > 0 {
                list.push(',');
            }
            push_string(list, code.as_str());
        }
        list.push(']');
        object.close();
    }
}
