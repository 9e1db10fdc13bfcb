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

mod agora;
mod alibaba_live;
mod artc;
mod artc_mpu;
mod artc_recording;
mod dingrtc;
mod entity;
mod error;
mod form;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
pub mod generic;
mod jocloud;
pub(crate) mod json;
mod livegate_relay;
mod livekit;
pub mod metastudio;
mod name;
mod object;
pub mod redact;
mod task;
pub(crate) mod timestamp;
mod trtc;
mod volcengine_rtc;
mod words;
mod zego;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

pub use error::{CannotCarry, DialectError};
pub use generic::{GenericPaths, PathsError, RawGenericPaths};
pub use json::{Position, Syntax};
pub use name::DialectName;
pub use words::{MAX_WORDS, Words, WordsError};

use crate::error::{Code, Coded, Fault};
use crate::event::{Event, Kind, RelayState};
use crate::id::EventId;
use crate::time::UnixMillis;

use object::Object;

pub(crate) use json::push_string;

/// The longest body that is read, in bytes: what ingress lets through.
pub const MAX_BODY: usize = 256 * 1024;

/// The longest name of a channel, user, event type or id, in bytes. Vendors' own are 128 or fewer.
pub const MAX_NAME: usize = 256;

/// How one source's bodies are read. As JSON, its fields may be flattened into the source's own:
/// `{"dialect":"metastudio"}`, `{"dialect":"generic","generic":{"type":"/type"}}`,
/// `{"dialect":"artc","words":{"StartVideo":"video.start"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawDialect", into = "RawDialect")]
#[non_exhaustive]
pub enum Dialect {
    /// Huawei `MetaStudio`'s live callbacks.
    MetaStudio,
    /// Alibaba ARTC's channel and user events, and what `EventTag`s mean that it does not document.
    Artc(Words<Kind>),
    /// Alibaba ARTC's mixed-stream relay events, and what their `EventCode`s mean.
    ArtcMpu(Words<RelayState>),
    /// Alibaba `ApsaraVideo` Live's ingest, record and snapshot callbacks.
    AlibabaLive,
    /// Alibaba ARTC's cloud recording.
    ArtcRecording,
    /// Alibaba `DingRTC`.
    DingRtc,
    /// Jocloud's push status, and what its states mean.
    Jocloud(Words<RelayState>),
    /// Agora's notifications.
    Agora,
    /// Tencent TRTC's callbacks.
    Trtc,
    /// ZEGO's callbacks.
    Zego,
    /// Volcengine RTC's callbacks.
    VolcengineRtc,
    /// `LiveKit`'s webhooks.
    LiveKit,
    /// The callbacks of livegate's own relay hosts.
    LivegateRelay,
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
    /// What undocumented words mean, for the dialects of [`Words`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<BTreeMap<String, String>>,
}

impl From<DialectName> for RawDialect {
    fn from(dialect: DialectName) -> Self {
        Self { dialect, generic: None, words: None }
    }
}

/// Why a dialect's settings cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// Its paths.
    Paths(PathsError),
    /// Its words.
    Words(WordsError),
}

impl SettingsError {
    /// The setting that it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Paths(_) => "generic",
            Self::Words(_) => "words",
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paths(error) => error.fmt(f),
            Self::Words(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SettingsError {}

impl Coded for SettingsError {
    fn code(&self) -> Code {
        match self {
            Self::Paths(error) => error.code(),
            Self::Words(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

impl TryFrom<RawDialect> for Dialect {
    type Error = SettingsError;

    fn try_from(raw: RawDialect) -> Result<Self, SettingsError> {
        let name = raw.dialect;
        if name != DialectName::Generic && raw.generic.is_some() {
            return Err(SettingsError::Paths(PathsError::NotUsed));
        }
        let takes_words =
            matches!(name, DialectName::Artc | DialectName::ArtcMpu | DialectName::Jocloud);
        if !takes_words && raw.words.is_some() {
            return Err(SettingsError::Words(WordsError::NotUsed));
        }
        let words = raw.words.unwrap_or_default();
        let states = |words| Words::states(words).map_err(SettingsError::Words);
        Ok(match name {
            DialectName::MetaStudio => Self::MetaStudio,
            DialectName::Artc => {
                Words::kinds(words, name).map(Self::Artc).map_err(SettingsError::Words)?
            }
            DialectName::ArtcMpu => Self::ArtcMpu(states(words)?),
            DialectName::AlibabaLive => Self::AlibabaLive,
            DialectName::ArtcRecording => Self::ArtcRecording,
            DialectName::DingRtc => Self::DingRtc,
            DialectName::Jocloud => Self::Jocloud(states(words)?),
            DialectName::Agora => Self::Agora,
            DialectName::Trtc => Self::Trtc,
            DialectName::Zego => Self::Zego,
            DialectName::VolcengineRtc => Self::VolcengineRtc,
            DialectName::LiveKit => Self::LiveKit,
            DialectName::LivegateRelay => Self::LivegateRelay,
            DialectName::Generic => GenericPaths::new(raw.generic.unwrap_or_default())
                .map(Self::Generic)
                .map_err(SettingsError::Paths)?,
        })
    }
}

impl From<Dialect> for RawDialect {
    fn from(dialect: Dialect) -> Self {
        let mut raw = Self::from(dialect.name());
        match dialect {
            Dialect::Artc(words) => raw.words = words.to_raw(Kind::as_str),
            Dialect::ArtcMpu(words) | Dialect::Jocloud(words) => {
                raw.words = words.to_raw(RelayState::as_str);
            }
            Dialect::Generic(paths) => raw.generic = Some(paths.into()),
            _ => {}
        }
        raw
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

/// Whether stream keys and push URLs' secrets are masked in what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrecy {
    /// They are, as [`redact`] does it.
    #[default]
    Masked,
    /// They are not: for receivers that push themselves.
    Intact,
}

/// What a written body says beside the event.
#[derive(Clone, Copy, Debug)]
pub struct WriteContext<'c> {
    /// The event's id here; where a vendor has an id of the event, this is it.
    pub id: EventId,
    /// When the event was accepted: its time, if its vendor gave none.
    pub accepted_at: UnixMillis,
    /// The receiver's id of the application, where the vendor has one.
    pub app_id: &'c str,
    /// The subscription, where the vendor names it.
    pub subscription: &'c str,
    /// Whether secrets are masked.
    pub secrecy: Secrecy,
}

impl WriteContext<'_> {
    /// A push address as it may leave.
    fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        match self.secrecy {
            Secrecy::Masked => redact::push_url(url),
            Secrecy::Intact => Cow::Borrowed(url),
        }
    }
}

impl Dialect {
    /// The dialect's name.
    pub const fn name(&self) -> DialectName {
        match self {
            Self::MetaStudio => DialectName::MetaStudio,
            Self::Artc(_) => DialectName::Artc,
            Self::ArtcMpu(_) => DialectName::ArtcMpu,
            Self::AlibabaLive => DialectName::AlibabaLive,
            Self::ArtcRecording => DialectName::ArtcRecording,
            Self::DingRtc => DialectName::DingRtc,
            Self::Jocloud(_) => DialectName::Jocloud,
            Self::Agora => DialectName::Agora,
            Self::Trtc => DialectName::Trtc,
            Self::Zego => DialectName::Zego,
            Self::VolcengineRtc => DialectName::VolcengineRtc,
            Self::LiveKit => DialectName::LiveKit,
            Self::LivegateRelay => DialectName::LivegateRelay,
            Self::Generic(_) => DialectName::Generic,
        }
    }

    /// Reads a verified body; of a GET, its query.
    ///
    /// # Errors
    /// [`DialectError`]: the body is too large, no JSON, or not shaped like the vendor's.
    pub fn parse<'a>(&self, body: &'a [u8]) -> Result<Events<'a>, DialectError> {
        let text = text_of(body)?;
        match self {
            Self::MetaStudio => metastudio::parse(text).map(Events::one),
            Self::Generic(paths) => generic::parse(text, paths).map(Events::one),
            _ => match self.form(text) {
                None => self.parse_object(text),
                Some(object) => self.parse_object(&object).map(Events::into_owned),
            },
        }
    }

    fn parse_object<'a>(&self, text: &'a str) -> Result<Events<'a>, DialectError> {
        let object = Object::parse(text)?;
        match self {
            Self::Artc(words) => artc::parse(&object, words),
            Self::ArtcMpu(words) => artc_mpu::parse(&object, words).map(Events::one),
            Self::AlibabaLive => alibaba_live::parse(&object).map(Events::one),
            Self::ArtcRecording => artc_recording::parse(&object).map(Events::one),
            Self::DingRtc => dingrtc::parse(&object).map(Events::one),
            Self::Jocloud(words) => jocloud::parse(&object, words).map(Events::one),
            Self::Agora => agora::parse(&object).map(Events::one),
            Self::Trtc => trtc::parse(&object).map(Events::one),
            Self::Zego => zego::parse(&object).map(Events::one),
            Self::VolcengineRtc => volcengine_rtc::parse(&object).map(Events::one),
            Self::LiveKit => livekit::parse(&object).map(Events::one),
            Self::LivegateRelay => livegate_relay::parse(&object).map(Events::one),
            // These two are read from the text.
            Self::MetaStudio | Self::Generic(_) => Err(DialectError::shape("", "an object")),
        }
    }

    /// The object that a form stands for, where the vendor sends forms and this is one.
    fn form(&self, text: &str) -> Option<String> {
        let takes_forms = matches!(self, Self::AlibabaLive | Self::Artc(_) | Self::Zego);
        (takes_forms && form::is_one(text)).then(|| form::to_json(text))
    }

    /// The `Content-Type` of a body of this vendor.
    pub fn content_type(&self, body: &[u8]) -> &'static str {
        let form = core::str::from_utf8(body).is_ok_and(|text| self.form(text).is_some());
        if form { form::CONTENT_TYPE } else { "application/json" }
    }

    /// Whether the vendor sends callbacks by GET too, with all that they say in the query: that,
    /// without its question mark, is the body then.
    pub const fn takes_get(&self) -> bool {
        self.name().takes_get()
    }

    /// What the vendor expects to hear.
    pub const fn answer(&self) -> Answer {
        self.name().answer()
    }

    /// The body with the event of that number alone, where it carries several; any other as it is.
    pub fn alone<'a>(&self, body: &'a [u8], index: usize) -> Cow<'a, [u8]> {
        let alone = match self {
            Self::Artc(_) => artc::alone(body, index),
            _ => None,
        };
        alone.map_or(Cow::Borrowed(body), Cow::Owned)
    }

    /// `event`, which was read `from` that dialect, as a body of this one. Of another dialect's
    /// event the secrets are masked, unless the context says otherwise; of its own, nothing is
    /// masked but what `event.data` has masked already ([`redact::json`]).
    ///
    /// # Errors
    /// [`CannotCarry`]: this vendor has no words for the event.
    pub fn write(
        &self,
        event: &Event<'_>,
        from: DialectName,
        context: &WriteContext<'_>,
    ) -> Result<Vec<u8>, CannotCarry> {
        let to = self.name();
        let cannot = CannotCarry { from, to };
        if from == to {
            return Ok(match self {
                Self::MetaStudio => metastudio::write(event),
                _ => event.data.as_bytes().to_vec(),
            });
        }
        if !to.carries(event.kind, from) {
            return Err(cannot);
        }
        let written = match self {
            Self::MetaStudio => metastudio::translate(event, context),
            Self::Artc(words) => artc::write(event, words, context),
            Self::ArtcMpu(words) => artc_mpu::write(event, words, context),
            Self::Agora => agora::write(event, context),
            Self::Trtc => trtc::write(event, context),
            Self::LivegateRelay => livegate_relay::write(event, context),
            _ => None,
        };
        let body = written.ok_or(cannot)?.to_string().into_bytes();
        Ok(match context.secrecy {
            Secrecy::Intact => body,
            // Each address was masked by itself; as a whole it may read otherwise.
            Secrecy::Masked => self.redact(&body).into_owned(),
        })
    }

    /// A body with its stream keys and push URLs' secrets masked; see [`redact`].
    pub fn redact<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        let form = core::str::from_utf8(body).ok().and_then(|text| self.form(text));
        match (self, form) {
            (Self::MetaStudio, _) => redact::envelope(body),
            (_, None) => redact::body(body),
            (_, Some(object)) => {
                let shown = redact::json(&object);
                match (form::from_json(&shown), shown) {
                    (None, _) => redact::body(body),
                    (Some(_), Cow::Borrowed(_)) => Cow::Borrowed(body),
                    (Some(form), _) => Cow::Owned(form.into_bytes()),
                }
            }
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

    /// These, if there is one or more.
    pub(crate) fn some(mut events: Vec<Event<'a>>) -> Option<Self> {
        if events.is_empty() {
            return None;
        }
        let first = events.remove(0);
        Some(Self { first, more: events })
    }

    /// The first event; there always is one.
    pub const fn first(&self) -> &Event<'a> {
        &self.first
    }

    /// The first event, and the others if there are any.
    pub fn into_first(self) -> (Event<'a>, Vec<Event<'a>>) {
        (self.first, self.more)
    }

    fn into_owned(self) -> Events<'static> {
        Events {
            first: self.first.into_owned(),
            more: self.more.into_iter().map(Event::into_owned).collect(),
        }
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
