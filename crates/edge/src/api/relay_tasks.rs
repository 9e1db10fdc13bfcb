//! `/api/v1/relay-tasks`: what is to be relayed, whoever's client asked for it, and how it is; and
//! `/api/v1/relays`: the states that relays are in, as their vendors' events told. Push addresses are
//! shown masked.
//!
//! The documents of tasks are the core's (`relay::native`): a relay host that runs alone has the same.

use livegate_core::config::Violations;
use livegate_core::dialect::redact;
use livegate_core::event::RelayState;
use livegate_core::relay::Task as Description;
use livegate_core::relay::native;
use livegate_core::time::UnixMillis;
use livegate_core::url::egress::check;
use serde_json::Value;
use web_sys::Response;
use worker::Env;

use super::{cursor, limit, not_allowed, page};
use crate::auth::Caller;
use crate::compile;
use crate::document::{Field, document};
use crate::error::{Error, Problem, Result, Violation};
use crate::http::{self, Incoming, percent_decode};
use crate::objects::contract::{Started, TaskId, ToFleet, ToRecords};
use crate::objects::fleet::Task;
use crate::objects::{ObjectRef, call};
use crate::vendor::stored::Tenant;
use crate::vendor::tasks;
use crate::wire::{Page, Query};

/// Whose the tasks are that this API starts.
const VENDOR: &str = "livegate";

/// How many tasks an application may have here.
const MOST_OF_APP: u64 = 1_000;

/// More than a fleet remembers.
const MOST: u64 = 1_000_000;

/// What stands for an application where a vendor has none.
const NO_APP: &str = "-";

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
    now: UnixMillis,
) -> Result<Response> {
    let fleet = ObjectRef::Fleet(caller.tenant);
    let tenant = Tenant { env, id: caller.tenant };
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
            let found: Value = call(env, &fleet, ask).await?;
            let items = found["items"].as_array().cloned().unwrap_or_default();
            let end = offset + items.len() as u64;
            let more = found["count"].as_u64().is_some_and(|count| end < count);
            let shown = items
                .into_iter()
                .map(|item| Ok(shown(&crate::document::read::<Task>(item)?).write()))
                .collect::<Result<_>>()?;
            page(shown, Some(end.to_string()).filter(|_| more).as_deref())
        }
        ("POST", []) => start(&tenant, &request.body().await?, now).await,
        ("GET", [vendor, app, task @ ..]) if !task.is_empty() => {
            let (vendor, app, task) = named(vendor, app, task);
            one(&tenant, &vendor, &app, &task).await
        }
        ("DELETE", [vendor, app, task @ ..]) if !task.is_empty() => {
            let (vendor, app, task) = named(vendor, app, task);
            if tasks::stop(&tenant, &vendor, &app, &task).await? {
                return http::empty(204);
            }
            Err(Problem::not_found("relay task that runs").into())
        }
        ("POST", [vendor, app, task @ .., "sei"]) if !task.is_empty() => {
            let (vendor, app, task) = named(vendor, app, task);
            let custom = native::set_sei(&request.body().await?);
            let custom = custom.map_err(|found| violations(&found))?;
            if tasks::set_sei(&tenant, &vendor, &app, &task, custom).await? {
                return http::empty(204);
            }
            Err(Problem::not_found("relay task that runs").into())
        }
        (_, []) => Err(not_allowed("GET and POST")),
        (_, [_, _, _, .., "sei"]) => Err(not_allowed("GET, POST and DELETE")),
        (_, [_, _, _, ..]) => Err(not_allowed("GET and DELETE")),
        _ => Err(Problem::not_found("route").into()),
    }
}

/// What a path names.
fn named(vendor: &str, app: &str, task: &[&str]) -> (String, String, String) {
    let app = if app == NO_APP { "" } else { app };
    // An id may have a slash of its own, and any other character.
    (vendor.to_owned(), percent_decode(app), percent_decode(&task.join("/")))
}

/// Starts a task, or changes the one of its id: it is the whole task.
async fn start(tenant: &Tenant<'_>, body: &[u8], now: UnixMillis) -> Result<Response> {
    let task = native::start(body).map_err(|found| violations(&found))?;
    let egress = compile::relay_egress(tenant.env);
    let targets = task.targets.iter().enumerate();
    let named = targets.map(|(index, url)| (format!("targets[{index}]"), url));
    let pulled = task.pull.iter().map(|url| ("pull".to_owned(), url));
    let wrong: Vec<Violation> = named
        .chain(pulled)
        .filter_map(|(path, url)| {
            check(url.as_http(), egress).err().map(|error| Violation::of(&path, &error))
        })
        .collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong).into());
    }
    let ask = tasks::Ask {
        vendor: VENDOR,
        app: &task.app_id,
        task: &task.id,
        most: MOST_OF_APP,
        change: None,
    };
    let status = match tasks::start(tenant, &ask, &task, now).await? {
        Started::New => 201,
        Started::Address(index, other, free_at) => {
            let path = format!("targets[{index}]");
            let (code, detail) = match free_at {
                None => ("relay.address_taken", format!("it belongs to the task {other}")),
                Some(at) => ("relay.address_resting", format!("it rests until {at}")),
            };
            return Err(Problem::invalid(vec![Violation::new(&path, code, detail)]).into());
        }
        Started::Quota => {
            let detail = format!("an application has at most {MOST_OF_APP} tasks of a kind");
            return Err(Problem::new(409, "relay.quota", detail).into());
        }
        _ => 200,
    };
    let made = tasks::find(tenant, VENDOR, &task.app_id, &task.id).await?;
    http::json(status, &whole(&made.ok_or_else(|| Problem::not_found("relay task"))?)?)
}

async fn one(tenant: &Tenant<'_>, vendor: &str, app: &str, task: &str) -> Result<Response> {
    let found = tasks::find(tenant, vendor, app, task).await?;
    http::json(200, &whole(&found.ok_or_else(|| Problem::not_found("relay task"))?)?)
}

/// A task with its pushes and its document, secrets masked.
fn whole(task: &Task) -> Result<Value> {
    let description = Description::from_value(&task.description);
    let description = description.map_or(Value::Null, |task| native::show(&task));
    let mut document = shown(task);
    document.pushes = Some(task.pushes.clone()).filter(|pushes| !pushes.is_null());
    document.task = Some(crate::json::parse(&redact::json(&description.to_string()))?);
    Ok(document.write())
}

/// The core's violations as the API's.
pub(super) fn violations(found: &Violations) -> Error {
    let violation = |one: &livegate_core::config::Violation| {
        Violation::new(&one.path, one.code().as_str(), one.problem.to_string())
    };
    Problem::invalid(found.iter().map(violation).collect()).into()
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
    let found: Page = call(env, &super::records_of(caller), ToRecords::Relays(query)).await?;
    page(found.items, found.next.as_deref())
}

document! {
    /// A task as callers see it.
    #[derive(Debug)]
    struct Shown {
        vendor: String,
        app_id: String,
        id: String,
        channel: String,
        mode: String,
        state: String,
        code: Option<String>,
        host: Option<String>,
        created_at: String,
        updated_at: String,
        ended_at: Option<String>,
        pushes: Option<Value>,
        task: Option<Value>,
    }
}

fn shown(task: &Task) -> Shown {
    let TaskId { vendor, app, task: id } = task.id.clone();
    Shown {
        vendor,
        app_id: app,
        id,
        channel: task.channel.clone(),
        mode: task.mode.clone(),
        state: task.state.clone(),
        code: task.code.clone(),
        host: task.host.clone(),
        created_at: task.created_at.to_string(),
        updated_at: task.updated_at.to_string(),
        ended_at: task.ended_at.map(|at| at.to_string()),
        pushes: None,
        task: None,
    }
}
