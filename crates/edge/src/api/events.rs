//! `/api/v1/events`: lists from the index, one event from its channel, replays.

use livegate_core::id::{EventId, Seq};
use serde_json::{Value, json};
use web_sys::Response;
use worker::Env;

use super::records::{query, unknown};
use super::{not_allowed, page, records_of};
use crate::auth::Caller;
use crate::document::given;
use crate::error::{Problem, Result};
use crate::http::{self, Incoming};
use crate::objects::contract::{ToChannel, ToRecords};
use crate::objects::tenant::Kind;
use crate::objects::{ObjectRef, call};
use crate::wire::Page;

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let ask = ToRecords::Events(query(request)?);
            let found: Page = call(env, &records_of(caller), ask).await?;
            page(found.items, found.next.as_deref())
        }
        ("GET", [id]) => {
            let (name, seq) = place(env, caller, id).await?;
            let ask = ToChannel::Show(seq);
            let object = ObjectRef::Channel(caller.tenant, &name);
            let event: Option<Value> = call(env, &object, ask).await?;
            http::json(200, &event.ok_or_else(|| Problem::not_found("event"))?)
        }
        ("POST", [id, "replay"]) => replay(env, caller, request, id).await,
        (_, [] | [_]) => Err(not_allowed("GET")),
        (_, [_, "replay"]) => Err(not_allowed("POST")),
        _ => Err(Problem::not_found("route").into()),
    }
}

/// An event's channel and its place there, from its id alone. The channel is looked up among the
/// caller's own, so another tenant's event is simply not there.
async fn place(env: &Env, caller: &Caller, id: &str) -> Result<(String, Seq)> {
    let missing = || Problem::not_found("event");
    let (number, seq) = EventId::parse(id).map_err(|_| missing())?.place();
    let ask = ToRecords::Channel(hex::encode(number.0));
    let name: Option<String> = call(env, &records_of(caller), ask).await?;
    Ok((name.ok_or_else(missing)?, seq))
}

given! {
    #[derive(Default)]
    struct Whom {
        endpoint: Option<String>,
        subscription: Option<String>,
    }
}

async fn replay(env: &Env, caller: &Caller, request: &Incoming, id: &str) -> Result<Response> {
    let Whom { endpoint, subscription } = request.json().await?;
    let (name, seq) = place(env, caller, id).await?;
    let object = ObjectRef::Channel(caller.tenant, &name);
    let show = ToChannel::Show(seq);
    if call::<Option<Value>>(env, &object, show).await?.is_none() {
        return Err(Problem::not_found("event").into());
    }
    let mut violations = Vec::new();
    for (kind, id) in [(Kind::Endpoint, &endpoint), (Kind::Subscription, &subscription)] {
        violations.extend(unknown(env, caller, kind, id.as_deref()).await?);
    }
    if !violations.is_empty() {
        return Err(Problem::invalid(violations).into());
    }
    let ask = ToChannel::Replay(vec![seq], endpoint, subscription);
    let queued: u64 = call(env, &object, ask).await?;
    http::json(202, &json!({ "queued": queued }))
}
