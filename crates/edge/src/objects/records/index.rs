//! The rows of the index: chunks of events and of attempts, newest found first.

use std::borrow::Cow;

use livegate_core::id::{EventId, TenantId};
use livegate_core::time::UnixMillis;
use serde_json::Value;
use worker::State;

use super::Rejection;
use crate::document;
use crate::error::{Problem, Result, Violation};
use crate::js::millis;
use crate::sql::{Db, params};
use crate::wire::{Attempt, Batch, Fed, Feed, Page, Query, Summary, delivery};

/// How many chunks one page looks at before it answers with what it found and a cursor to go on
/// from: a search for something rare must not hold the object.
const CHUNKS_A_PAGE: u64 = 500;

/// How many refused calls are kept.
const KEPT_REJECTIONS: u64 = 10_000;

/// How many chunks of each sort are kept: at up to 100 events each, a million events.
const KEPT_CHUNKS: u64 = 10_000;

/// How many messages of channels there are to one after which the index is trimmed.
const TRIM_EVERY: u64 = 200;

/// The tables.
pub(super) struct Index(pub(super) Db);

impl Index {
    pub(super) fn open(state: &State) -> Result<Self> {
        let db = Db::of(state);
        for table in [
            // `last` is the tail's own sequence number of the chunk's last event.
            "CREATE TABLE IF NOT EXISTS chunks(
                last INTEGER PRIMARY KEY, first INTEGER, channel TEXT, first_seq INTEGER,
                from_ms INTEGER, to_ms INTEGER, packed TEXT)",
            "CREATE TABLE IF NOT EXISTS attempts(
                id INTEGER PRIMARY KEY, channel TEXT, number TEXT, from_ms INTEGER,
                to_ms INTEGER, packed TEXT)",
            "CREATE TABLE IF NOT EXISTS channels(
                number TEXT PRIMARY KEY, name TEXT, seq INTEGER, attempts INTEGER) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS rejections(
                seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, source TEXT, doc TEXT)",
            "CREATE TABLE IF NOT EXISTS replays(
                seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, doc TEXT)",
            "CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value)",
            super::notices::TABLE,
            super::relays::TABLE,
        ] {
            db.run(table, &params![])?;
        }
        Ok(Self(db))
    }

    pub(super) fn claim(&self, tenant: TenantId) -> Result<()> {
        self.0.run(
            "INSERT INTO facts VALUES ('tenant', ?) ON CONFLICT DO NOTHING",
            &params![&tenant.to_string()],
        )
    }

    pub(super) fn tenant(&self) -> Result<Option<TenantId>> {
        let row = self.0.row("SELECT value FROM facts WHERE name = 'tenant'", &params![])?;
        Ok(row.and_then(|row| TenantId::parse(&row.text(0)).ok()))
    }

    /// Takes a channel's news, skipping what it was told before.
    pub(super) fn feed(&self, feed: &Feed) -> Result<Fed> {
        let known = self
            .0
            .row("SELECT seq, attempts FROM channels WHERE number = ?", &params![&feed.number])?;
        let mut fed =
            known.map_or_else(Fed::default, |row| Fed { seq: row.int(0), attempts: row.int(1) });
        let mut events: Vec<Summary> = crate::json::parse(&feed.events)?;
        let told = events.len();
        events.retain(|event| event.seq.0 > fed.seq);
        if let (Some(first), Some(last)) = (events.first(), events.last()) {
            let position = self.last_position()?;
            let from = millis(&first.accepted_at);
            let to = millis(&last.accepted_at);
            let packed = if events.len() == told {
                Cow::Borrowed(feed.events.as_str())
            } else {
                Cow::Owned(serde_json::to_string(&events)?)
            };
            self.0.run(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
                &params![
                    position + events.len() as u64,
                    position + 1,
                    &feed.channel,
                    first.seq.0,
                    from,
                    to,
                    packed.as_ref(),
                ],
            )?;
            fed.seq = last.seq.0;
            for event in &events {
                super::relays::learn(&self.0, event)?;
            }
        }
        for Batch { number, from_ms, to_ms, packed } in &feed.attempts {
            if *number <= fed.attempts {
                continue;
            }
            self.0.run(
                "INSERT INTO attempts(channel, number, from_ms, to_ms, packed)
                 VALUES (?, ?, ?, ?, ?)",
                &params![&feed.channel, &feed.number, *from_ms, *to_ms, packed],
            )?;
            fed.attempts = *number;
        }
        if crate::js::random_u64().is_multiple_of(TRIM_EVERY) {
            self.trim()?;
        }
        self.0.run(
            "INSERT INTO channels VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT(number) DO UPDATE SET seq = ?3, attempts = ?4",
            &params![&feed.number, &feed.channel, fed.seq, fed.attempts],
        )?;
        Ok(fed)
    }

    /// Removes what is beyond [`KEPT_CHUNKS`], now and then: finding it reads that many rows.
    fn trim(&self) -> Result<()> {
        super::relays::trim(&self.0)?;
        let newest = self.0.row("SELECT max(id) FROM attempts", &params![])?;
        let newest = newest.map_or(0, |row| row.int(0));
        self.0.run(
            "DELETE FROM attempts WHERE id <= ?",
            &params![newest.saturating_sub(KEPT_CHUNKS)],
        )?;
        self.0.run(
            "DELETE FROM chunks WHERE last <=
             (SELECT last FROM chunks ORDER BY last DESC LIMIT 1 OFFSET ?)",
            &params![KEPT_CHUNKS],
        )
    }

    /// The tail's sequence number of the newest event.
    pub(super) fn last_position(&self) -> Result<u64> {
        let row = self.0.row("SELECT max(last) FROM chunks", &params![])?;
        Ok(row.map_or(0, |row| row.int(0)))
    }

    pub(super) fn channel(&self, number: &str) -> Result<Option<String>> {
        let row = self.0.row("SELECT name FROM channels WHERE number = ?", &params![number])?;
        Ok(row.map(|row| row.text(0)))
    }

    /// A page of events, newest first.
    pub(super) fn events(&self, query: &Query) -> Result<Page> {
        let mut before = cursor(query.cursor.as_deref()).unwrap_or(u64::MAX >> 11);
        let rows = self.0.rows(
            "SELECT last, first, packed FROM chunks
             WHERE first < ?1 AND (?2 IS NULL OR channel = ?2)
               AND to_ms >= ?3 AND from_ms <= ?4
             ORDER BY last DESC LIMIT ?5",
            &params![
                before,
                query.channel.as_deref(),
                query.since.unwrap_or(0),
                query.until.unwrap_or(u64::MAX >> 11),
                CHUNKS_A_PAGE,
            ],
        )?;
        let more = rows.len() as u64 == CHUNKS_A_PAGE;
        let mut items = Vec::new();
        for row in rows {
            let first = row.int(1);
            let events: Vec<Summary> = crate::json::parse(&row.text(2))?;
            for (offset, event) in events.iter().enumerate().rev() {
                let position = first + offset as u64;
                if position >= before || !query.wants(event) {
                    continue;
                }
                if items.len() as u64 == query.limit {
                    return Ok(Page { items, next: Some((position + 1).to_string()) });
                }
                items.push(crate::json::value(event)?);
            }
            before = first;
        }
        Ok(Page { items, next: more.then(|| before.to_string()) })
    }

    /// Events after a position of the tail, as chunks of one channel each: the channel, the first
    /// position, and the events.
    pub(super) fn after(&self, position: u64) -> Result<Option<(String, u64, Vec<Summary>)>> {
        let row = self.0.row(
            "SELECT channel, first, packed FROM chunks WHERE last > ? ORDER BY last LIMIT 1",
            &params![position],
        )?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.text(0), row.int(1), crate::json::parse(&row.text(2))?)))
    }

    /// The next batch of attempts after a number: its own number, its channel, and the attempts.
    pub(super) fn attempts_after(&self, id: u64) -> Result<Option<(u64, String, Vec<Attempt>)>> {
        let row = self.0.row(
            "SELECT id, channel, packed FROM attempts WHERE id > ? ORDER BY id LIMIT 1",
            &params![id],
        )?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.int(0), row.text(1), crate::json::parse(&row.text(2))?)))
    }

    /// A page of attempts, newest first. The cursor is a batch and a place in it.
    pub(super) fn deliveries(&self, query: &Query) -> Result<Page> {
        let (mut batch, mut place) = query
            .cursor
            .as_deref()
            .and_then(|text| text.split_once('.'))
            .and_then(|(batch, place)| Some((batch.parse().ok()?, place.parse().ok()?)))
            .unwrap_or((u64::MAX >> 11, usize::MAX));
        let parse = |id| {
            EventId::parse(id).map_err(|_| {
                let detail = "an event's id is evt_ and what follows";
                Problem::invalid(vec![Violation::new("event", "request.parameter", detail)])
            })
        };
        let wanted = query.event.as_deref().map(parse).transpose()?;
        let number = wanted.map(|id| hex::encode(id.place().0.0));
        let rows = self.0.rows(
            "SELECT id, channel, number, packed FROM attempts
             WHERE id <= ?1 AND (?2 IS NULL OR channel = ?2) AND (?3 IS NULL OR number = ?3)
               AND to_ms >= ?4 AND from_ms <= ?5
             ORDER BY id DESC LIMIT ?6",
            &params![
                batch,
                query.channel.as_deref(),
                number.as_deref(),
                query.since.unwrap_or(0),
                query.until.unwrap_or(u64::MAX >> 11),
                CHUNKS_A_PAGE,
            ],
        )?;
        let more = rows.len() as u64 == CHUNKS_A_PAGE;
        let mut items = Vec::new();
        for row in rows {
            let id = row.int(0);
            if id != batch {
                place = usize::MAX;
            }
            batch = id;
            let attempts: Vec<Attempt> = crate::json::parse(&row.text(3))?;
            for (at, attempt) in attempts.iter().enumerate().rev() {
                if at >= place || !query.wants_attempt(attempt) {
                    continue;
                }
                if wanted.is_some_and(|id| id.place().1 != attempt.seq) {
                    continue;
                }
                if items.len() as u64 == query.limit {
                    return Ok(Page { items, next: Some(format!("{id}.{}", at + 1)) });
                }
                items.push(delivery(&row.text(1), &row.text(2), attempt)?);
            }
        }
        let next = more.then(|| format!("{}.{}", batch.saturating_sub(1), usize::MAX));
        Ok(Page { items, next })
    }

    pub(super) fn reject(&self, rejection: &Rejection) -> Result<()> {
        self.0.run(
            "INSERT INTO rejections(id, source, doc) VALUES (?, ?, ?)",
            &params![&rejection.id, &rejection.source, &document::text(rejection)],
        )?;
        self.0.run(
            "DELETE FROM rejections WHERE seq <= (SELECT max(seq) FROM rejections) - ?",
            &params![KEPT_REJECTIONS],
        )
    }

    pub(super) fn rejections(&self, query: &Query) -> Result<Page> {
        let before = cursor(query.cursor.as_deref()).unwrap_or(u64::MAX >> 11);
        let rows = self.0.rows(
            "SELECT seq, doc FROM rejections
             WHERE seq < ?1 AND (?2 IS NULL OR source = ?2) ORDER BY seq DESC LIMIT ?3",
            &params![before, query.source.as_deref(), query.limit + 1],
        )?;
        let more = rows.len() as u64 > query.limit;
        let mut items = Vec::new();
        let mut last = None;
        for row in rows.iter().take(usize::try_from(query.limit).unwrap_or(usize::MAX)) {
            last = Some(row.int(0).to_string());
            items.push(shown(&row.text(1))?);
        }
        Ok(Page { items, next: last.filter(|_| more) })
    }

    pub(super) fn rejection(&self, id: &str) -> Result<Option<Value>> {
        let row = self.0.row("SELECT doc FROM rejections WHERE id = ?", &params![id])?;
        row.map(|row| shown(&row.text(0))).transpose()
    }
}

fn shown(text: &str) -> Result<Value> {
    let mut document: Value = crate::json::parse(text)?;
    let at = document["at"].as_u64().unwrap_or_default();
    document["at"] = Value::String(UnixMillis(at).to_string());
    Ok(document)
}

pub(super) fn cursor(text: Option<&str>) -> Option<u64> {
    text.and_then(|text| text.parse().ok())
}

impl Query {
    fn in_time(&self, at: u64) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }

    /// Whether a listed event is asked for.
    pub(super) fn wants(&self, event: &Summary) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|w| w == has);
        is(&self.source, &event.source.to_string())
            && self
                .kind
                .as_deref()
                .is_none_or(|wanted| wanted == event.kind || wanted == event.vendor_type)
            && self.in_time(millis(&event.accepted_at))
    }

    /// Whether a listed attempt is asked for.
    pub(super) fn wants_attempt(&self, attempt: &Attempt) -> bool {
        let is = |wanted: &Option<String>, has: &dyn Fn() -> String| {
            wanted.as_deref().is_none_or(|wanted| {
                let has = has();
                wanted.split(',').any(|wanted| wanted == has)
            })
        };
        is(&self.endpoint, &|| attempt.endpoint.to_string())
            && is(&self.subscription, &|| attempt.subscription.to_string())
            && self.status.is_none_or(|status| status == attempt.status)
            && self.in_time(attempt.at.0)
    }
}
