//! What a tenant configures: sources, endpoints, subscriptions. The documents that the API shows
//! and the Tenant object keeps, their secrets apart from them.

use livegate_core::dialect::DialectName;
use livegate_core::id::{EndpointId, SourceId, SubscriptionId, TenantId};
use livegate_core::time::UnixMillis;
use serde_json::Value;

use crate::document::{Field, Reading, document, given, words};
use crate::notice::{Message, Place};

document! {
    /// A source of callbacks, without its keys.
    #[derive(Clone, Debug)]
    pub(crate) struct Source {
        pub(crate) id: SourceId,
        pub(crate) name: String,
        pub(crate) dialect: String,
        pub(crate) scheme: String,
        /// A tenant's own scheme, or what completes a built-in row.
        pub(crate) custom: Option<Value>,
        /// The URL as it is configured at the vendor: what the vendor signs over.
        pub(crate) signed_url: Option<String>,
        pub(crate) canonical_uri: Option<String>,
        pub(crate) freshness_s: Option<u64>,
        pub(crate) skew_s: Option<u64>,
        pub(crate) duplicate_window_s: u64,
        pub(crate) generic: Option<Value>,
        /// What words mean that the vendor does not document.
        pub(crate) words: Option<Value>,
        /// What it follows from, such as `relay_host/rh_…`; its owner changes that instead.
        pub(crate) managed: Option<String>,
        pub(crate) created_at: UnixMillis,
    }
}

document! {
    /// A URL that gets events, without its secrets.
    #[derive(Clone, Debug)]
    pub(crate) struct Endpoint {
        pub(crate) id: EndpointId,
        pub(crate) name: String,
        pub(crate) url: String,
        pub(crate) format: Format,
        pub(crate) secrets: Secrecy,
        /// What the vendor's undocumented words are, in whose format it is.
        pub(crate) words: Option<Value>,
        /// The application that a vendor's body names, where that has one; the tenant's own if not.
        pub(crate) app_id: Option<String>,
        /// Whom a notice is for, and in what shape.
        pub(crate) message: Option<Message>,
        pub(crate) signing: Signing,
        pub(crate) timeout_s: u64,
        pub(crate) rate_per_s: Option<u32>,
        /// Names only; the values are secrets.
        pub(crate) headers: Vec<String> = Vec::new(),
        pub(crate) retry: Option<Retry>,
        pub(crate) max_block_s: u64,
        pub(crate) enabled: bool,
        pub(crate) disabled_reason: Option<String>,
        /// What it follows from, such as `room/26f0…`; its owner changes that instead.
        pub(crate) managed: Option<String>,
        pub(crate) created_at: UnixMillis,
    }
}

/// What an endpoint is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `CloudEvents` 1.0 JSON.
    CloudEvents,
    /// The vendor's body as it came.
    Raw,
    /// A vendor's own bodies, whichever vendor's the event is.
    Dialect(DialectName),
    /// A few words for people.
    Notice(Place),
}

impl Format {
    /// The name that documents have.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::Raw => "raw",
            Self::Dialect(dialect) => dialect.as_str(),
            Self::Notice(place) => place.as_str(),
        }
    }

    /// Every format that an endpoint can have.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        // Of any JSON object there is nothing to be written but the body itself.
        let dialects = DialectName::ALL.iter().filter(|name| **name != DialectName::Generic);
        [Self::CloudEvents, Self::Raw]
            .into_iter()
            .chain(dialects.map(|name| Self::Dialect(*name)))
            .chain(Place::ALL.iter().map(|place| Self::Notice(*place)))
    }
}

impl Field for Format {
    fn read(value: Value, reading: &mut Reading) -> Self {
        let words: Vec<&str> = Self::all().map(Self::as_str).collect();
        Self::all().nth(reading.word(&value, &words)).unwrap_or(Self::CloudEvents)
    }

    fn write(&self) -> Value {
        self.as_str().into()
    }
}

words! {
    /// Whether stream keys and push tokens leave the gateway.
    pub(crate) enum Secrecy {
        /// They are masked.
        Masked = "masked",
        /// They are delivered as they came.
        Intact = "intact",
    }
}

document! {
    /// How deliveries to an endpoint are signed.
    #[derive(Clone, Debug)]
    pub(crate) struct Signing {
        pub(crate) scheme: String,
        pub(crate) custom: Option<Value>,
        pub(crate) canonical_uri: Option<String>,
    }
}

given! {
    /// An endpoint's own retry schedule.
    #[derive(Clone, Debug)]
    pub(crate) struct Retry {
        pub(crate) schedule_s: Vec<u64>,
        pub(crate) jitter_percent: Option<u8>,
    }
}

document! {
    /// Which events go to which endpoint.
    #[derive(Clone, Debug)]
    pub(crate) struct Subscription {
        pub(crate) id: SubscriptionId,
        pub(crate) name: Option<String>,
        pub(crate) source: Option<SourceId>,
        pub(crate) endpoint: EndpointId,
        pub(crate) filter: Value,
        pub(crate) ordered: bool,
        /// What it follows from, as an endpoint's.
        pub(crate) managed: Option<String>,
        pub(crate) created_at: UnixMillis,
    }
}

document! {
    /// The keys of a source or an endpoint: sealed at rest, open only in objects' and isolates' memory.
    #[derive(Clone, Default)]
    pub(crate) struct Keys {
        pub(crate) current: Option<String>,
        /// The key before a rotation, until when it still counts.
        pub(crate) previous: Option<(String, UnixMillis)>,
        /// Values of an endpoint's own headers.
        pub(crate) headers: Vec<(String, String)> = Vec::new(),
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

document! {
    /// A thing with its keys.
    #[derive(Clone, Debug)]
    pub(crate) struct WithKeys<T> {
        pub(crate) item: T,
        pub(crate) keys: Keys,
    }
}

document! {
    /// Everything that a channel needs to deliver, of one version.
    #[derive(Clone, Debug)]
    pub(crate) struct Snapshot {
        pub(crate) tenant: TenantId,
        pub(crate) version: u64,
        pub(crate) endpoints: Vec<WithKeys<Endpoint>>,
        pub(crate) subscriptions: Vec<Subscription>,
    }
}

document! {
    /// What the ingress needs to judge one source's calls.
    #[derive(Clone, Debug)]
    pub(crate) struct SourceSnapshot {
        pub(crate) tenant: TenantId,
        pub(crate) version: u64,
        pub(crate) source: WithKeys<Source>,
    }
}
