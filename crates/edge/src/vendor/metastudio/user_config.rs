//! `ShowSmartLiveUserConfig` and `UpdateSmartLiveUserConfig`.

use livegate_core::config::{LiveEventCallBackConfig, UserConfig, UserConfigUpdate};
use serde_json::{Value, json};
use web_sys::Response;

use super::{Call, callback, fault};
use crate::error::Result;
use crate::http;
use crate::model::Keys;
use crate::objects::tenant::Kind;
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
        let (before, key) = match &there {
            Some(Thing { doc, keys, .. }) => (doc.clone(), keys.current.clone()),
            None => (json!({}), None),
        };
        let with_key = |config: &Value| with_key(config, key.as_ref()).to_string().into_bytes();
        let update = UserConfigUpdate::from_json(&with_key(&sent));
        let update = update.map_err(|found| fault::violations(&found))?;
        let before = UserConfig::from_json(&with_key(&before));
        let after = update.apply(&before.map_err(|found| fault::violations(&found))?);
        let config = after.callback.as_ref();
        let also = callback::managed(call, &settings, (Kind::UserConfig, ID), CALLBACK, config)?;
        let key = config.and_then(LiveEventCallBackConfig::key).map(|key| key.reveal().to_owned());
        let mut doc = crate::json::value(&after)?;
        without_key(&mut doc);
        Ok(Write { doc, keys: Some(Keys { current: key, ..Keys::default() }), also })
    };
    call.tenant.change(Kind::UserConfig, ID, &mut change).await?;
    http::json(200, &json!({}))
}

fn with_key(config: &Value, key: Option<&String>) -> Value {
    let mut config = config.clone();
    if let (Some(callback), Some(key)) =
        (config.get_mut(CALLBACK).and_then(Value::as_object_mut), key)
        && !callback.contains_key("key")
    {
        callback.insert("key".to_owned(), json!(key));
    }
    config
}

fn without_key(config: &mut Value) {
    if let Some(callback) = config.get_mut(CALLBACK).and_then(Value::as_object_mut) {
        callback.remove("key");
    }
}
