//! Addresses and live configurations.

use livegate_core::config::{UserConfig, UserConfigUpdate};
use livegate_core::error::Coded;
use livegate_core::url::HttpUrl;
use livegate_core::url::egress::{EgressPolicy, check};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(crate) struct Address {
    url: String,
}

pub(crate) fn url(vector: &Address) -> Value {
    let url = match HttpUrl::parse(&vector.url) {
        Ok(url) => url,
        Err(error) => return json!({"said": error.code().as_str()}),
    };
    let under = |policy| match check(&url, policy) {
        Ok(()) => "ok",
        Err(refusal) => refusal.code().as_str(),
    };
    json!({
        "said": "ok",
        "host": url.host().to_string(),
        "public": under(EgressPolicy::PUBLIC),
        "development": under(EgressPolicy::DEVELOPMENT),
    })
}

#[derive(Deserialize)]
pub(crate) struct Change {
    body: String,
    before: Option<String>,
}

pub(crate) fn config(vector: &Change) -> Value {
    match UserConfigUpdate::from_json(vector.body.as_bytes()) {
        Ok(update) => {
            let before = vector.before.as_deref();
            let before = before.map(|json| UserConfig::from_json(json.as_bytes()).unwrap());
            let after = update.apply(&before.unwrap_or_default());
            let stored = serde_json::to_vec(&after).unwrap();
            json!({
                "shown": after,
                "reads_back": UserConfig::from_json(&stored).as_ref() == Ok(&after),
            })
        }
        Err(violations) => {
            let wrong = violations
                .iter()
                .map(|wrong| json!({"path": wrong.path, "code": wrong.code().as_str()}))
                .collect::<Vec<_>>();
            json!({ "violations": wrong })
        }
    }
}
