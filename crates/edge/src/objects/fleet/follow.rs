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

use super::Fleet;
use super::turn::Turn;
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

/// Streams came, or all of them are to be looked at again: those of applications that relay them are
/// relayed from now on.
pub(super) async fn streams(fleet: &Fleet, came: Option<Vec<Published>>) -> Result<()> {
    let streams = match came {
        Some(came) => came,
        None => fleet.store()?.streams(None, None)?,
    };
    for stream in streams {
        relay(fleet, stream, Some(false)).await?;
    }
    Ok(())
}

/// What an application relays has changed: what goes on is as it says now, what does not ends. The turn
/// is to be finished.
pub(super) async fn changed(fleet: &Fleet, app: &str) -> Result<Turn> {
    let there = application(fleet, app).await?;
    let mut turn = fleet.turn(js::now())?;
    for mut line in turn.store.automatic(app)? {
        if there.as_ref().and_then(|there| Task::of_stream(there, &line.stream)).is_none() {
            turn.stop(&mut line, TaskState::StoppedByUser, None)?;
        }
    }
    for stream in turn.store.streams(None, Some(app))? {
        relay(fleet, stream, None).await?;
    }
    Ok(turn)
}

/// Relays a stream, if its application does; a task that there is already is changed as well unless
/// `change` says that there is to be none.
async fn relay(fleet: &Fleet, stream: Published, change: Option<bool>) -> Result<()> {
    let Some(there) = application(fleet, &stream.app).await? else { return Ok(()) };
    let Some(task) = Task::of_stream(&there, &stream) else { return Ok(()) };
    let egress = compile::relay_egress(&fleet.env);
    let may = |target: &PushUrl| check(target.as_http(), egress).is_ok();
    let store = fleet.store()?;
    let id = TaskId { vendor: VENDOR.to_owned(), app: stream.app, task: task.id.clone() };
    let tenant = store.tenant()?.filter(|_| task.targets.iter().all(may));
    let Some(tenant) = tenant else { return Ok(()) };
    if change.is_some() && store.live(&id)?.is_some() {
        return Ok(());
    }
    let start = Start::of(tenant, id, &task, change, u64::MAX, js::now());
    let (started, turn) = fleet.start(&start).await?;
    turn.send(&fleet.env).await?;
    if let Started::Address(..) = started {
        fleet.come_again(js::now().plus(AGAIN))?;
    }
    Ok(())
}

/// An application as it is, from memory where it was asked for before.
async fn application(fleet: &Fleet, app: &str) -> Result<Option<Application>> {
    let name = ["app/", app].concat();
    let store = fleet.store()?;
    let text = if let Some(known) = store.fact(&name)? {
        known
    } else {
        let Some(tenant) = store.tenant()? else { return Ok(None) };
        let ask = ToTenant::Get(Kind::Application, app.to_owned());
        let item: Option<Item> = call(&fleet.env, &ObjectRef::Tenant(tenant), ask).await?;
        let text = item.map_or_else(String::new, |item| item.doc.to_string());
        store.set_fact(&name, &text)?;
        text
    };
    Ok(Application::from_json(text.as_bytes()).ok())
}
