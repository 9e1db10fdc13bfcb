//! One tenant's relay tasks and relay hosts: what is to be pushed where, whoever asked for it, and
//! which host does it (docs/spec/relay.md §10).
//!
//! A task's description holds push addresses with their tokens: it is sealed, and of addresses only a
//! hash is kept, to tell whether two tasks want the same one.
//!
//! | module | does |
//! |---|---|
//! | `store` | the rows |
//! | `turn` | which host has a task, and what hosts are told of it |
//! | `link` | the hosts' sockets: what hosts say |
//! | `follow` | tasks of published streams that applications relay by themselves |
//! | `jobs` | tells live jobs what became of their tasks |
//!
//! Whatever happens is decided and written in one turn without awaiting, by [`Turn`]; what
//! follows from it, which may have to wait for secrets to be opened, is sent afterwards.

mod follow;
mod jobs;
mod link;
mod store;
mod turn;

use livegate_core::id::TenantId;
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::link::Published;
use livegate_core::relay::task::Task as Description;
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};
use worker::{DurableObject, Env, State, WebSocketIncomingMessage, durable_object};

use self::store::{Sketch, Store};
use self::turn::Turn;
use super::contract::{Start, Started, TaskId, ToFleet};
use super::{answer, opened};
use crate::document::{Field, document};
use crate::error::{Error, Result};
use crate::http::Incoming;
use crate::sql::{Db, Row, params};
use crate::{http, js, seal};

/// The object that holds one tenant's relay tasks.
#[durable_object]
#[derive(Debug)]
pub struct Fleet {
    state: State,
    env: Env,
}

document! {
    /// A task as the API shows it.
    #[derive(Clone, Debug)]
    pub(crate) struct Task {
        pub(crate) id: TaskId,
        pub(crate) channel: String,
        pub(crate) mode: String,
        pub(crate) state: String,
        /// Why it ended or has trouble.
        pub(crate) code: Option<String>,
        pub(crate) host: Option<String>,
        pub(crate) created_at: UnixMillis,
        pub(crate) updated_at: UnixMillis,
        pub(crate) ended_at: Option<UnixMillis>,
        /// Its pushes, as its host told last.
        pub(crate) pushes: Value = Value::Null,
        /// As its vendor's module wrote it; null in lists.
        pub(crate) description: Value,
    }
}

impl DurableObject for Fleet {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        let incoming = Incoming::of(&request);
        if incoming.method == "GET" {
            return opened(link::open(self, &incoming), &incoming.path).map(Into::into);
        }
        answer(self.serve(&incoming).await).map(Into::into)
    }

    async fn alarm(&self) -> worker::Result<worker::Response> {
        let mut turn = self.turn(js::now())?;
        turn.store.set_fact("again_at", "0")?;
        turn.expire()?;
        self.finish(turn, None).await?;
        Ok(http::empty(204)?.into())
    }

    async fn websocket_message(
        &self,
        socket: worker::WebSocket,
        message: WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        link::heard(self, &socket, message).await.map_err(Into::into)
    }

    crate::tail::listeners_may_leave!();
}

/// What the API shows of a task whose host is not heard of: nobody knows.
const UNKNOWN: &str = "unknown";

const COLUMNS: &str = "vendor, app, task, channel, mode, state, code, host, created_at, updated_at,
    ended_at, reports, sealed";

impl Fleet {
    fn store(&self) -> Result<Store> {
        Store::open(Db::of(&self.state))
    }

    fn turn(&self, now: UnixMillis) -> Result<Turn> {
        Turn::new(self.store()?, link::links(&self.state)?, now)
    }

    /// Sends what a turn decided, relays these published streams if they are to be, or else all of
    /// them, and sees to it that the next turn comes in time.
    async fn finish(&self, turn: Turn, came: Option<Vec<Published>>) -> Result<()> {
        turn.send(&self.env).await?;
        follow::streams(self, came).await?;
        jobs::tell(self).await?;
        self.wake().await
    }

    async fn wake(&self) -> Result<()> {
        let now = js::now();
        let Some(at) = self.store()?.wakes_at(now)? else { return Ok(()) };
        let due = i64::try_from(at.0).unwrap_or(i64::MAX);
        let storage = self.state.storage();
        if storage.get_alarm().await?.is_none_or(|alarm| due < alarm) {
            // One for now would be lost if it were set in an alarm.
            let pause = at.since(now).0.max(1);
            storage.set_alarm(i64::try_from(pause).unwrap_or(i64::MAX)).await?;
        }
        Ok(())
    }

    /// Has [`Self::alarm`] come at that time, if not sooner.
    fn come_again(&self, at: UnixMillis) -> Result<()> {
        let store = self.store()?;
        let there = store.fact("again_at")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        if there == 0 || at.0 < there {
            store.set_fact("again_at", &at.0.to_string())?;
        }
        Ok(())
    }

    async fn serve(&self, request: &Incoming) -> Result<Value> {
        let ask: ToFleet = request.json().await?;
        let mut turn = self.turn(js::now())?;
        let answer = match ask {
            ToFleet::Start(start) => {
                drop(turn);
                let (started, after) = self.start(&start).await?;
                turn = after;
                started.write()
            }
            ToFleet::Stop(id) => {
                let line = turn.store.live(&id)?;
                let was_there = line.is_some();
                if let Some(mut line) = line {
                    turn.stop(&mut line, TaskState::StoppedByUser, None)?;
                }
                Value::Bool(was_there)
            }
            ToFleet::Sei(tenant, id, custom) => {
                drop(turn);
                let (was_there, after) = self.set_sei(tenant, &id, &custom).await?;
                turn = after;
                Value::Bool(was_there)
            }
            ToFleet::Task(tenant, id) => return self.task(&turn, tenant, &id).await,
            ToFleet::List(vendor, app, ended, offset, limit) => {
                return list(&turn, &vendor, &app, ended, offset, limit);
            }
            ToFleet::Channel(vendor, app, task) => {
                let row = turn.store.0.row(
                    "SELECT channel FROM relay_tasks
                     WHERE task = ?1 AND (?2 IS NULL OR app = ?2) AND (?3 IS NULL OR vendor = ?3)
                     ORDER BY ended_at IS NULL DESC, seq DESC LIMIT 1",
                    &params![&task, app.as_deref(), vendor.as_deref()],
                )?;
                return Ok(row.map(|row| row.text(0)).write());
            }
            ToFleet::Hosts => return link::hosts(&turn),
            ToFleet::DropHost(host) => {
                turn.drop_host(&host)?;
                link::dismiss(&self.state, &host)?;
                Value::Null
            }
            ToFleet::Follow(tenant, app) => {
                turn.store.set_fact("tenant", &tenant.to_string())?;
                turn.store.forget_applications()?;
                drop(turn);
                turn = follow::changed(self, &app).await?;
                Value::Null
            }
        };
        self.finish(turn, Some(Vec::new())).await?;
        Ok(answer)
    }

    /// Starts a task, or changes the one that runs; the turn is to be finished.
    async fn start(&self, start: &Start) -> Result<(Started, Turn)> {
        let Some(description) = Description::from_value(&start.task) else {
            return Err(Error::runtime("a relay task that does not read back".to_owned()));
        };
        let sketch = Sketch::of(&description);
        let owner = owner(start.tenant, &start.id);
        let sealed = seal::seal(&self.env, &owner, &start.task.to_string()).await?;
        let key = hex::encode(js::random::<16>()?);
        let mut turn = self.turn(start.now)?;
        turn.store.set_fact("tenant", &start.tenant.to_string())?;
        let started = turn.start(start, &sketch, &sealed, &key)?;
        Ok((started, turn))
    }

    /// Has a task write a message once; whether there is such a task, and the turn to be finished.
    async fn set_sei(&self, tenant: TenantId, id: &TaskId, custom: &str) -> Result<(bool, Turn)> {
        let owner = owner(tenant, id);
        loop {
            let mut turn = self.turn(js::now())?;
            let Some(before) = turn.store.live(id)? else { return Ok((false, turn)) };
            let opened = seal::open(&self.env, &owner, &before.sealed).await?;
            let mut task: Value = crate::json::parse(&opened)?;
            task["sei"]["custom"] = custom.into();
            let sealed = seal::seal(&self.env, &owner, &task.to_string()).await?;
            turn = self.turn(js::now())?;
            // Unless somebody else changed it meanwhile.
            if let Some(line) = turn.store.live(id)?.filter(|line| line.sealed == before.sealed) {
                turn.set_sei(line, &sealed)?;
                return Ok((true, turn));
            }
        }
    }

    /// The newest task of an id, opened.
    async fn task(&self, turn: &Turn, tenant: TenantId, id: &TaskId) -> Result<Value> {
        let query = format!(
            "SELECT {COLUMNS} FROM relay_tasks
             WHERE vendor = ? AND app = ? AND task = ? ORDER BY seq DESC LIMIT 1"
        );
        let row = turn.store.0.row(&query, &params![&id.vendor, &id.app, &id.task])?;
        let Some(row) = row else { return Ok(Value::Null) };
        let mut task = shown(&row, turn);
        task.pushes = crate::json::parse(&row.text(11)).unwrap_or_default();
        let opened = seal::open(&self.env, &owner(tenant, id), &row.text(12)).await?;
        task.description = crate::json::parse(&opened)?;
        Ok(task.write())
    }
}

/// A page of tasks, newest first, and how many there are in all.
fn list(
    turn: &Turn,
    vendor: &str,
    app: &str,
    ended: Option<bool>,
    offset: u64,
    limit: u64,
) -> Result<Value> {
    let which = match ended {
        None => "1",
        Some(true) => "ended_at IS NOT NULL",
        Some(false) => "ended_at IS NULL",
    };
    let db = &turn.store.0;
    let wanted = ["(?1 = '' OR vendor = ?1) AND (?2 = '' OR app = ?2) AND ", which].concat();
    let query = ["SELECT count(*) FROM relay_tasks WHERE ", &wanted].concat();
    let count = db.row(&query, &params![vendor, app])?.map_or(0, |row| row.int(0));
    let query = format!(
        "SELECT {COLUMNS} FROM relay_tasks WHERE {wanted} ORDER BY seq DESC LIMIT ?3 OFFSET ?4"
    );
    let mut items = Vec::new();
    for row in db.rows(&query, &params![vendor, app, limit, offset])? {
        items.push(shown(&row, turn).write());
    }
    Ok(json!({ "count": count, "items": Value::Array(items) }))
}

/// What a task's description is sealed for.
fn owner(tenant: TenantId, id: &TaskId) -> String {
    format!("{tenant}/{}/{}/{}", id.vendor, id.app, id.task)
}

/// A task as the API shows it, of [`COLUMNS`].
fn shown(row: &Row, turn: &Turn) -> Task {
    let host = row.maybe_text(7);
    let ended_at = Some(row.int(10)).filter(|at| *at > 0).map(UnixMillis);
    let is_known = ended_at.is_some()
        || host.as_ref().is_none_or(|host| turn.heard().any(|link| link.is_of(host)));
    Task {
        id: TaskId { vendor: row.text(0), app: row.text(1), task: row.text(2) },
        channel: row.text(3),
        mode: row.text(4),
        state: if is_known { row.text(5) } else { UNKNOWN.to_owned() },
        code: row.maybe_text(6),
        host,
        created_at: UnixMillis(row.int(8)),
        updated_at: UnixMillis(row.int(9)),
        ended_at,
        pushes: Value::Null,
        description: Value::Null,
    }
}
