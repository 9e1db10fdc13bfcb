//! `/api/v1/relay-hosts`: the machines that carry out a tenant's relay tasks, and
//! `/api/v1/relay-hosts/link`, where they connect (docs/spec/relay.md §10).

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use livegate_core::dialect::DialectName;
use livegate_core::id::{SourceId, TenantId, token_hash};
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};
use web_sys::Response;
use worker::Env;

use super::things::merge;
use super::{cursor, limit, not_allowed, page};
use crate::auth::{self, Caller};
use crate::compile;
use crate::document::{Field, given};
use crate::error::{Problem, Result};
use crate::http::{self, Incoming};
use crate::ingress::own_url;
use crate::js;
use crate::model::{Keys, Source};
use crate::objects::contract::{HostEntry, Managed, Put, ToDirectory, ToFleet, ToTenant};
use crate::objects::tenant::{Item, Kind};
use crate::objects::{ObjectRef, call, forward};

/// What every host's token begins with.
const TOKEN_PREFIX: &str = "lgh_";

given! {
    struct GivenHost {
        name: String,
    }
}

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
    now: UnixMillis,
) -> Result<Response> {
    let tenant = ObjectRef::Tenant(caller.tenant);
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let (after, limit) = (cursor(request)?.unwrap_or(0), limit(request)?);
            let ask = ToTenant::List(Kind::RelayHost, after, limit);
            let items: Vec<Item> = call(env, &tenant, ask).await?;
            let next = items.last().map(|item| item.seq.to_string());
            let next = next.filter(|_| items.len() as u64 == limit);
            let live = live(env, caller.tenant).await?;
            let shown = items.into_iter().map(|item| shown(item.doc, &live)).collect();
            page(shown, next.as_deref())
        }
        ("POST", []) => http::json(201, &create(env, caller, request, now).await?),
        ("GET", [id]) => {
            let doc = find(env, caller, id).await?;
            http::json(200, &shown(doc, &live(env, caller.tenant).await?))
        }
        ("DELETE", [id]) => {
            find(env, caller, id).await?;
            let id = (*id).to_owned();
            // Its token first: who is told to go must not come back.
            let ask = ToDirectory::DropHost(id.clone(), caller.tenant);
            call::<Value>(env, &ObjectRef::Directory, ask).await?;
            let actor = caller.actor.to_owned();
            let ask = ToTenant::Drop(caller.tenant, actor, Kind::RelayHost, id.clone());
            call::<Value>(env, &tenant, ask).await?;
            let fleet = ObjectRef::Fleet(caller.tenant);
            call::<Value>(env, &fleet, ToFleet::DropHost(id)).await?;
            http::empty(204)
        }
        (_, []) => Err(not_allowed("GET and POST")),
        (_, [_]) => Err(not_allowed("GET and DELETE")),
        _ => Err(Problem::not_found("route").into()),
    }
}

async fn find(env: &Env, caller: &Caller, id: &str) -> Result<Value> {
    let ask = ToTenant::Get(Kind::RelayHost, id.to_owned());
    let item: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    super::found(item.map(|item| item.doc), "relay host")
}

/// How the tenant's hosts are that ever connected.
async fn live(env: &Env, tenant: TenantId) -> Result<Value> {
    call(env, &ObjectRef::Fleet(tenant), ToFleet::Hosts).await
}

fn shown(mut doc: Value, live: &Value) -> Value {
    if let Some(created) = doc["created_at"].as_u64() {
        doc["created_at"] = json!(UnixMillis(created).to_string());
    }
    doc["connected"] = json!(false);
    let known = live.as_array().into_iter().flatten().find(|one| one["id"] == doc["id"]);
    if let Some(known) = known {
        merge(&mut doc, known);
    }
    doc
}

/// A new host, with its token, which is shown this once, and a source for its events.
async fn create(env: &Env, caller: &Caller, request: &Incoming, now: UnixMillis) -> Result<Value> {
    let GivenHost { name } = request.json().await?;
    let id = format!("rh_{}", hex::encode(js::random::<16>()?));
    let token = [TOKEN_PREFIX, &Base64UrlUnpadded::encode_string(&js::random::<24>()?)].concat();
    let source_id = SourceId::from_bytes(js::random()?);
    let marker = Kind::RelayHost.marker(&id);
    let source = Source {
        id: source_id,
        name: name.clone(),
        dialect: DialectName::LivegateRelay.as_str().to_owned(),
        scheme: "standard-webhooks".to_owned(),
        custom: None,
        signed_url: None,
        canonical_uri: None,
        freshness_s: None,
        skew_s: None,
        duplicate_window_s: 10,
        generic: None,
        words: None,
        managed: Some(marker),
        created_at: now,
    };
    let secret = format!("whsec_{}", Base64::encode_string(&js::random::<32>()?));
    let keys = Keys { current: Some(secret), ..Keys::default() };
    compile::source(&source, &keys, &own_url(env, request, source_id)).map_err(Problem::invalid)?;
    let doc = json!({
        "id": id, "name": name, "source": source_id.to_string(), "created_at": now.0,
    });
    let put = Put {
        tenant: caller.tenant,
        actor: caller.actor.to_owned(),
        action: "create".to_owned(),
        kind: Kind::RelayHost,
        id: id.clone(),
        doc,
        keys: None,
        seen: 0,
        also: vec![Managed {
            kind: Kind::Source,
            id: source_id.to_string(),
            doc: Some(source.write()),
            keys: Some(keys),
        }],
    };
    let ask = ToTenant::Put(Box::new(put));
    let item: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let doc = super::found(item.map(|item| item.doc), "relay host")?;
    let token_hash = token_hash(&token);
    let entry = HostEntry { id, tenant: caller.tenant, source: source_id, token_hash };
    let ask = ToDirectory::PutHost(Box::new(entry));
    call::<Value>(env, &ObjectRef::Directory, ask).await?;
    let mut shown = shown(doc, &Value::Null);
    shown["token"] = json!(token);
    Ok(shown)
}

/// Hands a host that connects to its tenant's fleet.
pub(super) async fn link(env: &Env, request: &Incoming) -> Result<Response> {
    let token = auth::bearer(request).filter(|token| token.starts_with(TOKEN_PREFIX));
    let token = token.ok_or_else(auth::unauthorised)?;
    let upgrade = request.header("upgrade");
    if !upgrade.is_some_and(|to| to.eq_ignore_ascii_case("websocket")) {
        return Err(Problem::new(426, "request.upgrade", "this route is a WebSocket").into());
    }
    let ask = ToDirectory::HostByToken(token_hash(&token));
    let found: Option<HostEntry> = call(env, &ObjectRef::Directory, ask).await?;
    let HostEntry { id, tenant, source, .. } = found.ok_or_else(auth::unauthorised)?;
    let callback = String::from(js_sys::encode_uri_component(&own_url(env, request, source)));
    let path = format!("/?host={id}&tenant={tenant}&source={source}&callback={callback}");
    forward(env, &ObjectRef::Fleet(tenant), &path, &request.raw).await
}
