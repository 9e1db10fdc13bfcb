//! `StartLiveMPUTask`, `UpdateLiveMPUTask`, `StopLiveMPUTask`, `SetLiveMpuTaskSei`,
//! `ListRtcMPUTaskDetail`: relays of an application's channels.

use livegate_core::dialect::redact;
use livegate_core::relay::address::COOLING;
use livegate_core::relay::mpu::{self, Wanted};
use livegate_core::relay::task::{Source, Task};
use livegate_core::url::egress::check;
use serde_json::{Value, json};

use super::{Answer, Call, answer, fault};
use crate::compile;
use crate::error::{Error, Result};
use crate::objects::contract::{Started, ToFleet};
use crate::objects::{ObjectRef, call};
use crate::vendor::tasks;

const VENDOR: &str = "artc";

/// Parameters that clients may send as JSON.
const SHRUNK: &[&str] = &["TranscodeParams", "SeiParams", "SingleSubParams", "MultiStreamURL"];

fn missing() -> Error {
    fault::parameter("TaskId", "does not exist")
}

pub(super) async fn start(mut call: Call<'_>) -> Result<Answer> {
    call.params.flatten(SHRUNK).map_err(|error| fault::parameter("", &error.to_string()))?;
    let task = mpu::start(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&task.app_id).await?;
    put(&call, &task, false).await?;
    Ok(Answer::new())
}

pub(super) async fn update(mut call: Call<'_>) -> Result<Answer> {
    call.params.flatten(SHRUNK).map_err(|error| fault::parameter("", &error.to_string()))?;
    let (app, id) = mpu::task_of(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&app).await?;
    let there = live(&call, &app, &id).await?.ok_or_else(missing)?;
    let task = mpu::update(&there, &call.params).map_err(|found| fault::violations(&found))?;
    put(&call, &task, true).await?;
    Ok(Answer::new())
}

/// Hands a task to the fleet.
async fn put(call: &Call<'_>, task: &Task, change: bool) -> Result<()> {
    let egress = compile::relay_egress(call.tenant.env);
    if task.targets.iter().any(|target| check(target.as_http(), egress).is_err()) {
        return Err(fault::parameter("StreamURL", "cannot be pushed to"));
    }
    let settings = call.settings().await?;
    let (setting, most) = match task.source {
        Source::Single(_) => ("artc_single_tasks", 200),
        _ => ("artc_mixed_tasks", 40),
    };
    let ask = tasks::Ask {
        vendor: VENDOR,
        app: &task.app_id,
        task: &task.id,
        most: settings[setting].as_u64().unwrap_or(most),
        change: Some(change),
    };
    match tasks::start(&call.tenant, &ask, task, call.now).await? {
        Started::New | Started::Changed => Ok(()),
        Started::Exists => Err(fault::parameter("TaskId", "is that of a task that runs")),
        Started::Missing => Err(missing()),
        Started::Quota => Err(fault::denied("The application has as many tasks as it may")),
        Started::Address(_, _, None) => {
            Err(fault::parameter("StreamURL", "is pushed to by another task"))
        }
        Started::Address(_, _, Some(_)) => {
            let seconds = COOLING.0 / 1000;
            let what = format!("was pushed to within the last {seconds} seconds");
            Err(fault::parameter("StreamURL", &what))
        }
    }
}

async fn live(call: &Call<'_>, app: &str, id: &str) -> Result<Option<Task>> {
    let found = tasks::find(&call.tenant, VENDOR, app, id).await?;
    let live = found.filter(|task| task.ended_at.is_none());
    Ok(live.and_then(|task| Task::from_value(&task.description)))
}

pub(super) async fn stop(call: &Call<'_>) -> Result<Answer> {
    let (app, id) = mpu::task_of(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&app).await?;
    if tasks::stop(&call.tenant, VENDOR, &app, &id).await? {
        Ok(Answer::new())
    } else {
        Err(missing())
    }
}

pub(super) async fn set_sei(call: &Call<'_>) -> Result<Answer> {
    let asked = mpu::set_sei(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&asked.app_id).await?;
    let (app, id) = (&asked.app_id, &asked.task_id);
    if tasks::set_sei(&call.tenant, VENDOR, app, id, asked.custom).await? {
        Ok(Answer::new())
    } else {
        Err(missing())
    }
}

pub(super) async fn list(asked: &Call<'_>) -> Result<Answer> {
    let (app, wanted) = mpu::list(&asked.params).map_err(|found| fault::violations(&found))?;
    asked.check_app(&app).await?;
    let ids: Vec<String> = match wanted {
        Wanted::Task(id) => vec![id],
        Wanted::Page(page) => {
            let size = u64::from(page.size);
            let ask =
                ToFleet::List(VENDOR.to_owned(), app.clone(), Some(false), page.offset(), size);
            let fleet = ObjectRef::Fleet(asked.tenant.id);
            let found: Value = call(asked.tenant.env, &fleet, ask).await?;
            let tasks = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            tasks.iter().filter_map(|task| task["id"]["task"].as_str().map(str::to_owned)).collect()
        }
    };
    let mut tasks = Vec::new();
    for id in ids {
        if let Some(task) = live(asked, &app, &id).await? {
            // Push addresses carry tokens: a list masks them.
            let text = mpu::detail(&task).to_string();
            tasks.push(crate::json::parse::<Value>(&redact::json(&text))?);
        }
    }
    Ok(answer(json!({ "MPUTasks": tasks })))
}
