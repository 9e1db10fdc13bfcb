//! Tasks of published streams that an application relays by themselves: ARTC's global relay. Such a
//! task begins when a host reports the stream, and ends when the stream has been gone for a while,
//! which its host tells (`MaxIdleTime`).

use livegate_core::config::application::Application;
use livegate_core::relay::PushUrl;
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::link::Published;
use livegate_core::relay::task::Task;
use livegate_core::time::Millis;
use livegate_core::url::egress::check;
use sha2::{Digest, Sha256};

use super::Fleet;
use crate::compile;
use crate::error::Result;
use crate::js;
use crate::objects::contract::{Start, Started, TaskId, ToTenant};
use crate::objects::tenant::{Item, Kind};
use crate::objects::{ObjectRef, call};

/// The vendor whose such tasks are.
const VENDOR: &str = "artc";

/// When to try again what another task's address stood against.
const AGAIN: Millis = Millis(5_000);

/// Streams came: those of applications that relay them are relayed from now on.
pub(super) async fn streams(fleet: &Fleet, streams: &[Published]) -> Result<()> {
    let mut apps: Vec<&str> = streams.iter().map(|stream| stream.app.as_str()).collect();
    apps.sort_unstable();
    apps.dedup();
    for app in apps {
        let own: Vec<&Published> = streams.iter().filter(|stream| stream.app == app).collect();
        relay(fleet, app, &own).await?;
    }
    Ok(())
}

/// What an application relays has changed.
pub(super) async fn application(fleet: &Fleet, app: &str) -> Result<()> {
    let store = fleet.store()?;
    let lines = store.lines(
        "vendor = 'artc' AND app = ? AND task LIKE 'auto-%' AND ended_at IS NULL",
        &crate::sql::params![app],
    )?;
    fleet.store()?.forget_applications()?;
    let there = document(fleet, app).await?;
    let mut turn = fleet.turn(js::now())?;
    for mut line in lines {
        let wanted = there.as_ref().and_then(|there| Task::of_stream(there, &line.stream));
        if wanted.is_none() {
            turn.stop(&mut line, TaskState::StoppedByUser, None)?;
        }
    }
    fleet.finish(turn).await?;
    let streams = fleet.store()?.streams(None, Some(app))?;
    relay(fleet, app, &streams.iter().collect::<Vec<_>>()).await
}

/// What could not be relayed before may be now.
pub(super) async fn catch_up(fleet: &Fleet) -> Result<()> {
    let all = fleet.store()?.streams(None, None)?;
    streams(fleet, &all).await
}

/// An application as it is, from memory where it was asked for before.
async fn document(fleet: &Fleet, app: &str) -> Result<Option<Application>> {
    let name = ["app/", app].concat();
    let store = fleet.store()?;
    let text = if let Some(known) = store.fact(&name)? {
        known
    } else {
        let Some(tenant) = store.tenant()? else { return Ok(None) };
        let ask = ToTenant::Get(Kind::Application, app.to_owned());
        let item: Option<Item> = call(&fleet.env, &ObjectRef::Tenant(tenant), &ask).await?;
        let text = item.map_or_else(String::new, |item| item.doc.to_string());
        store.set_fact(&name, &text)?;
        text
    };
    Ok(Application::from_json(text.as_bytes()).ok())
}

async fn relay(fleet: &Fleet, app: &str, streams: &[&Published]) -> Result<()> {
    if streams.is_empty() {
        return Ok(());
    }
    let Some(tenant) = fleet.store()?.tenant()? else { return Ok(()) };
    let Some(there) = document(fleet, app).await? else { return Ok(()) };
    for stream in streams {
        let Some(task) = Task::of_stream(&there, stream) else { continue };
        let egress = compile::relay_egress(&fleet.env);
        if task.targets.iter().any(|target| check(target.as_http(), egress).is_err()) {
            continue;
        }
        let hash = |url: &PushUrl| hex::encode(Sha256::digest(url.identity().as_bytes()));
        let id = TaskId { vendor: VENDOR.to_owned(), app: app.to_owned(), task: task.id.clone() };
        if fleet.store()?.live(&id)?.is_some() {
            continue;
        }
        let start = Start {
            tenant,
            id,
            channel: task.channel.clone(),
            addresses: task.targets.iter().map(hash).collect(),
            task: task.to_value(),
            change: Some(false),
            most: u64::MAX,
            now: js::now(),
        };
        if let Started::Address(..) = Box::pin(fleet.start(&start)).await? {
            fleet.come_again(js::now().plus(AGAIN))?;
            fleet.wake().await?;
        }
    }
    Ok(())
}
