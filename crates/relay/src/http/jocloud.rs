//! Jocloud's `startrtmp` and `stoprtmp`, answered as the gateway answers them:
//! `{prefix}/{appid}/v2/rtmpforward/…`.

use hyper::body::Incoming;
use livegate_core::relay::Quota;
use livegate_core::relay::jocloud::{self, Operation, Refusal, Rules};
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::push::Cause;
use livegate_core::relay::task::{Origin, Task};
use livegate_core::scheme::request::basic;
use livegate_core::url::egress::check;

use super::Host;
use super::answer::{Answer, Problem, json};
use super::request::{self, Call};
use crate::task::{StartError, TaskKey};

/// Answers a call of the vendor's API.
pub(super) async fn serve(host: &Host, call: &Call, body: Incoming, rest: &[&str]) -> Answer {
    let done = carry_out(host, call, body, rest).await;
    let (status, document) = jocloud::answer(&done, call.param("traceId").unwrap_or_default());
    json(status, &document)
}

async fn carry_out(host: &Host, call: &Call, body: Incoming, rest: &[&str]) -> Result<(), Refusal> {
    let given = call.header("token").and_then(|header| basic::read(header).ok());
    let given = given.ok_or(Refusal::Unauthorized)?;
    let credentials = host.credentials.now();
    let own = credentials.customer(&given.id, &given.secret).ok_or(Refusal::Unauthorized)?;
    let (app, operation) = jocloud::route(call.method.as_str(), rest)?;
    if !own.contains(&app) {
        return Err(Refusal::OtherApp);
    }
    let body = request::body(body, &call.headers, host.patience.body).await.map_err(unread)?;
    match operation {
        Operation::Start => {
            let task = jocloud::start(&body, Rules::default())?;
            jocloud::same_app(app, &task.app_id)?;
            start(host, task).await
        }
        Operation::Stop => {
            let (named, id) = jocloud::stop(&body)?;
            jocloud::same_app(app, &named)?;
            let key = TaskKey { origin: Origin::Jocloud, app: named, id };
            match host.tasks.stop(&key, Cause::Stopped).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(Refusal::NoTask),
                Err(error) => Err(refused(error)),
            }
        }
    }
}

/// Starts a task, or changes the one of its id.
async fn start(host: &Host, task: Task) -> Result<(), Refusal> {
    if task.targets.iter().any(|target| check(target.as_http(), host.egress).is_err()) {
        return Err(Refusal::Forbidden);
    }
    let quota = Quota { single: jocloud::MAX_TASKS, mixed: jocloud::MAX_TASKS };
    host.tasks.start_within(task, quota).await.map(drop).map_err(refused)
}

fn refused(error: StartError) -> Refusal {
    match error {
        StartError::Quota(_) => Refusal::Quota,
        StartError::Addresses(conflicts) => {
            Refusal::Address { index: conflicts.first().map_or(0, |conflict| conflict.index) }
        }
        StartError::Unsupported => Refusal::Unsupported,
        StartError::Store(_) => Refusal::Internal,
        StartError::Unkept(_) => Refusal::Unkept,
        StartError::Stopping => Refusal::Stopping,
    }
}

/// Whether a task of that state is not over.
pub(super) const fn runs(state: TaskState) -> bool {
    !matches!(state, TaskState::Stopped | TaskState::StoppedByUser | TaskState::ChannelEnded)
}

/// A body that could not be read has the status that it has everywhere.
fn unread(problem: Problem) -> Refusal {
    Refusal::Unread { status: problem.status, detail: problem.detail }
}
