//! Any JSON object, with JSON pointers (RFC 6901) that say where its parts are.
//!
//! An event's data is the whole object. Its type is a string, a number or a boolean; if it is one
//! of [`Kind`]'s names, such as `relay.state`, the event is of that kind. Channel, user and id are
//! strings or numbers. The time is seconds or milliseconds since 1970, as a number or a string, or
//! RFC 3339. A part that is missing or null is not there; one of another type is an error.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::error::DialectError;
use super::json::{FieldsError, Value, fields, item};
use super::{MAX_NAME, redact, timestamp};
use crate::error::{Code, Coded, Fault};
use crate::event::{Event, Kind};
use crate::time::UnixMillis;

/// The longest pointer, in bytes.
const MAX_POINTER: usize = 256;

/// The most parts a pointer may have.
const MAX_PARTS: usize = 8;

/// Where an object's parts are, not yet checked. Each is a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawGenericPaths {
    /// The event's type; `/type` by default.
    #[serde(rename = "type", default = "default_type")]
    pub event_type: String,
    /// The channel; without one, events belong to the tenant's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The vendor's id of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

fn default_type() -> String {
    String::from("/type")
}

impl Default for RawGenericPaths {
    fn default() -> Self {
        Self { event_type: default_type(), channel: None, user: None, id: None, time: None }
    }
}

/// Where an object's parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenericPaths {
    event_type: Pointer,
    channel: Option<Pointer>,
    user: Option<Pointer>,
    id: Option<Pointer>,
    time: Option<Pointer>,
}

impl GenericPaths {
    /// Checks every pointer.
    ///
    /// # Errors
    /// [`PathsError`] for the first that cannot be used.
    pub fn new(raw: RawGenericPaths) -> Result<Self, PathsError> {
        let optional = |field: &'static str, text: Option<String>| {
            text.map(|text| Pointer::parse(field, &text)).transpose()
        };
        Ok(Self {
            event_type: Pointer::parse("type", &raw.event_type)?,
            channel: optional("channel", raw.channel)?,
            user: optional("user", raw.user)?,
            id: optional("id", raw.id)?,
            time: optional("time", raw.time)?,
        })
    }
}

impl From<GenericPaths> for RawGenericPaths {
    fn from(paths: GenericPaths) -> Self {
        let text = |pointer: Option<Pointer>| pointer.map(|pointer| pointer.to_string());
        Self {
            event_type: paths.event_type.to_string(),
            channel: text(paths.channel),
            user: text(paths.user),
            id: text(paths.id),
            time: text(paths.time),
        }
    }
}

/// Why an object's paths cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathsError {
    /// `dialect.path_malformed`: not a JSON pointer (RFC 6901 §3), or one to the whole object.
    Malformed {
        /// Which of the paths.
        field: &'static str,
    },
    /// `dialect.path_too_long`: more than 256 bytes or 8 parts.
    TooLong {
        /// Which of the paths.
        field: &'static str,
    },
    /// `dialect.path_to_secret`: it leads to a stream key, which would be shown as a name then.
    ToSecret {
        /// Which of the paths.
        field: &'static str,
    },
    /// `dialect.paths_not_used`: paths for a dialect that knows its own.
    NotUsed,
}

impl fmt::Display for PathsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { field } => {
                write!(f, "the path of {field} should be a JSON pointer such as /{field}")
            }
            Self::TooLong { field } => {
                write!(f, "the path of {field} has over {MAX_POINTER} bytes or {MAX_PARTS} parts")
            }
            Self::ToSecret { field } => write!(f, "the path of {field} leads to a secret"),
            Self::NotUsed => f.write_str("only the generic dialect takes paths"),
        }
    }
}

impl core::error::Error for PathsError {}

impl Coded for PathsError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Malformed { .. } => "dialect.path_malformed",
            Self::TooLong { .. } => "dialect.path_too_long",
            Self::ToSecret { .. } => "dialect.path_to_secret",
            Self::NotUsed => "dialect.paths_not_used",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// A JSON pointer (RFC 6901) with one part or more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pointer {
    /// Unescaped.
    parts: Box<[String]>,
}

impl Pointer {
    fn parse(field: &'static str, text: &str) -> Result<Self, PathsError> {
        if text.len() > MAX_POINTER {
            return Err(PathsError::TooLong { field });
        }
        let path = text.strip_prefix('/').ok_or(PathsError::Malformed { field })?;
        let parts: Option<Box<[String]>> = path.split('/').map(part_of).collect();
        let parts = parts.ok_or(PathsError::Malformed { field })?;
        if parts.len() > MAX_PARTS {
            return Err(PathsError::TooLong { field });
        }
        if parts.iter().any(|part| redact::says_what_it_holds(part)) {
            return Err(PathsError::ToSecret { field });
        }
        Ok(Self { parts })
    }

    /// The name of the field that it begins with.
    fn first(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// What the parts behind the first lead to, from where the first led.
    fn follow<'a>(&self, from: Option<Value<'a>>) -> Result<Option<Value<'a>>, DialectError> {
        let mut at = from;
        for part in self.parts.iter().skip(1) {
            at = match at {
                Some(Value::Object(text)) => {
                    let [found] = fields(text, [Some(part.as_str())])
                        .map_err(|_| self.shape("there once"))?;
                    found
                }
                Some(Value::Array(text)) => index(part).and_then(|at| item(text, at)),
                _ => None,
            };
        }
        Ok(at)
    }

    fn shape(&self, expected: &'static str) -> DialectError {
        DialectError::WrongShape { path: Cow::Owned(self.to_string()), expected }
    }

    fn name<'a>(&self, value: Option<Value<'a>>) -> Result<Option<Cow<'a, str>>, DialectError> {
        let name = match value {
            None | Some(Value::Null) => return Ok(None),
            // It is shown in lists and leaves with every delivery.
            Some(Value::Text(raw)) => redact::text(raw.text()),
            Some(Value::Number(number)) => Cow::Borrowed(number),
            Some(_) => return Err(self.shape("a string or a number")),
        };
        if name.len() > MAX_NAME {
            let path = Cow::Owned(self.to_string());
            return Err(DialectError::ValueTooLong { path, limit: MAX_NAME });
        }
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    fn time(&self, value: Option<Value<'_>>) -> Result<Option<UnixMillis>, DialectError> {
        let time = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => timestamp::number(number),
            Some(Value::Text(raw)) => timestamp::text(&raw.text()),
            Some(_) => None,
        };
        time.map(Some).ok_or_else(|| self.shape("seconds or milliseconds since 1970, or RFC 3339"))
    }
}

/// RFC 6901 §3, each part escaped.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// RFC 6901 §3: `~1` is a slash and `~0` a tilde; a tilde before anything else is an error.
fn part_of(escaped: &str) -> Option<String> {
    let mut part = String::with_capacity(escaped.len());
    let mut chars = escaped.chars();
    while let Some(c) = chars.next() {
        part.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(part)
}

/// RFC 6901 §4: digits without a leading zero.
fn index(part: &str) -> Option<usize> {
    let digits = part.bytes().all(|b| b.is_ascii_digit());
    (digits && (part == "0" || !part.starts_with('0'))).then(|| part.parse().ok()).flatten()
}

/// Reads an object's parts.
pub(super) fn parse<'a>(body: &'a str, paths: &GenericPaths) -> Result<Event<'a>, DialectError> {
    let optional = [&paths.channel, &paths.user, &paths.id, &paths.time].map(Option::as_ref);
    let [channel, user, id, time] = optional.map(|path| path.map(Pointer::first));
    let firsts = [Some(paths.event_type.first()), channel, user, id, time];
    let found = fields(body, firsts).map_err(|error| match error {
        FieldsError::Malformed(malformed) => DialectError::not_json(body, malformed),
        FieldsError::NotAnObject => DialectError::shape("", "an object"),
        FieldsError::Twice(index) => {
            let first = firsts.get(index).copied().flatten().unwrap_or("");
            let path = Pointer { parts: Box::new([String::from(first)]) };
            path.shape("there once")
        }
    })?;
    let [event_type, channel, user, id, time] = found;
    let vendor_type = match paths.event_type.follow(event_type)? {
        Some(Value::Bool(truth)) => Some(Cow::Owned(truth.to_string())),
        other => paths.event_type.name(other)?,
    }
    .ok_or_else(|| paths.event_type.shape("a string or a number that is there"))?;
    let name = |path: &Option<Pointer>, from| match path {
        Some(path) => path.name(path.follow(from)?),
        None => Ok(None),
    };
    let time = match &paths.time {
        Some(path) => path.time(path.follow(time)?)?,
        None => None,
    };
    let kind = Kind::from_name(&vendor_type).unwrap_or(Kind::Unknown);
    let vendor_id = name(&paths.id, id)?;
    Ok(Event {
        channel: name(&paths.channel, channel)?,
        user: name(&paths.user, user)?,
        repeat_key: vendor_id.clone(),
        vendor_id,
        time,
        ..Event::new(kind, vendor_type, body.trim_matches([' ', '\t', '\r', '\n']))
    })
}
