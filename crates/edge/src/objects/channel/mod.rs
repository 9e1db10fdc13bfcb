//! One channel of one tenant: its accepted events in order, and what is not delivered of them yet.
//!
//! | file | holds |
//! |---|---|
//! | [`mod@accept`] | what comes in: judged, written in groups, answered when durable |
//! | [`recent`] | the newest events in memory, parsed once |
//! | [`plan`] | the tenant's configuration, compiled for this channel |
//! | [`pump`] | lanes driven: read, send, retry, persist, sleep |
//! | [`permits`] | leave to send, asked of endpoints once a batch |
//! | [`keep`] | what is written when; timers and the alarm |
//! | [`feed`] | the tenant's records told what happened here |
//! | [`show`] | events as people, tails and replays see them |
//! | [`sweep`] | retention |
//! | [`store`] | the rows |

mod accept;
mod feed;
mod keep;
mod permits;
mod plan;
mod pump;
mod recent;
mod show;
mod store;
mod sweep;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use js_sys::Uint8Array;
use livegate_core::delivery::current::Current;
use livegate_core::delivery::dedup::Dedup;
use livegate_core::delivery::slots::Slots;
use livegate_core::id::{ChannelNumber, EventId, Seq, SubscriptionId, TenantId};
use livegate_core::sorted::Map;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::Value;
use wasm_bindgen::prelude::*;
use worker::{DurableObject, Env, State, durable_object};

pub(crate) use self::accept::{Accepted, Terms, accept};
use self::plan::Plan;
use self::pump::Line;
use self::recent::Recent;
use self::store::Store;
pub(crate) use self::store::{Head, RelayHead};
use super::contract::ToChannel;
use super::{answer, opened};
use crate::document::Field;
use crate::error::{Error, Result};
use crate::http::Incoming;
use crate::tail::Tails;
use crate::wire::{Attempt, Fed};
use crate::{http, js};

/// How many deliveries run at once for one channel: what the platform allows.
const FETCHES: u8 = Slots::PLATFORM;

/// When what was begun counts as lost: more than the longest time-out of a delivery.
const LOST_AFTER: Millis = Millis::from_secs(45);

/// How soon an alarm looks after what was accepted, should nothing else do so.
const GUARD: Millis = Millis::from_secs(10);

/// The object that keeps and delivers one channel's events.
#[durable_object]
pub struct Channel {
    inner: AssertUnwindSafe<Rc<Inner>>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Channel")
    }
}

/// Which channel this is.
#[derive(Clone, Debug)]
struct Identity {
    tenant: TenantId,
    name: String,
    number: ChannelNumber,
}

/// Something that is under way at most once. The runtime may drop what a cancelled request or alarm
/// began, and its end is never heard of then; so one that takes too long counts as lost.
#[derive(Debug, Default)]
struct Errand(Cell<Option<UnixMillis>>);

impl Errand {
    /// Whether it may begin now.
    fn begin(&self, now: UnixMillis) -> bool {
        let under_way = self.0.get().is_some_and(|since| now.since(since) < LOST_AFTER);
        if !under_way {
            self.0.set(Some(now));
        }
        !under_way
    }

    fn end(&self) {
        self.0.set(None);
    }
}

impl Identity {
    /// The id of the event at a place of this channel's log.
    fn id_of(&self, seq: Seq) -> EventId {
        EventId::of(self.number, seq)
    }
}

/// The object's memory. Everything in it can be made again from the rows.
pub(crate) struct Inner {
    state: State,
    env: Env,
    store: Store,
    identity: RefCell<Option<Rc<Identity>>>,
    last: Cell<Seq>,
    dedup: RefCell<Dedup>,
    current: RefCell<Current>,
    /// When the configuration was taken up that was gone by before this one.
    driven_before: Cell<UnixMillis>,
    /// The managed subscriptions of this configuration, and where one begins that counts anew.
    managed: RefCell<Vec<String>>,
    begins: Cell<Seq>,
    pending: RefCell<Vec<accept::Pending>>,
    flushing: Cell<bool>,
    flushed_at: Cell<UnixMillis>,
    recent: RefCell<Recent>,
    plan: RefCell<Option<Rc<Plan>>>,
    planning: Errand,
    /// How often there was reason to doubt the plan.
    doubted: Cell<u64>,
    /// The version that deliveries go by.
    driven: Cell<u64>,
    lines: RefCell<Map<SubscriptionId, Rc<Line>>>,
    /// Which line is first in turn.
    turn: Cell<usize>,
    permits: RefCell<permits::Permits>,
    slots: RefCell<Slots>,
    /// When a send began or ended last.
    moved_at: Cell<UnixMillis>,
    attempts: RefCell<Vec<Attempt>>,
    persist_at: Cell<Option<UnixMillis>>,
    /// When timers will kick.
    timers: RefCell<Vec<UnixMillis>>,
    alarm_at: Cell<Option<UnixMillis>>,
    backlogged: Cell<bool>,
    /// Since when something waits.
    behind_since: Cell<Option<UnixMillis>>,
    /// Whether something goes on that only memory knows of: a send, a question to an endpoint.
    busy: Cell<bool>,
    fed: Cell<Option<Fed>>,
    feeding: Errand,
    swept_at: Cell<UnixMillis>,
    /// The bytes on disk, and when they were looked up.
    used: Cell<(UnixMillis, u64)>,
    tails: Tails,
}

impl DurableObject for Channel {
    fn new(state: State, env: Env) -> Self {
        let inner = Inner::new(state, env).expect("the tables of a channel are made by plain SQL");
        let inner = Rc::new(inner);
        Rc::clone(&inner).begin();
        Self { inner: AssertUnwindSafe(inner) }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        let incoming = Incoming::of(&request);
        if incoming.method == "GET" {
            return opened(self.inner.tail(&incoming), &incoming.path).map(Into::into);
        }
        answer(self.inner.serve(&incoming).await).map(Into::into)
    }

    async fn alarm(&self) -> worker::Result<worker::Response> {
        self.inner.on_alarm().await;
        Ok(http::empty(204)?.into())
    }

    crate::tail::listeners_are_only_told!();
}

#[wasm_bindgen]
impl Channel {
    /// Takes one event, called by the ingress through the runtime's RPC: a third of what a request
    /// between objects costs. Answers the event's place, or one of [`mod@accept`]'s refusals.
    pub async fn take(
        &self,
        tenant: String,
        channel: String,
        version: f64,
        windows_ms: f64,
        head: String,
        body: Uint8Array,
    ) -> f64 {
        let taken = self.inner.take(&tenant, &channel, version, windows_ms, head, &body);
        AssertUnwindSafe(taken).await
    }
}

impl Inner {
    fn new(state: State, env: Env) -> Result<Self> {
        let store = Store::open(&state)?;
        let last = store.last_seq()?;
        Ok(Self {
            store,
            env,
            identity: RefCell::new(None),
            last: Cell::new(last),
            dedup: RefCell::new(Dedup::new(accept::REMEMBERED)),
            current: RefCell::new(Current::new(accept::FOLLOWED)),
            driven_before: Cell::new(UnixMillis(0)),
            managed: RefCell::default(),
            begins: Cell::new(Seq(0)),
            pending: RefCell::default(),
            flushing: Cell::new(false),
            flushed_at: Cell::new(UnixMillis(0)),
            recent: RefCell::default(),
            plan: RefCell::new(None),
            planning: Errand::default(),
            doubted: Cell::new(0),
            driven: Cell::new(0),
            lines: RefCell::default(),
            turn: Cell::new(0),
            permits: RefCell::default(),
            slots: RefCell::new(Slots::new(FETCHES)),
            moved_at: Cell::new(UnixMillis(0)),
            attempts: RefCell::default(),
            persist_at: Cell::new(None),
            timers: RefCell::default(),
            alarm_at: Cell::new(None),
            backlogged: Cell::new(false),
            behind_since: Cell::new(None),
            busy: Cell::new(false),
            fed: Cell::new(None),
            feeding: Errand::default(),
            swept_at: Cell::new(UnixMillis(0)),
            used: Cell::default(),
            tails: Tails::default(),
            state,
        })
    }

    /// What every start of the object does: remembers who it is and what it accepted lately, and
    /// takes up what it had not delivered.
    fn begin(self: Rc<Self>) {
        if let Err(error) = self.recall() {
            worker::console_error!("a channel's start: {error}");
        }
        let known = self.identity.borrow().is_some();
        if known {
            self.kick();
        }
    }

    fn recall(&self) -> Result<()> {
        let tenant = self.store.fact("tenant")?.map(|row| row.text(0));
        let name = self.store.fact("channel")?.map(|row| row.text(0));
        let (Some(tenant), Some(name)) = (tenant, name) else { return Ok(()) };
        let tenant = TenantId::parse(&tenant).map_err(|error| Error::runtime(error.to_string()))?;
        self.set_identity(tenant, &name);
        self.recall_calls(js::now())
    }

    fn set_identity(&self, tenant: TenantId, name: &str) -> Rc<Identity> {
        let number = ChannelNumber::of(tenant, name);
        let identity = Rc::new(Identity { tenant, name: name.to_owned(), number });
        *self.identity.borrow_mut() = Some(Rc::clone(&identity));
        identity
    }

    /// Who this is; told by the first event, remembered from then on.
    fn identify(&self, tenant: TenantId, name: &str) -> Result<Rc<Identity>> {
        if let Some(identity) = self.identity.borrow().as_ref() {
            return Ok(Rc::clone(identity));
        }
        self.store.keep_identity(&tenant.to_string(), name)?;
        Ok(self.set_identity(tenant, name))
    }

    fn identity(&self) -> Result<Rc<Identity>> {
        let identity = self.identity.borrow();
        identity.clone().ok_or_else(|| Error::runtime("a channel without events".to_owned()))
    }

    async fn serve(self: &Rc<Self>, request: &Incoming) -> Result<Value> {
        let ask: ToChannel = request.json().await?;
        // What nothing was accepted for has nothing to show, and is not made by asking for it.
        let known = self.identity.borrow().is_some();
        Ok(match ask {
            ToChannel::Wake | ToChannel::Show(_) | ToChannel::Body(..) if !known => Value::Null,
            ToChannel::Render(_) if !known => Value::Array(Vec::new()),
            ToChannel::Replay(..) if !known => Value::from(0),
            ToChannel::Wake => {
                // Who wakes it believes that it has a backlog, and is told when it has none.
                self.backlogged.set(true);
                self.doubt_plan();
                self.kick();
                Value::Null
            }
            ToChannel::Show(seq) => self.show(seq)?.write(),
            ToChannel::Body(seq, endpoint) => self.body_for(seq, &endpoint).await?.write(),
            ToChannel::Render(seqs) => self.render(&seqs)?.write(),
            ToChannel::Replay(seqs, endpoint, subscription) => {
                let only = (endpoint.as_deref(), subscription.as_deref());
                Value::from(self.replay(&seqs, only).await?)
            }
        })
    }

    /// The alarm: whatever was lost in between is taken up again. It comes only while something is
    /// left to do, so an idle channel costs nothing.
    async fn on_alarm(self: &Rc<Self>) {
        self.alarm_at.set(None);
        if self.identity.borrow().is_none() {
            return;
        }
        let sending = self.lines.borrow().values().any(|line| line.is_sending());
        if sending && js::now().since(self.moved_at.get()) > LOST_AFTER {
            // No send takes that long: their ends were lost. The rows know what to send again.
            worker::console_error!("deliveries were lost sight of; they begin again");
            self.lines.borrow_mut().clear();
            *self.permits.borrow_mut() = permits::Permits::default();
            *self.slots.borrow_mut() = Slots::new(FETCHES);
        }
        self.doubt_plan();
        // Only a plan tells whether anything is left; without it the next alarm tries again.
        if self.plan.borrow().is_none()
            && let Err(error) = self.fetch_plan().await
        {
            worker::console_error!("a channel's plan: {error}");
        }
        self.kick();
        if self.unfed() {
            self.feed_soon();
        }
        self.sweep(js::now());
        // What is sent meanwhile may be long under way; the next alarm is there for it.
        self.guard();
        self.arm_for_expiry();
    }
}
