//! Tasks as they are shown, and counted.

use std::collections::BTreeMap;

use livegate_core::relay::Task;
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::push::{Cause, Push, PushSettings, PushState, Status, Transport};
use livegate_core::relay::queue::Dropped;
use livegate_core::time::UnixMillis;

use crate::store::EndedTask;

/// One push, as it is shown.
#[derive(Clone, Debug)]
pub struct PushView {
    /// Its address, **secrets included**: whoever shows it masks it
    /// (`livegate_core::dialect::redact::push_url`).
    pub url: String,
    /// How it is doing.
    pub status: Status,
    /// Bytes that arrived since it began, all connections together.
    pub sent: u64,
    /// What its queue dropped.
    pub dropped: Dropped,
}

/// One task, as it is shown.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// What was asked for, **secrets included**.
    pub task: Task,
    /// What is said of it.
    pub state: TaskState,
    /// Why it is over, if it is.
    pub ended: Option<(Cause, UnixMillis)>,
    /// How a live job stopped by itself, if it did: its record.
    pub exit: Option<serde_json::Value>,
    /// When it began.
    pub began_at: UnixMillis,
    /// Its pushes.
    pub pushes: Vec<PushView>,
}

/// How many tasks and pushes are in which state. Every state is there, so that one without any is 0.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) tasks: BTreeMap<&'static str, usize>,
    pub(crate) pushes: BTreeMap<&'static str, usize>,
    /// Pushes whose bytes arrive now.
    pub(crate) moving: usize,
}

/// What a push is called before anything was tried.
const NOT_TRIED: &str = "none";

impl Default for Tally {
    fn default() -> Self {
        let pushes = PushState::ALL.iter().map(|state| state.as_str()).chain([NOT_TRIED]);
        Self {
            tasks: TaskState::ALL.iter().map(|state| (state.as_str(), 0)).collect(),
            pushes: pushes.map(|state| (state, 0)).collect(),
            moving: 0,
        }
    }
}

impl Tally {
    pub(super) fn task(&mut self, state: TaskState) {
        *self.tasks.entry(state.as_str()).or_default() += 1;
    }

    pub(super) fn push(&mut self, status: &Status) {
        let state = status.state.map_or(NOT_TRIED, PushState::as_str);
        *self.pushes.entry(state).or_default() += 1;
        self.moving += usize::from(status.is_pushing);
    }
}

/// A task that ended before the host was started, as it is shown.
pub(super) fn ended(kept: &EndedTask, settings: PushSettings) -> TaskView {
    let pushes = kept.pushes.iter().filter_map(|push| {
        let last = push.last?;
        let ended = Push::resume(settings, Transport::Plain, last, last.at);
        let (url, status) = (push.url.as_str().to_owned(), ended.status(last.at));
        Some(PushView { url, status, sent: 0, dropped: Dropped::default() })
    });
    // A code, or the record of how it exited, which has one.
    let code = kept.why.as_str().or_else(|| kept.why["code"].as_str());
    let cause = code.and_then(Cause::from_code).unwrap_or(Cause::Stopped);
    TaskView {
        exit: Some(kept.why.clone()).filter(serde_json::Value::is_object),
        task: kept.task.clone(),
        state: kept.state,
        ended: Some((cause, kept.at)),
        began_at: kept.began_at,
        pushes: pushes.collect(),
    }
}
