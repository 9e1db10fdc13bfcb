//! What a tenant configures: sources, endpoints, subscriptions. The documents that the API shows
//! and the Tenant object keeps, their secrets apart from them.

use livegate_core::id::{EndpointId, SourceId, SubscriptionId, TenantId};
use livegate_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A source of callbacks, without its keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) id: SourceId,
    pub(crate) name: String,
    pub(crate) dialect: String,
    pub(crate) scheme: String,
    /// A tenant's own scheme, or what completes a built-in row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom: Option<Value>,
    /// The URL as it is configured at the vendor: what the vendor signs over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) freshness_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) skew_s: Option<u64>,
    pub(crate) duplicate_window_s: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generic: Option<Value>,
    pub(crate) created_at: UnixMillis,
}

/// A URL that gets events, without its secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) format: Format,
    pub(crate) secrets: Secrecy,
    pub(crate) signing: Signing,
    pub(crate) timeout_s: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate_per_s: Option<u32>,
    /// Names only; the values are secrets.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<Retry>,
    pub(crate) max_block_s: u64,
    pub(crate) enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled_reason: Option<String>,
    /// What it follows from, such as `room/26f0…`; its owner changes that instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed: Option<String>,
    pub(crate) created_at: UnixMillis,
}

/// What an endpoint is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// `CloudEvents` 1.0 JSON.
    CloudEvents,
    /// The vendor's body as it came.
    Raw,
    /// `MetaStudio`'s own envelope.
    MetaStudio,
}

/// Whether stream keys and push tokens leave the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Secrecy {
    /// They are masked.
    Masked,
    /// They are delivered as they came.
    Intact,
}

/// How deliveries to an endpoint are signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Signing {
    pub(crate) scheme: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical_uri: Option<String>,
}

/// An endpoint's own retry schedule.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Retry {
    pub(crate) schedule_s: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jitter_percent: Option<u8>,
}

/// Which events go to which endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<SourceId>,
    pub(crate) endpoint: EndpointId,
    #[serde(default)]
    pub(crate) filter: Value,
    pub(crate) ordered: bool,
    /// What it follows from, as an endpoint's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed: Option<String>,
    pub(crate) created_at: UnixMillis,
}

/// The keys of a source or an endpoint: sealed at rest, open only in objects' and isolates' memory.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Keys {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// The key before a rotation, until when it still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<(String, UnixMillis)>,
    /// Values of an endpoint's own headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// A thing with its keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WithKeys<T> {
    pub(crate) item: T,
    pub(crate) keys: Keys,
}

/// Everything that a channel needs to deliver, of one version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) tenant: TenantId,
    pub(crate) version: u64,
    pub(crate) endpoints: Vec<WithKeys<Endpoint>>,
    pub(crate) subscriptions: Vec<Subscription>,
}

/// What the ingress needs to judge one source's calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SourceSnapshot {
    pub(crate) tenant: TenantId,
    pub(crate) version: u64,
    pub(crate) source: WithKeys<Source>,
}
