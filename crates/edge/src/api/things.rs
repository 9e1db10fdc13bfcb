//! `/api/v1/sources`, `/endpoints` and `/subscriptions`: what a tenant configures.
//!
//! A change is the document that there is, merged with what the caller sent (RFC 7396), checked as
//! a whole again: there is one way in for new and for changed things.

use base64ct::{Base64, Encoding};
use livegate_core::dialect::redact;
use livegate_core::event::Kind as EventKind;
use livegate_core::id::{EndpointId, SourceId, SubscriptionId};
use livegate_core::time::{Millis, UnixMillis};
use serde_json::{Map, Value, json};
use web_sys::Response;
use worker::Env;

use super::{limit, not_allowed, page};
use crate::auth::Caller;
use crate::compile;
use crate::document::{self, Field, Texts, Unread, given};
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::ingress::own_url;
use crate::js;
use crate::model::{Endpoint, Format, Keys, Retry, Secrecy, Signing, Source, Subscription};
use crate::notice::{Message, Place};
use crate::objects::contract::{Managed, Put, ToDirectory, ToEndpoint, ToTenant};
use crate::objects::tenant::{Item, Kind, OWN_SETTINGS, owner_signs};
use crate::objects::{ObjectRef, call};
use crate::vendor::managed;

/// The longest time that a key before a rotation stays valid: a week.
const MAX_GRACE_S: u64 = 604_800;

/// How long it stays valid where nothing else is said: a day.
const GRACE_S: u64 = 86_400;

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    kind: Kind,
    rest: &[&str],
    now: UnixMillis,
) -> Result<Response> {
    match (request.method.as_str(), rest) {
        ("GET", []) => list(env, caller, request, kind).await,
        ("POST", []) => {
            let given: Map<String, Value> = request.json().await?;
            let (document, secret) = put(env, caller, request, kind, None, given, now).await?;
            http::json(201, &with(document, secret))
        }
        ("GET", [id]) => {
            let item = item(env, caller, kind, id).await?;
            http::json(200, &shown(env, request, kind, item))
        }
        ("PATCH", [id]) => {
            let given: Map<String, Value> = request.json().await?;
            let mut tries = 0;
            loop {
                let item = item(env, caller, kind, id).await?;
                check_managed(&item, &given)?;
                let changed = put(env, caller, request, kind, Some(item), given.clone(), now).await;
                tries += 1;
                match changed {
                    // Somebody else changed it meanwhile: this is to change what is there now.
                    Err(error) if error.is_conflict() && tries < 10 => {}
                    other => {
                        let (document, secret) = other?;
                        return http::json(200, &with(document, secret));
                    }
                }
            }
        }
        ("DELETE", [id]) => {
            check_managed(&item(env, caller, kind, id).await?, &Map::new())?;
            let actor = caller.actor.to_owned();
            let ask = ToTenant::Drop(caller.tenant, actor, kind, (*id).to_owned());
            call::<Value>(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
            if let (Kind::Source, Ok(source)) = (kind, SourceId::parse(id)) {
                let ask = ToDirectory::DropSource(source);
                call::<Value>(env, &ObjectRef::Directory, ask).await?;
            }
            http::empty(204)
        }
        ("POST", [id, "rotate"]) if kind != Kind::Subscription => {
            rotate(env, caller, request, kind, id, now).await
        }
        ("POST", [id, "test"]) if kind == Kind::Endpoint => test(env, caller, id, now).await,
        (_, []) => Err(not_allowed("GET and POST")),
        (_, [_]) => Err(not_allowed("GET, PATCH and DELETE")),
        (_, [_, "rotate" | "test"]) => Err(not_allowed("POST")),
        _ => Err(Problem::not_found("route").into()),
    }
}

async fn list(env: &Env, caller: &Caller, request: &Incoming, kind: Kind) -> Result<Response> {
    let limit = limit(request)?;
    let after = super::cursor(request)?.unwrap_or(0);
    let ask = ToTenant::List(kind, after, limit);
    let items: Vec<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let full = items.len() as u64 == limit;
    let next = items.last().map(|item| item.seq.to_string()).filter(|_| full);
    let shown: Vec<Value> = items.into_iter().map(|item| shown(env, request, kind, item)).collect();
    page(shown, next.as_deref())
}

async fn item(env: &Env, caller: &Caller, kind: Kind, id: &str) -> Result<Item> {
    let ask = ToTenant::Get(kind, id.to_owned());
    let item: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    Ok(item.ok_or_else(|| Problem::not_found(kind.noun()))?)
}

/// A thing as the API shows it: never a key, only whether there is one.
fn shown(env: &Env, request: &Incoming, kind: Kind, item: Item) -> Value {
    let mut document = item.doc;
    document["version"] = json!(item.version);
    if let Some(created) = document["created_at"].as_u64() {
        document["created_at"] = json!(UnixMillis(created).to_string());
    }
    match kind {
        Kind::Source => {
            document["key_set"] = json!(item.key_set);
            let id = document["id"].as_str().and_then(|id| SourceId::parse(id).ok());
            if let Some(id) = id {
                document["url"] = json!(own_url(env, request, id));
            }
        }
        Kind::Endpoint => {
            document["secret_set"] = json!(item.key_set);
            // A chat robot's address is its secret.
            let robots = [Place::Slack, Place::Feishu, Place::DingTalk];
            let format = document["format"].as_str().unwrap_or_default();
            if robots.iter().any(|place| place.as_str() == format)
                && let Some(url) = document["url"].as_str()
            {
                document["url"] = json!(redact::push_url(url));
            }
            let active = document["enabled"] == json!(true);
            document["state"] = json!(if active { "active" } else { "disabled" });
        }
        Kind::Subscription => {
            // Shown as null where there is none.
            let _ = &mut document["filter"];
        }
        _ => {}
    }
    document
}

/// The one answer in which a new secret is shown.
fn with(mut document: Value, secret: Option<String>) -> Value {
    if let Some(secret) = secret {
        document["secret"] = json!(secret);
    }
    document
}

/// What is read-only in a document, and so refused in what a caller sends.
const READ_ONLY: &[&str] = &[
    "id",
    "version",
    "created_at",
    "url",
    "key_set",
    "secret_set",
    "state",
    "disabled_reason",
    "managed",
];

/// Refuses to change a thing that follows from another, but for what is its owner's even then.
fn check_managed(there: &Item, given: &Map<String, Value>) -> Result<()> {
    let Some(by) = there.doc["managed"].as_str() else { return Ok(()) };
    let own = |name: &String| {
        name == "enabled"
            || OWN_SETTINGS.contains(&name.as_str())
            || (owner_signs(by) && (name == "signing" || name == "secret"))
    };
    if !given.is_empty() && given.keys().all(own) {
        return Ok(());
    }
    let detail = format!("it follows from {by}: change that instead");
    Err(Problem::new(409, "tenant.managed", detail).into())
}

/// Checks and stores a new or changed thing; with it, the secret that was made for it.
async fn put(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    kind: Kind,
    there: Option<Item>,
    given: Map<String, Value>,
    now: UnixMillis,
) -> Result<(Value, Option<String>)> {
    let is_new = there.is_none();
    let mut document = match &there {
        Some(item) => item.doc.clone(),
        None => json!({}),
    };
    let mut violations = Vec::new();
    for name in given.keys() {
        // An endpoint's URL is its own; a source's is made here.
        let settable = name == "url" && kind == Kind::Endpoint;
        if READ_ONLY.contains(&name.as_str()) && !settable {
            violations.push(Violation::new(name, "request.read_only", "this is not settable"));
        }
    }
    if !violations.is_empty() {
        return Err(Problem::invalid(violations).into());
    }
    // An endpoint's headers are secrets: the document only names them.
    let names_of_headers = document.as_object_mut().and_then(|fields| fields.remove("headers"));
    let sets_headers = kind == Kind::Endpoint && given.contains_key("headers");
    if sets_headers && let Some(id) = document["id"].as_str() {
        let keys = keys_of(env, caller, kind, id, is_new).await?;
        let values = keys.headers.into_iter().map(|(name, value)| (name, json!(value)));
        document["headers"] = Value::Object(values.collect());
    }
    // A new address, or one that its owner calls good again, is not judged by what came before.
    let renewed = given.contains_key("enabled") || given.contains_key("url");
    merge(&mut document, &Value::Object(given));
    if sets_headers && document["headers"].is_null() {
        document["headers"] = json!({});
    }
    let checked = match kind {
        Kind::Source => checked_source(env, caller, request, &document, is_new, now).await?,
        Kind::Endpoint => {
            checked_endpoint(env, caller, &document, names_of_headers, is_new, now).await?
        }
        Kind::Subscription => checked_subscription(&document, is_new, now)?,
        // The others have ways in of their own.
        _ => return Err(Problem::not_found("route").into()),
    };
    let Checked { id, document, keys, secret } = checked;
    if let (Kind::Endpoint, true, Ok(endpoint)) = (kind, renewed, EndpointId::parse(&id))
        && !is_new
        && document["enabled"] == json!(true)
    {
        // Before anybody is woken, or its object would go on refusing what is sent.
        call::<Value>(env, &ObjectRef::Endpoint(endpoint), ToEndpoint::Enable).await?;
    }
    let also = match kind {
        Kind::Endpoint => tells(caller, &id, &document, now),
        _ => Vec::new(),
    };
    let source = SourceId::parse(&id).ok().filter(|_| is_new && kind == Kind::Source);
    let put = Put {
        tenant: caller.tenant,
        actor: caller.actor.to_owned(),
        action: if is_new { "create" } else { "change" }.to_owned(),
        kind,
        id,
        doc: document,
        keys,
        seen: there.map_or(0, |item| item.version),
        also,
    };
    let ask = ToTenant::Put(Box::new(put));
    let object = ObjectRef::Tenant(caller.tenant);
    let item: Option<Item> = call(env, &object, ask).await?;
    let item = item.ok_or_else(|| Problem::not_found(kind.noun()))?;
    if kind == Kind::Source {
        crate::ingress::forget(&item.doc);
    }
    if let Some(source) = source {
        let ask = ToDirectory::PutSource(source, caller.tenant);
        call::<Value>(env, &ObjectRef::Directory, ask).await?;
    }
    if kind == Kind::Endpoint && !is_new {
        let endpoint = item.doc["id"].as_str().and_then(|id| EndpointId::parse(id).ok());
        if let Some(endpoint) = endpoint
            && renewed
            && item.doc["enabled"] == json!(true)
        {
            call::<Value>(env, &ObjectRef::Endpoint(endpoint), ToEndpoint::Enable).await?;
        }
        // What it could not be sent before may be waiting in many channels.
        call::<Value>(env, &object, ToTenant::Wake(caller.tenant)).await?;
    }
    Ok((shown(env, request, kind, item), secret))
}

/// An endpoint that tells people is sent what the tenant's `live_notify_config` names, without a
/// subscription of the tenant's making.
fn tells(caller: &Caller, id: &str, document: &Value, now: UnixMillis) -> Vec<Managed> {
    let place = document["format"].as_str().unwrap_or_default();
    let is_told = Place::ALL.iter().any(|known| known.as_str() == place);
    let marker = Kind::Endpoint.marker(id);
    let subscription = managed::subscription_id(caller.tenant, &marker);
    let Ok(endpoint) = EndpointId::parse(id) else { return Vec::new() };
    let subscription = Subscription {
        id: subscription,
        name: None,
        source: None,
        endpoint,
        filter: json!({ "kinds": [EventKind::LiveAutoExit.as_str()] }),
        ordered: true,
        managed: Some(marker),
        created_at: now,
    };
    let doc = is_told.then(|| subscription.write());
    let id = subscription.id.to_string();
    vec![Managed { kind: Kind::Subscription, id, doc, keys: None }]
}

/// RFC 7396, §2; but a filter's condition is a value of its own, and `null` in it is what it looks for.
pub(super) fn merge(document: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            if let Some(object) = document.as_object_mut() {
                object.remove(name);
            }
        } else if name == "where" {
            document[name] = value.clone();
        } else {
            merge(&mut document[name], value);
        }
    }
}

/// A thing that may be stored.
struct Checked {
    id: String,
    document: Value,
    keys: Option<Keys>,
    /// A secret that was made here, to be shown once.
    secret: Option<String>,
}

fn shape<T: Field>(document: &Value) -> Result<T> {
    document::read(document.clone())
        .map_err(|Unread(violations)| Problem::invalid(violations).into())
}

given! {
    struct GivenSource {
        id: Option<SourceId>,
        created_at: Option<UnixMillis>,
        name: String,
        dialect: Option<String>,
        scheme: String,
        custom: Option<Value>,
        key: Option<String>,
        signed_url: Option<String>,
        canonical_uri: Option<String>,
        freshness_s: Option<u64>,
        skew_s: Option<u64>,
        duplicate_window_s: Option<u64>,
        generic: Option<Value>,
        words: Option<Value>,
        managed: Option<String>,
    }
}

async fn checked_source(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    document: &Value,
    is_new: bool,
    now: UnixMillis,
) -> Result<Checked> {
    let given: GivenSource = shape(document)?;
    let id = match given.id {
        Some(id) => id,
        None => SourceId::from_bytes(js::random()?),
    };
    let source = Source {
        id,
        name: given.name,
        dialect: given.dialect.unwrap_or_else(|| "metastudio".to_owned()),
        scheme: given.scheme,
        custom: given.custom,
        signed_url: given.signed_url,
        canonical_uri: given.canonical_uri,
        freshness_s: given.freshness_s,
        skew_s: given.skew_s,
        duplicate_window_s: given.duplicate_window_s.unwrap_or(10),
        generic: given.generic,
        words: given.words,
        managed: given.managed,
        created_at: given.created_at.unwrap_or(now),
    };
    let mut keys = keys_of(env, caller, Kind::Source, &id.to_string(), is_new).await?;
    let changed = given.key.is_some();
    if changed {
        keys = Keys { current: given.key, ..Keys::default() };
    }
    compile::source(&source, &keys, &own_url(env, request, id)).map_err(Problem::invalid)?;
    Ok(Checked {
        id: id.to_string(),
        document: source.write(),
        keys: changed.then_some(keys),
        secret: None,
    })
}

async fn keys_of(env: &Env, caller: &Caller, kind: Kind, id: &str, is_new: bool) -> Result<Keys> {
    if is_new {
        return Ok(Keys::default());
    }
    let ask = ToTenant::Keys(kind, id.to_owned());
    call(env, &ObjectRef::Tenant(caller.tenant), ask).await
}

given! {
    struct GivenEndpoint {
        id: Option<EndpointId>,
        created_at: Option<UnixMillis>,
        name: Option<String>,
        url: String,
        format: Option<Format>,
        secrets: Option<Secrecy>,
        words: Option<Value>,
        app_id: Option<String>,
        message: Option<Message>,
        signing: Option<GivenSigning>,
        secret: Option<String>,
        timeout_s: Option<u64>,
        rate_per_s: Option<u32>,
        headers: Option<Texts>,
        retry: Option<Retry>,
        max_block_s: Option<u64>,
        enabled: Option<bool>,
        disabled_reason: Option<String>,
        managed: Option<String>,
    }
}

given! {
    struct GivenSigning {
        scheme: Option<String>,
        custom: Option<Value>,
        canonical_uri: Option<String>,
        key: Option<String>,
    }
}

async fn checked_endpoint(
    env: &Env,
    caller: &Caller,
    document: &Value,
    names_of_headers: Option<Value>,
    is_new: bool,
    now: UnixMillis,
) -> Result<Checked> {
    let given: GivenEndpoint = shape(document)?;
    let id = match given.id {
        Some(id) => id,
        None => EndpointId::from_bytes(js::random()?),
    };
    // Chat robots and mail services know nothing of webhooks' signatures.
    let is_notice = matches!(given.format, Some(Format::Notice(_)));
    let scheme = if is_notice { "NONE" } else { "standard-webhooks" };
    let mut signing = Signing { scheme: scheme.to_owned(), custom: None, canonical_uri: None };
    let mut secret = given.secret;
    if let Some(given) = given.signing {
        signing.scheme = given.scheme.unwrap_or(signing.scheme);
        signing.custom = given.custom;
        signing.canonical_uri = given.canonical_uri;
        secret = secret.or(given.key);
    }
    let mut keys = keys_of(env, caller, Kind::Endpoint, &id.to_string(), is_new).await?;
    let mut changed = false;
    let mut made = None;
    if let Some(secret) = secret {
        keys.current = Some(secret);
        keys.previous = None;
        changed = true;
    } else if is_new && signing.scheme == "standard-webhooks" {
        let secret = new_secret()?;
        keys.current = Some(secret.clone());
        made = Some(secret);
        changed = true;
    }
    let mut headers: Vec<String> =
        names_of_headers.map(document::read).transpose()?.unwrap_or_default();
    if let Some(Texts(given)) = given.headers {
        keys.headers = given;
        headers = keys.headers.iter().map(|(name, _)| name.clone()).collect();
        changed = true;
    }
    let endpoint = Endpoint {
        id,
        name: given.name.unwrap_or_else(|| name_of(&given.url)),
        url: given.url,
        format: given.format.unwrap_or(Format::CloudEvents),
        secrets: given.secrets.unwrap_or(Secrecy::Masked),
        words: given.words,
        app_id: given.app_id,
        message: given.message,
        signing,
        timeout_s: given.timeout_s.unwrap_or(15),
        rate_per_s: given.rate_per_s,
        headers,
        retry: given.retry,
        max_block_s: given.max_block_s.unwrap_or(900),
        enabled: given.enabled.unwrap_or(true),
        // Whoever sets anything has looked at it; a reason stays only while it is disabled.
        disabled_reason: given.disabled_reason.filter(|_| given.enabled == Some(false)),
        managed: given.managed,
        created_at: given.created_at.unwrap_or(now),
    };
    compile::endpoint(&endpoint, &keys, compile::egress(env)).map_err(Problem::invalid)?;
    Ok(Checked {
        id: id.to_string(),
        document: endpoint.write(),
        keys: changed.then_some(keys),
        secret: made,
    })
}

/// The name of an endpoint that was given none. Always a valid one: what is wrong with the URL is
/// said of the URL alone.
fn name_of(url: &str) -> String {
    let name: String = url.chars().filter(|c| !c.is_control()).take(64).collect();
    if name.is_empty() { "endpoint".to_owned() } else { name }
}

/// A Standard Webhooks secret: 24 random bytes.
fn new_secret() -> Result<String> {
    Ok(format!("whsec_{}", Base64::encode_string(&js::random::<24>()?)))
}

given! {
    struct GivenSubscription {
        id: Option<SubscriptionId>,
        created_at: Option<UnixMillis>,
        name: Option<String>,
        source: Option<SourceId>,
        endpoint: EndpointId,
        filter: Value,
        ordered: Option<bool>,
        managed: Option<String>,
    }
}

fn checked_subscription(document: &Value, _is_new: bool, now: UnixMillis) -> Result<Checked> {
    let given: GivenSubscription = shape(document)?;
    let id = match given.id {
        Some(id) => id,
        None => SubscriptionId::from_bytes(js::random()?),
    };
    let subscription = Subscription {
        id,
        name: given.name,
        source: given.source,
        endpoint: given.endpoint,
        filter: given.filter,
        ordered: given.ordered.unwrap_or(true),
        managed: given.managed,
        created_at: given.created_at.unwrap_or(now),
    };
    compile::subscription(&subscription).map_err(Problem::invalid)?;
    let document = subscription.write();
    Ok(Checked { id: id.to_string(), document, keys: None, secret: None })
}

given! {
    struct Rotation {
        key: Option<String>,
        /// The same: what an endpoint's key is called in its document.
        secret: Option<String>,
        grace_s: Option<u64>,
    }
}

async fn rotate(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    kind: Kind,
    id: &str,
    now: UnixMillis,
) -> Result<Response> {
    let Rotation { key, secret, grace_s } = request.json().await?;
    let key = key.or(secret);
    let grace_s = grace_s.unwrap_or(GRACE_S);
    if grace_s > MAX_GRACE_S {
        let detail = format!("at most {MAX_GRACE_S}");
        let violation = Violation::new("grace_s", "request.out_of_range", detail);
        return Err(Problem::invalid(vec![violation]).into());
    }
    let there = item(env, caller, kind, id).await?;
    check_managed(&there, &Map::new())?;
    let (key, made) = match (key, kind) {
        (Some(key), _) => (key, None),
        (None, Kind::Endpoint) if there.doc["signing"]["scheme"] == "standard-webhooks" => {
            let secret = new_secret()?;
            (secret.clone(), Some(secret))
        }
        (None, _) => {
            let violation = Violation::new("key", "request.missing", "the new key is to be given");
            return Err(Problem::invalid(vec![violation]).into());
        }
    };
    let keys = Keys { current: Some(key.clone()), ..Keys::default() };
    let checked = if kind == Kind::Source {
        let source: Source = document::read(there.doc.clone())?;
        let url = own_url(env, request, source.id);
        compile::source(&source, &keys, &url).map(|_| ())
    } else {
        let endpoint: Endpoint = document::read(there.doc.clone())?;
        compile::endpoint(&endpoint, &keys, compile::egress(env)).map(|_| ())
    };
    checked.map_err(Problem::invalid)?;
    let ask = ToTenant::Rotate(
        caller.tenant,
        caller.actor.to_owned(),
        kind,
        id.to_owned(),
        key,
        now.plus(Millis::from_secs(grace_s)),
    );
    let rotated: Option<Item> = call(env, &ObjectRef::Tenant(caller.tenant), ask).await?;
    let rotated = rotated.ok_or_else(|| Problem::not_found(kind.noun()))?;
    crate::ingress::forget(&rotated.doc);
    http::json(200, &with(shown(env, request, kind, rotated), made))
}

/// Sends one signed test event at once and says what came of it.
async fn test(env: &Env, caller: &Caller, id: &str, now: UnixMillis) -> Result<Response> {
    let there = item(env, caller, Kind::Endpoint, id).await?;
    let endpoint: Endpoint = document::read(there.doc.clone())?;
    let keys = keys_of(env, caller, Kind::Endpoint, id, false).await?;
    let target =
        compile::endpoint(&endpoint, &keys, compile::egress(env)).map_err(Problem::invalid)?;
    let result = crate::send::test(env, caller.tenant, &target, now).await;
    http::json(
        200,
        &json!({
            "delivered": result.outcome.is_delivered(),
            "status": result.outcome.status(),
            "code": result.outcome.code().as_str(),
            "duration_ms": result.duration.0,
        }),
    )
}
