//! A `LiveEventCallBackConfig` made into an endpoint, at whichever level it was set.

use livegate_core::config::{AuthType, LiveEventCallBackConfig};
use livegate_core::dialect::DialectName;
use livegate_core::dialect::metastudio::EventType;
use serde_json::{Value, json};

use super::{Call, fault};
use crate::compile;
use crate::error::Result;
use crate::model::{Format, Signing};
use crate::objects::contract::Managed;
use crate::objects::tenant::Kind;
use crate::vendor::managed::{self, Callback};

/// What follows from a callback configuration of the thing `id`, or from there being none. `at` is
/// where it stands in what was sent.
pub(super) fn managed(
    call: &Call<'_>,
    settings: &Value,
    (kind, id): (Kind, &str),
    at: &str,
    config: Option<&LiveEventCallBackConfig>,
) -> Result<Vec<Managed>> {
    let callback = config.and_then(|config| {
        Some(Callback {
            url: config.url()?.as_str().to_owned(),
            format: Format::Dialect(DialectName::MetaStudio),
            signing: signing(settings, config.auth_type()),
            key: config.key().map(|key| key.reveal().to_owned()),
            filter: filter(config),
            app_id: None,
            owner_signs: false,
            subscription: None,
        })
    });
    of(call, (kind, id), at, callback)
}

/// What follows from a callback address, whatever it was made from.
pub(super) fn of(
    call: &Call<'_>,
    (kind, id): (Kind, &str),
    at: &str,
    callback: Option<Callback>,
) -> Result<Vec<Managed>> {
    let egress = compile::egress(call.tenant.env);
    managed::of(call.tenant.id, &kind.marker(id), callback, egress, call.now).map_err(|found| {
        let Some(first) = found.first() else { return fault::body() };
        // The names of an endpoint's fields, as the vendor has them.
        let field = match first.path.as_str() {
            "url" => "live_event_type_callback_url",
            "secret" => "key",
            path if path.starts_with("signing") => "auth_type",
            path => path,
        };
        fault::parameter(&format!("{at}.{field}"), &first.detail)
    })
}

/// How callbacks are signed; what the vendor leaves open is the tenant's setting.
fn signing(settings: &Value, auth_type: AuthType) -> Signing {
    let own = settings.get("meituan_default").filter(|_| auth_type == AuthType::MeituanDefault);
    Signing { scheme: auth_type.as_str().to_owned(), custom: own.cloned(), canonical_uri: None }
}

/// The types that are called back, as a subscription's filter.
fn filter(config: &LiveEventCallBackConfig) -> Value {
    let wanted: Vec<&str> = EventType::ALL
        .iter()
        .filter(|event_type| config.wants(**event_type))
        .map(|event_type| event_type.as_str())
        .collect();
    json!({ "kinds": wanted })
}
