//! `/api/v1/settings`: what vendors leave undocumented, as this tenant has it
//! (docs/settings.md).

use livegate_core::config::{AuthType, Level};
use livegate_core::scheme::Builtin;
use serde_json::{Map, Value, json};
use web_sys::Response;
use worker::Env;

use super::not_allowed;
use super::things::merge;
use crate::auth::Caller;
use crate::compile;
use crate::document::{self, Texts, given, words};
use crate::error::{Problem, Result};
use crate::http::{self, Incoming};
use crate::objects::contract::{Put, ToTenant};
use crate::objects::tenant::{Item, Kind};
use crate::objects::{ObjectRef, call};

/// A tenant has one, of this name.
pub(crate) const ID: &str = "settings";

given! {
    struct Settings {
        /// What completes the scheme `MEITUAN_DEFAULT` of callback configurations.
        meituan_default: Option<Value>,
        /// Whose callback address is asked first, of `job`, `room`, `platform`, `tenant`.
        callback_levels: Option<Vec<String>>,
        /// Whether a room inherits its platform's callback configuration that does not say.
        rooms_inherit: Option<bool>,
        /// What a change of a room does to fields that it leaves out.
        room_update: Option<RoomUpdate>,
        /// How events to a platform are signed.
        platform_auth_type: Option<String>,
        /// Which characters an ARTC callback URL may have.
        artc_url: Option<ArtcUrl>,
        /// How many users an ARTC subscription may name: 20 to 30.
        artc_users: Option<u64>,
        /// What members of Jocloud's bodies are called whose names are not documented: as they are sent,
        /// and as this gateway has them.
        jocloud_names: Option<Texts>,
        /// How many single and mixed relay tasks an ARTC application may have.
        artc_single_tasks: Option<u64>,
        artc_mixed_tasks: Option<u64>,
        /// The lease of a task that may move, and how long its addresses rest between two hosts.
        relay_lease_ms: Option<u64>,
        relay_rest_ms: Option<u64>,
        /// How often a relay host says how it is.
        relay_status_ms: Option<u64>,
    }
}

words! {
    enum RoomUpdate {
        Stays = "stays",
        Clears = "clears",
    }
}

words! {
    enum ArtcUrl {
        Lenient = "lenient",
        Strict = "strict",
    }
}

/// What holds where nothing else is set.
fn defaults() -> Value {
    json!({
        "callback_levels": Level::ALL.iter().map(|level| level.as_str()).collect::<Vec<_>>(),
        "rooms_inherit": false, "room_update": "stays",
        "platform_auth_type": AuthType::MssAHead.as_str(),
        "artc_url": "lenient", "artc_users": 30,
        "artc_single_tasks": 200, "artc_mixed_tasks": 40, "jocloud_names": {},
        "relay_lease_ms": 15_000, "relay_rest_ms": 10_000, "relay_status_ms": 5_000,
    })
}

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    if !rest.is_empty() {
        return Err(Problem::not_found("route").into());
    }
    let object = ObjectRef::Tenant(caller.tenant);
    let get = ToTenant::Get(Kind::Settings, ID.to_owned());
    let there: Option<Item> = call(env, &object, get).await?;
    let seen = there.as_ref().map_or(0, |item| item.version);
    let mut document = there.map_or_else(|| json!({}), |item| item.doc);
    match request.method.as_str() {
        "GET" => {}
        "PATCH" => {
            let given: Map<String, Value> = request.json().await?;
            merge(&mut document, &Value::Object(given));
            check(&document)?;
            let put = Put {
                tenant: caller.tenant,
                actor: caller.actor.to_owned(),
                action: "change".to_owned(),
                kind: Kind::Settings,
                id: ID.to_owned(),
                doc: document.clone(),
                keys: None,
                seen,
                also: Vec::new(),
            };
            let _: Option<Item> = call(env, &object, ToTenant::Put(Box::new(put))).await?;
        }
        _ => return Err(not_allowed("GET and PATCH")),
    }
    let mut shown = defaults();
    merge(&mut shown, &document);
    http::json(200, &shown)
}

fn check(document: &Value) -> Result<()> {
    let read: Result<Settings, _> = document::read(document.clone());
    let settings = read.map_err(|unread| Problem::invalid(unread.0))?;
    let mut found = compile::Findings::default();
    for (index, level) in settings.callback_levels.iter().flatten().enumerate() {
        let levels = settings.callback_levels.iter().flatten();
        let twice = levels.take(index).any(|before| before == level);
        if twice {
            let path = format!("callback_levels.{index}");
            found.note(&path, "request.shape", "each level once");
        }
        if Level::from_name(level).is_none() {
            let path = format!("callback_levels.{index}");
            let detail = format!("one of {}", Level::NAMES.join(", "));
            found.note(&path, "request.shape", detail);
        }
    }
    if let Some(scheme) = &settings.meituan_default {
        compile::completes(&mut found, "meituan_default", Builtin::MeituanDefault, scheme);
    }
    if let Some(name) = &settings.platform_auth_type
        && AuthType::from_name(name).is_none_or(|auth_type| !auth_type.signs())
    {
        found.note("platform_auth_type", "request.shape", "one of MSS_A, MSS_A_HEAD");
    }
    let names = settings.jocloud_names.as_ref().map_or(0, |Texts(names)| names.len());
    found.within("jocloud_names", names as u64, 0..=64);
    let numbers = [
        ("artc_users", settings.artc_users, 20..=30),
        ("artc_single_tasks", settings.artc_single_tasks, 1..=1_000),
        ("artc_mixed_tasks", settings.artc_mixed_tasks, 1..=1_000),
        ("relay_lease_ms", settings.relay_lease_ms, 5_000..=60_000),
        ("relay_rest_ms", settings.relay_rest_ms, 1_000..=12_000),
        ("relay_status_ms", settings.relay_status_ms, 1_000..=30_000),
    ];
    for (name, number, range) in numbers {
        if let Some(number) = number {
            found.within(name, number, range);
        }
    }
    if found.0.is_empty() { Ok(()) } else { Err(Problem::invalid(found.0).into()) }
}
