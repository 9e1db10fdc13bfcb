//! One tenant's relay tasks: what is to be pushed where, whoever asked for it. Hosts that carry them
//! out are told by this object; a task waits here until there is one.
//!
//! A task's description holds push addresses with their tokens: it is sealed, and of addresses only a
//! hash is kept, to tell whether two tasks want the same one.

use livegate_core::id::TenantId;
use livegate_core::relay::address::Addresses;
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};
use worker::{DurableObject, Env, State, durable_object};

use super::answer;
use super::contract::{Started, TaskId, ToFleet};
use crate::document::{Field, document};
use crate::error::Result;
use crate::http::Incoming;
use crate::seal;
use crate::sql::{Db, Row, params};

/// How many tasks are remembered that have ended: the newest.
const ENDED: u64 = 1_000;

/// The object that holds one tenant's relay tasks.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Fleet {
    state: State,
    env: Env,
}

document! {
    /// A task as it is kept.
    #[derive(Clone, Debug)]
    pub(crate) struct Task {
        pub(crate) id: TaskId,
        pub(crate) channel: String,
        pub(crate) mode: String,
        pub(crate) state: String,
        pub(crate) created_at: UnixMillis,
        pub(crate) updated_at: UnixMillis,
        pub(crate) ended_at: Option<UnixMillis>,
        /// As its vendor's module wrote it; null in lists.
        pub(crate) description: Value,
    }
}

impl DurableObject for Fleet {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        answer(self.serve(&request).await).map(Into::into)
    }
}

/// A task's rows: those of what runs, or waits to.
const LIVE: &str = "ended_at IS NULL";

impl Fleet {
    async fn serve(&self, request: &worker::Request) -> Result<Value> {
        let ask: ToFleet = Incoming::of(request).json().await?;
        let db = Db::of(&self.state);
        for table in [
            "CREATE TABLE IF NOT EXISTS tasks(
                seq INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT, app TEXT, task TEXT,
                channel TEXT, mode TEXT, state TEXT, created_at INTEGER, updated_at INTEGER,
                ended_at INTEGER, sealed TEXT)",
            "CREATE UNIQUE INDEX IF NOT EXISTS live ON tasks(vendor, app, task)
                WHERE ended_at IS NULL",
            "CREATE INDEX IF NOT EXISTS newest ON tasks(vendor, app, task, seq)",
            "CREATE TABLE IF NOT EXISTS addresses(
                address TEXT PRIMARY KEY, task TEXT, rests_until INTEGER) WITHOUT ROWID",
        ] {
            db.run(table, &params![])?;
        }
        match ask {
            ToFleet::Start(start) => {
                let owner = owner(&start.tenant, &start.id);
                let sealed = seal::seal(&self.env, &owner, &start.task.to_string()).await?;
                Ok(start_task(&db, &start, &sealed)?.write())
            }
            ToFleet::Stop(id, state, now) => Ok(Value::Bool(stop(&db, &id, &state, now)?)),
            ToFleet::Task(tenant, id) => {
                let query = format!(
                    "SELECT {COLUMNS} FROM tasks
                     WHERE vendor = ? AND app = ? AND task = ? ORDER BY seq DESC LIMIT 1"
                );
                let row = db.row(&query, &params![&id.vendor, &id.app, &id.task])?;
                let Some(row) = row else { return Ok(Value::Null) };
                let mut task = read(&row);
                let opened = seal::open(&self.env, &owner(&tenant, &id), &row.text(10)).await?;
                task.description = crate::json::parse(&opened)?;
                Ok(task.write())
            }
            ToFleet::List(vendor, app, ended, offset, limit) => {
                list(&db, &vendor, &app, ended, offset, limit)
            }
            ToFleet::Channel(vendor, app, task) => {
                let row = db.row(
                    "SELECT channel FROM tasks
                     WHERE task = ?1 AND (?2 IS NULL OR app = ?2) AND (?3 IS NULL OR vendor = ?3)
                     ORDER BY ended_at IS NULL DESC, seq DESC LIMIT 1",
                    &params![&task, app.as_deref(), vendor.as_deref()],
                )?;
                Ok(row.map(|row| row.text(0)).write())
            }
        }
    }
}

const COLUMNS: &str =
    "vendor, app, task, channel, mode, state, created_at, updated_at, ended_at, seq, sealed";

/// What a task's description is sealed for.
fn owner(tenant: &TenantId, id: &TaskId) -> String {
    format!("{tenant}/{}/{}/{}", id.vendor, id.app, id.task)
}

/// Starts a task, or changes the one that runs.
fn start_task(db: &Db, start: &super::contract::Start, sealed: &str) -> Result<Started> {
    let id = &start.id;
    let known = params![&id.vendor, &id.app, &id.task];
    let query =
        format!("SELECT seq FROM tasks WHERE vendor = ? AND app = ? AND task = ? AND {LIVE}");
    let there = db.row(&query, &known)?.map(|row| row.int(0));
    match (there, start.change) {
        (Some(_), Some(false)) => return Ok(Started::Exists),
        (None, Some(true)) => return Ok(Started::Missing),
        _ => {}
    }
    if there.is_none() {
        let count = db.row(
            &format!("SELECT count(*) FROM tasks WHERE app = ? AND mode = ? AND {LIVE}"),
            &params![&id.app, &start.mode],
        )?;
        if count.is_some_and(|row| row.int(0) >= start.most) {
            return Ok(Started::Quota);
        }
    }
    let name = name(id);
    let mut addresses = addresses(db)?;
    if let Err(conflicts) = addresses.claim(&name, &start.addresses, start.now) {
        let Some(first) = conflicts.first() else { return Ok(Started::Exists) };
        let index = u64::try_from(first.index).unwrap_or_default();
        return Ok(Started::Address(index, first.task.clone(), first.free_at));
    }
    keep(db, &addresses)?;
    let now = start.now.0;
    if let Some(seq) = there {
        db.run(
            "UPDATE tasks SET channel = ?, mode = ?, updated_at = ?, sealed = ? WHERE seq = ?",
            &params![&start.channel, &start.mode, now, sealed, seq],
        )?;
        return Ok(Started::Changed);
    }
    db.run(
        "INSERT INTO tasks(vendor, app, task, channel, mode, state, created_at, updated_at, sealed)
         VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?)",
        &params![&id.vendor, &id.app, &id.task, &start.channel, &start.mode, now, now, sealed,],
    )?;
    db.run(
        "DELETE FROM tasks WHERE ended_at IS NOT NULL AND seq <=
            (SELECT seq FROM tasks WHERE ended_at IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        &params![ENDED],
    )?;
    Ok(Started::New)
}

/// Ends a task; whether there was one to end.
fn stop(db: &Db, id: &TaskId, state: &str, now: UnixMillis) -> Result<bool> {
    let query = format!(
        "UPDATE tasks SET state = ?, ended_at = ?, updated_at = ?
         WHERE vendor = ? AND app = ? AND task = ? AND {LIVE} RETURNING seq"
    );
    let ended = db.row(&query, &params![state, now.0, now.0, &id.vendor, &id.app, &id.task])?;
    let mut addresses = addresses(db)?;
    addresses.release(&name(id), now);
    keep(db, &addresses)?;
    Ok(ended.is_some())
}

/// A task's name among those that hold addresses.
fn name(id: &TaskId) -> String {
    [id.vendor.as_str(), "/", &id.app, "/", &id.task].concat()
}

fn addresses(db: &Db) -> Result<Addresses> {
    let mut addresses = Addresses::default();
    for row in db.rows("SELECT address, task, rests_until FROM addresses", &params![])? {
        let rests = Some(row.int(2)).filter(|at| *at > 0).map(UnixMillis);
        addresses.restore(row.text(0), row.text(1), rests);
    }
    Ok(addresses)
}

fn keep(db: &Db, addresses: &Addresses) -> Result<()> {
    db.run("DELETE FROM addresses", &params![])?;
    for (address, task, rests) in addresses.rows() {
        db.run(
            "INSERT INTO addresses VALUES (?, ?, ?)",
            &params![address, task, rests.map(|at| at.0)],
        )?;
    }
    Ok(())
}

/// A page of tasks, newest first, and how many there are in all.
fn list(
    db: &Db,
    vendor: &str,
    app: &str,
    ended: Option<bool>,
    offset: u64,
    limit: u64,
) -> Result<Value> {
    let which = match ended {
        None => "1",
        Some(true) => "ended_at IS NOT NULL",
        Some(false) => LIVE,
    };
    let wanted = format!("(?1 = '' OR vendor = ?1) AND (?2 = '' OR app = ?2) AND {which}");
    let count =
        db.row(&format!("SELECT count(*) FROM tasks WHERE {wanted}"), &params![vendor, app])?;
    let rows = db.rows(
        &format!("SELECT {COLUMNS} FROM tasks WHERE {wanted} ORDER BY seq DESC LIMIT ?3 OFFSET ?4"),
        &params![vendor, app, limit, offset],
    )?;
    let items: Vec<Value> = rows.iter().map(|row| read(row).write()).collect();
    Ok(json!({ "count": count.map_or(0, |row| row.int(0)), "items": items }))
}

fn read(row: &Row) -> Task {
    Task {
        id: TaskId { vendor: row.text(0), app: row.text(1), task: row.text(2) },
        channel: row.text(3),
        mode: row.text(4),
        state: row.text(5),
        created_at: UnixMillis(row.int(6)),
        updated_at: UnixMillis(row.int(7)),
        ended_at: Some(row.int(8)).filter(|at| *at > 0).map(UnixMillis),
        description: Value::Null,
    }
}
