//! Changes as rows.

use livegate_core::error::Coded as _;
use livegate_core::relay::lifecycle::TargetId;
use livegate_core::relay::push::{Cause, PushState, Report};
use livegate_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, Result, params};
use serde_json::{Value, json};

use super::change::Change;
use super::kept::{ENDED, pushes};
use super::mail::{self, Arrived};
use crate::key::TaskKey;

/// A number as a row has it.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes one change. An event says on which line it is.
pub(super) fn apply(db: &Connection, change: &Change, now: UnixMillis) -> Result<Option<Arrived>> {
    match change {
        Change::Task { task, epoch, began_at } => {
            let key = TaskKey::of(task);
            db.prepare_cached(
                "INSERT INTO tasks (origin, app, id, task, epoch, began_at, state, source_gone_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?6)
                 ON CONFLICT DO UPDATE SET
                     task = excluded.task, epoch = excluded.epoch, began_at = excluded.began_at",
            )?
            .execute(params![
                key.origin.as_str(),
                key.app,
                key.id,
                task.to_value().to_string(),
                epoch.map(|epoch| number(epoch.0)),
                number(began_at.0),
            ])?;
        }
        Change::State(key, state) => {
            db.prepare_cached(
                "UPDATE tasks SET state = ?4 WHERE origin = ?1 AND app = ?2 AND id = ?3",
            )?
            .execute(params![key.origin.as_str(), key.app, key.id, state.as_str()])?;
        }
        Change::SourceGone(key, at) => {
            db.prepare_cached(
                "UPDATE tasks SET source_gone_at = ?4 WHERE origin = ?1 AND app = ?2 AND id = ?3",
            )?
            .execute(params![
                key.origin.as_str(),
                key.app,
                key.id,
                at.map(|at| number(at.0))
            ])?;
        }
        Change::Ended { key, state, at, why } => end(db, key, state.as_str(), *at, why)?,
        Change::Push { key, target, url, report } => push(db, key, *target, url, *report)?,
        Change::Event(event) => return mail::append(db, event).map(Some),
        Change::Addresses { task, all } => {
            db.prepare_cached("DELETE FROM addresses WHERE task = ?1 OR rests_until <= ?2")?
                .execute(params![task, number(now.0)])?;
            let mut insert =
                db.prepare_cached("INSERT OR REPLACE INTO addresses VALUES (?1, ?2, ?3)")?;
            for (identity, rests_until) in all {
                insert.execute(params![
                    identity,
                    task,
                    rests_until.map(|until| number(until.0))
                ])?;
            }
        }
        Change::Value { name, value: Some(value) } => {
            db.prepare_cached("INSERT OR REPLACE INTO own VALUES (?1, ?2)")?
                .execute(params![name, value])?;
        }
        Change::Value { name, value: None } => {
            db.prepare_cached("DELETE FROM own WHERE name = ?1")?.execute([name])?;
        }
    }
    Ok(None)
}

/// The last report of a push. One of a task that is not there any more tells nothing.
fn push(db: &Connection, key: &TaskKey, target: TargetId, url: &str, report: Report) -> Result<()> {
    let (origin, app, id) = (key.origin.as_str(), &key.app, &key.id);
    let cause = report.cause.map(|cause| cause.code().as_str());
    db.prepare_cached(
        "INSERT OR REPLACE INTO pushes (origin, app, id, target, url, number, at, state, cause, attempt)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
         WHERE EXISTS (SELECT 1 FROM tasks WHERE origin = ?1 AND app = ?2 AND id = ?3)",
    )?
    .execute(params![
        origin,
        app,
        id,
        target.0,
        url,
        number(report.number),
        number(report.at.0),
        report.state.as_str(),
        cause,
        report.attempt,
    ])?;
    // One that was replaced is restored no more. The newest of them stays: its number is not to be
    // given again.
    if report.state == PushState::End && report.cause == Some(Cause::Replaced) {
        db.prepare_cached(
            "DELETE FROM pushes WHERE origin = ?1 AND app = ?2 AND id = ?3 AND state = ?4
                 AND cause = ?5 AND target < (SELECT max(target) FROM pushes
                     WHERE origin = ?1 AND app = ?2 AND id = ?3)",
        )?
        .execute(params![origin, app, id, report.state.as_str(), cause])?;
    }
    Ok(())
}

/// Moves a task and its pushes to those that ended.
fn end(db: &Connection, key: &TaskKey, state: &str, at: UnixMillis, why: &Value) -> Result<()> {
    let (origin, app, id) = (key.origin.as_str(), &key.app, &key.id);
    let row = db
        .prepare_cached(
            "DELETE FROM tasks WHERE origin = ?1 AND app = ?2 AND id = ?3
             RETURNING task, began_at",
        )?
        .query_row(params![origin, app, id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let Some((task, began_at)) = row else { return Ok(()) };
    let pushes: Vec<Value> = pushes(db, key)?
        .into_iter()
        .map(|push| {
            json!({
                "target": push.target, "url": push.url, "number": push.number, "at": push.at,
                "state": push.state, "cause": push.cause, "attempt": push.attempt,
            })
        })
        .collect();
    db.prepare_cached("DELETE FROM pushes WHERE origin = ?1 AND app = ?2 AND id = ?3")?
        .execute(params![origin, app, id])?;
    db.prepare_cached(
        "INSERT INTO ended (task, began_at, state, at, why, pushes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        task,
        began_at,
        state,
        number(at.0),
        why.to_string(),
        Value::from(pushes).to_string(),
    ])?;
    db.prepare_cached("DELETE FROM ended WHERE seq <= (SELECT max(seq) FROM ended) - ?1")?
        .execute([ENDED])?;
    Ok(())
}
