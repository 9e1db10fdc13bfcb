//! Reading payloads as they really come.
//!
//! Senders differ in the case of names, write numbers as strings and strings as numbers, print
//! `nan` where a canvas had no size, and leave members out. What can be read is read, and every
//! liberty taken is remarked. Limits: [`MAX_READ`] bytes, [`MAX_STREAMS`] streams, [`MAX_EXTRAS`]
//! other members, 64 levels of JSON; what nests deeper is passed over.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::decimal::{billionths, whole};
use super::error::{Defect, Remark};
use super::message::{Content, Extra, LayoutMessage, Sound, Stream};
use super::{MAX_STREAMS, agora, alibaba};
use crate::dialect::json::{Malformed, Scanner, Syntax, Token, Value, value_of};
use crate::layout::{Area, Canvas, MAX_NAME_CHARS, Rgb, Share};
use crate::time::UnixMillis;

/// The most bytes that are read. Messages have 4,096; senders that ignore that still are few KB
/// above it.
pub const MAX_READ: usize = 64 * 1024;

/// The most members besides the format's own that are kept.
pub const MAX_EXTRAS: usize = 16;

/// How many of Agora's own members stand among the others until it is known that they are its:
/// `ver`, `ts` and `app_data`.
const OF_AGORA: usize = 3;

/// The most remarks: a payload of nothing but defects need not be told to its end.
const MAX_REMARKS: usize = 64;

/// The largest coordinate that is kept, in pixels.
const MAX_PIXELS: u32 = 65_535;

/// Billionths in one.
const UNIT: i64 = 1_000_000_000;

/// How many opening braces are tried, where something stands before the JSON.
const STARTS: usize = 4;

/// Which format a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Alibaba's: it has `stream`.
    Alibaba,
    /// Agora's: it has `regions` or `canvas`.
    Agora,
    /// JSON of another kind.
    Other,
}

impl Form {
    /// Its name in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alibaba => "alibaba",
            Self::Agora => "agora",
            Self::Other => "other",
        }
    }
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Its format; none where there is no JSON object.
    pub form: Option<Form>,
    /// What it says.
    pub message: LayoutMessage,
    /// What was wrong with it.
    pub remarks: Vec<Remark>,
}

/// Reads a payload: what a message holds behind its UUID. Bytes before the JSON object and behind
/// it, such as a UUID, a NUL or a stop bit, are passed over.
pub fn read(payload: &[u8]) -> Reading {
    let mut reader = Reader::default();
    if payload.len() > MAX_READ {
        reader.remark("", Defect::TooLarge);
        return reader.finish();
    }
    let text = String::from_utf8_lossy(payload);
    // By bytes: a search for characters is a KB of a page's module.
    let end = text.bytes().rposition(|byte| byte == b'}').map_or(0, |at| at.saturating_add(1));
    let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'{').map(|(at, _)| at);
    let starts = starts.take(STARTS);
    for start in starts {
        let Some(object) = text.get(start..end) else { continue };
        if reader.object(object) {
            return reader.finish();
        }
        if let Some(numbers) = without_nan(object) {
            reader = Reader::default();
            if reader.object(&numbers) {
                reader.remark("", Defect::NotANumber);
                return reader.finish();
            }
        }
        reader = Reader::default();
    }
    reader.remark("", Defect::NotJson);
    reader.finish()
}

/// A text with `null` for every `nan` and `inf` outside of its strings, as C and JavaScript print
/// them; `None` if there are none.
fn without_nan(text: &str) -> Option<String> {
    const NAMES: [&str; 3] = ["infinity", "inf", "nan"];
    let mut out = String::new();
    let (mut rest, mut in_string) = (text, false);
    let mut found = false;
    while let Some(first) = rest.chars().next() {
        let unsigned = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let is_name = |name: &&&str| {
            unsigned.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        let mut taken = first.len_utf8();
        if in_string && first == '\\' {
            taken += rest.chars().nth(1).map_or(0, char::len_utf8);
        } else if first == '"' {
            in_string = !in_string;
        } else if !in_string && let Some(name) = NAMES.iter().find(is_name) {
            let signs = rest.len().saturating_sub(unsigned.len());
            rest = rest.get(signs.saturating_add(name.len())..).unwrap_or("");
            out.push_str("null");
            found = true;
            continue;
        }
        let (head, tail) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        out.push_str(head);
        rest = tail;
    }
    found.then_some(out)
}

/// A number: its name, the least and the most, and what it is counted in.
struct Number(&'static str, i64, i64, Unit);

/// A stream's numbers, Alibaba's and Agora's; [`at`] has their places.
static NUMBERS: [Number; 12] = [
    Number("paneid", -1, alibaba::PANES as i64 - 1, Unit::One),
    Number("zorder", 0, u8::MAX as i64, Unit::One),
    Number("x", 0, 1, Unit::Place),
    Number("y", 0, 1, Unit::Place),
    Number("w", 0, 1, Unit::Place),
    Number("h", 0, 1, Unit::Place),
    Number("vol", 0, u8::MAX as i64, Unit::One),
    Number("vad", 0, alibaba::MAX_VOICE as i64, Unit::One),
    Number("type", 0, u32::MAX as i64, Unit::One),
    Number("ms", 0, u32::MAX as i64, Unit::One),
    Number("alpha", 0, 1, Unit::Share),
    Number("volume", 0, u8::MAX as i64, Unit::One),
];

/// Where the numbers are in [`NUMBERS`].
mod at {
    pub(super) const PANE: usize = 0;
    pub(super) const Z: usize = 1;
    pub(super) const PLACE: [usize; 4] = [2, 3, 4, 5];
    pub(super) const VOL: usize = 6;
    pub(super) const VAD: usize = 7;
    pub(super) const TYPE: usize = 8;
    pub(super) const MS: usize = 9;
    pub(super) const ALPHA: usize = 10;
    pub(super) const VOLUME: usize = 11;
}

/// A time in milliseconds, and a side of the canvas.
static TIME: Number = Number("ts", 0, i64::MAX, Unit::One);
static WIDTH: Number = Number("w", 0, MAX_PIXELS as i64, Unit::One);
static HEIGHT: Number = Number("h", 0, MAX_PIXELS as i64, Unit::One);

/// What a number is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    One,
    Share,
    /// Parts of the canvas in Alibaba's form, pixels in Agora's.
    Place,
}

#[derive(Default)]
struct Reader {
    form: Option<Form>,
    message: LayoutMessage,
    remarks: Vec<Remark>,
    /// The stream that is being read.
    at: Option<u16>,
}

impl Reader {
    fn finish(self) -> Reading {
        Reading { form: self.form, message: self.message, remarks: self.remarks }
    }

    fn remark(&mut self, member: &'static str, defect: Defect) {
        if self.remarks.len() < MAX_REMARKS {
            self.remarks.push(Remark { stream: self.at, member, defect });
        }
    }

    /// Reads the whole; whether it was an object.
    fn object(&mut self, text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        let mut many = false;
        let read = self.members(text, &mut scanner, &mut many);
        if read != Ok(true) {
            return false;
        }
        let form = *self.form.get_or_insert(Form::Other);
        if form == Form::Agora {
            self.settle_agora();
        }
        if many || self.message.extras.len() > MAX_EXTRAS {
            self.message.extras.truncate(MAX_EXTRAS);
            self.remark("", Defect::TooMany);
        }
        true
    }

    /// Reads the members of the whole, in one pass.
    fn members<'a>(
        &mut self,
        text: &'a str,
        scanner: &mut Scanner<'a>,
        many: &mut bool,
    ) -> Result<bool, Malformed> {
        if scanner.next()? != Some(Token::ObjectStart) {
            return Ok(false);
        }
        while let Some(key) = scanner.member()? {
            let key = key.text();
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            let list = match self.form {
                None | Some(Form::Alibaba) if is("stream") => Some(("stream", Form::Alibaba)),
                None | Some(Form::Agora) if is("regions") => Some(("regions", Form::Agora)),
                _ => None,
            };
            let is_canvas = self.form != Some(Form::Alibaba) && is("canvas");
            let token = scanner.member_value()?;
            if let Some((member, form)) = list {
                self.form = Some(form);
                if token == Token::ArrayStart {
                    self.streams(member, form, text, scanner)?;
                    continue;
                }
                self.remark(member, Defect::WrongType);
            } else if is_canvas {
                self.form = Some(Form::Agora);
                if token == Token::ObjectStart {
                    self.canvas(text, scanner)?;
                    continue;
                }
                self.remark("canvas", Defect::WrongType);
            }
            let value = self.value(text, scanner, Some(token))?;
            let Some(value) = value.filter(|_| list.is_none() && !is_canvas) else { continue };
            if self.message.extras.len() < MAX_EXTRAS + OF_AGORA {
                self.extra(&key, value);
            } else {
                *many = true;
            }
        }
        // Nothing may follow.
        scanner.next()?;
        Ok(true)
    }

    /// The value that begins with a token; none if it nests too deep.
    fn value<'a>(
        &mut self,
        text: &'a str,
        scanner: &mut Scanner<'a>,
        token: Option<Token<'a>>,
    ) -> Result<Option<Value<'a>>, Malformed> {
        let outside = scanner.depth().saturating_sub(1);
        match value_of(text, scanner, token) {
            Err(Malformed { syntax: Syntax::TooDeep, .. }) => {
                scanner.pass_container(outside)?;
                self.remark("", Defect::TooDeep);
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    fn extra(&mut self, key: &str, value: Value<'_>) {
        // Of two members of one name the last counts, as in most readers.
        self.message.extras.retain(|before| before.key != key);
        let json = |text: &str| Content::Json(String::from(text));
        let content = match value {
            Value::Text(text) => Content::Text(text.text().into_owned()),
            Value::Number(text) | Value::Object(text) | Value::Array(text) => json(text),
            Value::Bool(true) => json("true"),
            Value::Bool(false) => json("false"),
            Value::Null => json("null"),
        };
        self.message.extras.push(Extra { key: String::from(key), content });
    }

    /// Takes the rest of Agora's own members from among those that were kept: only behind the last
    /// one is it known whose they are.
    fn settle_agora(&mut self) {
        for Extra { key, content } in core::mem::take(&mut self.message.extras) {
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if is("ts") {
                let (Content::Text(text) | Content::Json(text)) = &content;
                let value = if text == "null" { Value::Null } else { Value::Number(text) };
                let time = self.number(&TIME, Form::Agora, value);
                self.message.sent_at =
                    time.and_then(|time| u64::try_from(time).ok()).map(UnixMillis);
            } else if is("ver") || (is(agora::APP_DATA) && content == Content::Text(String::new()))
            {
                // It says nothing.
            } else {
                self.message.extras.push(Extra { key, content });
            }
        }
    }

    fn canvas<'a>(&mut self, text: &'a str, scanner: &mut Scanner<'a>) -> Result<(), Malformed> {
        let (mut width, mut height, mut background) = (None, None, Rgb::BLACK);
        while let Some(key) = scanner.member()? {
            let key = key.text();
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            let token = scanner.member_value()?;
            let value = self.value(text, scanner, Some(token))?.unwrap_or(Value::Null);
            if is("w") {
                width = self.number(&WIDTH, Form::Agora, value);
            } else if is("h") {
                height = self.number(&HEIGHT, Form::Agora, value);
            } else if is("bgnd") {
                match value.text().and_then(|text| Rgb::parse(&text)) {
                    Some(colour) => background = colour,
                    None => self.remark("bgnd", Defect::WrongType),
                }
            }
        }
        let side = |side: Option<i64>| u32::try_from(side?).ok();
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            self.remark("canvas", Defect::Missing);
            return Ok(());
        };
        // Pictures are even; an odd side says that somebody rounded.
        let canvas = Canvas::new(width & !1, height & !1);
        if canvas.is_err() || (width | height) & 1 == 1 {
            self.remark("canvas", Defect::OutOfRange);
        }
        self.message.canvas = canvas.ok().map(|canvas| canvas.with_background(background));
        Ok(())
    }

    fn streams<'a>(
        &mut self,
        member: &'static str,
        form: Form,
        text: &'a str,
        scanner: &mut Scanner<'a>,
    ) -> Result<(), Malformed> {
        self.message.streams.clear();
        let (mut index, mut many) = (0_u16, false);
        loop {
            let token = scanner.next()?;
            if token == Some(Token::ArrayEnd) {
                break;
            }
            self.at = Some(index);
            index = index.saturating_add(1);
            if self.message.streams.len() >= MAX_STREAMS {
                many = true;
                self.value(text, scanner, token)?;
            } else if token == Some(Token::ObjectStart) {
                self.stream(form, text, scanner)?;
            } else {
                self.value(text, scanner, token)?;
                self.remark("", Defect::WrongType);
            }
        }
        self.at = None;
        if many {
            self.remark(member, Defect::TooMany);
        }
        Ok(())
    }

    fn stream<'a>(
        &mut self,
        form: Form,
        text: &'a str,
        scanner: &mut Scanner<'a>,
    ) -> Result<(), Malformed> {
        let (mut user, mut name) = (None, None);
        let mut numbers: [Option<i64>; NUMBERS.len()] = [None; NUMBERS.len()];
        while let Some(key) = scanner.member()? {
            let key = key.text();
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            let token = scanner.member_value()?;
            let value = self.value(text, scanner, Some(token))?.unwrap_or(Value::Null);
            if is("uid") {
                user = self.name("uid", value);
            } else if is("suid") {
                name = self.name("suid", value);
            } else {
                let mut own = NUMBERS.iter().zip(&mut numbers);
                if let Some((number, slot)) = own.find(|(Number(name, ..), _)| is(name)) {
                    *slot = self.number(number, form, value);
                }
            }
        }
        let number = |at: usize| numbers.get(at).copied().flatten();
        let small = |at: usize| number(at).and_then(|number| u8::try_from(number).ok());
        let large = |at: usize| number(at).and_then(|number| u32::try_from(number).ok());
        let number_of_name = name.as_ref().and(user.as_ref()).and_then(|user| user.parse().ok());
        let Some(user) = name.or(user) else {
            self.remark("uid", Defect::Missing);
            return Ok(());
        };
        let mut own = Stream::new(user);
        own.number = number_of_name;
        own.pane = small(at::PANE);
        own.area = self.area(form, at::PLACE.map(large), number(at::PANE) == Some(-1));
        own.z = small(at::Z).unwrap_or(0);
        own.alpha = large(at::ALPHA).and_then(Share::from_billionths).unwrap_or(Share::WHOLE);
        let volume = small(at::VOL).or_else(|| small(at::VOLUME)).unwrap_or(0);
        own.sound = Sound { volume, voice: small(at::VAD).unwrap_or(0) };
        (own.kind, own.ms) = (large(at::TYPE).unwrap_or(0), large(at::MS).unwrap_or(0));
        self.message.streams.push(own);
        Ok(())
    }

    /// A place, if all its numbers are there and there is something in it.
    fn area(&mut self, form: Form, numbers: [Option<u32>; 4], placeless: bool) -> Option<Area> {
        let [Some(x), Some(y), Some(w), Some(h)] = numbers else {
            self.remark("x", Defect::Missing);
            return None;
        };
        if w == 0 || h == 0 {
            if !placeless {
                self.remark("w", Defect::OutOfRange);
            }
            return None;
        }
        if form == Form::Agora {
            return Some(Area::Pixels([x, y, w, h]));
        }
        let share = Share::from_billionths;
        Some(Area::Shares([share(x)?, share(y)?, share(w)?, share(h)?]))
    }

    /// A name, which may be a number. One of nothing is none, nor is one that is too long: cut, it
    /// could be another's.
    fn name(&mut self, member: &'static str, value: Value<'_>) -> Option<String> {
        let name = match value {
            Value::Text(text) => text.text().into_owned(),
            Value::Number(text) => text.to_string(),
            Value::Null => return None,
            _ => {
                self.remark(member, Defect::WrongType);
                return None;
            }
        };
        if name.chars().count() > MAX_NAME_CHARS {
            self.remark(member, Defect::TooLarge);
            return None;
        }
        Some(name).filter(|name| !name.is_empty())
    }

    /// A number, which may be a string, within its range.
    fn number(&mut self, number: &Number, form: Form, value: Value<'_>) -> Option<i64> {
        let Number(member, min, max, unit) = number;
        let read = match value {
            Value::Number(text) => billionths(text),
            Value::Text(text) => billionths(&text.text()),
            Value::Null => return None,
            _ => None,
        };
        let Some(read) = read else {
            self.remark(member, Defect::WrongType);
            return None;
        };
        let (read, min, max) = match unit {
            Unit::Place if form == Form::Agora => (whole(read), 0, i64::from(MAX_PIXELS)),
            Unit::Place | Unit::Share => (read, min * UNIT, max * UNIT),
            Unit::One => (whole(read), *min, *max),
        };
        let within = read.clamp(min.into(), max.into());
        if within != read {
            self.remark(member, Defect::OutOfRange);
        }
        i64::try_from(within).ok()
    }
}
