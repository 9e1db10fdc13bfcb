//! Reading payloads as they really come.
//!
//! Senders differ in the case of names, write numbers as strings and strings as numbers, print
//! `nan` where a canvas had no size, and leave members out. What can be read is read, and every
//! liberty taken is remarked. Limits: [`MAX_READ`] bytes, [`MAX_STREAMS`] streams, [`MAX_EXTRAS`]
//! other members, 64 levels of JSON.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::decimal::{UNIT, billionths, whole};
use super::error::{Defect, Remark};
use super::message::{Content, Extra, LayoutMessage, Sound, Stream};
use super::{MAX_STREAMS, agora, alibaba};
use crate::dialect::json::{Value, each_item, each_member};
use crate::layout::{Area, Canvas, Rgb, Share};
use crate::time::UnixMillis;

/// The most bytes that are read. Messages have 4,096; senders that ignore that still are few KB
/// above it.
pub const MAX_READ: usize = 64 * 1024;

/// The most members besides the format's own that are kept.
pub const MAX_EXTRAS: usize = 16;

/// The most remarks: a payload of nothing but defects need not be told to its end.
const MAX_REMARKS: usize = 64;

/// The largest coordinate that is kept, in pixels.
const MAX_PIXELS: u32 = 65_535;

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
    let end = text.rfind('}').map_or(0, |at| at.saturating_add(1));
    let starts = text.match_indices('{').map(|(at, _)| at).take(STARTS);
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

/// A number's range.
struct Range {
    min: i128,
    max: i128,
}

/// Numbers by their names, and their ranges: a stream's of Alibaba and of Agora, and others.
const NUMBERS: [(&str, Range, Unit); 14] = [
    ("paneid", Range { min: -1, max: alibaba::PANES as i128 - 1 }, Unit::One),
    ("zorder", Range { min: 0, max: u8::MAX as i128 }, Unit::One),
    ("x", Range { min: 0, max: 1 }, Unit::Place),
    ("y", Range { min: 0, max: 1 }, Unit::Place),
    ("w", Range { min: 0, max: 1 }, Unit::Place),
    ("h", Range { min: 0, max: 1 }, Unit::Place),
    ("type", Range { min: 0, max: u32::MAX as i128 }, Unit::One),
    ("ms", Range { min: 0, max: u32::MAX as i128 }, Unit::One),
    ("vol", Range { min: 0, max: u8::MAX as i128 }, Unit::One),
    ("vad", Range { min: 0, max: alibaba::MAX_VOICE as i128 }, Unit::One),
    ("alpha", Range { min: 0, max: 1 }, Unit::Share),
    ("volume", Range { min: 0, max: u8::MAX as i128 }, Unit::One),
    ("ts", Range { min: 0, max: u64::MAX as i128 }, Unit::One),
    ("side", Range { min: 0, max: MAX_PIXELS as i128 }, Unit::One),
];

/// How many of them are a stream's.
const OF_STREAM: usize = 12;

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
        let mut members: Vec<(Cow<'_, str>, Value<'_>)> = Vec::new();
        let mut many = false;
        let read = each_member(text, &mut |key, value| {
            if members.len() < MAX_EXTRAS + 8 {
                members.push((key.text(), value));
            } else {
                many = true;
            }
        });
        if read.is_err() {
            return false;
        }
        let has = |name: &str| members.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        let form = if has("stream") {
            Form::Alibaba
        } else if has("regions") || has("canvas") {
            Form::Agora
        } else {
            Form::Other
        };
        self.form = Some(form);
        for (key, value) in members {
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            match form {
                Form::Alibaba if is("stream") => self.streams("stream", form, value),
                Form::Agora if is("regions") => self.streams("regions", form, value),
                Form::Agora if is("canvas") => self.canvas(value),
                Form::Agora if is("ver") => {}
                Form::Agora if is("ts") => {
                    let time = self.number("ts", "ts", Form::Agora, value);
                    let time = time.and_then(|time| u64::try_from(time).ok());
                    self.message.sent_at = time.map(UnixMillis);
                }
                _ if self.message.extras.len() >= MAX_EXTRAS => many = true,
                _ => self.extra(&key, value),
            }
        }
        if many {
            self.remark("", Defect::TooMany);
        }
        true
    }

    fn extra(&mut self, key: &str, value: Value<'_>) {
        if self.form == Some(Form::Agora)
            && key == agora::APP_DATA
            && value.text().as_deref() == Some("")
        {
            return;
        }
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

    fn canvas(&mut self, value: Value<'_>) {
        let Value::Object(text) = value else {
            self.remark("canvas", Defect::WrongType);
            return;
        };
        let (mut width, mut height, mut background) = (None, None, Rgb::BLACK);
        let _ = each_member(text, &mut |key, value| {
            let key = key.text();
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if is("w") {
                width = self.number("side", "w", Form::Agora, value);
            } else if is("h") {
                height = self.number("side", "h", Form::Agora, value);
            } else if is("bgnd") {
                match value.text().and_then(|text| Rgb::parse(&text)) {
                    Some(colour) => background = colour,
                    None => self.remark("bgnd", Defect::WrongType),
                }
            }
        });
        let side = |side: Option<i128>| u32::try_from(side?).ok();
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            self.remark("canvas", Defect::Missing);
            return;
        };
        // Pictures are even; an odd side says that somebody rounded.
        let canvas = Canvas::new(width & !1, height & !1);
        if canvas.is_err() || (width | height) & 1 == 1 {
            self.remark("canvas", Defect::OutOfRange);
        }
        self.message.canvas = canvas.ok().map(|canvas| canvas.with_background(background));
    }

    fn streams(&mut self, member: &'static str, form: Form, value: Value<'_>) {
        let Value::Array(text) = value else {
            self.remark(member, Defect::WrongType);
            return;
        };
        self.message.streams.clear();
        let mut index: u16 = 0;
        each_item(text, &mut |item| {
            self.at = Some(index);
            index = index.saturating_add(1);
            if self.message.streams.len() >= MAX_STREAMS {
                return;
            }
            match item {
                Value::Object(text) => self.stream(form, text),
                _ => self.remark("", Defect::WrongType),
            }
        });
        self.at = None;
        if usize::from(index) > MAX_STREAMS && self.message.streams.len() == MAX_STREAMS {
            self.remark(member, Defect::TooMany);
        }
    }

    fn stream(&mut self, form: Form, text: &str) {
        let (mut user, mut name) = (None, None);
        let mut numbers = [None; OF_STREAM];
        let _ = each_member(text, &mut |key, value| {
            let key = key.text();
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if is("uid") {
                user = self.name("uid", value);
            } else if is("suid") {
                name = self.name("suid", value).filter(|name| !name.is_empty());
            } else {
                let own = NUMBERS.iter().zip(&mut numbers).find(|((own, ..), _)| is(own));
                if let Some(((own, ..), slot)) = own {
                    *slot = self.number(own, own, form, value);
                }
            }
        });
        let number = |name: &str| {
            let own = NUMBERS.iter().zip(&numbers).find(|((own, ..), _)| *own == name);
            own.and_then(|(_, number)| *number)
        };
        let small = |name: &str| number(name).and_then(|number| u8::try_from(number).ok());
        let large = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
        let named = name.is_some();
        let Some(user_or_name) = name.or_else(|| user.clone()) else {
            self.remark("uid", Defect::Missing);
            return;
        };
        let mut own = Stream::new(user_or_name);
        if named {
            own.number = user.and_then(|user| user.parse().ok());
        }
        own.pane = small("paneid");
        own.area = self.area(form, ["x", "y", "w", "h"].map(large), number("paneid") == Some(-1));
        own.z = small("zorder").unwrap_or(0);
        own.alpha = large("alpha").and_then(Share::from_billionths).unwrap_or(Share::WHOLE);
        let volume = small("vol").or_else(|| small("volume")).unwrap_or(0);
        own.sound = Sound { volume, voice: small("vad").unwrap_or(0) };
        (own.kind, own.ms) = (large("type").unwrap_or(0), large("ms").unwrap_or(0));
        self.message.streams.push(own);
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

    /// A name, which may be a number.
    fn name(&mut self, member: &'static str, value: Value<'_>) -> Option<String> {
        match value {
            Value::Text(text) => Some(text.text().into_owned()),
            Value::Number(text) => Some(text.to_string()),
            Value::Null => None,
            _ => {
                self.remark(member, Defect::WrongType);
                None
            }
        }
    }

    /// A number by the name of its range, which may be a string, within it.
    fn number(
        &mut self,
        name: &str,
        member: &'static str,
        form: Form,
        value: Value<'_>,
    ) -> Option<i128> {
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
        let (_, Range { min, max }, unit) = NUMBERS.iter().find(|(own, ..)| *own == name)?;
        let (number, min, max) = match unit {
            Unit::Place if form == Form::Agora => (whole(read), 0, i128::from(MAX_PIXELS)),
            Unit::Place | Unit::Share => (read, min * UNIT, max * UNIT),
            Unit::One => (whole(read), *min, *max),
        };
        if !(min..=max).contains(&number) {
            self.remark(member, Defect::OutOfRange);
        }
        Some(number.clamp(min, max))
    }
}
