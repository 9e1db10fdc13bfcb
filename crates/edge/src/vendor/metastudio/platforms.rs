//! Live platforms of third parties: `CreateLivePlatform`, `ListLivePlatforms`, `ShowLivePlatform`,
//! `UpdateLivePlatform`, `DeleteLivePlatform`, `ShowLivePlatformAccessType`.

use livegate_core::config::{AuthType, Platform};
use serde_json::{Map, Value, json};
use web_sys::Response;

use super::rooms::merge;
use super::{Call, Takes, callback, fault, page};
use crate::error::Result;
use crate::http;
use crate::objects::contract::{Match, Select};
use crate::objects::tenant::Kind;
use crate::vendor::stored::{Thing, Write};

/// The access type of a platform that follows `MetaStudio`'s own interface; the only one here.
const STANDARD: &str = "MSS_STANDARD";

pub(super) async fn create(call: &Call<'_>) -> Result<Response> {
    let platform = Platform::from_json(&call.body).map_err(|found| fault::violations(&found))?;
    let id = super::new_id()?;
    let settings = call.settings().await?;
    let mut change = |_: Option<Thing>| write(call, &settings, &id, &platform, &Value::Null);
    call.tenant.change(Kind::Platform, &id, &mut change).await?;
    http::json(200, &json!({ "platform_id": id }))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Response> {
    let wanted = [("access_type", "$.access_type", Match::Is, Takes::Any)];
    let selected = page(call, Kind::Platform, &wanted, Vec::new()).await?;
    http::json(200, &json!({ "count": selected.count, "live_platforms": selected.items }))
}

pub(super) async fn show(call: &Call<'_>, id: &str) -> Result<Response> {
    let platform = call.tenant.document(Kind::Platform, id).await?;
    http::json(200, &platform.ok_or_else(|| fault::missing("platform_id"))?)
}

pub(super) async fn update(call: &Call<'_>, id: &str) -> Result<Response> {
    let mut sent = call.object()?;
    // As it is shown: the key stays.
    if sent["auth_config"]["key"] == json!("***") {
        sent["auth_config"] = json!({});
    }
    let sent = sent.to_string();
    let settings = call.settings().await?;
    let mut change = |there: Option<Thing>| {
        let there = there.ok_or_else(|| fault::missing("platform_id"))?;
        let before = read(&there)?;
        let platform = before.update(sent.as_bytes()).map_err(|found| fault::violations(&found))?;
        write(call, &settings, id, &platform, &there.doc)
    };
    call.tenant.change(Kind::Platform, id, &mut change).await?;
    http::json(200, &json!({ "platform_id": id }))
}

pub(super) async fn delete(call: &Call<'_>, id: &str) -> Result<Response> {
    if call.tenant.document(Kind::Platform, id).await?.is_none() {
        return Err(fault::missing("platform_id"));
    }
    let of_it = "$.relation_live_platform_info.platform_id".to_owned();
    let select = Select {
        wanted: vec![(of_it, Match::Is, id.to_owned())],
        oldest_first: true,
        offset: 0,
        limit: 1,
    };
    let rooms = call.tenant.select(Kind::Room, select).await?;
    if let Some(room) = rooms.items.first() {
        let room = room["room_id"].as_str().unwrap_or_default();
        let what = format!("Invalid parameter: platform_id is used by the room {room}");
        return Err(fault::conflict(&what));
    }
    call.tenant.remove(Kind::Platform, id).await?;
    http::empty(204)
}

/// Which sorts of platforms there are; with `used=true`, which of them the tenant has.
pub(super) async fn access_types(call: &Call<'_>) -> Result<Response> {
    let (offset, limit) = super::window(call)?;
    let used = match call.request.param("used").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(fault::parameter("used", "should be true or false")),
    };
    let select = Select { limit: 1, ..Select::default() };
    let any = !used || call.tenant.select(Kind::Platform, select).await?.count > 0;
    let types: &[&str] = if any && offset == 0 && limit > 0 { &[STANDARD] } else { &[] };
    http::json(200, &json!({ "access_types": types }))
}

/// A platform as it was configured.
pub(super) fn read(there: &Thing) -> Result<Platform> {
    let whole = there.whole()?.to_string();
    Platform::from_json(whole.as_bytes()).map_err(|found| fault::violations(&found))
}

/// How callbacks to a platform are signed: the vendor documents it for product queries alone.
fn auth_type(settings: &Value) -> AuthType {
    let named = settings["platform_auth_type"].as_str().and_then(AuthType::from_name);
    named.unwrap_or(AuthType::MssAHead)
}

fn write(
    call: &Call<'_>,
    settings: &Value,
    id: &str,
    platform: &Platform,
    before: &Value,
) -> Result<Write> {
    let config = platform.event_callback(auth_type(settings));
    let at = "callback_config";
    let also = callback::managed(call, settings, (Kind::Platform, id), at, config.as_ref())?;
    let whole = platform.to_value();
    let mut doc = Map::new();
    let now = call.now.to_string();
    let created = before["create_time"].as_str().unwrap_or(&now).to_owned();
    merge(&mut doc, whole.clone());
    let fixed = json!({
        "platform_id": id, "access_type": STANDARD,
        "auth_config": { "key": "***" },
        "authorization_info": { "authorize_state": "AUTHORIZED", "authorized_time": created },
        "create_time": created, "update_time": now,
    });
    merge(&mut doc, fixed);
    Ok(Write::sealing(doc, &whole, also))
}
