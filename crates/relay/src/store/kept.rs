//! What was kept, as a host that starts reads it.

use std::collections::BTreeMap;

use livegate_core::relay::Task;
use livegate_core::relay::address::PushUrl;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{self, TargetId, TaskState};
use livegate_core::relay::push::{Cause, PushState, Report};
use livegate_core::relay::task::Origin;
use livegate_core::time::UnixMillis;
use rusqlite::{Connection, Result, Row, params};
use serde_json::Value;

use super::mail::{self, KeptLine};
use crate::key::TaskKey;

/// How many tasks that ended are kept: the newest.
pub(super) const ENDED: i64 = 1_000;

/// All that was kept.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Kept {
    /// The tasks that run.
    pub tasks: Vec<KeptTask>,
    /// Those that ended, the newest last.
    pub ended: Vec<EndedTask>,
    /// Addresses as `livegate_core::relay::Addresses::restore` takes them: identity, task, and until
    /// when it rests.
    pub addresses: Vec<(String, String, Option<UnixMillis>)>,
    /// The channels that have events to be told.
    pub lines: Vec<KeptLine>,
    /// The host's own values.
    pub values: BTreeMap<String, String>,
    /// How many rows could not be read, and were left where they are. Each is in the log.
    pub unreadable: usize,
}

/// A task that runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeptTask {
    /// The task.
    pub task: Task,
    /// Its tenancy.
    pub epoch: Option<Epoch>,
    /// When it began.
    pub began_at: UnixMillis,
    /// Since when it had no source; none if it had one.
    pub source_gone_at: Option<UnixMillis>,
    /// What was said of it.
    pub state: TaskState,
    /// Its pushes.
    pub pushes: Vec<lifecycle::Kept>,
}

/// A task that ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndedTask {
    /// The task.
    pub task: Task,
    /// When it began.
    pub began_at: UnixMillis,
    /// What is said of it.
    pub state: TaskState,
    /// When it ended.
    pub at: UnixMillis,
    /// Why, as it was written.
    pub why: Value,
    /// Its pushes.
    pub pushes: Vec<lifecycle::Kept>,
}

/// A push as its row has it.
pub(super) struct PushRow {
    pub(super) target: u32,
    pub(super) url: String,
    pub(super) number: u64,
    pub(super) at: u64,
    pub(super) state: String,
    pub(super) cause: Option<String>,
    pub(super) attempt: u32,
}

impl PushRow {
    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            target: row.get("target")?,
            url: row.get("url")?,
            number: unsigned(row, "number")?,
            at: unsigned(row, "at")?,
            state: row.get("state")?,
            cause: row.get("cause")?,
            attempt: row.get("attempt")?,
        })
    }

    fn from_value(value: &Value) -> Option<Self> {
        let number = |name: &str| value[name].as_u64();
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self {
            target: u32::try_from(number("target")?).ok()?,
            url: text("url")?,
            number: number("number")?,
            at: number("at")?,
            state: text("state")?,
            cause: text("cause"),
            attempt: u32::try_from(number("attempt")?).ok()?,
        })
    }

    fn kept(self) -> Option<lifecycle::Kept> {
        let cause = match self.cause {
            Some(code) => Some(Cause::from_code(&code)?),
            None => None,
        };
        let state = PushState::from_name(&self.state)?;
        let last = Report::new(self.number, UnixMillis(self.at), state, cause, self.attempt);
        let url = PushUrl::parse(&self.url).ok()?;
        Some(lifecycle::Kept { id: TargetId(self.target), url, last: Some(last) })
    }
}

pub(super) fn unsigned(row: &Row<'_>, column: &str) -> Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

/// The pushes of one task.
pub(super) fn pushes(db: &Connection, key: &TaskKey) -> Result<Vec<PushRow>> {
    db.prepare_cached(
        "SELECT * FROM pushes WHERE origin = ?1 AND app = ?2 AND id = ?3 ORDER BY target",
    )?
    .query_map(params![key.origin.as_str(), key.app, key.id], PushRow::read)?
    .collect()
}

/// Reads everything.
pub(super) fn read(db: &Connection) -> Result<Kept> {
    let mut kept = Kept { lines: mail::lines(db)?, ..Kept::default() };
    let mut tasks = db.prepare("SELECT * FROM tasks")?;
    let mut rows = tasks.query([])?;
    while let Some(row) = rows.next()? {
        let key = (row.get::<_, String>("origin")?, row.get("app")?, row.get("id")?);
        if let Some(task) = task(db, row, &key)? {
            kept.tasks.push(task);
        } else {
            kept.unreadable += 1;
            tracing::error!(app = key.1, task = key.2, "a task that was kept cannot be read");
        }
    }
    let mut ended = db.prepare("SELECT * FROM ended ORDER BY seq")?;
    let mut rows = ended.query([])?;
    while let Some(row) = rows.next()? {
        match ended_task(row)? {
            Some(task) => kept.ended.push(task),
            None => kept.unreadable += 1,
        }
    }
    let mut addresses = db.prepare("SELECT identity, task, rests_until FROM addresses")?;
    let mut rows = addresses.query([])?;
    while let Some(row) = rows.next()? {
        let rests: Option<i64> = row.get(2)?;
        let rests = rests.map(|until| UnixMillis(u64::try_from(until).unwrap_or(0)));
        kept.addresses.push((row.get(0)?, row.get(1)?, rests));
    }
    let mut own = db.prepare("SELECT name, value FROM own")?;
    kept.values =
        own.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_>>()?;
    Ok(kept)
}

fn task(
    db: &Connection,
    row: &Row<'_>,
    key: &(String, String, String),
) -> Result<Option<KeptTask>> {
    let Some(origin) = Origin::from_name(&key.0) else { return Ok(None) };
    let key = TaskKey { origin, app: key.1.clone(), id: key.2.clone() };
    let pushes = pushes(db, &key)?.into_iter().map(PushRow::kept).collect();
    let epoch: Option<i64> = row.get("epoch")?;
    let epoch = epoch.map(|epoch| Epoch(u64::try_from(epoch).unwrap_or(0)));
    let (text, state): (String, String) = (row.get("task")?, row.get("state")?);
    let began_at = UnixMillis(unsigned(row, "began_at")?);
    let gone_at: Option<i64> = row.get("source_gone_at")?;
    let source_gone_at = gone_at.map(|at| UnixMillis(u64::try_from(at).unwrap_or(0)));
    let read = || {
        Some(KeptTask {
            task: Task::from_value(&serde_json::from_str(&text).ok()?)?,
            epoch,
            began_at,
            source_gone_at,
            state: TaskState::from_name(&state)?,
            pushes: Option::<Vec<_>>::clone(&pushes)?,
        })
    };
    Ok(read())
}

fn ended_task(row: &Row<'_>) -> Result<Option<EndedTask>> {
    let (text, state, why, pushes): (String, String, String, String) =
        (row.get("task")?, row.get("state")?, row.get("why")?, row.get("pushes")?);
    let began_at = UnixMillis(unsigned(row, "began_at")?);
    let at = UnixMillis(unsigned(row, "at")?);
    let read = || {
        let pushes: Vec<Value> = serde_json::from_str(&pushes).ok()?;
        let pushes = pushes.iter().map(|push| PushRow::from_value(push)?.kept());
        Some(EndedTask {
            task: Task::from_value(&serde_json::from_str(&text).ok()?)?,
            began_at,
            state: TaskState::from_name(&state)?,
            at,
            why: serde_json::from_str(&why).ok()?,
            pushes: pushes.collect::<Option<_>>()?,
        })
    };
    Ok(read())
}
