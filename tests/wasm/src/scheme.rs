//! Signed calls, and calls to be signed.

use livegate_core::error::{Code, Coded};
use livegate_core::scheme::{
    Builtin, Call, CanonicalUri, KeyUsed, Outgoing, Policy, Scheme, Secret, Secrets, ShowBody,
    Signer, Verified, Verifier, explain,
};
use livegate_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(untagged)]
enum Which {
    Name(String),
    Custom(Box<Scheme>),
}

#[derive(Deserialize)]
struct Previous {
    key: String,
    until_ms: u64,
}

/// What both kinds of vectors have.
#[derive(Deserialize)]
pub(crate) struct Vector {
    scheme: Which,
    canonical_uri: Option<String>,
    key: Option<String>,
    previous: Option<Previous>,
    url: String,
    method: String,
    #[serde(default)]
    query: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    body_hex: Option<String>,
    #[serde(default)]
    id: String,
    now_ms: u64,
    freshness_s: Option<u64>,
    skew_s: Option<u64>,
}

impl Vector {
    fn scheme(&self) -> Scheme {
        match &self.scheme {
            Which::Custom(scheme) => Scheme::clone(scheme),
            Which::Name(name) => {
                let uri = self.canonical_uri.as_deref();
                let uri = uri.map(|name| CanonicalUri::from_name(name).unwrap());
                Builtin::from_name(name).unwrap().scheme_with(uri.unwrap_or_default())
            }
        }
    }

    fn secrets(&self, scheme: &Scheme) -> Result<Option<Secrets>, Code> {
        let secret = |text: &str| Secret::for_scheme(scheme, text).map_err(|error| error.code());
        let Some(key) = self.key.as_deref() else { return Ok(None) };
        Ok(Some(match &self.previous {
            None => Secrets::new(secret(key)?),
            Some(previous) => {
                let until = UnixMillis(previous.until_ms);
                Secrets::rotating(secret(key)?, secret(&previous.key)?, until)
            }
        }))
    }

    fn policy(&self, scheme: &Scheme) -> Policy {
        let set = scheme.policy();
        Policy::new(
            self.freshness_s.map_or_else(|| set.freshness(), Millis::from_secs),
            self.skew_s.map_or_else(|| set.skew(), Millis::from_secs),
        )
        .unwrap()
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn body(&self) -> Vec<u8> {
        match &self.body_hex {
            Some(digits) => hex::decode(digits).unwrap(),
            None => self.body.clone().into_bytes(),
        }
    }
}

pub(crate) fn incoming(vector: &Vector) -> Value {
    let scheme = vector.scheme();
    let (headers, body) = (vector.headers(), vector.body());
    let call =
        Call { method: &vector.method, query: &vector.query, headers: &headers, body: &body };
    let verifier = vector.secrets(&scheme).and_then(|secrets| {
        Verifier::new(&scheme, &vector.url, secrets.as_ref(), vector.policy(&scheme))
            .map_err(|error| error.code())
    });
    let outcome = verifier.and_then(|verifier| {
        let outcome = verifier.verify(&call, UnixMillis(vector.now_ms));
        outcome.map(|verified| agreed(&verified)).map_err(|refusal| refusal.code())
    });
    let shown = explain(&scheme, &vector.url, &call, ShowBody::Text);
    match outcome {
        Ok(facts) => json!({"said": "verified", "verified": facts, "shown": shown}),
        Err(code) => json!({"said": code.as_str(), "shown": shown}),
    }
}

fn agreed(verified: &Verified<'_>) -> Value {
    json!({
        "body_hex": hex::encode(verified.body()),
        "signed_at_ms": verified.signed_at().map(|time| time.0),
        "id": verified.id(),
        "key_used": verified.key().map(|key| match key {
            KeyUsed::Current => "current",
            KeyUsed::Previous => "previous",
            _ => "unknown",
        }),
    })
}

pub(crate) fn outgoing(vector: &Vector) -> Value {
    let scheme = vector.scheme();
    let secrets = vector.secrets(&scheme).unwrap();
    let signer = Signer::new(&scheme, &vector.url, secrets.as_ref()).unwrap();
    let (headers, body) = (vector.headers(), vector.body());
    let outgoing =
        Outgoing { method: &vector.method, headers: &headers, body: &body, id: &vector.id };
    match signer.sign(&outgoing, UnixMillis(vector.now_ms)) {
        Ok(added) => json!({
            "said": "signed",
            "set_headers": added.headers,
            "set_query": added.query,
            "set_body_fields": added.body_fields,
            "signed_url": added.url(&vector.url),
        }),
        Err(error) => json!({
            "said": error.code().as_str(),
            "set_headers": [],
            "set_query": [],
            "set_body_fields": [],
        }),
    }
}
