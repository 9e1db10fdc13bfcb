//! Relay tasks handed to the tenant's fleet.

use livegate_core::relay::address::PushUrl;
use livegate_core::time::UnixMillis;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::stored::Tenant;
use crate::error::Result;
use crate::objects::contract::{Start, Started, TaskId, ToFleet};
use crate::objects::fleet::Task;
use crate::objects::{ObjectRef, call};

/// A task to start, or to change.
pub(crate) struct Ask<'a> {
    pub(crate) vendor: &'static str,
    pub(crate) app: &'a str,
    pub(crate) task: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) mode: &'static str,
    pub(crate) most: u64,
    /// `true`: there has to be one; `false`: there must not be; without: either.
    pub(crate) change: Option<bool>,
}

fn task_id(vendor: &str, app: &str, task: &str) -> TaskId {
    TaskId { vendor: vendor.to_owned(), app: app.to_owned(), task: task.to_owned() }
}

/// Starts or changes a task.
pub(crate) async fn start(
    tenant: &Tenant<'_>,
    ask: &Ask<'_>,
    outputs: &[PushUrl],
    task: Value,
    now: UnixMillis,
) -> Result<Started> {
    let hash = |output: &PushUrl| hex::encode(Sha256::digest(output.identity().as_bytes()));
    let start = Start {
        tenant: tenant.id,
        id: task_id(ask.vendor, ask.app, ask.task),
        channel: ask.channel.to_owned(),
        mode: ask.mode.to_owned(),
        addresses: outputs.iter().map(hash).collect(),
        task,
        change: ask.change,
        most: ask.most,
        now,
    };
    call(tenant.env, &ObjectRef::Fleet(tenant.id), &ToFleet::Start(Box::new(start))).await
}

/// Ends a task; whether there was one.
pub(crate) async fn stop(
    tenant: &Tenant<'_>,
    vendor: &str,
    app: &str,
    task: &str,
    state: &str,
    now: UnixMillis,
) -> Result<bool> {
    let ask = ToFleet::Stop(task_id(vendor, app, task), state.to_owned(), now);
    call(tenant.env, &ObjectRef::Fleet(tenant.id), &ask).await
}

/// The newest task of that id, with its description.
pub(crate) async fn find(
    tenant: &Tenant<'_>,
    vendor: &str,
    app: &str,
    task: &str,
) -> Result<Option<Task>> {
    let ask = ToFleet::Task(tenant.id, task_id(vendor, app, task));
    call(tenant.env, &ObjectRef::Fleet(tenant.id), &ask).await
}
