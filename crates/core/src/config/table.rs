//! Objects as tables of their fields, and the one checker that reads them.
//!
//! A table is data: a vendor's object costs a row a field here, not code. What was sent is checked
//! as a whole, and what is within the limits comes out as JSON with the table's fields alone; types
//! that mean something are then made of that, which cannot fail any more.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use serde_json::{Map, Value};

use super::violation::{Problem, Violation, Violations};
use crate::relay::address::PushUrl;
use crate::url::{HttpScheme, HttpUrl, UrlError};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// One field of an object.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    pub(crate) kind: Kind,
}

/// Whether a field has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Must,
    May,
}

/// What a field may hold.
pub(crate) enum Kind {
    /// A string of at most so many characters of a set. A needed one is not empty.
    Text { max: usize, of: Chars },
    /// An integer.
    Int { min: i64, max: i64, unit: &'static str },
    /// `true` or `false`.
    Bool,
    /// One of these strings.
    Name(&'static [&'static str]),
    /// A number from 0 to 1, such as `0.25`; kept as it is written.
    Share,
    /// An address that may be called, of at most so many characters. Unless it is needed, an empty
    /// one is none.
    Address { max: usize, http: Http },
    /// An address that may be pushed to; as above.
    Push,
    /// An object of these fields.
    Object(&'static Shape),
    /// A list of so many of these.
    List { min: usize, max: usize, of: &'static Self },
    /// An object or a list of at most so many bytes as compact JSON, kept as it was sent.
    Opaque { of: Holds, max: usize },
}

/// What an opaque field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Object,
    List,
}

/// Whether an address may be plain `http`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http {
    Allowed,
    Refused,
}

/// Which characters a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chars {
    Any,
    /// Letters, digits, `-` and `_`.
    Word,
    /// Those and `=`.
    WordOrEquals,
}

impl Chars {
    pub(crate) const fn named(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Word => "A-Z a-z 0-9 - _",
            Self::WordOrEquals => "A-Z a-z 0-9 - _ =",
        }
    }

    pub(crate) fn admit(self, text: &str) -> bool {
        self == Self::Any
            || text.bytes().all(|byte| {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'-' | b'_')
                    || (byte == b'=' && self == Self::WordOrEquals)
            })
    }
}

/// The fields of an object, in the order of the vendor's documentation.
pub(crate) struct Shape {
    pub(crate) rows: &'static [Row],
    /// What goes beyond one field: it is given the object as it was sent.
    pub(crate) also: Option<fn(&Object, &mut Walk)>,
    /// What becomes of the fields that have no row.
    pub(crate) rest: Rest,
}

/// What becomes of fields that a table does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Dropped,
    Kept,
    /// Each is a violation: a person wrote them, who may have misspelt another.
    Refused,
}

/// A field that has to be there.
pub(crate) const fn must(name: &'static str, kind: Kind) -> Row {
    Row { name, need: Need::Must, kind }
}

/// A field that may be left out.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Row {
    Row { name, need: Need::May, kind }
}

/// An object of these fields, with no rule beyond them.
pub(crate) const fn shape(rows: &'static [Row]) -> Shape {
    Shape { rows, also: None, rest: Rest::Dropped }
}

/// How an object was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As JSON: types count, and a list's items are `[0]`, `[1]`…
    Json,
    /// As an RPC call's parameters: every scalar may be a string, objects and lists may be strings
    /// that hold JSON, and a list's items are `.1`, `.2`…
    Rpc,
}

/// One check of one object: where it is, and what it found.
pub(crate) struct Walk {
    path: String,
    found: Vec<Violation>,
    form: Form,
}

impl Walk {
    pub(crate) const fn new(form: Form) -> Self {
        Self { path: String::new(), found: Vec::new(), form }
    }

    /// Reports a field of the object that is being checked, or the object itself by an empty name.
    pub(crate) fn report(&mut self, name: &str, problem: Problem) {
        let path = if name.is_empty() {
            self.path.clone()
        } else {
            let len = self.enter(name);
            let path = self.path.clone();
            self.path.truncate(len);
            path
        };
        self.found.push(Violation { path, problem });
    }

    /// Reports an item of a list, counted from 0.
    pub(crate) fn report_item(&mut self, name: &str, index: usize, problem: Problem) {
        let len = self.enter(name);
        self.enter_item(index);
        self.report("", problem);
        self.path.truncate(len);
    }

    /// Reports that a field is missing if it is, unless what was there was wrong.
    pub(crate) fn missing(&mut self, name: &str, value: Option<&Value>) {
        if value.is_none() && !self.has_found(name) {
            self.report(name, Problem::Missing);
        }
    }

    /// Whether something was found at a path or below it.
    pub(crate) fn has_found(&self, path: &str) -> bool {
        self.found.iter().any(|wrong| {
            let rest = wrong.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// What was found, where something was.
    pub(crate) fn refused(self) -> Violations {
        Violations::new(self.found)
    }

    /// What was checked, if nothing was found.
    pub(crate) fn settle<T>(self, checked: T) -> Result<T, Violations> {
        if self.found.is_empty() { Ok(checked) } else { Err(Violations::new(self.found)) }
    }

    fn enter(&mut self, name: &str) -> usize {
        let len = self.path.len();
        if len > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        len
    }

    fn enter_item(&mut self, index: usize) -> usize {
        let len = self.path.len();
        // Writing to a String does not fail.
        let _ = match self.form {
            Form::Json => write!(self.path, "[{index}]"),
            Form::Rpc => write!(self.path, ".{}", index.saturating_add(1)),
        };
        len
    }

    /// The fields of an object that are within their limits; a field that is null is not there.
    pub(crate) fn object(&mut self, shape: &Shape, mut sent: Object) -> Object {
        let mark = self.found.len();
        if let Some(also) = shape.also {
            also(&sent, self);
        }
        // What goes beyond one field is said after what is wrong with one.
        let beyond = self.found.split_off(mark);
        let mut kept = Object::new();
        for row in shape.rows {
            let value = sent.remove(row.name).unwrap_or(Value::Null);
            let len = self.enter(row.name);
            if let Some(value) = self.field(row, value) {
                kept.insert(row.name.to_string(), value);
            }
            self.path.truncate(len);
        }
        self.found.extend(beyond);
        match shape.rest {
            Rest::Kept => kept.extend(sent),
            Rest::Refused => sent.keys().for_each(|name| self.report(name, Problem::UnknownField)),
            Rest::Dropped => {}
        }
        kept
    }

    fn field(&mut self, row: &Row, value: Value) -> Option<Value> {
        let empty = match (&value, &row.kind) {
            (Value::Null, _) => true,
            // RPC clients write a container of nothing as an empty value.
            (Value::String(_), Kind::Object(_) | Kind::List { .. }) => false,
            (Value::String(text), Kind::Address { .. } | Kind::Push) => text.is_empty(),
            (Value::String(text), Kind::Text { .. }) => row.need == Need::Must && text.is_empty(),
            (Value::String(text), _) => self.form == Form::Rpc && text.is_empty(),
            _ => false,
        };
        if !empty {
            return self.value(&row.kind, value);
        }
        if row.need == Need::Must {
            self.found.push(Violation { path: self.path.clone(), problem: Problem::Missing });
        }
        None
    }

    fn value(&mut self, kind: &Kind, value: Value) -> Option<Value> {
        let checked = match kind {
            Kind::Object(shape) => match self.unpacked(kind, value) {
                Value::Object(sent) => return Some(self.object(shape, sent).into()),
                _ => Err(Problem::WrongType { expected: "an object" }),
            },
            Kind::List { min, max, of } => match self.unpacked(kind, value) {
                Value::Array(sent) => return Some(self.list((*min, *max), of, sent)),
                _ => Err(Problem::WrongType { expected: "a list" }),
            },
            Kind::Int { min, max, unit } => {
                integer(&value, self.form).and_then(|number| match number {
                    number if (*min..=*max).contains(&number) => Ok(number.into()),
                    _ => Err(Problem::OutOfRange { min: *min, max: *max, unit }),
                })
            }
            Kind::Bool => match (&value, self.form) {
                (Value::Bool(_), _) => Ok(value),
                (Value::String(text), Form::Rpc) if text == "true" || text == "false" => {
                    Ok((text == "true").into())
                }
                _ => Err(Problem::WrongType { expected: "true or false" }),
            },
            Kind::Share => share(value),
            Kind::Opaque { of: Holds::Object, .. } if !value.is_object() => {
                Err(Problem::WrongType { expected: "an object" })
            }
            Kind::Opaque { of: Holds::List, .. } if !value.is_array() => {
                Err(Problem::WrongType { expected: "a list" })
            }
            Kind::Opaque { max, .. } => match value.to_string().len() {
                len if len > *max => Err(Problem::TooLarge { limit: *max }),
                _ => Ok(value),
            },
            Kind::Text { .. } | Kind::Name(_) | Kind::Address { .. } | Kind::Push => {
                let text = match value {
                    Value::String(text) => text,
                    Value::Number(number) if self.form == Form::Rpc => number.to_string(),
                    _ => {
                        self.report("", Problem::WrongType { expected: "a string" });
                        return None;
                    }
                };
                match text_problem(kind, &text) {
                    Some(problem) => Err(problem),
                    None => Ok(text.into()),
                }
            }
        };
        checked.map_err(|problem| self.report("", problem)).ok()
    }

    fn list(&mut self, (min, max): (usize, usize), of: &Kind, sent: Vec<Value>) -> Value {
        if !(min..=max).contains(&sent.len()) {
            self.report("", Problem::WrongCount { min, max });
        }
        let mut kept = Vec::new();
        // One more than the most: what is beyond need not be looked at.
        for (index, item) in sent.into_iter().take(max.saturating_add(1)).enumerate() {
            let len = self.enter_item(index);
            // Places stay what they were, for what is checked later.
            kept.push(self.value(of, item).unwrap_or(Value::Null));
            self.path.truncate(len);
        }
        kept.into()
    }

    /// What a string holds, where RPC parameters may be JSON; anything else as it is.
    fn unpacked(&self, kind: &Kind, value: Value) -> Value {
        match value {
            Value::String(text) if self.form == Form::Rpc && text.is_empty() => match kind {
                Kind::List { .. } => Vec::<Value>::new().into(),
                _ => Object::new().into(),
            },
            Value::String(text) if self.form == Form::Rpc => {
                serde_json::from_str(&text).unwrap_or(Value::Null)
            }
            value => value,
        }
    }
}

/// Integers beyond 64 bits are integers all the same; they saturate, which is out of any range.
fn integer(value: &Value, form: Form) -> Result<i64, Problem> {
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_u64().map(|_| i64::MAX)),
        Value::String(text) if form == Form::Rpc && is_decimal(text) => {
            Some(text.parse().unwrap_or(i64::MAX))
        }
        _ => None,
    };
    number.ok_or(Problem::WrongType { expected: "an integer" })
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn share(value: Value) -> Result<Value, Problem> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        _ => return Err(Problem::WrongType { expected: "a number from 0 to 1" }),
    };
    match crate::layout::Share::parse(&text) {
        Some(_) => Ok(text.into()),
        None => Err(Problem::OutOfRange { min: 0, max: 1, unit: "of the canvas" }),
    }
}

fn text_problem(kind: &Kind, text: &str) -> Option<Problem> {
    match kind {
        Kind::Text { max, .. } | Kind::Address { max, .. } if text.chars().count() > *max => {
            Some(Problem::TooLong { limit: *max })
        }
        Kind::Text { of, .. } if !of.admit(text) => {
            Some(Problem::Characters { allowed: of.named() })
        }
        Kind::Name(allowed) if !allowed.contains(&text) => Some(Problem::UnknownValue { allowed }),
        Kind::Address { http, .. } => match HttpUrl::parse(text) {
            Ok(url) if url.scheme() == HttpScheme::Https => None,
            Ok(_) if *http == Http::Allowed => None,
            Err(error) if error != UrlError::Scheme || *http == Http::Allowed => {
                Some(Problem::Url(error))
            }
            Ok(_) | Err(_) => Some(Problem::NotHttps),
        },
        Kind::Push => PushUrl::parse(text).err(),
        _ => None,
    }
}

/// A body as an object.
pub(crate) fn read(body: &[u8], limit: usize) -> Result<Object, Violations> {
    if body.len() > limit {
        return Err(Violations::of("", Problem::TooLarge { limit }));
    }
    // From text, as everywhere: a reader of bytes would be a second one in the Worker.
    let value = core::str::from_utf8(body).ok().and_then(|text| serde_json::from_str(text).ok());
    match value {
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Violations::of("", Problem::WrongType { expected: "an object" })),
        None => Err(Violations::of("", Problem::NotJson)),
    }
}

/// A body's fields, checked.
pub(crate) fn checked(body: &[u8], limit: usize, shape: &Shape) -> Result<Object, Violations> {
    let sent = read(body, limit)?;
    let mut walk = Walk::new(Form::Json);
    let kept = walk.object(shape, sent);
    walk.settle(kept)
}

/// A whole number of a checked object.
pub(crate) fn number<N: TryFrom<u64>>(object: &Object, name: &str) -> Option<N> {
    object.get(name).and_then(Value::as_u64).and_then(|number| N::try_from(number).ok())
}

/// A string field of a checked object.
pub(crate) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}

/// An object field of a checked object.
pub(crate) fn part<'o>(object: &'o Object, name: &str) -> Option<&'o Object> {
    object.get(name).and_then(Value::as_object)
}

/// The items of a list field of a checked object; none if it is not there.
pub(crate) fn items<'o>(object: &'o Object, name: &str) -> &'o [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The strings of a list field of a checked object, each with its place in what was sent.
pub(crate) fn placed<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = (usize, &'o str)> {
    let all = items(object, name).iter().enumerate();
    all.filter_map(|(index, item)| Some((index, item.as_str()?)))
}

/// The strings of a list field of a checked object.
pub(crate) fn texts<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = &'o str> {
    items(object, name).iter().filter_map(Value::as_str)
}
