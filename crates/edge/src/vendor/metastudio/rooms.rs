//! `CreateSmartLiveRoom`, `ListSmartLiveRooms`, `ShowSmartLiveRoom`, `UpdateSmartLiveRoom`,
//! `DeleteSmartLiveRoom`.
//!
//! A room is kept twice: as it was sent, sealed, for push addresses and keys are in it; and as it is
//! shown.

use livegate_core::config::room::MAX_BODY;
use livegate_core::config::{Absent, Room, RoomType};
use serde_json::{Map, Value, json};
use web_sys::Response;

use super::{Call, STATES, Takes, callback, fault, jobs, page, still_masked};
use crate::error::Result;
use crate::http;
use crate::objects::contract::Match;
use crate::objects::tenant::Kind;
use crate::vendor::masked;
use crate::vendor::stored::{Thing, Write};

const CALLBACK: &str = "live_event_callback_config";
const PLATFORM: &str = "relation_live_platform_info";

/// What a list shows of a room.
const LISTED: &[&str] = &[
    "room_id",
    "project_id",
    "room_name",
    "room_type",
    "room_state",
    "view_mode",
    "shared_config",
    "room_description",
    "create_time",
    "update_time",
    "last_job_start_time",
    "last_job_end_time",
    "last_job_status",
    "priv_data",
    "confirm_state",
];

pub(super) async fn create(call: &Call<'_>) -> Result<Response> {
    let room = Room::from_json(&call.body).map_err(|found| fault::violations(&found))?;
    masked::unmasked(room.as_object()).map_err(|name| still_masked(&name))?;
    let id = super::new_id()?;
    let settings = call.settings().await?;
    let platform = platform_of(call, &room).await?;
    let mut change = |there: Option<Thing>| {
        // Its id is new: nothing else can be there.
        debug_assert!(there.is_none());
        write(call, &settings, &id, &room, platform.as_ref(), &Value::Null)
    };
    call.tenant.change(Kind::Room, &id, &mut change).await?;
    http::json(200, &json!({ "room_id": id }))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Response> {
    let wanted = [
        ("room_name", "$.room_name", Match::Holds, Takes::Any),
        ("room_type", "$.room_type", Match::Is, Takes::Words(RoomType::NAMES)),
        ("live_state", "$.last_job_status", Match::Is, Takes::Words(STATES)),
        ("confirm_state", "$.confirm_state", Match::Is, Takes::Any),
        ("start_time", "$.create_time", Match::From, Takes::Time),
        ("end_time", "$.create_time", Match::To, Takes::Time),
        ("dh_id", "", Match::Is, Takes::Nothing),
        ("model_name", "", Match::Is, Takes::Nothing),
        ("template_own_type", "", Match::Is, Takes::Nothing),
    ];
    let selected = page(call, Kind::Room, &wanted, Vec::new()).await?;
    let rooms: Vec<Value> = selected.items.into_iter().map(listed).collect();
    http::json(200, &json!({ "count": selected.count, "smart_live_rooms": rooms }))
}

fn listed(room: Value) -> Value {
    let Value::Object(mut fields) = room else { return room };
    fields.retain(|name, _| LISTED.contains(&name.as_str()));
    Value::Object(fields)
}

pub(super) async fn show(call: &Call<'_>, id: &str) -> Result<Response> {
    let room = call.tenant.document(Kind::Room, id).await?;
    http::json(200, &room.ok_or_else(|| fault::missing("room_id"))?)
}

pub(super) async fn update(call: &Call<'_>, id: &str) -> Result<Response> {
    let sent = call.object()?;
    let settings = call.settings().await?;
    let absent = match settings["room_update"].as_str() {
        Some("clears") => Absent::Clears,
        _ => Absent::Stays,
    };
    let there = call.tenant.open(Kind::Room, id).await?.ok_or_else(|| fault::missing("room_id"))?;
    let changed = changed(&there, &sent, absent)?;
    let platform = platform_of(call, &changed).await?;
    let mut change = |there: Option<Thing>| {
        let there = there.ok_or_else(|| fault::missing("room_id"))?;
        let room = self::changed(&there, &sent, absent)?;
        write(call, &settings, id, &room, platform.as_ref(), &there.doc)
    };
    let shown = call.tenant.change(Kind::Room, id, &mut change).await?;
    http::json(200, &shown)
}

/// The room after a change. What was shown masked and comes back so is as it was.
fn changed(there: &Thing, sent: &Value, absent: Absent) -> Result<Room> {
    let whole = there.whole()?;
    let mut sent = sent.clone();
    masked::restore(&mut sent, &whole).map_err(|name| still_masked(&name))?;
    let there = Room::from_json(whole.to_string().as_bytes());
    let there = there.map_err(|found| fault::violations(&found))?;
    there.update(sent.to_string().as_bytes(), absent).map_err(|found| fault::violations(&found))
}

pub(super) async fn delete(call: &Call<'_>, id: &str) -> Result<Response> {
    if call.tenant.document(Kind::Room, id).await?.is_none() {
        return Err(fault::missing("room_id"));
    }
    if jobs::is_live(call, id).await? {
        return Err(fault::conflict("Invalid parameter: room_id is live; stop its job first"));
    }
    jobs::forget(call, id).await?;
    if call.tenant.document(Kind::RoomStream, id).await?.is_some() {
        call.tenant.remove(Kind::RoomStream, id).await?;
    }
    call.tenant.remove(Kind::Room, id).await?;
    http::empty(204)
}

/// The platform that a room is for, if it is for one.
async fn platform_of(call: &Call<'_>, room: &Room) -> Result<Option<Value>> {
    let Some(live) = room.platform_live() else { return Ok(None) };
    let platform = call.tenant.document(Kind::Platform, &live.platform_id).await?;
    let at = "relation_live_platform_info.platform_id";
    platform.map(Some).ok_or_else(|| fault::parameter(at, "does not exist"))
}

/// A room as it is stored.
fn write(
    call: &Call<'_>,
    settings: &Value,
    id: &str,
    room: &Room,
    platform: Option<&Value>,
    before: &Value,
) -> Result<Write> {
    let whole = Value::Object(room.as_object().clone());
    if whole.to_string().len() > MAX_BODY {
        let what = format!("should have at most {MAX_BODY} bytes with what it had before");
        return Err(fault::parameter("the room", &what));
    }
    let config = room.callback().map(|callback| callback.config);
    let also = callback::managed(call, settings, (Kind::Room, id), CALLBACK, config.as_ref())?;
    let mut doc = masked::shown(room.as_object());
    let now = call.now.to_string();
    let created = before["create_time"].as_str().unwrap_or(&now).to_owned();
    let fixed = json!({
        "room_id": id, "project_id": call.project(), "room_state": "ENABLE",
        "room_type": room.room_type().as_str(), "create_time": created, "update_time": now,
    });
    merge(&mut doc, fixed);
    for name in ["last_job_status", "last_job_start_time", "last_job_end_time"] {
        if let Some(value) = before.get(name) {
            doc.insert(name.to_owned(), value.clone());
        }
    }
    if let (Some(Value::Object(live)), Some(platform)) = (doc.get_mut(PLATFORM), platform) {
        live.insert("platform".to_owned(), platform["name"].clone());
    }
    Ok(Write::sealing(doc, &whole, also))
}

pub(super) fn merge(document: &mut Map<String, Value>, more: Value) {
    if let Value::Object(mut more) = more {
        document.append(&mut more);
    }
}
