//! Endpoints and subscriptions that follow from other things: a room's callback address, say. They are
//! kept as a tenant's own are, so that deliveries, records and replays know no difference; which of
//! them a channel delivers to is decided here.
//!
//! What they follow from is written in their field `managed`: `tenant`, `platform/ID`, `room/ID` and
//! `job/ID` for `MetaStudio`'s callback addresses, of which the nearest counts (docs/spec/control-plane.md);
//! any other for subscriptions that count in every channel.

use livegate_core::config::callback_level::{Level, LevelRules, Levels};
use livegate_core::dialect::metastudio::EventType;
use serde_json::{Value, json};

use super::store::{Kind, Store};
use crate::document;
use crate::error::Result;
use crate::model::Subscription;
use crate::objects::contract::Managed;
use crate::sql::params;

/// How many of a room's jobs are told apart, those that are live first: a condition has room for so
/// many.
const JOBS: u64 = 40;

/// The settings of an endpoint that are its owner's even where the endpoint is managed.
pub(crate) const OWN_SETTINGS: &[&str] =
    &["timeout_s", "rate_per_s", "headers", "retry", "max_block_s", "secrets", "words"];

/// How a managed endpoint is signed, where what it follows from does not say: ARTC's subscriptions have
/// no key.
pub(crate) fn owner_signs(marker: &str) -> bool {
    [Kind::EventSub, Kind::MpuSub].iter().any(|kind| marker.starts_with(&kind.marker("")))
}

/// What notices are managed by that are kept for people to read here.
pub(crate) const NOTICES: &str = "notices";

impl Kind {
    /// What things that follow from this one say in their field `managed`.
    pub(crate) fn marker(self, id: &str) -> String {
        match self {
            Self::UserConfig => "tenant".to_owned(),
            _ => format!("{}/{id}", self.noun()),
        }
    }
}

impl Store {
    /// Writes managed things, or removes them.
    pub(super) fn put_managed(&self, also: Vec<(Managed, Option<String>)>) -> Result<()> {
        for (one, sealed) in also {
            let Some(mut doc) = one.doc else {
                self.0.run(
                    "DELETE FROM things WHERE kind = ? AND id = ?",
                    &params![one.kind.noun(), &one.id],
                )?;
                continue;
            };
            if let Some(there) = self.get(one.kind, &one.id)? {
                doc["created_at"] = there.doc["created_at"].clone();
                let signs = there.doc["managed"].as_str().is_some_and(owner_signs);
                for setting in OWN_SETTINGS.iter().chain(signs.then_some(&"signing")) {
                    if let Some(value) = there.doc.get(*setting) {
                        doc[*setting] = value.clone();
                    }
                }
            }
            self.put(one.kind, &one.id, &doc, sealed.as_deref())?;
        }
        Ok(())
    }

    /// Removes what follows from a thing.
    pub(super) fn drop_managed(&self, kind: Kind, id: &str) -> Result<()> {
        self.0.run(
            "DELETE FROM things WHERE kind IN ('endpoint', 'subscription', 'source')
                AND json_extract(doc, '$.managed') = ?",
            &params![&kind.marker(id)],
        )
    }

    /// The subscriptions of a channel: the tenant's own, managed ones that count everywhere, and of
    /// `MetaStudio`'s callback addresses the nearest.
    pub(super) fn subscriptions_of(&self, channel: &str) -> Result<Vec<Subscription>> {
        let rows = self.0.rows(
            "SELECT doc FROM things WHERE kind = 'subscription' AND (
                json_extract(doc, '$.managed') IS NULL OR NOT (
                    json_extract(doc, '$.managed') IN ('tenant')
                    OR json_extract(doc, '$.managed') LIKE 'platform/%'
                    OR json_extract(doc, '$.managed') LIKE 'room/%'
                    OR json_extract(doc, '$.managed') LIKE 'job/%'))
             ORDER BY seq",
            &params![],
        )?;
        let told = self.managed(NOTICES)?.map(|notices| notices.created_at);
        let mut all: Vec<Subscription> =
            rows.iter().map(|row| document::parse(&row.text(0))).collect::<Result<_>>()?;
        // What tells people elsewhere does so as long as the tenant wants it told at all.
        let tells = |one: &Subscription| {
            one.managed.as_deref().is_some_and(|by| by.starts_with("endpoint/"))
        };
        all.retain(|one| told.is_some() || !tells(one));
        for one in all.iter_mut().filter(|one| tells(one)) {
            one.created_at = one.created_at.max(told.unwrap_or_default());
        }
        all.extend(self.nearest(channel)?);
        Ok(all)
    }

    fn managed(&self, marker: &str) -> Result<Option<Subscription>> {
        let row = self.0.row(
            "SELECT doc FROM things
             WHERE kind = 'subscription' AND json_extract(doc, '$.managed') = ?",
            &params![marker],
        )?;
        row.map(|row| document::parse(&row.text(0))).transpose()
    }

    /// The callback addresses that a channel's events go to: where the jobs of a room have their own,
    /// each job's, and for what is of no such job whichever is nearest.
    fn nearest(&self, channel: &str) -> Result<Vec<Subscription>> {
        let tenant = self.managed("tenant")?;
        let Some(room) = self.get(Kind::Room, channel)? else {
            // Not a room of this tenant's: MetaStudio's own events alone, by their types.
            return Ok(tenant.into_iter().collect());
        };
        let settings = self.get(Kind::Settings, "settings")?;
        let rules = rules(settings.as_ref().map_or(&Value::Null, |settings| &settings.doc));
        let platform = room.doc["relation_live_platform_info"]["platform_id"].as_str();
        let callback = &room.doc["live_event_callback_config"];
        let levels = Levels {
            job: None,
            room: self.managed(&Kind::Room.marker(channel))?,
            platform: match platform {
                Some(id) => self.managed(&Kind::Platform.marker(id))?,
                None => None,
            },
            tenant,
            inherits: callback["is_inheritance_platform_callback"].as_bool(),
        };
        let jobs = self.0.rows(
            "SELECT id FROM things
             WHERE kind = 'job' AND json_extract(doc, '$.room_id') = ?
             ORDER BY json_extract(doc, '$.state') IN ('WAITING', 'PROCESSING') DESC, seq DESC
             LIMIT ?",
            &params![channel, JOBS],
        )?;
        let mut all = Vec::new();
        let mut own = Vec::new();
        for row in jobs {
            let id = row.text(0);
            let job = self.managed(&Kind::Job.marker(&id))?;
            let levels = Levels { job, ..levels.clone() };
            if let Some((Level::Job, mut line)) = levels.nearest(rules) {
                line.filter = in_words_of_every_vendor(&line.filter);
                line.filter["where"] = json!({ "$or": [{ "job_id": id }, { "task": id }] });
                all.push(line);
                own.push(id);
            }
        }
        if let Some((_, mut line)) = levels.nearest(rules) {
            line.filter = in_words_of_every_vendor(&line.filter);
            if !own.is_empty() {
                let in_own = json!({ "$in": own });
                line.filter["where"] =
                    json!({ "$not": { "$or": [{ "job_id": in_own }, { "task": in_own }] } });
            }
            all.push(line);
        }
        Ok(all)
    }
}

/// What the tenant chose where the vendor is silent.
fn rules(settings: &Value) -> LevelRules {
    let mut rules = LevelRules::default();
    if let Some(order) = settings["callback_levels"].as_array() {
        let mut levels = order.iter().filter_map(|word| Level::from_name(word.as_str()?));
        rules.order = std::array::from_fn(|_| levels.next());
    }
    if let Some(inherits) = settings["rooms_inherit"].as_bool() {
        rules.inherits = inherits;
    }
    rules
}

/// A filter by `MetaStudio`'s types, as one by kinds: whoever relays a room, its address hears of it.
fn in_words_of_every_vendor(filter: &Value) -> Value {
    let types = filter["kinds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kinds: Vec<&str> = types
        .iter()
        .filter_map(|word| EventType::from_name(word.as_str()?))
        .map(|event_type| event_type.kind().as_str())
        .collect();
    json!({ "kinds": kinds })
}
