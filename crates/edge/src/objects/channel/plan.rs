//! The tenant's configuration, compiled for this channel: which subscriptions there are, what they
//! match, how their endpoints are called.

use std::cell::Cell;
use std::rc::Rc;

use livegate_core::dialect::DialectName;
use livegate_core::event::{Event, Relay};
use livegate_core::filter::SubscriptionSet;
use livegate_core::id::EndpointId;
use livegate_core::sorted::Map;
use livegate_core::time::{Millis, UnixMillis};
use livegate_core::url::egress::EgressPolicy;

use super::Inner;
use super::recent::Known;
use crate::compile::{self, Target};
use crate::credentials;
use crate::error::{Error, Result};
use crate::js;
use crate::model::{Snapshot, Subscription};
use crate::objects::contract::ToTenant;
use crate::objects::{ObjectRef, call};

/// How long a plan is gone by without asking whether there is a newer one.
const BELIEF: Millis = Millis::from_secs(10);

/// How soon one that could not be had is asked for again.
const AGAIN: Millis = Millis::from_secs(5);

/// One version of the configuration.
pub(super) struct Plan {
    pub(super) version: u64,
    /// When it was last known to be the newest.
    at: Cell<UnixMillis>,
    pub(super) lines: Vec<PlanLine>,
    /// Every subscription that there is, those among them whose endpoint cannot be used just now.
    pub(super) subscriptions: Vec<String>,
    set: SubscriptionSet<usize>,
}

/// What vendors' bodies name beside the event.
#[derive(Clone)]
pub(super) struct Named {
    /// The application.
    pub(super) app_id: Rc<str>,
    pub(super) subscription: Rc<str>,
}

/// A subscription and where it leads.
pub(super) struct PlanLine {
    pub(super) subscription: Subscription,
    pub(super) named: Named,
    pub(super) target: Rc<Target>,
}

impl Plan {
    fn new(snapshot: Snapshot, egress: EgressPolicy, now: UnixMillis) -> Self {
        let app_id: Rc<str> = credentials::app_id(snapshot.tenant).into();
        let mut targets: Map<EndpointId, Rc<Target>> = Map::new();
        for endpoint in &snapshot.endpoints {
            match compile::endpoint(&endpoint.item, &endpoint.keys, egress) {
                Ok(target) => {
                    targets.insert(endpoint.item.id, Rc::new(target));
                }
                // What was checked when it was made can fail here only if the deployment's own
                // rules have changed since; its events wait.
                Err(violations) => {
                    let codes: Vec<_> = violations.iter().map(|one| one.code.as_str()).collect();
                    worker::console_error!("{} is not usable: {codes:?}", endpoint.item.id);
                }
            }
        }
        let subscriptions = snapshot.subscriptions.iter().map(|one| one.id.to_string()).collect();
        let mut lines = Vec::new();
        let mut compiled = Vec::new();
        for subscription in snapshot.subscriptions {
            let Some(target) = targets.get(&subscription.endpoint) else { continue };
            let Ok(filter) = compile::subscription(&subscription) else { continue };
            compiled.push((lines.len(), subscription.source, filter));
            let own = target.endpoint.app_id.as_deref().map(Rc::from);
            let id = || subscription.id.to_string();
            // One that a vendor's client made has its vendor's id for a name.
            let vendors = subscription.name.clone().filter(|_| subscription.managed.is_some());
            let named = Named {
                app_id: own.unwrap_or_else(|| Rc::clone(&app_id)),
                subscription: vendors.unwrap_or_else(id).into(),
            };
            lines.push(PlanLine { subscription, named, target: Rc::clone(target) });
        }
        Self {
            version: snapshot.version,
            at: Cell::new(now),
            lines,
            subscriptions,
            set: SubscriptionSet::new(compiled),
        }
    }

    /// Whether an event is for a line, found out once an event and version.
    pub(super) fn is_for(&self, known: &Known, line: usize) -> bool {
        let mut lines = known.lines.borrow_mut();
        if lines.as_ref().is_none_or(|(version, _)| *version != self.version) {
            let mut matching = Vec::new();
            known.stored.with_event(|event, dialect| {
                self.set.matches(event, known.stored.head.source, |line| matching.push(*line));
                // A state that nobody knows has no word in another vendor's language.
                matching.retain(|line| {
                    let writer = self.lines.get(*line).and_then(|line| line.target.writer.as_ref());
                    writer.is_none_or(|writer| can_write(writer.name(), event, dialect.name()))
                });
            });
            *lines = Some((self.version, matching));
        }
        lines.as_ref().is_some_and(|(_, matching)| matching.contains(&line))
    }
}

/// Whether a vendor has words for this very event.
fn can_write(to: DialectName, event: &Event<'_>, from: DialectName) -> bool {
    let known = |relay: &Relay<'_>| relay.state.is_some();
    to.carries(event.kind, from) && (to == from || event.relay.as_ref().is_none_or(known))
}

impl Inner {
    /// Somebody goes by that version: an older plan is worth asking again about.
    pub(super) fn expect_version(&self, version: u64) {
        let mut plan = self.plan.borrow_mut();
        if plan.as_ref().is_some_and(|plan| plan.version < version) {
            *plan = None;
            self.doubted.set(self.doubted.get() + 1);
        }
    }

    /// The next delivery asks whether there is a newer configuration; what is under way then, and
    /// may have been asked for before there was, does not count as an answer.
    pub(super) fn doubt_plan(&self) {
        self.doubted.set(self.doubted.get() + 1);
        if let Some(plan) = self.plan.borrow().as_ref() {
            plan.at.set(UnixMillis(0));
        }
    }

    /// The plan, if there is one that may be gone by; else one is fetched, and deliveries go on
    /// when it has come.
    pub(super) fn current_plan(self: &Rc<Self>, now: UnixMillis) -> Option<Rc<Plan>> {
        let plan = self.plan.borrow().clone();
        let fresh = plan.as_ref().is_some_and(|plan| now.since(plan.at.get()) < BELIEF);
        if !fresh && self.planning.begin(now) {
            let inner = Rc::clone(self);
            js::spawn(async move {
                let fetched = inner.fetch_plan().await;
                inner.planning.end();
                match fetched {
                    Ok(()) => inner.kick(),
                    Err(error) => {
                        worker::console_error!("a channel's plan: {error}");
                        inner.wake_at(js::now().plus(AGAIN));
                    }
                }
            });
        }
        // One that is a little old is still what was configured then; deliveries need not stop.
        plan
    }

    /// The plan, fetched if need be: for showing events rather than delivering them.
    pub(super) async fn any_plan(&self) -> Result<Rc<Plan>> {
        if let Some(plan) = self.plan.borrow().as_ref() {
            return Ok(Rc::clone(plan));
        }
        self.fetch_plan().await?;
        let plan = self.plan.borrow();
        plan.clone().ok_or_else(|| Error::runtime("no plan".to_owned()))
    }

    pub(super) async fn fetch_plan(&self) -> Result<()> {
        let identity = self.identity()?;
        let tenant = identity.tenant;
        let have = self.plan.borrow().as_ref().map(|plan| plan.version);
        let doubted = self.doubted.get();
        let ask = ToTenant::Snapshot(tenant, have, identity.name.clone());
        let snapshot: Option<Snapshot> = call(&self.env, &ObjectRef::Tenant(tenant), ask).await?;
        let now = if self.doubted.get() == doubted { js::now() } else { UnixMillis(0) };
        let mut plan = self.plan.borrow_mut();
        let newest = plan.as_ref().map_or(0, |plan| plan.version).max(self.driven.get());
        match snapshot {
            // Answers may overtake each other: going back would drop lanes that there are.
            Some(snapshot) if snapshot.version < newest => {
                if plan.is_none() {
                    return Err(Error::runtime(
                        "an older configuration than the one gone by".to_owned(),
                    ));
                }
            }
            Some(snapshot) => {
                *plan = Some(Rc::new(Plan::new(snapshot, compile::egress(&self.env), now)));
            }
            // Nothing new: what there is counts from now on, with its compiled parts.
            None => {
                if let Some(known) = plan.as_ref() {
                    known.at.set(now);
                }
            }
        }
        Ok(())
    }
}
