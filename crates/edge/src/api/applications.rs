//! `/api/v1/applications`: ARTC applications and which of their streams are relayed by themselves. The
//! vendor has these in its console alone.

use livegate_core::config::application::Application;
use serde_json::{Map, Value, json};
use web_sys::Response;
use worker::Env;

use super::relay_tasks::violations;
use super::things::merge;
use super::{cursor, limit, not_allowed, page};
use crate::auth::Caller;
use crate::credentials;
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::js;
use crate::objects::contract::{Match, Put, Select, ToFleet, ToTenant};
use crate::objects::tenant::{Item, Kind, Selected};
use crate::objects::{ObjectRef, call};

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    match (request.method.as_str(), rest) {
        ("GET", []) => list(env, caller, request).await,
        ("POST", []) => {
            let mut given: Map<String, Value> = request.json().await?;
            // Fifteen digits: one that Jocloud's calls can name as a number, too.
            let number = 400_000_000_000_000 + js::random_u64() % 500_000_000_000_000;
            let id = number.to_string();
            if given.insert("id".to_owned(), json!(id)).is_some() {
                let violation = Violation::new("id", "request.read_only", "this is not settable");
                return Err(Problem::invalid(vec![violation]).into());
            }
            http::json(201, &put(env, caller, &id, Value::Object(given), 0).await?)
        }
        ("GET", [id]) => http::json(200, &find(env, caller, id).await?.0),
        ("PATCH", [id]) => {
            let given: Map<String, Value> = request.json().await?;
            let (mut document, seen) = find(env, caller, id).await?;
            merge(&mut document, &Value::Object(given));
            if document["id"] != json!(id) {
                let violation = Violation::new("id", "request.read_only", "this is not settable");
                return Err(Problem::invalid(vec![violation]).into());
            }
            http::json(200, &put(env, caller, id, document, seen).await?)
        }
        ("DELETE", [id]) => {
            if *id == credentials::app_id(caller.tenant) {
                let detail = "this one a tenant has as long as it is there";
                return Err(Problem::new(409, "tenant.in_use", detail).into());
            }
            let (kind, of_app) = (Kind::EventSub, "$.AppId".to_owned());
            let wanted = vec![(of_app, Match::Is, (*id).to_owned())];
            let select = Select { wanted, oldest_first: true, offset: 0, limit: 1 };
            let tenant = ObjectRef::Tenant(caller.tenant);
            let subs: Selected =
                call(env, &tenant, ToTenant::Select(kind, Box::new(select))).await?;
            let ask = ToTenant::Get(Kind::MpuSub, (*id).to_owned());
            let relays: Option<Item> = call(env, &tenant, ask).await?;
            if subs.count > 0 || relays.is_some() {
                let detail = "it has event subscriptions; delete those first";
                return Err(Problem::new(409, "tenant.in_use", detail).into());
            }
            let ask = ToFleet::List(String::new(), (*id).to_owned(), Some(false), 0, 1);
            let tasks: Value = call(env, &ObjectRef::Fleet(caller.tenant), ask).await?;
            if tasks["count"] != json!(0) {
                let detail = "it has relay tasks; stop those first";
                return Err(Problem::new(409, "tenant.in_use", detail).into());
            }
            let actor = caller.actor.to_owned();
            let ask = ToTenant::Drop(caller.tenant, actor, Kind::Application, (*id).to_owned());
            call::<Value>(env, &tenant, ask).await?;
            follow(env, caller, id).await?;
            http::empty(204)
        }
        (_, []) => Err(not_allowed("GET and POST")),
        (_, [_]) => Err(not_allowed("GET, PATCH and DELETE")),
        _ => Err(Problem::not_found("route").into()),
    }
}

/// The application that a tenant has from the start, as long as nothing of it was changed.
fn from_the_start(caller: &Caller) -> Value {
    json!({ "id": credentials::app_id(caller.tenant), "name": "default", "relay": "off" })
}

async fn list(env: &Env, caller: &Caller, request: &Incoming) -> Result<Response> {
    let (after, limit) = (cursor(request)?, limit(request)?);
    let own = credentials::app_id(caller.tenant);
    let ask = ToTenant::Get(Kind::Application, own);
    let changed: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let first = after.is_none() && changed.is_none();
    let (after, limit) = (after.unwrap_or(0), limit - u64::from(first));
    let ask = ToTenant::List(Kind::Application, after, limit);
    let items: Vec<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let full = items.len() as u64 == limit;
    let next = items.last().map_or(after, |item| item.seq).to_string();
    let mut shown: Vec<Value> = first.then(|| from_the_start(caller)).into_iter().collect();
    shown.extend(items.into_iter().map(|item| item.doc));
    page(shown, Some(next.as_str()).filter(|_| full))
}

/// An application and its version.
async fn find(env: &Env, caller: &Caller, id: &str) -> Result<(Value, u64)> {
    let ask = ToTenant::Get(Kind::Application, id.to_owned());
    let item: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    match item {
        Some(item) => Ok((item.doc, item.version)),
        None if id == credentials::app_id(caller.tenant) => Ok((from_the_start(caller), 0)),
        None => Err(Problem::not_found("application").into()),
    }
}

async fn put(env: &Env, caller: &Caller, id: &str, document: Value, seen: u64) -> Result<Value> {
    let checked = Application::from_json(document.to_string().as_bytes());
    let checked = checked.map_err(|found| violations(&found))?;
    let given = document.as_object().into_iter().flat_map(Map::keys);
    let unknown: Vec<Violation> = given
        .filter(|name| !checked.as_object().contains_key(*name))
        .map(|name| Violation::new(name, "request.unknown_field", "there is no such field"))
        .collect();
    if !unknown.is_empty() {
        return Err(Problem::invalid(unknown).into());
    }
    let put = Put {
        tenant: caller.tenant,
        actor: caller.actor.to_owned(),
        action: if seen == 0 { "create" } else { "change" }.to_owned(),
        kind: Kind::Application,
        id: id.to_owned(),
        doc: Value::Object(checked.as_object().clone()),
        keys: None,
        seen,
        also: Vec::new(),
    };
    let ask = ToTenant::Put(Box::new(put));
    let item: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    follow(env, caller, id).await?;
    Ok(item.map(|item| item.doc).unwrap_or_default())
}

/// What it relays by itself may have changed.
async fn follow(env: &Env, caller: &Caller, id: &str) -> Result<()> {
    let ask = ToFleet::Follow(caller.tenant, id.to_owned());
    call::<Value>(env, &ObjectRef::Fleet(caller.tenant), ask).await.map(|_| ())
}
