//! A vendor's callback address made into an endpoint and a subscription, so that what it is sent is
//! signed, retried and recorded as any other delivery.

use livegate_core::id::{EndpointId, SubscriptionId, TenantId};
use livegate_core::time::UnixMillis;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::compile;
use crate::document::Field;
use crate::error::{Result, Violation};
use crate::model::{Endpoint, Format, Keys, Secrecy, Signing, Subscription};
use crate::objects::contract::Managed;
use crate::objects::tenant::Kind;
use livegate_core::url::egress::EgressPolicy;

/// A callback address as a vendor's client configured it.
pub(crate) struct Callback {
    pub(crate) url: String,
    pub(crate) format: Format,
    pub(crate) signing: Signing,
    pub(crate) key: Option<String>,
    pub(crate) filter: Value,
    /// The application that its bodies name, where they do.
    pub(crate) app_id: Option<String>,
    /// Whether how it is signed is its owner's to say, since its vendor does not.
    pub(crate) owner_signs: bool,
    /// The subscription's id at its vendor, where its bodies name it.
    pub(crate) subscription: Option<String>,
}

/// The endpoint that follows from the thing of that marker: the same one however often it changes,
/// so that its records stay together.
pub(crate) fn endpoint_id(tenant: TenantId, marker: &str) -> EndpointId {
    EndpointId::from_bytes(bytes(tenant, marker))
}

/// The subscription that follows from the thing of that marker.
pub(crate) fn subscription_id(tenant: TenantId, marker: &str) -> SubscriptionId {
    SubscriptionId::from_bytes(bytes(tenant, marker))
}

fn bytes(tenant: TenantId, marker: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(tenant.to_bytes());
    hash.update(marker.as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    bytes
}

/// What follows from a thing with that callback address, or with none any more.
pub(crate) fn of(
    tenant: TenantId,
    marker: &str,
    callback: Option<Callback>,
    egress: EgressPolicy,
    now: UnixMillis,
) -> Result<Vec<Managed>, Vec<Violation>> {
    let endpoint_id = endpoint_id(tenant, marker);
    let subscription_id = subscription_id(tenant, marker);
    let one = |kind, id, doc, keys| Managed { kind, id, doc, keys };
    let Some(callback) = callback else {
        return Ok(vec![
            one(Kind::Subscription, subscription_id.to_string(), None, None),
            one(Kind::Endpoint, endpoint_id.to_string(), None, None),
        ]);
    };
    // What its vendor signs with is not documented: its owner's secret stays.
    let own = callback.owner_signs && callback.key.is_none();
    let keys = Keys { current: callback.key, ..Keys::default() };
    let endpoint = Endpoint {
        id: endpoint_id,
        name: format!("callback of {marker}").chars().take(128).collect(),
        url: callback.url,
        format: callback.format,
        secrets: Secrecy::Masked,
        words: None,
        app_id: callback.app_id,
        message: None,
        signing: callback.signing,
        timeout_s: 15,
        rate_per_s: None,
        headers: Vec::new(),
        retry: None,
        max_block_s: 900,
        enabled: true,
        disabled_reason: None,
        managed: Some(marker.to_owned()),
        created_at: now,
    };
    compile::endpoint(&endpoint, &keys, egress)?;
    let subscription = Subscription {
        id: subscription_id,
        // Bodies that name the subscription name this.
        name: callback.subscription,
        source: None,
        endpoint: endpoint_id,
        filter: callback.filter,
        ordered: true,
        managed: Some(marker.to_owned()),
        created_at: now,
    };
    compile::subscription(&subscription)?;
    Ok(vec![
        one(
            Kind::Endpoint,
            endpoint_id.to_string(),
            Some(endpoint.write()),
            Some(keys).filter(|_| !own),
        ),
        one(Kind::Subscription, subscription_id.to_string(), Some(subscription.write()), None),
    ])
}
