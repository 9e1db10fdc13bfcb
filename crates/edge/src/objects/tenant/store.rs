//! The tenant's rows: one table of documents, one of the audit log, one of channels with a backlog.

use livegate_core::config::alibaba::MAX_SUBS;
use livegate_core::dialect::DialectName;
use livegate_core::event::Kind as EventKind;
use livegate_core::id::{SourceId, TenantId};
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};
use worker::{Env, State};

use super::{Item, Selected};
use crate::document::Field;
use crate::document::{self, words};
use crate::error::{Problem, Result, Violation};
use crate::model::{
    Endpoint, Format, Keys, Snapshot, Source, SourceSnapshot, Subscription, WithKeys,
};
use crate::objects::contract::{Match, Select};
use crate::sql::{Db, Param, Row, params};
use crate::{json, seal};

/// How many things of one kind a tenant may have: a snapshot must stay small enough to be copied
/// to every channel.
const MAX_OF_A_KIND: u64 = 1_000;

words! {
    /// The sorts of things that a tenant configures.
    pub(crate) enum Kind {
        Source = "source",
        Endpoint = "endpoint",
        Subscription = "subscription",
        /// What vendors leave undocumented, as the tenant has it; one.
        Settings = "settings",
        /// `MetaStudio`'s configuration of the tenant; one.
        UserConfig = "user_config",
        Platform = "platform",
        Room = "room",
        Job = "job",
        /// An ARTC application.
        Application = "application",
        /// An ARTC subscription to channel and user events.
        EventSub = "event_sub",
        /// An ARTC subscription to events of mixed-stream relays.
        MpuSub = "mpu_sub",
        /// A relay host.
        RelayHost = "relay_host",
        /// Where a room's lives take their picture from; it has the room's id.
        RoomStream = "room_stream",
    }
}

impl Kind {
    /// The word for people, which is also the word in the database.
    pub(crate) const fn noun(self) -> &'static str {
        self.as_str()
    }
}

/// The tables.
pub(super) struct Store(pub(super) Db);

/// Seals the keys of the thing `id`.
pub(super) async fn seal_keys(env: &Env, id: &str, keys: &Keys) -> Result<String> {
    seal::seal(env, id, &document::text(keys)).await
}

impl Store {
    pub(super) fn open(state: &State) -> Result<Self> {
        let db = Db::of(state);
        for table in [
            "CREATE TABLE IF NOT EXISTS things(
                seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,
                doc TEXT NOT NULL, sealed TEXT, version INTEGER NOT NULL)",
            // An application and its subscription of relay events have the same id.
            "CREATE UNIQUE INDEX IF NOT EXISTS things_by_id ON things(kind, id)",
            "CREATE TABLE IF NOT EXISTS audit(
                seq INTEGER PRIMARY KEY, at INTEGER, actor TEXT, action TEXT, object TEXT,
                version INTEGER)",
            "CREATE TABLE IF NOT EXISTS backlog(channel TEXT PRIMARY KEY, since INTEGER)",
            "CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value)",
        ] {
            db.run(table, &params![])?;
        }
        Ok(Self(db))
    }

    fn fact(&self, name: &str) -> Result<Option<Row>> {
        self.0.row("SELECT value FROM facts WHERE name = ?", &params![name])
    }

    pub(super) fn version(&self) -> Result<u64> {
        Ok(self.fact("version")?.map_or(0, |row| row.int(0)))
    }

    /// Whose rows these are; known from the first change on.
    pub(super) fn tenant(&self) -> Result<Option<TenantId>> {
        let row = self.fact("tenant")?;
        Ok(row.and_then(|row| TenantId::parse(&row.text(0)).ok()))
    }

    pub(super) fn claim(&self, tenant: TenantId) -> Result<()> {
        self.0.run(
            "INSERT INTO facts VALUES ('tenant', ?) ON CONFLICT DO NOTHING",
            &params![&tenant.to_string()],
        )
    }

    fn next_version(&self) -> Result<u64> {
        let version = self.version()? + 1;
        self.0.run("INSERT OR REPLACE INTO facts VALUES ('version', ?)", &params![version])?;
        Ok(version)
    }

    /// Whether what a document names is there, and whether there is room for it.
    pub(super) fn check_references(&self, kind: Kind, id: &str, doc: &Value) -> Result<()> {
        let mut violations = Vec::new();
        if kind == Kind::Subscription {
            for (field, named) in [("endpoint", Kind::Endpoint), ("source", Kind::Source)] {
                if let Some(id) = doc[field].as_str()
                    && self.get(named, id)?.is_none()
                {
                    let detail = format!("there is no {} {id}", named.noun());
                    violations.push(Violation::new(field, "subscription.no_such_thing", detail));
                }
            }
        }
        let is_new = self.get(kind, id)?.is_none();
        // What follows from other things is as many as those are.
        let count = self.0.row(
            "SELECT count(*) FROM things WHERE kind = ? AND json_extract(doc, '$.managed') IS NULL",
            &params![kind.noun()],
        )?;
        if is_new && count.is_some_and(|row| row.int(0) >= MAX_OF_A_KIND) {
            let detail = format!("a tenant has at most {MAX_OF_A_KIND} {}s", kind.noun());
            return Err(Problem::new(409, "tenant.full", detail).into());
        }
        if kind == Kind::Subscription && doc["managed"].is_null() {
            let endpoint = doc["endpoint"].as_str().unwrap_or_default();
            let there = self.get(Kind::Endpoint, endpoint)?;
            if there.is_some_and(|item| !item.doc["managed"].is_null()) {
                let detail = "this endpoint follows from another thing, and goes with it";
                violations.push(Violation::new("endpoint", "tenant.managed", detail));
            }
        }
        if kind == Kind::EventSub {
            self.check_event_subs(id, doc)?;
        }
        if violations.is_empty() {
            violations = self.mismatches(kind, doc)?;
        }
        if violations.is_empty() { Ok(()) } else { Err(Problem::invalid(violations).into()) }
    }

    /// An application has so many subscriptions of ARTC's events, and one for all channels. Checked here
    /// as well as by who asks, since others may ask at the same time.
    fn check_event_subs(&self, id: &str, doc: &Value) -> Result<()> {
        let counted = self.0.row(
            "SELECT count(*), total(json_extract(doc, '$.ChannelId') = '*') FROM things
             WHERE kind = 'event_sub' AND id <> ? AND json_extract(doc, '$.AppId') = ?",
            &params![id, doc["AppId"].as_str()],
        )?;
        let (count, all) = counted.map_or((0, 0), |row| (row.int(0), row.int(1)));
        let what = if count >= MAX_SUBS as u64 {
            "AppId should have 0 to 20 subscriptions"
        } else if doc["ChannelId"] == json!("*") && all > 0 {
            "ChannelId should be there once: one subscription is for all channels"
        } else {
            return Ok(());
        };
        Err(Problem::new(400, "InvalidParam", what).into())
    }

    /// Subscriptions that this document would make send events in the words of a vendor that has none
    /// for them.
    fn mismatches(&self, kind: Kind, doc: &Value) -> Result<Vec<Violation>> {
        let mut sources: Vec<Source> = self.documents(Kind::Source)?;
        let mut endpoints: Vec<Endpoint> = self.documents(Kind::Endpoint)?;
        let mut subscriptions: Vec<Subscription> = self.documents(Kind::Subscription)?;
        let at = match kind {
            Kind::Source => {
                let changed: Source = document::read(doc.clone())?;
                sources = vec![changed];
                "dialect"
            }
            Kind::Endpoint => {
                let changed: Endpoint = document::read(doc.clone())?;
                endpoints = vec![changed];
                "format"
            }
            Kind::Subscription => {
                subscriptions = vec![document::read(doc.clone())?];
                "endpoint"
            }
            _ => return Ok(Vec::new()),
        };
        let mut violations = Vec::new();
        for subscription in subscriptions.iter().filter(|one| one.managed.is_none()) {
            let format = |endpoint: &&Endpoint| endpoint.id == subscription.endpoint;
            let Some(Format::Dialect(to)) = endpoints.iter().find(format).map(|one| one.format)
            else {
                continue;
            };
            for source in &sources {
                let subscribed = subscription.source.is_none_or(|id| id == source.id);
                let Some(from) = DialectName::from_name(&source.dialect).filter(|_| subscribed)
                else {
                    continue;
                };
                if let Some(what) = not_carried(to, from, &subscription.filter) {
                    let detail = format!(
                        "the source {} ({}) speaks {from}, of which {to} has no words for {what}: \
                         name in filter.kinds of {} what it has",
                        source.id, source.name, subscription.id,
                    );
                    violations.push(Violation::new(at, "subscription.format", detail));
                }
            }
        }
        // A tenant may have many of each; the first few say enough.
        violations.truncate(20);
        Ok(violations)
    }

    /// Stores a document; without keys, those that it had stay.
    pub(super) fn put(
        &self,
        kind: Kind,
        id: &str,
        doc: &Value,
        sealed: Option<&str>,
    ) -> Result<u64> {
        let version = self.next_version()?;
        self.0.run(
            "INSERT INTO things(kind, id, doc, sealed, version) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT(kind, id) DO UPDATE SET
                doc = ?3, sealed = coalesce(?4, sealed), version = ?5",
            &params![kind.noun(), id, &json::text(doc), sealed, version],
        )?;
        Ok(version)
    }

    pub(super) fn drop(&self, kind: Kind, id: &str) -> Result<u64> {
        if self.get(kind, id)?.is_none() {
            return Err(Problem::not_found(kind.noun()).into());
        }
        let user = match kind {
            Kind::Endpoint => Some("endpoint"),
            Kind::Source => Some("source"),
            _ => None,
        };
        if let Some(field) = user {
            let used = self.0.row(
                "SELECT id FROM things
                 WHERE kind = 'subscription' AND json_extract(doc, '$.' || ?) = ? LIMIT 1",
                &params![field, id],
            )?;
            if let Some(row) = used {
                let detail = format!("the subscription {} uses it; delete that first", row.text(0));
                return Err(Problem::new(409, "tenant.in_use", detail).into());
            }
        }
        self.0.run("DELETE FROM things WHERE kind = ? AND id = ?", &params![kind.noun(), id])?;
        self.next_version()
    }

    pub(super) fn get(&self, kind: Kind, id: &str) -> Result<Option<Item>> {
        let row = self.0.row(
            "SELECT seq, version, doc, sealed IS NOT NULL FROM things WHERE kind = ? AND id = ?",
            &params![kind.noun(), id],
        )?;
        row.as_ref().map(item).transpose()
    }

    pub(super) fn list(&self, kind: Kind, after: u64, limit: u64) -> Result<Vec<Item>> {
        let rows = self.0.rows(
            "SELECT seq, version, doc, sealed IS NOT NULL FROM things
             WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?",
            &params![kind.noun(), after, limit],
        )?;
        rows.iter().map(item).collect()
    }

    /// A page of documents of one kind by what they hold, and how many of them there are.
    pub(super) fn select(&self, kind: Kind, select: &Select) -> Result<Selected> {
        let mut wanted = String::from("kind = ?");
        let values = params![kind.noun()];
        for (path, how, value) in &select.wanted {
            let field = format!("json_extract(doc, '{path}')");
            let (before, after) = match how {
                Match::Is => ("", " = ?"),
                Match::Holds => ("instr(", ", ?) > 0"),
                Match::From => ("", " >= ?"),
                Match::To => ("", " <= ?"),
            };
            wanted.extend([" AND ", before, &field, after]);
            values.push(&value.into_js());
        }
        let count = self.0.row(&format!("SELECT count(*) FROM things WHERE {wanted}"), &values)?;
        let order = if select.oldest_first { "ASC" } else { "DESC" };
        values.push(&select.limit.into_js());
        values.push(&select.offset.into_js());
        let rows = self.0.rows(
            &format!("SELECT doc FROM things WHERE {wanted} ORDER BY seq {order} LIMIT ? OFFSET ?"),
            &values,
        )?;
        let items = rows.iter().map(|row| Ok(json::parse(&row.text(0))?)).collect::<Result<_>>()?;
        Ok(Selected { count: count.map_or(0, |row| row.int(0)), items })
    }

    /// A thing's keys, opened; none if it never had any.
    pub(super) async fn open_keys(&self, env: &Env, kind: Kind, id: &str) -> Result<Keys> {
        let row = self.0.row(
            "SELECT sealed FROM things WHERE kind = ? AND id = ?",
            &params![kind.noun(), id],
        )?;
        match row {
            None => Err(Problem::not_found(kind.noun()).into()),
            Some(row) => open(env, id, row.maybe_text(0)).await,
        }
    }

    /// Every endpoint of the tenant's own, and of the managed ones those that these lead to: a
    /// thousand rooms may have an address each.
    async fn endpoints_of(
        &self,
        env: &Env,
        subscriptions: &[Subscription],
    ) -> Result<Vec<WithKeys<Endpoint>>> {
        let rows = self.0.rows(
            "SELECT id, doc, sealed FROM things WHERE kind = 'endpoint' ORDER BY seq",
            &params![],
        )?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let item: Endpoint = document::parse(&row.text(1))?;
            let used = || subscriptions.iter().any(|line| line.endpoint == item.id);
            if item.managed.is_none() || used() {
                let keys = open(env, &row.text(0), row.maybe_text(2)).await?;
                all.push(WithKeys { item, keys });
            }
        }
        Ok(all)
    }

    pub(super) async fn snapshot(
        &self,
        env: &Env,
        tenant: TenantId,
        channel: &str,
    ) -> Result<Snapshot> {
        // Read before anything is awaited: a change in between makes a newer version, not a mix.
        let version = self.version()?;
        let subscriptions = self.subscriptions_of(channel)?;
        let endpoints = self.endpoints_of(env, &subscriptions).await?;
        Ok(Snapshot { tenant, version, endpoints, subscriptions })
    }

    pub(super) fn documents<T: Field>(&self, kind: Kind) -> Result<Vec<T>> {
        let rows = self
            .0
            .rows("SELECT doc FROM things WHERE kind = ? ORDER BY seq", &params![kind.noun()])?;
        rows.iter().map(|row| document::parse(&row.text(0))).collect()
    }

    pub(super) async fn source(
        &self,
        env: &Env,
        tenant: TenantId,
        id: SourceId,
    ) -> Result<Option<SourceSnapshot>> {
        let id = id.to_string();
        let row = self.0.row(
            "SELECT doc, sealed FROM things WHERE kind = 'source' AND id = ?",
            &params![&id],
        )?;
        let version = self.version()?;
        let Some(row) = row else { return Ok(None) };
        let item: Source = document::parse(&row.text(0))?;
        let keys = open(env, &id, row.maybe_text(1)).await?;
        Ok(Some(SourceSnapshot { tenant, version, source: WithKeys { item, keys } }))
    }

    pub(super) fn audit(
        &self,
        at: UnixMillis,
        actor: &str,
        action: &str,
        object: &str,
        version: u64,
    ) -> Result<()> {
        self.0.run(
            "INSERT INTO audit(at, actor, action, object, version) VALUES (?, ?, ?, ?, ?)",
            &params![at.0, actor, action, object, version],
        )
    }

    pub(super) fn audit_page(&self, before: Option<u64>, limit: u64) -> Result<Vec<Value>> {
        let rows = self.0.rows(
            "SELECT seq, at, actor, action, object, version FROM audit
             WHERE seq < ? ORDER BY seq DESC LIMIT ?",
            &params![before.unwrap_or(1 << 53), limit],
        )?;
        Ok(rows
            .iter()
            .map(|row| {
                json!({
                    "seq": row.int(0), "at": UnixMillis(row.int(1)).to_string(),
                    "actor": row.text(2), "action": row.text(3), "object": row.text(4),
                    "version": row.int(5),
                })
            })
            .collect())
    }

    pub(super) fn backlog(&self, channel: &str, since: Option<UnixMillis>) -> Result<()> {
        match since {
            Some(since) => self.0.run(
                "INSERT INTO backlog VALUES (?, ?) ON CONFLICT DO NOTHING",
                &params![channel, since.0],
            ),
            None => self.0.run("DELETE FROM backlog WHERE channel = ?", &params![channel]),
        }
    }

    pub(super) fn has_backlog(&self) -> Result<bool> {
        Ok(self.0.row("SELECT 1 FROM backlog LIMIT 1", &params![])?.is_some())
    }

    /// Channels with a backlog since before `before`.
    pub(super) fn backlogged(&self, before: UnixMillis) -> Result<Vec<String>> {
        let rows = self.0.rows(
            "SELECT channel FROM backlog WHERE since <= ? ORDER BY since",
            &params![before.0],
        )?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }
}

/// The kinds that a filter lets through of one vendor's events and another has no words for, with
/// those that it has.
fn not_carried(to: DialectName, from: DialectName, filter: &Value) -> Option<String> {
    let words = filter["kinds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let admits = |kind: &str| {
        words.is_empty()
            || words.iter().filter_map(Value::as_str).any(|word| match word.strip_suffix('*') {
                Some(beginning) => kind.starts_with(beginning),
                None => kind == word,
            })
    };
    let carried = |kind: &&EventKind| to.carries(**kind, from);
    let kinds = from.kinds().iter().filter(|kind| admits(kind.as_str()));
    let lost: Vec<&str> = kinds.filter(|kind| !carried(kind)).map(|kind| kind.as_str()).collect();
    if lost.is_empty() {
        return None;
    }
    let has: Vec<&str> = from.kinds().iter().filter(carried).map(|kind| kind.as_str()).collect();
    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
    Some(format!("{} (it has: {has})", lost.join(", ")))
}

async fn open(env: &Env, id: &str, sealed: Option<String>) -> Result<Keys> {
    match sealed {
        None => Ok(Keys::default()),
        Some(sealed) => document::parse(&seal::open(env, id, &sealed).await?),
    }
}

fn item(row: &Row) -> Result<Item> {
    let doc = json::parse(&row.text(2))?;
    Ok(Item { seq: row.int(0), version: row.int(1), doc, key_set: row.int(3) == 1 })
}
