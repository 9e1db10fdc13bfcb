//! The channel's rows. One row an event; a lane's cursor moves once a batch; only what failed or
//! waits has rows of its own.

use livegate_core::delivery::lane::{Changes, Row as LaneRow, RowState, Snapshot};
use livegate_core::delivery::outcome::Outcome;
use livegate_core::delivery::retention::Segment;
use livegate_core::dialect::Dialect;
use livegate_core::event::Event;
use livegate_core::id::{Seq, SourceId};
use livegate_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::sql::{Db, Row, params};
use crate::wire::{Attempt, Batch};

/// What is stored of an event beside its body: what the ingress knew when it let it in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    #[serde(rename = "s")]
    pub(crate) source: SourceId,
    #[serde(rename = "k")]
    pub(crate) kind: String,
    #[serde(rename = "t")]
    pub(crate) vendor_type: String,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<UnixMillis>,
    /// How its body is read, if it is not `MetaStudio`'s. The source's own dialect may change, and
    /// may be gone, before everything is delivered.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) dialect: Option<Dialect>,
    /// Which event of its body it is.
    #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
    pub(crate) index: u32,
    /// What makes this very call the same call when it comes again; hex.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<String>,
    /// For how many seconds its key is that of the same call, where the key has no time of its own.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(crate) fresh_s: Option<u64>,
    /// A hash of the entity that it is news of; hex.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) entity: Option<String>,
    /// The channel that it is in, where its body names another: a relay's task, say.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    /// What it says of a relay, its id left out: that is the entity.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) relay: Option<RelayHead>,
    /// Whether it is older than what was known of its relay already.
    #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) late: bool,
    /// A hash of the body; hex.
    #[serde(rename = "h")]
    pub(crate) body_hash: String,
}

/// What an event says of a relay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RelayHead {
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
    /// The push address, masked.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
}

impl Head {
    /// How its body is read.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect.clone().unwrap_or(Dialect::MetaStudio)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An event as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) seq: Seq,
    pub(crate) at: UnixMillis,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Stored {
    /// Gives the event, read again from its body, to `use_it`; `None` if the body cannot be read,
    /// which it was when it was accepted.
    pub(super) fn with_event<T>(
        &self,
        use_it: impl FnOnce(&Event<'_>, &Dialect) -> T,
    ) -> Option<T> {
        let dialect = self.head.dialect();
        let events = dialect.parse(&self.body).ok()?;
        let index = usize::try_from(self.head.index).unwrap_or(usize::MAX);
        let mut event = events.into_iter().nth(index)?;
        if let Some(channel) = &self.head.channel {
            event.channel = Some(channel.as_str().into());
        }
        Some(use_it(&event, &dialect))
    }
}

/// What is stored of an event that waits, beside its state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    #[serde(rename = "s")]
    state: String,
    #[serde(rename = "n")]
    pub(super) attempt: u32,
    #[serde(rename = "t")]
    pub(super) next_at: UnixMillis,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    first_failed_at: Option<UnixMillis>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
}

impl Waiting {
    fn of(row: &LaneRow) -> Self {
        Self {
            state: row.state.as_str().to_owned(),
            attempt: row.attempt,
            next_at: row.next_at,
            first_failed_at: row.first_failed_at,
            code: row.code.map(|code| code.as_str().to_owned()),
        }
    }
}

fn waiting(seq: Seq, stored: &Waiting) -> LaneRow {
    let state = RowState::from_name(&stored.state).unwrap_or(RowState::Retrying);
    let mut row = LaneRow::new(seq, state);
    row.attempt = stored.attempt;
    row.next_at = stored.next_at;
    row.first_failed_at = stored.first_failed_at;
    row.code = stored.code.as_deref().and_then(Outcome::code_named);
    row
}

/// The tables.
#[derive(Clone)]
pub(super) struct Store(pub(super) std::rc::Rc<Db>);

impl Store {
    pub(super) fn open(state: &worker::State) -> Result<Self> {
        let db = Db::of(state);
        for table in [
            "CREATE TABLE IF NOT EXISTS events(
                seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, head TEXT NOT NULL,
                body BLOB NOT NULL)",
            "CREATE TABLE IF NOT EXISTS lanes(
                subscription TEXT PRIMARY KEY, cursor INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS waiting(
                subscription TEXT, seq INTEGER, state TEXT NOT NULL, doc TEXT NOT NULL,
                PRIMARY KEY(subscription, seq)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS attempts(
                id INTEGER PRIMARY KEY, first INTEGER, last INTEGER, from_ms INTEGER,
                to_ms INTEGER, packed TEXT)",
            "CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
        ] {
            db.run(table, &params![])?;
        }
        Ok(Self(std::rc::Rc::new(db)))
    }

    pub(super) fn fact(&self, name: &str) -> Result<Option<Row>> {
        self.0.row("SELECT value FROM facts WHERE name = ?", &params![name])
    }

    pub(super) fn set_fact(&self, name: &str, value: u64) -> Result<()> {
        self.0.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", &params![name, value])
    }

    pub(super) fn keep_identity(&self, tenant: &str, channel: &str) -> Result<()> {
        self.0.run(
            "INSERT OR REPLACE INTO facts VALUES ('tenant', ?), ('channel', ?)",
            &params![tenant, channel],
        )
    }

    /// When the oldest event was accepted.
    pub(super) fn oldest(&self) -> Result<Option<UnixMillis>> {
        let row = self.0.row("SELECT at FROM events ORDER BY seq LIMIT 1", &params![])?;
        Ok(row.map(|row| UnixMillis(row.int(0))))
    }

    /// The newest event's place; what retention removed counts too.
    pub(super) fn last_seq(&self) -> Result<Seq> {
        let kept = self.0.row("SELECT max(seq) FROM events", &params![])?;
        let kept = kept.map_or(0, |row| row.int(0));
        let removed = self.fact("removed")?.map_or(0, |row| row.int(0));
        Ok(Seq(kept.max(removed)))
    }

    /// Appends events; all of them or none, with whatever else this turn writes.
    pub(super) fn insert(&self, rows: &[(Seq, UnixMillis, &str, &[u8])]) -> Result<()> {
        const ONE: &str = "INSERT INTO events VALUES (?, ?, ?, ?)";
        const EIGHT: &str = "INSERT INTO events VALUES (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?),
            (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?)";
        let (eights, rest) = rows.as_chunks::<8>();
        let insert = |statement, rows: &[(Seq, UnixMillis, &str, &[u8])]| {
            let values = params![];
            for (seq, at, head, body) in rows {
                for value in [
                    crate::sql::Param::into_js(seq.0),
                    crate::sql::Param::into_js(at.0),
                    crate::sql::Param::into_js(*head),
                    crate::sql::Param::into_js(*body),
                ] {
                    values.push(&value);
                }
            }
            self.0.run(statement, &values)
        };
        for eight in eights {
            insert(EIGHT, eight)?;
        }
        rest.iter().try_for_each(|row| insert(ONE, std::slice::from_ref(row)))
    }

    /// Takes back what was written beyond a place.
    pub(super) fn remove_after(&self, last: Seq) -> Result<()> {
        self.0.run("DELETE FROM events WHERE seq > ?", &params![last.0])
    }

    /// Up to `limit` events after a place, in order.
    pub(super) fn after(&self, after: Seq, limit: u64) -> Result<Vec<Stored>> {
        let rows = self.0.rows(
            "SELECT seq, at, head, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            &params![after.0, limit],
        )?;
        rows.iter().map(stored).collect()
    }

    /// The same without bodies: place, time, head, and the body's size.
    pub(super) fn listed(
        &self,
        after: Seq,
        limit: u64,
    ) -> Result<Vec<(Seq, UnixMillis, Head, u64)>> {
        let rows = self.0.rows(
            "SELECT seq, at, head, length(body) FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            &params![after.0, limit],
        )?;
        rows.iter()
            .map(|row| {
                let head = crate::json::parse(&row.text(2))?;
                Ok((Seq(row.int(0)), UnixMillis(row.int(1)), head, row.int(3)))
            })
            .collect()
    }

    pub(super) fn one(&self, seq: Seq) -> Result<Option<Stored>> {
        let row =
            self.0.row("SELECT seq, at, head, body FROM events WHERE seq = ?", &params![seq.0])?;
        row.as_ref().map(stored).transpose()
    }

    /// The newest events that were accepted at or after a time, oldest first, without bodies.
    pub(super) fn heads_since(
        &self,
        since: UnixMillis,
        limit: u64,
    ) -> Result<Vec<(Seq, UnixMillis, Head)>> {
        let rows = self
            .0
            .rows("SELECT seq, at, head FROM events ORDER BY seq DESC LIMIT ?", &params![limit])?;
        let mut heads = Vec::new();
        for row in rows.iter().take_while(|row| row.int(1) >= since.0) {
            let head = crate::json::parse(&row.text(2))?;
            heads.push((Seq(row.int(0)), UnixMillis(row.int(1)), head));
        }
        heads.reverse();
        Ok(heads)
    }

    /// The last place accepted before a time: where a subscription made then begins.
    pub(super) fn last_before(&self, time: UnixMillis) -> Result<Seq> {
        let row = self.0.row("SELECT max(seq) FROM events WHERE at < ?", &params![time.0])?;
        let removed = self.fact("removed")?.map_or(0, |row| row.int(0));
        Ok(Seq(row.map_or(0, |row| row.int(0)).max(removed)))
    }

    /// A lane as it was persisted; `None` if it never was.
    pub(super) fn lane(&self, subscription: &str, log_end: Seq) -> Result<Option<Snapshot>> {
        let lane = self
            .0
            .row("SELECT cursor FROM lanes WHERE subscription = ?", &params![subscription])?;
        let Some(lane) = lane else { return Ok(None) };
        let rows = self.0.rows(
            "SELECT seq, doc FROM waiting WHERE subscription = ? AND state IN ('retrying', 'replay')
             ORDER BY seq",
            &params![subscription],
        )?;
        let rows = rows
            .iter()
            .map(|row| Ok(waiting(Seq(row.int(0)), &crate::json::parse(&row.text(1))?)))
            .collect::<Result<_>>()?;
        let removed_up_to = Seq(self.fact("removed")?.map_or(0, |row| row.int(0)));
        Ok(Some(Snapshot { cursor: Seq(lane.int(0)), removed_up_to, log_end, rows }))
    }

    /// A lane's cursor.
    pub(super) fn start_lane(&self, subscription: &str, cursor: Seq) -> Result<()> {
        self.0.run("INSERT OR REPLACE INTO lanes VALUES (?, ?)", &params![subscription, cursor.0])
    }

    /// Writes what changed in a lane: the cursor last, so that it never passes an event whose row
    /// could not be written.
    pub(super) fn keep_lane(&self, subscription: &str, changes: &Changes) -> Result<()> {
        for row in &changes.upserts {
            let text = serde_json::to_string(&Waiting::of(row))?;
            self.0.run(
                "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?)",
                &params![subscription, row.seq.0, row.state.as_str(), &text],
            )?;
        }
        for seq in &changes.deletes {
            self.0.run(
                "DELETE FROM waiting WHERE subscription = ? AND seq = ?",
                &params![subscription, seq.0],
            )?;
        }
        if let Some(expired) = &changes.expired {
            self.0.run(
                "UPDATE waiting SET state = 'expired'
                 WHERE subscription = ? AND seq <= ? AND state = 'parked'",
                &params![subscription, expired.up_to.0],
            )?;
        }
        if let Some(cursor) = changes.cursor {
            self.start_lane(subscription, cursor)?;
        }
        Ok(())
    }

    /// Forgets the lanes of subscriptions that are no more.
    pub(super) fn drop_lane(&self, subscription: &str) -> Result<()> {
        self.0.run("DELETE FROM lanes WHERE subscription = ?", &params![subscription])?;
        self.0.run("DELETE FROM waiting WHERE subscription = ?", &params![subscription])
    }

    /// The first event that a lane still owes, at its cursor or in a row of its own, as it was
    /// persisted; `None` without such a lane.
    pub(super) fn owed_from(&self, subscription: &str) -> Result<Option<Seq>> {
        let row = self.0.row(
            "SELECT min(cursor + 1, ifnull((SELECT min(seq) FROM waiting
                 WHERE subscription = ?1 AND state IN ('retrying', 'replay')), cursor + 1))
             FROM lanes WHERE subscription = ?1",
            &params![subscription],
        )?;
        Ok(row.map(|row| Seq(row.int(0))))
    }

    /// The subscriptions that have lanes here.
    pub(super) fn lanes(&self) -> Result<Vec<String>> {
        let rows = self.0.rows("SELECT subscription FROM lanes", &params![])?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }

    /// What waits, is parked or has expired of one event: subscription, state, and the rest.
    pub(super) fn waiting_for(&self, seq: Seq) -> Result<Vec<(String, String, Waiting)>> {
        let rows = self
            .0
            .rows("SELECT subscription, state, doc FROM waiting WHERE seq = ?", &params![seq.0])?;
        rows.iter()
            .map(|row| Ok((row.text(0), row.text(1), crate::json::parse(&row.text(2))?)))
            .collect()
    }

    /// Keeps a batch of attempts.
    pub(super) fn keep_attempts(&self, attempts: &[Attempt]) -> Result<()> {
        let first = attempts.iter().map(|attempt| attempt.seq.0).min().unwrap_or_default();
        let last = attempts.iter().map(|attempt| attempt.seq.0).max().unwrap_or_default();
        let from = attempts.iter().map(|attempt| attempt.at.0).min().unwrap_or_default();
        let to = attempts.iter().map(|attempt| attempt.at.0).max().unwrap_or_default();
        self.0.run(
            "INSERT INTO attempts(first, last, from_ms, to_ms, packed) VALUES (?, ?, ?, ?, ?)",
            &params![first, last, from, to, &serde_json::to_string(attempts)?],
        )
    }

    /// The number of the newest batch of attempts.
    pub(super) fn last_attempts(&self) -> Result<u64> {
        let row = self.0.row("SELECT max(id) FROM attempts", &params![])?;
        Ok(row.map_or(0, |row| row.int(0)))
    }

    /// The log in segments of a day, oldest first.
    pub(super) fn segments(&self) -> Result<Vec<Segment>> {
        let rows = self.0.rows(
            "SELECT max(seq), max(at), sum(length(body) + length(head) + 48) FROM events
             GROUP BY at / 86400000 ORDER BY 1",
            &params![],
        )?;
        Ok(rows
            .iter()
            .map(|row| Segment {
                up_to: Seq(row.int(0)),
                newest_at: UnixMillis(row.int(1)),
                bytes: row.int(2),
            })
            .collect())
    }

    /// Removes the log up to a place, and what is known of deliveries of it.
    pub(super) fn remove_up_to(&self, up_to: Seq) -> Result<()> {
        self.set_fact("removed", up_to.0)?;
        self.0.run("DELETE FROM events WHERE seq <= ?", &params![up_to.0])?;
        // The newest stays: a number that was given once must not be given again.
        self.0.run(
            "DELETE FROM attempts WHERE last <= ? AND id < (SELECT max(id) FROM attempts)",
            &params![up_to.0],
        )?;
        self.0.run(
            "DELETE FROM waiting WHERE seq <= ? AND state NOT IN ('retrying', 'replay')",
            &params![up_to.0],
        )
    }

    /// Batches of attempts after a number.
    pub(super) fn attempts_after(&self, number: u64, limit: u64) -> Result<Vec<Batch>> {
        let rows = self.0.rows(
            "SELECT id, from_ms, to_ms, packed FROM attempts WHERE id > ? ORDER BY id LIMIT ?",
            &params![number, limit],
        )?;
        Ok(rows
            .iter()
            .map(|row| Batch {
                number: row.int(0),
                from_ms: row.int(1),
                to_ms: row.int(2),
                packed: row.text(3),
            })
            .collect())
    }

    /// Every attempt to deliver one event, oldest first.
    pub(super) fn attempts_of(&self, seq: Seq) -> Result<Vec<Attempt>> {
        let rows = self.0.rows(
            "SELECT packed FROM attempts WHERE first <= ?1 AND last >= ?1 ORDER BY id",
            &params![seq.0],
        )?;
        let mut all = Vec::new();
        for row in rows {
            let attempts: Vec<Attempt> = crate::json::parse(&row.text(0))?;
            all.extend(attempts.into_iter().filter(|attempt| attempt.seq == seq));
        }
        Ok(all)
    }
}

fn stored(row: &Row) -> Result<Stored> {
    Ok(Stored {
        seq: Seq(row.int(0)),
        at: UnixMillis(row.int(1)),
        head: crate::json::parse(&row.text(2))?,
        body: row.blob(3),
    })
}
