//! livegate at the edge: a Cloudflare Worker that takes, keeps and delivers live callbacks.
//!
//! | module | does |
//! |---|---|
//! | `ingress` | `/in/{source}`: verify, parse, hand to the channel |
//! | `api` | `/api/v1`: configuration, records, replays, tails |
//! | `objects` | the Durable Objects and how they are called |
//! | `send` | one delivery |
//! | `tail` | listeners by SSE and WebSocket |
//! | `vendor` | the vendors' own APIs |
//! | `credentials` | what the vendors' own clients sign in with |
//! | `document` | what documents are declared with, and read by |
//! | `notice` | events told to people |
//! | `raw` | the core's own documents, read the same way |
//! | `compile` | documents made into the core's checked values |
//! | `js`, `json`, `sql`, `http` | the platform, thinly |
//!
//! What is decided is decided in `livegate-core`; this crate reads, writes and sends.

mod api;
mod auth;
mod compile;
mod credentials;
mod document;
mod error;
mod http;
mod ingress;
mod js;
mod json;
mod model;
mod notice;
mod objects;
mod raw;
mod seal;
mod send;
mod sql;
mod tail;
mod vendor;
mod wire;

use web_sys::Response;
use worker::{Context, Env, event};

use crate::error::Result;
use crate::http::Incoming;
use crate::objects::ObjectRef;
use crate::objects::contract::ToDirectory;

/// Every request to the deployment.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<Response> {
    let request = Incoming::new(request);
    let path = request.path.as_str();
    let response = if path.starts_with("/in/") {
        ingress::serve(&env, &context, &request).await
    } else if path.starts_with("/v1/") || path.starts_with("/v2/") {
        vendor::metastudio::serve(&env, &request).await
    } else if vendor::alibaba::is_call(&request) {
        vendor::alibaba::serve(&env, &request).await
    } else if let Some(rest) = vendor::jocloud::is_call(&env, path) {
        vendor::jocloud::serve(&env, &request, rest).await
    } else if path == "/healthz" {
        let answer = health(&env, &request).await;
        answer.or_else(|error| http::problem(&error.into_problem(), path))
    } else {
        api::serve(&env, &request).await
    };
    response.map_err(Into::into)
}

/// `/healthz`: that the Worker runs; with `?hop=1`, that an object answers, too.
async fn health(env: &Env, request: &Incoming) -> Result<Response> {
    if request.param("hop").is_some() {
        // The body is read as a callback's is, so that this measures the way and nothing else.
        request.body().await?;
        let ask = ToDirectory::Ping;
        objects::call::<serde_json::Value>(env, &ObjectRef::Directory, ask).await?;
    }
    http::json(200, &serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}
