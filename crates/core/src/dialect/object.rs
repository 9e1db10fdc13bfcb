//! A vendor's JSON object, read by paths: what the dialects of one file each have in common.
//!
//! A part that is missing or null is not there. One of another type is an error that names it, since
//! it was signed and yet is not the vendor's. Numbers may be written as strings and the other way
//! about: vendors change their minds.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use serde_json::Value;

use super::error::DialectError;
use super::json::Scanner;
use super::{MAX_NAME, redact, timestamp};
use crate::event::Event;
use crate::event::Kind;
use crate::time::UnixMillis;

/// An object and the text that it was read from.
pub(super) struct Object<'a> {
    text: &'a str,
    value: Value,
}

impl<'a> Object<'a> {
    /// Reads a body.
    pub(super) fn parse(text: &'a str) -> Result<Self, DialectError> {
        check(text)?;
        let value: Value =
            serde_json::from_str(text).map_err(|_| DialectError::shape("", "an object"))?;
        if value.is_object() {
            Ok(Self { text, value })
        } else {
            Err(DialectError::shape("", "an object"))
        }
    }

    /// What it was read from.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// The whole.
    pub(super) const fn root(&self) -> At<'_> {
        At { value: &self.value }
    }

    /// An event of which no more than its type is known. Its data is the whole object.
    pub(super) fn event(&self, kind: Kind, vendor_type: impl Into<String>) -> Event<'a> {
        let data = self.text.trim_matches([' ', '\t', '\r', '\n']);
        Event::new(kind, Cow::Owned(vendor_type.into()), Cow::Borrowed(data))
    }
}

/// Whether a text is JSON within the limits that everything else here has, to say where it is not.
fn check(text: &str) -> Result<(), DialectError> {
    let mut scanner = Scanner::new(text);
    loop {
        match scanner.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(malformed) => return Err(DialectError::not_json(text, malformed)),
        }
    }
}

/// A place in an object.
#[derive(Clone, Copy)]
pub(super) struct At<'v> {
    value: &'v Value,
}

impl<'v> At<'v> {
    /// A value that was read from a string within the body.
    pub(super) const fn of(value: &'v Value) -> Self {
        Self { value }
    }

    /// What a JSON pointer (RFC 6901) leads to; nothing for null.
    fn find(self, path: &str) -> Option<&'v Value> {
        self.value.pointer(path).filter(|value| !value.is_null())
    }

    /// The first of several paths that leads to something: vendors spell names in two ways.
    fn first(self, paths: &[&'static str]) -> Option<(&'static str, &'v Value)> {
        paths.iter().find_map(|path| Some((*path, self.find(path)?)))
    }

    /// Whether there is anything.
    pub(super) fn has(self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// An object there.
    pub(super) fn at(self, path: &'static str) -> Result<Option<Self>, DialectError> {
        match self.find(path) {
            None => Ok(None),
            Some(value) if value.is_object() => Ok(Some(Self { value })),
            Some(_) => Err(DialectError::shape(path, "an object")),
        }
    }

    /// The items of a list there.
    pub(super) fn list(self, path: &'static str) -> Result<&'v [Value], DialectError> {
        match self.find(path) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(DialectError::shape(path, "a list")),
        }
    }

    /// A text or a number as text, of any length; secrets included.
    pub(super) fn text(self, paths: &[&'static str]) -> Result<Option<String>, DialectError> {
        let Some((path, value)) = self.first(paths) else { return Ok(None) };
        match value {
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(number) => Ok(Some(number.to_string())),
            _ => Err(DialectError::shape(path, "a string or a number")),
        }
        .map(|text| text.filter(|text| !text.is_empty()))
    }

    /// What names something: a text or a number, short, its secrets masked, for it is shown in lists.
    pub(super) fn name(self, paths: &[&'static str]) -> Result<Option<String>, DialectError> {
        let Some(text) = self.text(paths)? else { return Ok(None) };
        if text.len() > MAX_NAME {
            let path = self.first(paths).map_or("", |(path, _)| path);
            return Err(DialectError::ValueTooLong { path: path.into(), limit: MAX_NAME });
        }
        Ok(Some(redact::text(Cow::Owned(text)).into_owned()))
    }

    /// An integer, or a text that is one.
    pub(super) fn int(self, paths: &[&'static str]) -> Result<Option<i64>, DialectError> {
        let Some((path, value)) = self.first(paths) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| DialectError::shape(path, "an integer"))
    }

    /// A time: seconds or milliseconds since 1970, which their size tells apart, or RFC 3339.
    pub(super) fn time(self, paths: &[&'static str]) -> Result<Option<UnixMillis>, DialectError> {
        let Some((path, value)) = self.first(paths) else { return Ok(None) };
        let time = match value {
            Value::Number(number) => timestamp::number(&number.to_string()),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => timestamp::text(text),
            _ => None,
        };
        let what = "seconds or milliseconds since 1970, or RFC 3339";
        time.map(Some).ok_or_else(|| DialectError::shape(path, what))
    }
}

/// JSON that a string of the body holds.
pub(super) fn inner(text: &str) -> Result<Value, DialectError> {
    check(text)?;
    serde_json::from_str(text).map_err(|_| DialectError::shape("", "an object"))
}
