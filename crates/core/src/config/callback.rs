//! Where live events are called back to: `LiveEventCallBackConfig` of the `MetaStudio` API
//! reference.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::field::{Field, object_field};
use super::named::named;
use super::violation::{Checker, Problem, Violations, settle};
use crate::dialect::metastudio::EventType;
use crate::url::{HttpScheme, HttpUrl};

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

/// Callback settings as they were sent.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RawLiveEventCallBackConfig {
    /// An `https` address of 0 to 2,048 characters; empty for none.
    pub live_event_type_callback_url: Field<String>,
    /// An [`AuthType`].
    pub auth_type: Field<String>,
    /// 0 to 32 characters.
    pub key: Field<String>,
    /// 1 to 10 of the [`EventType`]s.
    pub callback_event_type: Field<Vec<Field<String>>>,
}

/// Shows which fields are there, and neither key nor address.
impl fmt::Debug for RawLiveEventCallBackConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawLiveEventCallBackConfig")
            .field("auth_type", &self.auth_type)
            .field("callback_event_type", &self.callback_event_type)
            .finish_non_exhaustive()
    }
}

object_field!(RawLiveEventCallBackConfig);

/// The key that callbacks are signed with. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackKey(String);

impl CallbackKey {
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
    /// Checks settings. Whether the address may be called is another question: see
    /// [`crate::url::egress::check`].
    ///
    /// # Errors
    /// [`Violations`]: all of them, with paths below `live_event_callback_config`.
    pub fn new(raw: RawLiveEventCallBackConfig) -> Result<Self, Violations> {
        let mut found = Vec::new();
        let checked = Self::check(raw, &mut Checker::new("live_event_callback_config", &mut found));
        settle(checked, found)
    }

    pub(super) fn check(raw: RawLiveEventCallBackConfig, checker: &mut Checker<'_>) -> Self {
        let wants_url =
            matches!(&raw.live_event_type_callback_url, Field::Given(url) if !url.is_empty());
        let has_key = !matches!(&raw.key, Field::Absent)
            && !matches!(&raw.key, Field::Given(key) if key.is_empty());
        let url = check_url(raw.live_event_type_callback_url, checker);
        let auth_type = AuthType::check(raw.auth_type, "auth_type", checker);
        let key = check_key(raw.key, checker);
        if wants_url && !has_key && auth_type.is_some_and(AuthType::signs) {
            checker.report("key", Problem::KeyMissing);
        }
        let event_types = check_event_types(raw.callback_event_type, checker);
        Self { url, auth_type, key, event_types }
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

fn check_url(field: Field<String>, checker: &mut Checker<'_>) -> Option<HttpUrl> {
    const NAME: &str = "live_event_type_callback_url";
    let text = field.take(NAME, checker).filter(|text| !text.is_empty())?;
    let problem = match HttpUrl::parse(&text) {
        _ if text.chars().count() > MAX_URL_CHARS => Problem::TooLong { limit: MAX_URL_CHARS },
        Ok(url) if url.scheme() == HttpScheme::Https => return Some(url),
        Ok(_) | Err(crate::url::UrlError::Scheme) => Problem::NotHttps,
        Err(error) => Problem::Url(error),
    };
    checker.report(NAME, problem);
    None
}

fn check_key(field: Field<String>, checker: &mut Checker<'_>) -> Option<CallbackKey> {
    let key = field.take("key", checker).filter(|key| !key.is_empty())?;
    if key.chars().count() > MAX_KEY_CHARS {
        checker.report("key", Problem::TooLong { limit: MAX_KEY_CHARS });
        return None;
    }
    Some(CallbackKey(key))
}

/// The event types of a list, each once.
fn check_event_types(
    field: Field<Vec<Field<String>>>,
    checker: &mut Checker<'_>,
) -> Option<Vec<EventType>> {
    const NAME: &str = "callback_event_type";
    let items = field.take(NAME, checker)?;
    if !(1..=MAX_EVENT_TYPES).contains(&items.len()) {
        checker.report(NAME, Problem::WrongCount { min: 1, max: MAX_EVENT_TYPES });
    }
    let mut wanted = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let event_type = match item {
            Field::Given(name) => EventType::from_name(&name),
            Field::Absent | Field::Mistyped => {
                let problem = Problem::WrongType { expected: "a string" };
                checker.report(&alloc::format!("{NAME}[{index}]"), problem);
                continue;
            }
        };
        match event_type {
            Some(event_type) if wanted.contains(&event_type) => {}
            Some(event_type) => wanted.push(event_type),
            None => {
                let problem = Problem::UnknownValue { allowed: EVENT_TYPES };
                checker.report(&alloc::format!("{NAME}[{index}]"), problem);
            }
        }
    }
    Some(wanted)
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
