//! `StartSmartLive`, `StopSmartLive`, `ListSmartLive`, `ListSmartLiveJobs`, `ShowSmartLive`,
//! `ExecuteSmartLiveCommand`.
//!
//! A job is a relay task of its room's stream (`RoomStream`): it waits until a relay host takes it,
//! and is told by the fleet what becomes of it.

use livegate_core::config::{JobStart, LiveCommand, LiveExitConfig, Room, UserConfig};
use livegate_core::error::Coded;
use livegate_core::relay::PushUrl;
use livegate_core::relay::Task;
use livegate_core::relay::derived::RoomStream;
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::push::Cause;
use livegate_core::time::UnixMillis;
use livegate_core::url::egress::check;
use serde_json::{Map, Value, json};
use web_sys::Response;

use super::rooms::merge;
use super::{Call, STATES, Takes, callback, fault, page, still_masked};
use crate::error::{Error, Problem, Result};
use crate::objects::contract::{Match, Select, Started};
use crate::objects::tenant::Kind;
use crate::vendor::stored::{Tenant, Thing, Write};
use crate::vendor::{masked, tasks};
use crate::{compile, credentials, http};

const VENDOR: &str = "metastudio";

const CALLBACK: &str = "live_event_callback_config";

/// The states of a job that has not ended.
const LIVE: &[&str] = &["WAITING", "PROCESSING"];

/// How many jobs a tenant may have at a time.
const MOST: u64 = 240;

/// What a list and an answer show of a job beside what is its own.
const OF_START: &[&str] = &[CALLBACK, "rtc_callback_config", "co_streamer_config"];

pub(super) async fn start(call: &Call<'_>, room_id: &str) -> Result<Response> {
    let start = JobStart::from_json(&call.body).map_err(|found| fault::violations(&found))?;
    masked::unmasked(start.as_object()).map_err(|name| still_masked(&name))?;
    let there = call.tenant.open(Kind::Room, room_id).await?;
    let there = there.ok_or_else(|| fault::missing("room_id"))?;
    let room = Room::from_json(there.whole()?.to_string().as_bytes());
    let room = room.map_err(|found| fault::violations(&found))?;
    let outputs = start.outputs(&room);
    if outputs.is_empty() {
        return Err(link("neither the job nor its room has output_urls"));
    }
    check_outputs(call, &outputs)?;
    if start.is_alone() == Some(true) && is_live(call, room_id).await? {
        let what = "Invalid parameter: job_run_config.single_job_in_room: the room has a job";
        return Err(fault::conflict(what));
    }
    let id = super::new_id()?;
    let settings = call.settings().await?;
    let own_exit = match start.live_exit(&room) {
        Some(exit) => Some(exit),
        None => tenants_exit(call).await?,
    };
    let exit = crate::json::value(own_exit)?;
    let app = credentials::app_id(call.tenant.id);
    let stream = stream_of(call, room_id).await?;
    let task = stream.task((room_id, &id), &app, outputs, own_exit.unwrap_or_default());
    let asked = asked(&id, false);
    let config = start.callback();
    // Checked before anything is claimed.
    let also = callback::managed(call, &settings, (Kind::Job, &id), CALLBACK, config.as_ref())?;
    match tasks::start(&call.tenant, &asked, &task, call.now).await? {
        Started::New => {}
        Started::Address(_, other, _) => {
            return Err(link(&format!("an address of output_urls is used by the task {other}")));
        }
        _ => return Err(fault::conflict("Invalid parameter: too many jobs are live")),
    }
    let now = call.now.to_string();
    let mut doc = Map::new();
    let shown = masked::shown(start.as_object());
    for name in OF_START {
        if let Some(value) = shown.get(*name) {
            doc.insert((*name).to_owned(), value.clone());
        }
    }
    let fixed = json!({
        "job_id": id, "room_id": room_id, "room_name": there.doc["room_name"], "state": "WAITING",
        "duration": 0.0, "stream_duration": 0.0, "create_time": now, "lastupdate_time": now,
        "live_exit_config": exit,
    });
    merge(&mut doc, fixed);
    if let Some(live) = there.doc.get("relation_live_platform_info") {
        doc.insert("relation_live_platform_info".to_owned(), live.clone());
    }
    let mut also = Some(also);
    let mut change = |_: Option<Thing>| {
        let whole = Value::Object(start.as_object().clone());
        Ok(Write::sealing(doc.clone(), &whole, also.take().unwrap_or_default()))
    };
    make_room(call).await?;
    if let Err(error) = call.tenant.change(Kind::Job, &id, &mut change).await {
        tasks::stop(&call.tenant, VENDOR, "", &id).await?;
        return Err(error);
    }
    note(&call.tenant, room_id, "WAITING", call.now).await?;
    let hours = exit["max_live_duration"].as_u64().unwrap_or(0);
    let mut answer = json!({
        "job_id": id, "live_warning_info": [], "limit_duration": hours,
    });
    if let Some(config) = shown.get(CALLBACK) {
        answer[CALLBACK] = config.clone();
    }
    http::json(200, &answer)
}

/// What the fleet is asked: there is such a job already, or there is none.
const fn asked(job: &str, change: bool) -> tasks::Ask<'_> {
    let change = Some(change);
    tasks::Ask { vendor: VENDOR, app: "", task: job, most: MOST, change }
}

fn check_outputs(call: &Call<'_>, outputs: &[PushUrl]) -> Result<()> {
    for output in outputs {
        if check(output.as_http(), compile::relay_egress(call.tenant.env)).is_err() {
            return Err(link("an address of output_urls cannot be pushed to"));
        }
    }
    Ok(())
}

/// The exit settings of the tenant, where neither job nor room has any.
async fn tenants_exit(call: &Call<'_>) -> Result<Option<LiveExitConfig>> {
    let document = call.tenant.document(Kind::UserConfig, "user_config").await?;
    let config = document.and_then(|doc| {
        UserConfig::from_json(
            json!({ "live_exit_config": doc["live_exit_config"] }).to_string().as_bytes(),
        )
        .ok()
    });
    Ok(config.and_then(|config| config.live_exit))
}

/// Where a room's lives take their picture from.
async fn stream_of(call: &Call<'_>, room: &str) -> Result<RoomStream> {
    let Some(thing) = call.tenant.open(Kind::RoomStream, room).await? else {
        return Ok(RoomStream::default());
    };
    let stream = RoomStream::from_json(thing.whole()?.to_string().as_bytes());
    stream.map_err(|error| Error::runtime(error.to_string()))
}

fn link(why: &str) -> Error {
    Problem::new(400, "MSS.45000009", format!("rtmp link invalid: {why}")).into()
}

/// How many jobs are kept: beyond that the oldest that have ended are forgotten.
const KEPT: u64 = 900;

async fn make_room(call: &Call<'_>) -> Result<()> {
    let select = |wanted| Select { wanted, oldest_first: true, offset: 0, limit: 50 };
    if call.tenant.select(Kind::Job, select(Vec::new())).await?.count < KEPT {
        return Ok(());
    }
    for state in ["CANCELED", "SUCCEED", "FAILED"] {
        let ended = vec![("$.state".to_owned(), Match::Is, state.to_owned())];
        for job in call.tenant.select(Kind::Job, select(ended)).await?.items {
            if let Some(id) = job["job_id"].as_str() {
                call.tenant.remove(Kind::Job, id).await?;
            }
        }
    }
    Ok(())
}

/// Removes the jobs of a room, and what follows from them.
pub(super) async fn forget(call: &Call<'_>, room: &str) -> Result<()> {
    loop {
        let wanted = vec![("$.room_id".to_owned(), Match::Is, room.to_owned())];
        let select = Select { wanted, oldest_first: true, offset: 0, limit: 50 };
        let jobs = call.tenant.select(Kind::Job, select).await?.items;
        if jobs.is_empty() {
            return Ok(());
        }
        for id in jobs.iter().filter_map(|job| job["job_id"].as_str()) {
            call.tenant.remove(Kind::Job, id).await?;
        }
    }
}

/// Whether a room has a job that has not ended.
pub(super) async fn is_live(call: &Call<'_>, room: &str) -> Result<bool> {
    for state in LIVE {
        let wanted = vec![
            ("$.room_id".to_owned(), Match::Is, room.to_owned()),
            ("$.state".to_owned(), Match::Is, (*state).to_owned()),
        ];
        let select = Select { wanted, oldest_first: false, offset: 0, limit: 1 };
        if call.tenant.select(Kind::Job, select).await?.count > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) async fn list(call: &Call<'_>, room: Option<&str>) -> Result<Response> {
    let parameters = [
        ("state", "$.state", Match::Is, Takes::Words(STATES)),
        ("create_since", "$.create_time", Match::From, Takes::Time),
        ("create_until", "$.create_time", Match::To, Takes::Time),
        ("room_name", "$.room_name", Match::Holds, Takes::Any),
    ];
    // There is but one order.
    let key = call.request.param("sort_key").unwrap_or_default();
    if !matches!(key.as_str(), "" | "create_time") {
        return Err(fault::parameter("sort_key", "is not supported here"));
    }
    let mut wanted = Vec::new();
    if let Some(room) = room {
        if call.tenant.document(Kind::Room, room).await?.is_none() {
            return Err(fault::missing("room_id"));
        }
        wanted.push(("$.room_id".to_owned(), Match::Is, room.to_owned()));
    }
    let selected = page(call, Kind::Job, &parameters, wanted).await?;
    http::json(200, &json!({ "count": selected.count, "smart_live_jobs": selected.items }))
}

pub(super) async fn show(call: &Call<'_>, room: &str, id: &str) -> Result<Response> {
    http::json(200, &of_room(call, room, id).await?)
}

async fn of_room(call: &Call<'_>, room: &str, id: &str) -> Result<Value> {
    let job = call.tenant.document(Kind::Job, id).await?;
    job.filter(|job| job["room_id"] == json!(room)).ok_or_else(|| fault::missing("job_id"))
}

/// Stops a job.
pub(super) async fn stop(call: &Call<'_>, room: &str, id: &str) -> Result<Response> {
    let job = of_room(call, room, id).await?;
    if !is_in_progress(&job) {
        return Err(fault::conflict("Invalid parameter: job_id has ended"));
    }
    let stopped = tasks::stop(&call.tenant, VENDOR, "", id).await?;
    // The fleet tells the job; what it does not know any more is told here.
    let has_run = job["state"] == json!("PROCESSING");
    let became = Became { state: TaskState::StoppedByUser, code: None, has_run, at: call.now };
    if !stopped || is_in_progress(&of_room(call, room, id).await?) {
        became.tell(&call.tenant, id).await?;
    }
    http::json(200, &json!({}))
}

/// Carries out a command to a live job.
pub(super) async fn command(call: &Call<'_>, room: &str, id: &str) -> Result<Response> {
    let job = of_room(call, room, id).await?;
    if !is_in_progress(&job) {
        return Err(fault::conflict("Invalid parameter: job_id has ended"));
    }
    let command = LiveCommand::from_json(&call.body).map_err(|found| fault::violations(&found))?;
    let name = command.name().to_owned();
    let there = tasks::find(&call.tenant, VENDOR, "", id).await?;
    let there = there.filter(|task| task.ended_at.is_none());
    let task = there.and_then(|task| Task::from_value(&task.description));
    let mut task = task.ok_or_else(|| fault::missing("job_id"))?;
    match command {
        LiveCommand::Refresh(outputs) => {
            check_outputs(call, &outputs)?;
            task.targets = outputs;
        }
        LiveCommand::ResetExit(exit) => task.exit = exit,
        _ => return Err(fault::parameter("command", "is not supported here")),
    }
    match tasks::start(&call.tenant, &asked(id, true), &task, call.now).await? {
        Started::Changed => {}
        Started::Address(_, other, _) => {
            return Err(link(&format!("an address of output_urls is used by the task {other}")));
        }
        _ => return Err(fault::conflict("Invalid parameter: job_id has ended")),
    }
    let exit = crate::json::value(task.exit)?;
    let now = call.now.to_string();
    let mut change = |there: Option<Thing>| {
        let mut doc = there.ok_or_else(|| fault::missing("job_id"))?.doc;
        doc["live_exit_config"] = exit.clone();
        doc["lastupdate_time"] = json!(now);
        Ok(Write { doc, keys: None, also: Vec::new() })
    };
    call.tenant.change(Kind::Job, id, &mut change).await?;
    http::json(200, &json!({ "command_id": super::new_id()?, "command": name }))
}

fn is_in_progress(job: &Value) -> bool {
    job["state"].as_str().is_some_and(|state| LIVE.contains(&state))
}

/// What became of a job's relay task.
#[derive(Debug)]
pub(crate) struct Became {
    pub(crate) state: TaskState,
    /// Why: a code of docs/errors.md.
    pub(crate) code: Option<String>,
    /// Whether its stream ever arrived.
    pub(crate) has_run: bool,
    pub(crate) at: UnixMillis,
}

impl Became {
    /// The job's state. What the vendor calls a success it does not say: here it is a live that was
    /// seen, and was ended by its owner, its time or its channel.
    fn state(&self) -> &'static str {
        let longest = self.code.as_deref() == Some(Cause::LongestLive.code().as_str());
        match self.state {
            state if !state.is_last() && self.has_run => "PROCESSING",
            state if !state.is_last() => "WAITING",
            _ if self.has_run && (longest || self.state != TaskState::Stopped) => "SUCCEED",
            TaskState::StoppedByUser => "CANCELED",
            _ => "FAILED",
        }
    }

    /// Tells the job; whether there is one. One that has ended stays so.
    pub(crate) async fn tell(&self, tenant: &Tenant<'_>, id: &str) -> Result<bool> {
        let (state, now) = (self.state(), self.at.to_string());
        let ends = self.state.is_last();
        let Some(job) = tenant.document(Kind::Job, id).await? else { return Ok(false) };
        if !is_in_progress(&job) {
            return Ok(true);
        }
        let mut change = |there: Option<Thing>| {
            let mut doc = there.ok_or_else(|| fault::missing("job_id"))?.doc;
            doc["state"] = json!(state);
            doc["lastupdate_time"] = json!(now);
            if state == "PROCESSING" && doc["start_time"].is_null() {
                doc["start_time"] = json!(now);
            }
            if ends {
                doc["end_time"] = json!(now);
            }
            if let Some(code) = self.code.as_deref().filter(|_| state == "FAILED") {
                // The vendor's own codes for this are not documented.
                let what = format!("the relay ended: {code}");
                doc["error_info"] = json!({ "error_code": "MSS.00000004", "error_msg": what });
            }
            Ok(Write { doc, keys: None, also: Vec::new() })
        };
        tenant.change(Kind::Job, id, &mut change).await?;
        let Some(room) = job["room_id"].as_str() else { return Ok(true) };
        // The room shows what its newest job came to, which may be another.
        let wanted = vec![("$.room_id".to_owned(), Match::Is, room.to_owned())];
        let select = Select { wanted, oldest_first: false, offset: 0, limit: 1 };
        let newest = tenant.select(Kind::Job, select).await?;
        let state = newest.items.first().and_then(|job| job["state"].as_str());
        note(tenant, room, state.unwrap_or_else(|| self.state()), self.at).await?;
        Ok(true)
    }
}

/// Has a room show what its newest job came to.
async fn note(tenant: &Tenant<'_>, room: &str, state: &str, at: UnixMillis) -> Result<()> {
    let now = at.to_string();
    let time = if LIVE.contains(&state) { "last_job_start_time" } else { "last_job_end_time" };
    let mut change = |there: Option<Thing>| {
        let mut doc = there.ok_or_else(|| fault::missing("room_id"))?.doc;
        doc["last_job_status"] = json!(state);
        doc[time] = json!(now);
        Ok(Write { doc, keys: None, also: Vec::new() })
    };
    tenant.change(Kind::Room, room, &mut change).await.map(|_| ())
}
