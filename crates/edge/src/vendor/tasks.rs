//! Relay tasks handed to the tenant's fleet.

use livegate_core::relay::Task;
use livegate_core::time::UnixMillis;

use super::stored::Tenant;
use crate::error::Result;
use crate::objects::contract::{Start, Started, TaskId, ToFleet};
use crate::objects::fleet;
use crate::objects::{ObjectRef, call};

/// A task to start, or to change.
pub(crate) struct Ask<'a> {
    pub(crate) vendor: &'static str,
    pub(crate) app: &'a str,
    pub(crate) task: &'a str,
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
    task: &Task,
    now: UnixMillis,
) -> Result<Started> {
    let id = task_id(ask.vendor, ask.app, ask.task);
    let start = Start::of(tenant.id, id, task, ask.change, ask.most, now);
    call(tenant.env, &ObjectRef::Fleet(tenant.id), ToFleet::Start(Box::new(start))).await
}

/// Ends a task; whether there was one.
pub(crate) async fn stop(tenant: &Tenant<'_>, vendor: &str, app: &str, task: &str) -> Result<bool> {
    let ask = ToFleet::Stop(task_id(vendor, app, task));
    call(tenant.env, &ObjectRef::Fleet(tenant.id), ask).await
}

/// Has a task write a message once; whether there is such a task.
pub(crate) async fn set_sei(
    tenant: &Tenant<'_>,
    vendor: &str,
    app: &str,
    task: &str,
    custom: String,
) -> Result<bool> {
    let ask = ToFleet::Sei(tenant.id, task_id(vendor, app, task), custom);
    call(tenant.env, &ObjectRef::Fleet(tenant.id), ask).await
}

/// The newest task of that id, with its description.
pub(crate) async fn find(
    tenant: &Tenant<'_>,
    vendor: &str,
    app: &str,
    task: &str,
) -> Result<Option<fleet::Task>> {
    let ask = ToFleet::Task(tenant.id, task_id(vendor, app, task));
    call(tenant.env, &ObjectRef::Fleet(tenant.id), ask).await
}
