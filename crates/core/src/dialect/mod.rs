//! Vendors' bodies: read into the one [`Event`], written from it, masked, and answered.
//!
//! One file a vendor. A dialect never checks a signature: what is handed to [`Dialect::parse`] has
//! been verified, byte for byte, before.
//!
//! ```
//! use livegate_core::dialect::Dialect;
//! use livegate_core::event::Kind;
//!
//! let body = br#"{"event_type":"REPLY_COMMAND_FINISH",
//!     "message":"{\"room_id\":\"r1\",\"job_id\":\"j1\",\"reply_id\":\"p1\"}"}"#;
//! let events = Dialect::MetaStudio.parse(body)?;
//! assert_eq!(events.first().kind, Kind::ReplyFinished);
//! assert_eq!(events.first().channel.as_deref(), Some("r1"));
//! # Ok::<(), livegate_core::dialect::DialectError>(())
//! ```

mod error;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
pub mod generic;
pub(crate) mod json;
pub mod metastudio;
pub mod redact;
pub(crate) mod timestamp;

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

pub use error::{CannotCarry, DialectError};
pub use generic::{GenericPaths, PathsError, RawGenericPaths};
pub use json::{Position, Syntax};

use crate::event::Event;

pub(crate) use json::push_string;

/// The longest body that is read, in bytes: what ingress lets through.
pub const MAX_BODY: usize = 256 * 1024;

/// The longest name of a channel, user, event type or id, in bytes. Vendors' own are 128 or fewer.
pub const MAX_NAME: usize = 256;

/// A dialect's name, as settings and events carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DialectName {
    /// Huawei `MetaStudio` (`metastudio`).
    MetaStudio,
    /// Any JSON object (`generic`).
    Generic,
}

impl DialectName {
    /// Every name, in the order of declaration.
    pub const ALL: &[Self] = &[Self::MetaStudio, Self::Generic];

    /// The name as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetaStudio => "metastudio",
            Self::Generic => "generic",
        }
    }

    /// The dialect of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.as_str() == name)
    }
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one source's bodies are read. As JSON, its fields may be flattened into the source's own:
/// `{"dialect":"metastudio"}`, `{"dialect":"generic","generic":{"type":"/type"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawDialect", into = "RawDialect")]
#[non_exhaustive]
pub enum Dialect {
    /// Huawei `MetaStudio`'s live callbacks.
    MetaStudio,
    /// Any JSON object, and where its parts are.
    Generic(GenericPaths),
}

/// A dialect as it is written down, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawDialect {
    /// Which one.
    pub dialect: DialectName,
    /// Where the parts are, for [`DialectName::Generic`] alone; by default the type at `/type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generic: Option<RawGenericPaths>,
}

impl TryFrom<RawDialect> for Dialect {
    type Error = PathsError;

    fn try_from(raw: RawDialect) -> Result<Self, PathsError> {
        match (raw.dialect, raw.generic) {
            (DialectName::MetaStudio, None) => Ok(Self::MetaStudio),
            (DialectName::MetaStudio, Some(_)) => Err(PathsError::NotUsed),
            (DialectName::Generic, paths) => {
                GenericPaths::new(paths.unwrap_or_default()).map(Self::Generic)
            }
        }
    }
}

impl From<Dialect> for RawDialect {
    fn from(dialect: Dialect) -> Self {
        let name = dialect.name();
        match dialect {
            Dialect::MetaStudio => Self { dialect: name, generic: None },
            Dialect::Generic(paths) => Self { dialect: name, generic: Some(paths.into()) },
        }
    }
}

/// What a vendor expects to hear when its callback was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: &'static str,
}

impl Dialect {
    /// The dialect's name.
    pub const fn name(&self) -> DialectName {
        match self {
            Self::MetaStudio => DialectName::MetaStudio,
            Self::Generic(_) => DialectName::Generic,
        }
    }

    /// Reads a verified body.
    ///
    /// # Errors
    /// [`DialectError`]: the body is too large, no JSON, or not shaped like the vendor's.
    pub fn parse<'a>(&self, body: &'a [u8]) -> Result<Events<'a>, DialectError> {
        let text = text_of(body)?;
        match self {
            Self::MetaStudio => metastudio::parse(text).map(Events::one),
            Self::Generic(paths) => generic::parse(text, paths).map(Events::one),
        }
    }

    /// What the vendor expects to hear. `MetaStudio` documents no answer; a status of 200 with a
    /// small JSON object is what its siblings take.
    pub const fn answer(&self) -> Answer {
        match self {
            Self::MetaStudio | Self::Generic(_) => {
                Answer { status: 200, content_type: "application/json", body: "{\"code\":0}" }
            }
        }
    }

    /// `event`, which was read `from` that dialect, as a body of this one. Nothing is masked but
    /// what `event.data` has masked already ([`redact::json`]).
    ///
    /// # Errors
    /// [`CannotCarry`]: this vendor has no words for the event.
    pub fn write(&self, event: &Event<'_>, from: DialectName) -> Result<Vec<u8>, CannotCarry> {
        let to = self.name();
        if from != to {
            return Err(CannotCarry { from, to });
        }
        Ok(match self {
            Self::MetaStudio => metastudio::write(event),
            Self::Generic(_) => event.data.as_bytes().to_vec(),
        })
    }

    /// A body with its stream keys and push URLs' secrets masked; see [`redact`].
    pub fn redact<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Self::MetaStudio => redact::envelope(body),
            Self::Generic(_) => redact::body(body),
        }
    }
}

fn text_of(body: &[u8]) -> Result<&str, DialectError> {
    if body.len() > MAX_BODY {
        return Err(DialectError::TooLarge { len: body.len(), limit: MAX_BODY });
    }
    core::str::from_utf8(body)
        .map_err(|error| DialectError::NotUtf8 { at: Position::in_text(body, error.valid_up_to()) })
}

/// The events of one body, in its order: one or more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Events<'a> {
    first: Event<'a>,
    /// Empty, and so without an allocation, for every vendor that sends one event a call.
    more: Vec<Event<'a>>,
}

impl<'a> Events<'a> {
    pub(crate) const fn one(event: Event<'a>) -> Self {
        Self { first: event, more: Vec::new() }
    }

    /// The first event; there always is one.
    pub const fn first(&self) -> &Event<'a> {
        &self.first
    }

    /// The first event, and the others if there are any.
    pub fn into_first(self) -> (Event<'a>, Vec<Event<'a>>) {
        (self.first, self.more)
    }

    /// All of them.
    pub fn iter(
        &self,
    ) -> core::iter::Chain<core::iter::Once<&Event<'a>>, core::slice::Iter<'_, Event<'a>>> {
        core::iter::once(&self.first).chain(self.more.iter())
    }
}

impl<'a> IntoIterator for Events<'a> {
    type Item = Event<'a>;
    type IntoIter = core::iter::Chain<core::iter::Once<Event<'a>>, vec::IntoIter<Event<'a>>>;

    fn into_iter(self) -> Self::IntoIter {
        core::iter::once(self.first).chain(self.more)
    }
}

impl<'s, 'a> IntoIterator for &'s Events<'a> {
    type Item = &'s Event<'a>;
    type IntoIter =
        core::iter::Chain<core::iter::Once<&'s Event<'a>>, core::slice::Iter<'s, Event<'a>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
