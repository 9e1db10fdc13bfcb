//! Live platforms of a tenant's own: `CreateLivePlatformReq` and `UpdateLivePlatformReq` of the
//! `MetaStudio` API reference.
//!
//! A platform is called for two things, its products and live events, each at an address of its
//! own. The vendor keeps one address a type and, of several, one by chance; here several are a
//! violation.

use alloc::string::String;
use core::fmt;

use serde_json::{Value, json};

use super::callback::{AuthType, CallbackKey, LiveEventCallBackConfig};
use super::named::named;
use super::table::{
    Chars, Http, Kind, Object, Rest, Row, Shape, Walk, checked, items, may, must, part, shape, text,
};
use super::violation::{Problem, Violations};
use crate::url::HttpUrl;

/// The most bytes that a platform may have.
pub const MAX_BODY: usize = 64 * 1024;

/// The longest name, in characters. The vendor documents none.
pub const MAX_NAME_CHARS: usize = 256;

/// The longest key, in characters. The vendor documents none; its example has 32.
pub const MAX_KEY_CHARS: usize = 256;

/// The longest address, in characters.
pub const MAX_URL_CHARS: usize = 2048;

/// The longest id of a platform or of a live on it, in characters. The vendor documents none.
pub const MAX_ID_CHARS: usize = 128;

named! {
    /// What a platform is called for.
    pub enum ApiType {
        /// Its products.
        ProductQuery = "PRODUCT_QUERY",
        /// Live events.
        LiveEventCallback = "LIVE_EVENT_CALLBACK",
    }
}

const NAME: Row = must("name", Kind::Text { max: MAX_NAME_CHARS, of: Chars::Any });

const AUTH: Shape = shape(&[must("key", Kind::Text { max: MAX_KEY_CHARS, of: Chars::Any })]);

const CALLBACK: Shape = shape(&[
    must("api_type", Kind::Name(ApiType::NAMES)),
    must("url", Kind::Address { max: MAX_URL_CHARS, http: Http::Refused }),
]);

const CALLBACKS: Row = must(
    "callback_config",
    Kind::List { min: 1, max: ApiType::ALL.len(), of: &Kind::Object(&CALLBACK) },
);

const CREATE: Shape = Shape {
    rows: &[NAME, must("auth_config", Kind::Object(&AUTH)), CALLBACKS],
    also: Some(one_of_each_type),
    rest: Rest::Dropped,
};

const UPDATE: Shape = Shape {
    rows: &[
        NAME,
        may(
            "auth_config",
            Kind::Object(&shape(&[may("key", Kind::Text { max: MAX_KEY_CHARS, of: Chars::Any })])),
        ),
        CALLBACKS,
    ],
    also: Some(one_of_each_type),
    rest: Rest::Dropped,
};

fn one_of_each_type(sent: &Object, walk: &mut Walk) {
    let list = items(sent, "callback_config");
    let api_type = |item: &Value| item.get("api_type").and_then(Value::as_str).map(String::from);
    for (index, item) in list.iter().enumerate().take(ApiType::ALL.len().saturating_add(1)) {
        let this = api_type(item);
        if this.is_some() && list.iter().take(index).any(|before| api_type(before) == this) {
            walk.report(&alloc::format!("callback_config[{index}].api_type"), Problem::Duplicate);
        }
    }
}

/// A live platform. Its `Debug` shows neither key nor addresses' queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    name: String,
    key: CallbackKey,
    product_query: Option<HttpUrl>,
    live_event: Option<HttpUrl>,
}

impl Platform {
    /// Reads a new platform, or one as [`Self::to_value`] wrote it.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        let kept = checked(body, MAX_BODY, &CREATE)?;
        let key = part(&kept, "auth_config").and_then(|auth| text(auth, "key"));
        let key = key.and_then(CallbackKey::new);
        key.map(|key| Self::of(&kept, key))
            .ok_or_else(|| Violations::of("auth_config.key", Problem::Missing))
    }

    /// The platform after a change. Name and addresses take the former ones' place; without a key
    /// the former stays.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn update(&self, body: &[u8]) -> Result<Self, Violations> {
        let kept = checked(body, MAX_BODY, &UPDATE)?;
        let key = part(&kept, "auth_config").and_then(|auth| text(auth, "key"));
        let key = key.and_then(CallbackKey::new).unwrap_or_else(|| self.key.clone());
        Ok(Self::of(&kept, key))
    }

    fn of(kept: &Object, key: CallbackKey) -> Self {
        let url = |api_type: ApiType| {
            let mut list = items(kept, "callback_config").iter().filter_map(Value::as_object);
            let found = list.find(|item| text(item, "api_type") == Some(api_type.as_str()))?;
            HttpUrl::parse(text(found, "url")?).ok()
        };
        Self {
            name: String::from(text(kept, "name").unwrap_or("")),
            key,
            product_query: url(ApiType::ProductQuery),
            live_event: url(ApiType::LiveEventCallback),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that calls to the platform are signed with.
    pub const fn key(&self) -> &CallbackKey {
        &self.key
    }

    /// Where it is called for that, if it is.
    pub const fn url(&self, api_type: ApiType) -> Option<&HttpUrl> {
        match api_type {
            ApiType::ProductQuery => self.product_query.as_ref(),
            ApiType::LiveEventCallback => self.live_event.as_ref(),
        }
    }

    /// The same as settings for live events: all types, signed with the platform's key. How they
    /// are signed the vendor documents for product queries alone, which have
    /// [`AuthType::MssAHead`]: so it is asked for here.
    pub fn event_callback(&self, auth_type: AuthType) -> Option<LiveEventCallBackConfig> {
        let url = self.live_event.clone()?;
        Some(LiveEventCallBackConfig::of(url, auth_type, self.key.clone()))
    }

    /// As the vendor's API shows it, **the key included**.
    pub fn to_value(&self) -> Value {
        let callbacks = ApiType::ALL.iter().filter_map(|api_type| {
            let url = self.url(*api_type)?;
            Some(json!({"api_type": api_type.as_str(), "url": url.as_str()}))
        });
        json!({
            "name": self.name,
            "auth_config": {"key": self.key.reveal()},
            "callback_config": callbacks.collect::<Value>(),
        })
    }
}

/// The fields of `PlatformLiveInfo`.
pub(crate) const PLATFORM_LIVE: Shape = shape(&[
    must("platform_id", Kind::Text { max: MAX_ID_CHARS, of: Chars::Any }),
    must("live_id", Kind::Text { max: MAX_ID_CHARS, of: Chars::Word }),
]);

/// Which live on which platform a room is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlatformLive {
    /// The platform's id.
    pub platform_id: String,
    /// The platform's own id of the live.
    pub live_id: String,
}

impl PlatformLive {
    pub(crate) fn from_checked(object: &Object) -> Option<Self> {
        Some(Self {
            platform_id: String::from(text(object, "platform_id")?),
            live_id: String::from(text(object, "live_id")?),
        })
    }
}

/// A platform's live, for people.
impl fmt::Display for PlatformLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.live_id, self.platform_id)
    }
}
