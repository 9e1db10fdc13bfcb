//! Where live events are called back to: `LiveEventCallBackConfig` of the `MetaStudio` API
//! reference.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Serialize, Serializer};

use super::named::named;
use super::table::{Chars, Http, Kind, Object, Rest, Row, Shape, Walk, may, text, texts};
use super::violation::Problem;
use crate::dialect::metastudio::EventType;
use crate::url::HttpUrl;

const URL: &str = "live_event_type_callback_url";

/// The longest address, in characters.
pub const MAX_URL_CHARS: usize = 2048;

/// The longest key, in characters.
pub const MAX_KEY_CHARS: usize = 32;

/// The most event types that a list may hold.
pub const MAX_EVENT_TYPES: usize = 10;

/// The vendor's names of event types, as violations show them.
const EVENT_TYPES: &[&str] =
    &["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH"];

named! {
    /// How a callback proves where it comes from.
    pub enum AuthType {
        /// By nothing but the address, which may hold credentials. The default.
        None = "NONE",
        /// By `hwSecret` and `hwTime` in the query.
        MssA = "MSS_A",
        /// By `x-hw-mss-secret` and `x-hw-mss-time` in the headers.
        MssAHead = "MSS_A_HEAD",
        /// As one platform does it; not documented for others.
        MeituanDefault = "MEITUAN_DEFAULT",
    }
}

impl AuthType {
    /// Whether it is known to sign with the key.
    pub const fn signs(self) -> bool {
        matches!(self, Self::MssA | Self::MssAHead)
    }
}

pub(crate) const ADDRESS: Row = may(URL, Kind::Address { max: MAX_URL_CHARS, http: Http::Refused });

pub(crate) const AUTH_TYPE: Row = may("auth_type", Kind::Name(AuthType::NAMES));

pub(crate) const KEY: Row = may("key", Kind::Text { max: MAX_KEY_CHARS, of: Chars::Any });

pub(crate) const TYPES: Row = may(
    "callback_event_type",
    Kind::List { min: 1, max: MAX_EVENT_TYPES, of: &Kind::Name(EVENT_TYPES) },
);

/// The fields of a tenant's and a job's settings.
pub(crate) const SHAPE: Shape = Shape {
    rows: &[ADDRESS, AUTH_TYPE, KEY, TYPES],
    also: Some(key_to_sign_with),
    rest: Rest::Dropped,
};

/// A call that is signed needs a key.
pub(crate) fn key_to_sign_with(sent: &Object, walk: &mut Walk) {
    let signs = text(sent, "auth_type").and_then(AuthType::from_name).is_some_and(AuthType::signs);
    let called = text(sent, URL).is_some_and(|url| !url.is_empty());
    let has_key = sent.get("key").is_some_and(|key| !key.is_null() && key != "");
    if signs && called && !has_key {
        walk.report("key", Problem::KeyMissing);
    }
}

/// The key that callbacks are signed with. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackKey(String);

impl CallbackKey {
    /// A key; an empty one is none.
    pub(crate) fn new(key: &str) -> Option<Self> {
        if key.is_empty() { None } else { Some(Self(String::from(key))) }
    }

    /// The key itself, to sign with or to hand to the vendor's own client.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallbackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackKey")
    }
}

/// Where live events are called back to, within the limits. As JSON it has the vendor's fields,
/// **the key among them**, as the vendor's own API answers; see [`Self::without_key`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiveEventCallBackConfig {
    #[serde(rename = "live_event_type_callback_url", skip_serializing_if = "Option::is_none")]
    url: Option<HttpUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_type: Option<AuthType>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_key")]
    key: Option<CallbackKey>,
    #[serde(
        rename = "callback_event_type",
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_event_types"
    )]
    event_types: Option<Vec<EventType>>,
}

impl LiveEventCallBackConfig {
    /// The settings of a checked object. Whether the address may be called is another question: see
    /// [`crate::url::egress::check`].
    pub(crate) fn from_checked(object: &Object) -> Self {
        let types = object.get("callback_event_type").map(|_| {
            let mut types = Vec::new();
            for one in texts(object, "callback_event_type").filter_map(EventType::from_name) {
                if !types.contains(&one) {
                    types.push(one);
                }
            }
            types
        });
        Self {
            url: text(object, URL).and_then(|url| HttpUrl::parse(url).ok()),
            auth_type: text(object, "auth_type").and_then(AuthType::from_name),
            key: text(object, "key").and_then(CallbackKey::new),
            event_types: types,
        }
    }

    /// Settings that were made of others: an address, what it is signed with, and every type.
    pub(crate) const fn of(url: HttpUrl, auth_type: AuthType, key: CallbackKey) -> Self {
        Self { url: Some(url), auth_type: Some(auth_type), key: Some(key), event_types: None }
    }

    /// The address, if one is set.
    pub const fn url(&self) -> Option<&HttpUrl> {
        self.url.as_ref()
    }

    /// How a callback proves where it comes from; by default it does not.
    pub const fn auth_type(&self) -> AuthType {
        match self.auth_type {
            None => AuthType::None,
            Some(auth_type) => auth_type,
        }
    }

    /// The key, if one is set.
    pub const fn key(&self) -> Option<&CallbackKey> {
        self.key.as_ref()
    }

    /// Whether events of that type are called back. Without a list all are: the vendor documents no
    /// default.
    pub fn wants(&self, event_type: EventType) -> bool {
        self.event_types.as_ref().is_none_or(|wanted| wanted.contains(&event_type))
    }

    /// The same without its key, to show.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn write_key<S: Serializer>(key: &Option<CallbackKey>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(CallbackKey::reveal).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn write_event_types<S: Serializer>(
    event_types: &Option<Vec<EventType>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(event_types.iter().flatten().map(|event_type| event_type.as_str()))
}
