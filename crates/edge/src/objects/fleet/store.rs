//! The fleet's rows: tasks, addresses, hosts, the streams that are published to them.

use livegate_core::id::TenantId;
use livegate_core::layout::Picture;
use livegate_core::relay::address::Addresses;
use livegate_core::relay::lease::{Epoch, Failover, Feed, LeaseSettings, Tenancy};
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::link::{LinkSettings, Published, Tenure};
use livegate_core::relay::task::{Source, Task};
use livegate_core::time::UnixMillis;
use serde_json::Value;

use crate::document::words;
use crate::error::Result;
use crate::objects::contract::TaskId;
use crate::sql::{Db, Row, params};

/// How many tasks are remembered that have ended: the newest.
const ENDED: u64 = 1_000;

const TABLES: &[&str] = &[
    // What is to be relayed. `task` to `pushes` are of its description, which is sealed; `host` to
    // `avoid` say where it is; `told` to `reports` what was said of it.
    "CREATE TABLE IF NOT EXISTS relay_tasks(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, vendor TEXT, app TEXT, task TEXT,
        channel TEXT, mode TEXT, created_at INTEGER, updated_at INTEGER, ended_at INTEGER,
        sealed TEXT, revision INTEGER, failover TEXT, pulled INTEGER,
        stream_app TEXT, stream_channel TEXT, stream_user TEXT, stream_picture TEXT,
        pushes INTEGER,
        host TEXT, epoch INTEGER DEFAULT 0, kept INTEGER DEFAULT 0, free_at INTEGER DEFAULT 0,
        hold TEXT DEFAULT 'sent', command INTEGER DEFAULT 0, sei INTEGER DEFAULT 0, avoid TEXT,
        state TEXT, code TEXT, ran INTEGER DEFAULT 0, told TEXT, reports TEXT)",
    "CREATE UNIQUE INDEX IF NOT EXISTS live ON relay_tasks(vendor, app, task)
        WHERE ended_at IS NULL",
    "CREATE INDEX IF NOT EXISTS newest ON relay_tasks(vendor, app, task, seq)",
    "CREATE INDEX IF NOT EXISTS of_host ON relay_tasks(host) WHERE host IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS of_stream ON
        relay_tasks(stream_app, stream_channel, stream_user) WHERE ended_at IS NULL",
    // Who has a hash of an address, by key.
    "CREATE TABLE IF NOT EXISTS held(
        address TEXT PRIMARY KEY, key TEXT, rests_until INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS hosts(
        id TEXT PRIMARY KEY, instance TEXT, version TEXT, capacity INTEGER,
        heard_at INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS streams(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, app TEXT, channel TEXT, user TEXT,
        picture TEXT)",
    "CREATE UNIQUE INDEX IF NOT EXISTS streams_by_name ON
        streams(app, channel, user, picture, host)",
    "CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
];

const COLUMNS: &str = "seq, key, vendor, app, task, mode, revision, failover, pulled,
    stream_app, stream_channel, stream_user, stream_picture, pushes, host, epoch, kept, free_at,
    hold, sei, avoid, ended_at, sealed, command";

words! {
    /// How a task's host stands to it.
    pub(super) enum Hold {
        /// It was told to start it.
        Sent = "sent",
        /// It has said that it has it.
        Confirmed = "confirmed",
        /// It is to let go of it, so that another can have it.
        Leaving = "leaving",
    }
}

/// A task as the fleet decides about it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) key: String,
    pub(super) id: TaskId,
    /// No host mixes.
    pub(super) is_mix: bool,
    pub(super) revision: u64,
    pub(super) failover: Failover,
    pub(super) feed: Feed,
    pub(super) stream: Published,
    pub(super) pushes: u64,
    pub(super) tenancy: Tenancy,
    pub(super) hold: Hold,
    /// The number of the message that it is still to write, or 0.
    pub(super) sei: u64,
    /// The host that refused it.
    pub(super) avoid: Option<String>,
    pub(super) is_ended: bool,
    pub(super) sealed: String,
    /// The newest start or stop that its host was sent.
    pub(super) command: u64,
}

impl Line {
    pub(super) fn tenure(&self) -> Tenure {
        Tenure::new(self.key.clone(), self.tenancy.epoch)
    }

    pub(super) fn host(&self) -> Option<&str> {
        self.tenancy.host.as_deref()
    }

    fn of(row: &Row) -> Self {
        let kept = row.int(16) == 1;
        let free_at = Some(UnixMillis(row.int(17))).filter(|_| !kept);
        let stream = Published::new(
            row.text(9),
            row.text(10),
            row.text(11),
            Picture::from_name(&row.text(12)).unwrap_or(Picture::Camera),
        );
        let hold = row.text(18);
        Self {
            seq: row.int(0),
            key: row.text(1),
            id: TaskId { vendor: row.text(2), app: row.text(3), task: row.text(4) },
            is_mix: row.text(5) != "single",
            revision: row.int(6),
            failover: Failover::from_name(&row.text(7)).unwrap_or(Failover::Stay),
            feed: if row.int(8) == 1 { Feed::Pulled } else { Feed::Published },
            stream,
            pushes: row.int(13),
            tenancy: Tenancy::restore(Epoch(row.int(15)), row.maybe_text(14), free_at),
            hold: Hold::ALL.iter().copied().find(|one| one.as_str() == hold).unwrap_or(Hold::Sent),
            sei: row.int(19),
            avoid: row.maybe_text(20),
            is_ended: row.int(21) > 0,
            sealed: row.text(22),
            command: row.int(23),
        }
    }
}

/// What of a task's description is kept in the clear.
pub(super) struct Sketch {
    pub(super) mode: &'static str,
    failover: Failover,
    is_pulled: bool,
    stream: Published,
    pushes: u64,
}

impl Sketch {
    pub(super) fn of(task: &Task) -> Self {
        let (mode, user, channel, picture) = match &task.source {
            Source::Single(one) => ("single", one.user.as_str(), &one.channel, one.picture),
            _ => ("mix", "", &None, Picture::Camera),
        };
        let channel = channel.as_ref().unwrap_or(&task.channel);
        let stream = Published::new(task.app_id.clone(), channel.clone(), user.to_owned(), picture);
        Self {
            mode,
            failover: task.failover,
            is_pulled: task.pull.is_some(),
            stream,
            pushes: task.targets.len() as u64,
        }
    }
}

/// The tables.
pub(super) struct Store(pub(super) Db);

impl Store {
    pub(super) fn open(db: Db) -> Result<Self> {
        for table in TABLES {
            db.run(table, &params![])?;
        }
        Ok(Self(db))
    }

    pub(super) fn fact(&self, name: &str) -> Result<Option<String>> {
        let row = self.0.row("SELECT value FROM facts WHERE name = ?", &params![name])?;
        Ok(row.and_then(|row| row.maybe_text(0)))
    }

    pub(super) fn set_fact(&self, name: &str, value: &str) -> Result<()> {
        self.0.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", &params![name, value])
    }

    /// Whose rows these are; known from the first task or host on.
    pub(super) fn tenant(&self) -> Result<Option<TenantId>> {
        Ok(self.fact("tenant")?.and_then(|id| TenantId::parse(&id).ok()))
    }

    /// A number that no other command has.
    pub(super) fn next_command(&self) -> Result<u64> {
        let row = self.0.row(
            "INSERT INTO facts VALUES ('command', 1)
             ON CONFLICT(name) DO UPDATE SET value = value + 1 RETURNING value",
            &params![],
        )?;
        Ok(row.map_or(1, |row| row.int(0)))
    }

    /// The times of leases, as the tenant has them.
    pub(super) fn leases(&self) -> Result<LeaseSettings> {
        let mut settings = LeaseSettings::default();
        for (name, fact) in [("lease_ms", "relay_lease_ms"), ("rest_ms", "relay_rest_ms")] {
            if let Some(value) = self.fact(fact)?.and_then(|text| text.parse().ok()) {
                // Its bounds were checked when it was set.
                let _ = settings.set(name, value);
            }
        }
        Ok(settings)
    }

    /// How hosts are to report.
    pub(super) fn link(&self) -> Result<LinkSettings> {
        let mut settings = LinkSettings::default();
        if let Some(value) = self.fact("relay_status_ms")?.and_then(|text| text.parse().ok()) {
            let _ = settings.set("status_ms", value);
        }
        Ok(settings)
    }

    pub(super) fn lines(&self, wanted: &str, values: &js_sys::Array) -> Result<Vec<Line>> {
        let query = format!("SELECT {COLUMNS} FROM relay_tasks WHERE {wanted} ORDER BY seq");
        Ok(self.0.rows(&query, values)?.iter().map(Line::of).collect())
    }

    pub(super) fn line(&self, seq: u64) -> Result<Option<Line>> {
        Ok(self.lines("seq = ?", &params![seq])?.into_iter().next())
    }

    pub(super) fn by_key(&self, key: &str) -> Result<Option<Line>> {
        Ok(self.lines("key = ?", &params![key])?.into_iter().next())
    }

    /// The task of that id that has not ended.
    pub(super) fn live(&self, id: &TaskId) -> Result<Option<Line>> {
        let wanted = "vendor = ? AND app = ? AND task = ? AND ended_at IS NULL";
        let found = self.lines(wanted, &params![&id.vendor, &id.app, &id.task])?;
        Ok(found.into_iter().next())
    }

    pub(super) fn of_host(&self, host: &str) -> Result<Vec<Line>> {
        self.lines("host = ?", &params![host])
    }

    /// Tasks that a host could have and none has.
    pub(super) fn unplaced(&self) -> Result<Vec<Line>> {
        self.lines("ended_at IS NULL AND host IS NULL AND mode = 'single'", &params![])
    }

    /// Tasks of a published stream.
    pub(super) fn of_stream(&self, stream: &Published) -> Result<Vec<Line>> {
        self.lines(
            "stream_app = ? AND stream_channel = ? AND stream_user = ? AND stream_picture = ?
             AND pulled = 0 AND mode = 'single' AND ended_at IS NULL",
            &params![&stream.app, &stream.channel, &stream.user, stream.picture.as_str()],
        )
    }

    pub(super) fn count_live(&self, app: &str, mode: &str) -> Result<u64> {
        let row = self.0.row(
            "SELECT count(*) FROM relay_tasks WHERE app = ? AND mode = ? AND ended_at IS NULL",
            &params![app, mode],
        )?;
        Ok(row.map_or(0, |row| row.int(0)))
    }

    pub(super) fn insert(
        &self,
        id: &TaskId,
        key: &str,
        channel: &str,
        sketch: &Sketch,
        sealed: &str,
        now: UnixMillis,
    ) -> Result<u64> {
        let row = self.0.row(
            "INSERT INTO relay_tasks(key, vendor, app, task, channel, created_at, updated_at,
                revision, state, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0, ?7, ?7 || '/0')
             RETURNING seq",
            &params![
                key,
                &id.vendor,
                &id.app,
                &id.task,
                channel,
                now.0,
                TaskState::Waiting.as_str()
            ],
        )?;
        let seq = row.map_or(0, |row| row.int(0));
        self.describe(seq, channel, sketch, sealed, now)?;
        self.0.run(
            "DELETE FROM relay_tasks WHERE ended_at IS NOT NULL AND host IS NULL AND seq <=
                (SELECT seq FROM relay_tasks WHERE ended_at IS NOT NULL
                 ORDER BY seq DESC LIMIT 1 OFFSET ?)",
            &params![ENDED],
        )?;
        Ok(seq)
    }

    /// Gives a task another description, as another revision.
    pub(super) fn describe(
        &self,
        seq: u64,
        channel: &str,
        sketch: &Sketch,
        sealed: &str,
        now: UnixMillis,
    ) -> Result<()> {
        let Sketch { mode, failover, is_pulled, stream, pushes } = sketch;
        self.0.run(
            "UPDATE relay_tasks SET channel = ?, mode = ?, updated_at = ?, sealed = ?,
                revision = revision + 1, failover = ?, pulled = ?, stream_app = ?,
                stream_channel = ?, stream_user = ?, stream_picture = ?, pushes = ?, avoid = NULL
             WHERE seq = ?",
            &params![
                channel,
                *mode,
                now.0,
                sealed,
                failover.as_str(),
                u64::from(*is_pulled),
                &stream.app,
                &stream.channel,
                &stream.user,
                stream.picture.as_str(),
                *pushes,
                seq
            ],
        )
    }

    /// Writes where a task is.
    pub(super) fn place(&self, line: &Line) -> Result<()> {
        let Tenancy { epoch, host, free_at, .. } = &line.tenancy;
        self.0.run(
            "UPDATE relay_tasks SET host = ?, epoch = ?, kept = ?, free_at = ?, hold = ?,
                sei = ?, avoid = ?, command = ? WHERE seq = ?",
            &params![
                host.as_deref(),
                epoch.0,
                u64::from(free_at.is_none()),
                free_at.map_or(0, |at| at.0),
                line.hold.as_str(),
                line.sei,
                line.avoid.as_deref(),
                line.command,
                line.seq
            ],
        )
    }

    /// Writes what is said of a task.
    pub(super) fn note(
        &self,
        seq: u64,
        state: TaskState,
        code: Option<&str>,
        reports: Option<&Value>,
        now: UnixMillis,
    ) -> Result<()> {
        self.0.run(
            "UPDATE relay_tasks SET state = ?, code = ?, reports = coalesce(?, reports),
                ran = ran OR ?, updated_at = ? WHERE seq = ?",
            &params![
                state.as_str(),
                code,
                reports.map(crate::json::text).as_ref(),
                u64::from(state == TaskState::Running),
                now.0,
                seq
            ],
        )
    }

    pub(super) fn end(
        &self,
        seq: u64,
        state: TaskState,
        code: Option<&str>,
        now: UnixMillis,
    ) -> Result<()> {
        self.note(seq, state, code, None, now)?;
        self.0.run("UPDATE relay_tasks SET ended_at = ? WHERE seq = ?", &params![now.0, seq])
    }

    pub(super) fn addresses(&self) -> Result<Addresses> {
        let mut addresses = Addresses::default();
        for row in self.0.rows("SELECT address, key, rests_until FROM held", &params![])? {
            let rests = Some(row.int(2)).filter(|at| *at > 0).map(UnixMillis);
            addresses.restore(row.text(0), row.text(1), rests);
        }
        Ok(addresses)
    }

    pub(super) fn keep_addresses(&self, addresses: &Addresses) -> Result<()> {
        self.0.run("DELETE FROM held", &params![])?;
        for (address, key, rests) in addresses.rows() {
            self.0.run(
                "INSERT INTO held VALUES (?, ?, ?)",
                &params![address, key, rests.map(|at| at.0)],
            )?;
        }
        Ok(())
    }

    /// Nobody pushes to a task's addresses any more: they rest.
    pub(super) fn release_addresses(&self, key: &str, now: UnixMillis) -> Result<()> {
        let mut addresses = self.addresses()?;
        addresses.release(key, now);
        self.keep_addresses(&addresses)
    }

    /// How many pushes each host was given.
    pub(super) fn given(&self) -> Result<Vec<(String, u64)>> {
        let rows = self.0.rows(
            "SELECT host, sum(pushes) FROM relay_tasks WHERE host IS NOT NULL GROUP BY host",
            &params![],
        )?;
        Ok(rows.iter().map(|row| (row.text(0), row.int(1))).collect())
    }

    /// The hosts that a stream is published to, and since when, as a number that counts up.
    pub(super) fn publishers(&self, stream: &Published) -> Result<Vec<(String, u64)>> {
        let rows = self.0.rows(
            "SELECT host, seq FROM streams
             WHERE app = ? AND channel = ? AND user = ? AND picture = ?",
            &params![&stream.app, &stream.channel, &stream.user, stream.picture.as_str()],
        )?;
        Ok(rows.iter().map(|row| (row.text(0), row.int(1))).collect())
    }

    /// Streams that are published to a host, or all of an application's.
    pub(super) fn streams(&self, host: Option<&str>, app: Option<&str>) -> Result<Vec<Published>> {
        let rows = self.0.rows(
            "SELECT DISTINCT app, channel, user, picture FROM streams
             WHERE (?1 IS NULL OR host = ?1) AND (?2 IS NULL OR app = ?2)",
            &params![host, app],
        )?;
        let stream = |row: &Row| {
            let picture = Picture::from_name(&row.text(3)).unwrap_or(Picture::Camera);
            Published::new(row.text(0), row.text(1), row.text(2), picture)
        };
        Ok(rows.iter().map(stream).collect())
    }

    pub(super) fn put_stream(&self, host: &str, stream: &Published) -> Result<()> {
        self.0.run(
            "INSERT INTO streams(host, app, channel, user, picture) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            &params![host, &stream.app, &stream.channel, &stream.user, stream.picture.as_str()],
        )
    }

    pub(super) fn drop_stream(&self, host: &str, stream: &Published) -> Result<()> {
        self.0.run(
            "DELETE FROM streams
             WHERE host = ? AND app = ? AND channel = ? AND user = ? AND picture = ?",
            &params![host, &stream.app, &stream.channel, &stream.user, stream.picture.as_str()],
        )
    }

    /// Tasks of streams that an application relays by itself.
    pub(super) fn automatic(&self, app: &str) -> Result<Vec<Line>> {
        self.lines(
            "vendor = 'artc' AND app = ? AND task LIKE 'auto-%' AND ended_at IS NULL",
            &params![app],
        )
    }

    /// What is known of applications is asked for anew.
    pub(super) fn forget_applications(&self) -> Result<()> {
        self.0.run("DELETE FROM facts WHERE name LIKE 'app/%'", &params![])
    }

    /// The next time at which something changes by itself.
    pub(super) fn wakes_at(&self, now: UnixMillis) -> Result<Option<UnixMillis>> {
        let row = self.0.row(
            "SELECT min(free_at) FROM relay_tasks WHERE kept = 0 AND free_at > ?
             AND (host IS NOT NULL OR ended_at IS NULL)",
            &params![now.0],
        )?;
        let free_at = row.map_or(0, |row| row.int(0));
        let again = self.fact("again_at")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let again = Some(again).filter(|at| *at > 0).map(|at: u64| at.max(now.0 + 1));
        Ok(Some(free_at).filter(|at| *at > 0).into_iter().chain(again).min().map(UnixMillis))
    }
}
