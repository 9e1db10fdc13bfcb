//! `ShowSmartLiveUserConfig` and `UpdateSmartLiveUserConfig`.

use livegate_core::config::{UserConfig, UserConfigUpdate};
use serde_json::{Map, json};
use web_sys::Response;

use super::{Call, callback, fault};
use crate::error::Result;
use crate::http;
use crate::objects::tenant::Kind;
use crate::vendor::masked;
use crate::vendor::stored::{Thing, Write};

/// A tenant has one, of this name.
const ID: &str = "user_config";

const CALLBACK: &str = "live_event_callback_config";

/// The configuration, without the callback's key.
pub(super) async fn show(call: &Call<'_>) -> Result<Response> {
    let there = call.tenant.document(Kind::UserConfig, ID).await?;
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
        let also = callback::managed(call, &settings, (Kind::UserConfig, ID), CALLBACK, config)?;
        let whole = crate::json::value(&after)?;
        let shown = masked::shown(whole.as_object().unwrap_or(&Map::new()));
        Write::sealing(shown, &whole, also)
    };
    call.tenant.change(Kind::UserConfig, ID, &mut change).await?;
    http::json(200, &json!({}))
}
