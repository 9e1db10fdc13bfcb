//! `/api/v1/deliveries`, `/rejections`, `/replays` and `/audit`: what the tenant's records hold.

use livegate_core::id::ReplayId;
use serde_json::{Value, json};
use web_sys::Response;
use worker::Env;

use super::{found, limit, not_allowed, page, parse_time, records_of, time};
use crate::auth::Caller;
use crate::document::{self, given};
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::js;
use crate::objects::contract::{ToRecords, ToTenant};
use crate::objects::records::ReplayFilter;
use crate::objects::tenant::Kind;
use crate::objects::{ObjectRef, call};
use crate::wire::{Page, Query, Status};

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    collection: &str,
    rest: &[&str],
) -> Result<Response> {
    let records = records_of(caller);
    match (collection, request.method.as_str(), rest) {
        ("deliveries", "GET", []) => {
            let ask = ToRecords::Deliveries(query(request)?);
            let found: Page = call(env, &records, ask).await?;
            page(found.items, found.next.as_deref())
        }
        ("rejections", "GET", []) => {
            let ask = ToRecords::Rejections(query(request)?);
            let found: Page = call(env, &records, ask).await?;
            page(found.items, found.next.as_deref())
        }
        ("rejections", "GET", [id]) => {
            let ask = ToRecords::Rejection((*id).to_owned());
            http::json(200, &found(call(env, &records, ask).await?, "rejection")?)
        }
        ("replays", "GET", []) => {
            let ask = ToRecords::Replays(query(request)?);
            let found: Page = call(env, &records, ask).await?;
            let items: Vec<Value> = found.items.into_iter().map(shown).collect();
            page(items, found.next.as_deref())
        }
        ("replays", "POST", []) => start(env, caller, request).await,
        ("replays", "GET", [id]) => {
            let ask = ToRecords::Replay(replay_id(id)?);
            http::json(200, &shown(found(call(env, &records, ask).await?, "replay")?))
        }
        ("replays", "POST", [id, "cancel"]) => {
            let ask = ToRecords::CancelReplay(replay_id(id)?);
            http::json(200, &shown(call(env, &records, ask).await?))
        }
        ("audit", "GET", []) => audit(env, caller, request).await,
        ("replays", _, [] | [_] | [_, "cancel"]) => Err(not_allowed("GET and POST")),
        ("deliveries" | "audit", _, []) | ("rejections", _, [] | [_]) => Err(not_allowed("GET")),
        _ => Err(Problem::not_found("route").into()),
    }
}

fn replay_id(text: &str) -> Result<ReplayId> {
    ReplayId::parse(text).map_err(|_| Problem::not_found("replay").into())
}

/// What a list is asked for.
pub(super) fn query(request: &Incoming) -> Result<Query> {
    let status = request.param("status").map(|text| {
        document::read::<Status>(Value::String(text)).map_err(|_| {
            let detail = "a status is delivered, retrying, parked, held or expired";
            Problem::invalid(vec![Violation::new("status", "request.parameter", detail)])
        })
    });
    let cursor = request.param("cursor").map(|text| {
        let is_one = text.split('.').all(|part| part.parse::<u64>().is_ok());
        if is_one { Ok(text) } else { Err(super::no_cursor()) }
    });
    Ok(Query {
        source: request.param("source"),
        channel: request.param("channel"),
        kind: request.param("kind"),
        endpoint: request.param("endpoint"),
        subscription: request.param("subscription"),
        event: request.param("event"),
        status: status.transpose()?,
        since: time(request, "since")?,
        until: time(request, "until")?,
        cursor: cursor.transpose()?,
        limit: limit(request)?,
    })
}

/// What is wrong with an id, if the tenant has no such thing: a replay to it would be none.
pub(super) async fn unknown(
    env: &Env,
    caller: &Caller,
    kind: Kind,
    id: Option<&str>,
) -> Result<Option<Violation>> {
    let Some(id) = id else { return Ok(None) };
    let ask = ToTenant::Get(kind, id.to_owned());
    let there: Option<Value> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let detail = || format!("there is no {} of this id", kind.noun());
    Ok(there.is_none().then(|| Violation::new(kind.noun(), "replay.no_such_thing", detail())))
}

given! {
    struct NewReplay {
        rate_per_s: Option<u32>,
        source: Option<String>,
        channel: Option<String>,
        kind: Option<String>,
        since: Option<Value>,
        until: Option<Value>,
        endpoint: Option<String>,
        subscription: Option<String>,
        status: Option<String>,
    }
}

async fn start(env: &Env, caller: &Caller, request: &Incoming) -> Result<Response> {
    let filter: NewReplay = request.json().await?;
    let mut violations = Vec::new();
    let mut moment = |name: &str, value: Option<Value>| {
        let value = value?;
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text,
            other => other.to_string(),
        };
        parse_time(name, &text).map_err(|violation| violations.push(violation)).ok()
    };
    let (since, until) = (moment("since", filter.since), moment("until", filter.until));
    let parked = match filter.status.as_deref() {
        None => false,
        Some("parked") => true,
        Some(_) => {
            let detail = "only parked deliveries can be asked for by status";
            violations.push(Violation::new("status", "request.parameter", detail));
            false
        }
    };
    if parked && (filter.source.is_some() || filter.kind.is_some()) {
        let detail = "parked deliveries are found by channel, endpoint, subscription and time";
        violations.push(Violation::new("status", "replay.parked_filter", detail));
    }
    let rate_per_s = filter.rate_per_s.unwrap_or(50);
    if !(1..=1_000).contains(&rate_per_s) {
        let detail = "a replay runs at 1 to 1000 events a second";
        violations.push(Violation::new("rate_per_s", "replay.rate", detail));
    }
    for (kind, id) in [
        (Kind::Source, &filter.source),
        (Kind::Endpoint, &filter.endpoint),
        (Kind::Subscription, &filter.subscription),
    ] {
        violations.extend(unknown(env, caller, kind, id.as_deref()).await?);
    }
    if !violations.is_empty() {
        return Err(Problem::invalid(violations).into());
    }
    let filter = ReplayFilter {
        source: filter.source,
        channel: filter.channel,
        kind: filter.kind,
        since,
        until,
        endpoint: filter.endpoint,
        subscription: filter.subscription,
        parked,
    };
    let id = ReplayId::from_bytes(js::random()?);
    let ask = ToRecords::StartReplay(caller.tenant, id, Box::new(filter), rate_per_s);
    http::json(202, &shown(call(env, &records_of(caller), ask).await?))
}

/// A replay as the API shows it: where the job is in the index is its own business.
fn shown(mut replay: Value) -> Value {
    if let Some(fields) = replay.as_object_mut() {
        fields.remove("cursor");
        fields.remove("step");
    }
    replay
}

async fn audit(env: &Env, caller: &Caller, request: &Incoming) -> Result<Response> {
    let limit = limit(request)?;
    let before = super::cursor(request)?;
    let ask = ToTenant::Audit(before, limit);
    let mut lines: Vec<Value> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let full = lines.len() as u64 == limit;
    let next = lines.last().map(|line| line["seq"].to_string()).filter(|_| full);
    for line in &mut lines {
        if let Some(fields) = line.as_object_mut() {
            fields.remove("seq");
        }
    }
    http::json(200, &json!({ "items": lines, "next": next }))
}
