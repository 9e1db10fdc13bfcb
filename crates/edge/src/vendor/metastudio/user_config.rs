//! `ShowSmartLiveUserConfig` and `UpdateSmartLiveUserConfig`.

use livegate_core::config::{UserConfig, UserConfigUpdate};
use livegate_core::event::Kind;
use serde_json::json;
use web_sys::Response;

use super::{Call, callback, fault};
use crate::error::{Problem, Result};
use crate::model::{Format, Signing};
use crate::notice::Place;
use crate::objects::contract::Managed;
use crate::objects::tenant::{Kind as Sort, NOTICES};
use crate::vendor::managed::{self, Callback};
use crate::vendor::masked;
use crate::vendor::stored::{Thing, Write};
use crate::{compile, http};

/// A tenant has one, of this name.
const ID: &str = "user_config";

const CALLBACK: &str = "live_event_callback_config";

/// The configuration, without the callback's key.
pub(super) async fn show(call: &Call<'_>) -> Result<Response> {
    let there = call.tenant.document(Sort::UserConfig, ID).await?;
    http::json(200, &there.unwrap_or_else(|| json!({})))
}

/// Changes it. A callback configuration without a key goes on with the one that there is: it is never
/// shown, so whoever changes the rest cannot repeat it.
pub(super) async fn update(call: &Call<'_>) -> Result<Response> {
    let sent = call.object()?;
    let settings = call.settings().await?;
    let mut change = |there: Option<Thing>| {
        let before = there.as_ref().map_or_else(|| Ok(json!({})), Thing::whole)?;
        let mut sent = sent.clone();
        masked::restore_key(&mut sent, &before, CALLBACK);
        let update = UserConfigUpdate::from_json(sent.to_string().as_bytes());
        let update = update.map_err(|found| fault::violations(&found))?;
        let before = UserConfig::from_json(before.to_string().as_bytes());
        let after = update.apply(&before.map_err(|found| fault::violations(&found))?);
        let config = after.callback.as_ref();
        let mut also =
            callback::managed(call, &settings, (Sort::UserConfig, ID), CALLBACK, config)?;
        also.extend(notices(call, &after)?);
        let whole = crate::json::value(&after)?;
        let shown = masked::shown(&whole.as_object().cloned().unwrap_or_default());
        Ok(Write::sealing(shown, &whole, also))
    };
    call.tenant.change(Sort::UserConfig, ID, &mut change).await?;
    http::json(200, &json!({}))
}

/// What follows from the events that are told: notices kept for people to read here. Endpoints that
/// tell people elsewhere have subscriptions of their own, which count as long as this says so.
fn notices(call: &Call<'_>, config: &UserConfig) -> Result<Vec<Managed>> {
    let told = config.notify.as_ref().is_some_and(|notify| !notify.events().is_empty());
    let callback = told.then(|| Callback {
        url: "livegate:notices".to_owned(),
        format: Format::Notice(Place::Site),
        signing: Signing { scheme: "NONE".to_owned(), custom: None, canonical_uri: None },
        key: None,
        filter: json!({ "kinds": [Kind::LiveAutoExit.as_str()] }),
        app_id: None,
        owner_signs: false,
        subscription: None,
    });
    let egress = compile::egress(call.tenant.env);
    let managed = managed::of(call.tenant.id, NOTICES, callback, egress, call.now);
    managed.map_err(|found| Problem::invalid(found).into())
}
