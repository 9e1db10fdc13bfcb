//! `/api/v1/relay-tasks`: what is to be relayed, whoever's client asked for it; and `/api/v1/relays`: the
//! states that relays are in, as their vendors' events told. Push addresses are shown masked.

use livegate_core::dialect::redact;
use livegate_core::event::RelayState;
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};
use web_sys::Response;
use worker::Env;

use super::{cursor, limit, not_allowed, page};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::http::{self, Incoming, percent_decode};
use crate::objects::contract::{TaskId, ToFleet, ToRecords};
use crate::objects::fleet::Task;
use crate::objects::{ObjectRef, call};
use crate::wire::{Page, Query};

/// More than a fleet remembers.
const MOST: u64 = 1_000_000;

/// What stands for an application where a vendor has none.
const NO_APP: &str = "-";

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    let fleet = ObjectRef::Fleet(caller.tenant);
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let (offset, limit) = (cursor(request)?.unwrap_or(0), limit(request)?);
            if offset > MOST {
                return Err(super::no_cursor());
            }
            let text = |name| request.param(name).unwrap_or_default();
            let ended = match text("ended").as_str() {
                "" => None,
                "true" => Some(true),
                "false" => Some(false),
                _ => return Err(super::invalid("ended", "true or false".to_owned())),
            };
            let ask = ToFleet::List(text("vendor"), text("app_id"), ended, offset, limit);
            let found: Value = call(env, &fleet, &ask).await?;
            let items = found["items"].as_array().cloned().unwrap_or_default();
            let end = offset + items.len() as u64;
            let more = found["count"].as_u64().is_some_and(|count| end < count);
            let shown = items
                .into_iter()
                .map(|item| Ok(shown(&crate::document::read::<Task>(item)?)))
                .collect::<Result<_>>()?;
            page(shown, Some(end.to_string()).filter(|_| more).as_deref())
        }
        ("GET", [vendor, app, task @ ..]) if !task.is_empty() => {
            let app = if *app == NO_APP { "" } else { app };
            let id = TaskId {
                vendor: (*vendor).to_owned(),
                app: percent_decode(app),
                // An id may have a slash of its own, and any other character.
                task: percent_decode(&task.join("/")),
            };
            let ask = ToFleet::Task(caller.tenant, id);
            let task: Option<Task> = call(env, &fleet, &ask).await?;
            let task = task.ok_or_else(|| Problem::not_found("relay task"))?;
            let mut document = shown(&task);
            document["task"] = crate::json::parse(&redact::json(&task.description.to_string()))?;
            http::json(200, &document)
        }
        (_, [] | [_, _, _, ..]) => Err(not_allowed("GET")),
        _ => Err(Problem::not_found("route").into()),
    }
}

/// Relays and their states.
pub(super) async fn states(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    if !rest.is_empty() {
        return Err(Problem::not_found("route").into());
    }
    if request.method != "GET" {
        return Err(not_allowed("GET"));
    }
    let state = request.param("state");
    let known = |state: &String| RelayState::from_name(state).is_some();
    if !state.as_ref().is_none_or(known) {
        let words: Vec<&str> = RelayState::ALL.iter().map(|state| state.as_str()).collect();
        return Err(super::invalid("state", format!("one of {}", words.join(", "))));
    }
    let query = Query { kind: state, ..super::records::query(request)? };
    let found: Page = call(env, &super::records_of(caller), &ToRecords::Relays(query)).await?;
    page(found.items, found.next.as_deref())
}

fn shown(task: &Task) -> Value {
    let time = |at: UnixMillis| at.to_string();
    json!({
        "vendor": task.id.vendor, "app_id": task.id.app, "id": task.id.task,
        "channel": task.channel, "mode": task.mode, "state": task.state,
        "created_at": time(task.created_at), "updated_at": time(task.updated_at),
        "ended_at": task.ended_at.map(time),
    })
}
