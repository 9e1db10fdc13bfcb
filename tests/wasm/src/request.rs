//! Requests of the vendors' own clients, and their parameters.

use livegate_core::error::Coded;
use livegate_core::scheme::request::rpc::Params;
use livegate_core::scheme::request::{Authentic, Claim, Request, RequestScheme};
use livegate_core::time::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Wire {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Deserialize)]
pub(crate) struct Vector {
    request: Wire,
    secret: String,
    now_ms: u64,
}

pub(crate) fn outcome(vector: &Vector) -> Value {
    let Wire { method, path, query, headers, body } = &vector.request;
    let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let request = Request { method, path, query, headers: &headers, body: body.as_bytes() };
    let outcome = Claim::read(&request)
        .and_then(|claim| claim.verify(&vector.secret, UnixMillis(vector.now_ms)));
    match outcome {
        Ok(authentic) => told(authentic),
        Err(error) => json!({"said": error.code().as_str()}),
    }
}

fn told(authentic: Authentic<'_>) -> Value {
    let mut told = json!({
        "said": "authentic",
        "scheme": match authentic.scheme() {
            RequestScheme::SdkHmacSha256 => "SDK-HMAC-SHA256",
            RequestScheme::Acs3HmacSha256 => "ACS3-HMAC-SHA256",
            RequestScheme::RpcHmacSha1 => "HMAC-SHA1",
            _ => "unknown",
        },
        "access_key": authentic.access_key(),
        "time_ms": authentic.time().0,
        "nonce": authentic.nonce(),
    });
    if let Ok(operation) = authentic.rpc() {
        told["action"] = operation.action.into();
        told["version"] = operation.version.into();
        told["params"] = pairs(&operation.params);
    }
    told
}

fn pairs(params: &Params) -> Value {
    params.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

#[derive(Deserialize)]
pub(crate) struct Query {
    query: String,
}

pub(crate) fn params(vector: &Query) -> Value {
    let request =
        Request { method: "GET", path: "/", query: &vector.query, headers: &[], body: b"" };
    let read = Params::read(&request).and_then(|mut params| {
        params.flatten(&["MultiStreamURL", "SeiParams", "SingleSubParams", "TranscodeParams"])?;
        Ok(params)
    });
    match read {
        Ok(params) => json!({"params": pairs(&params)}),
        Err(error) => json!({"code": error.code().as_str()}),
    }
}
