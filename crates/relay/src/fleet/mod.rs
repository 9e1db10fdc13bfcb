//! A host under a gateway: it joins the gateway's Fleet and does what that says.
//!
//! | module | does |
//! |---|---|
//! | [`link`] | the WebSocket, made again whenever it is gone |
//! | [`load`] | how much the machine does |
//!
//! What is said and when is decided by `livegate_core::relay::member`.

mod link;
mod load;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use livegate_core::dialect::redact;
use livegate_core::error::Coded as _;
use livegate_core::relay::lease::{Epoch, Feed};
use livegate_core::relay::link::{
    Callback, Capacity, FleetSays, HostRefused, LinkError, Load, Published, PushReport, Refused,
};
use livegate_core::relay::member::{Member, Name, Output, Row, Seen};
use livegate_core::relay::task::Origin;
use livegate_core::scheme::{KeyForm, Secret};
use livegate_core::url::HttpUrl;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot::Receiver;
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use self::link::Heard;
use self::load::Processors;
use crate::callback::{self, Callbacks};
use crate::clock;
use crate::net::Tls;
use crate::store::{Change, Kept, Store};
use crate::stream::Streams;
use crate::task::{StartError, TaskKey, TaskView, Tasks};

/// How long the last words of a connection may take.
const CLOSING: Duration = Duration::from_secs(1);

/// How often the host looks at itself.
const LOOK: Duration = Duration::from_millis(500);

/// What a row's name begins with in the store.
const ROW: &str = "fleet.";

/// Where the host's own name is in the store.
const INSTANCE: &str = "instance";

/// The gateway that a host is under. Its token is a secret: it is not shown.
#[derive(Clone)]
#[non_exhaustive]
pub struct Gateway {
    /// Its origin, such as `https://gateway.example.com`.
    pub url: HttpUrl,
    /// The host's token, `lgh_…`.
    pub token: String,
    /// How many pushes the host can take.
    pub capacity: u64,
}

impl Gateway {
    /// That gateway.
    pub const fn new(url: HttpUrl, token: String, capacity: u64) -> Self {
        Self { url, token, capacity }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("url", &self.url.as_str())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// What of the host has to do with the Fleet.
pub(crate) struct Parts {
    pub(crate) tasks: Tasks,
    pub(crate) streams: Streams,
    pub(crate) store: Store,
    pub(crate) callbacks: Callbacks,
    pub(crate) tls: Tls,
}

/// What is said, and on which connection.
type Spoken = (UnboundedSender<String>, String);

/// Says what is to be said once all that was written before is on disk: what the Fleet is told must not
/// be undone by a crash. While the disk hangs nothing is said, leases included, and they run out.
async fn speak(store: Store, mut spoken: UnboundedReceiver<Spoken>) {
    while let Some(first) = spoken.recv().await {
        let rest = std::iter::from_fn(|| spoken.try_recv().ok());
        let all: Vec<Spoken> = [first].into_iter().chain(rest).collect();
        while store.write(Vec::new()).await.is_err() {
            sleep(LOOK).await;
        }
        for (says, text) in all {
            // A connection that is gone says so itself.
            let _ = says.send(text);
        }
    }
}

/// Why a host is in no Fleet any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The host left.
    Left,
    /// The gateway does not want it.
    Refused(HostRefused),
    /// A defect: nobody listens to the gateway any more.
    Lost,
}

/// What came of a command.
struct Done {
    command: u64,
    name: Name,
    refused: Option<Refused>,
}

/// The Fleet's end of the host.
pub(crate) struct Fleet {
    parts: Parts,
    member: Member,
    processors: Processors,
    /// What the connection is to send, while there is one.
    says: Option<UnboundedSender<String>>,
    /// What is said, on its way past the disk.
    speaker: UnboundedSender<Spoken>,
    /// What came of commands.
    tell: UnboundedSender<Done>,
}

impl Fleet {
    /// Joins a gateway's Fleet, and stays until the gateway does not want the host, or the host leaves:
    /// to the gateway it is cut off then. Where events go is told whenever the gateway says so.
    pub(crate) async fn join(
        gateway: Gateway,
        parts: Parts,
        kept: &Kept,
        leaves: Receiver<()>,
    ) -> Ended {
        let instance = instance(kept, &parts.store);
        let rows = kept.values.iter().filter_map(|(name, value)| row(name, value)).collect();
        let capacity = Capacity::of(gateway.capacity);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (tell, done) = unbounded_channel();
        let (speaker, spoken) = unbounded_channel();
        let speaking = spawn_local(speak(parts.store.clone(), spoken));
        let mut fleet = Self {
            member: Member::new(instance, version, capacity, rows),
            processors: Processors::default(),
            says: None,
            speaker,
            tell,
            parts,
        };
        let (heard, mut hears) = unbounded_channel();
        let tls = fleet.parts.tls.clone();
        let mut link = spawn_local(link::keep(gateway, tls, heard));
        let ended = tokio::select! {
            ended = fleet.go_on(&mut hears, done) => ended,
            _ = leaves => Ended::Left,
        };
        // Nothing is said any more, and nothing is heard: a connection closes for that.
        speaking.abort();
        hears.close();
        if fleet.says.take().is_some() {
            let _ = timeout(CLOSING, &mut link).await;
        }
        link.abort();
        ended
    }

    async fn go_on(
        &mut self,
        hears: &mut UnboundedReceiver<Heard>,
        mut done: UnboundedReceiver<Done>,
    ) -> Ended {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = hears.recv() => {
                    let Some(heard) = heard else { return Ended::Lost };
                    self.hear(heard);
                }
                // The other end is this one's own.
                Some(done) = done.recv() => self.done(done),
                _ = looks.tick() => {
                    self.look();
                    self.member.tick(clock::now());
                }
            }
            if let Some(refused) = self.act() {
                return Ended::Refused(refused);
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        let now = clock::now();
        match heard {
            Heard::Up(says) => {
                self.look();
                self.says = Some(says);
                self.member.connected(now);
            }
            Heard::Says(text) => match FleetSays::read(&text) {
                Ok(says) => self.member.hears(says, now),
                // A newer gateway may say more.
                Err(LinkError::Unknown) => {}
                Err(error) => {
                    let code = error.code().as_str();
                    tracing::warn!(code, "the gateway said something that is not understood");
                }
            },
            Heard::Down(code) => {
                self.says = None;
                self.member.disconnected(code);
            }
        }
    }

    fn done(&mut self, Done { command, name, refused }: Done) {
        if refused.is_some() && self.parts.tasks.show(&key(&name)).is_none() {
            self.member.not_started(&name);
        }
        self.member.done(command, refused, clock::now());
    }

    /// Sees how tasks, streams and the machine are.
    fn look(&mut self) {
        let now = clock::now();
        let names: Vec<_> = self.member.names().cloned().collect();
        for name in names {
            if let Some(view) = self.parts.tasks.show(&key(&name)) {
                self.member.see(&name, seen(&view), now);
            }
        }
        let streams = self.parts.streams.list().into_iter();
        let published = streams.filter(|(_, figures)| figures.feed == Feed::Published);
        let published: BTreeSet<_> = published
            .map(|(key, _)| Published::new(key.app, key.channel, key.user, key.picture))
            .collect();
        let load = Load::new(self.parts.tasks.pushes(), self.processors.permille());
        self.member.look(published, load);
    }

    /// Does what the member says.
    fn act(&mut self) -> Option<HostRefused> {
        while let Some(output) = self.member.poll() {
            match output {
                Output::Say(text) => {
                    if let Some(says) = &self.says {
                        // Nobody hears when the host stops.
                        let _ = self.speaker.send((says.clone(), text));
                    }
                }
                Output::Start { command, epoch, task } => {
                    let name = Name::of(&task);
                    let started = self.parts.tasks.start_as(*task, Some(epoch));
                    self.carry_out(command, name, async move { started.await.map(|_| true) });
                }
                Output::Stop(name, cause) => {
                    let stopped = self.parts.tasks.stop(&key(&name), cause);
                    spawn_local(async move {
                        if let Err(error) = stopped.await {
                            let code = error.code().as_str();
                            tracing::error!(code, task = %key(&name), "a task's end was not kept");
                        }
                    });
                    self.look();
                }
                Output::Sei { command, name, custom } => {
                    let set = self.parts.tasks.set_sei(&key(&name), custom);
                    self.carry_out(command, name, set);
                }
                Output::Deliver(callback) => self.deliver(&callback),
                Output::Keep(key, row) => self.keep(&key, row.as_ref()),
                Output::Unsaid(error) => {
                    let code = error.code().as_str();
                    tracing::error!(code, "the gateway cannot be told what is here: {error}");
                    self.says = None;
                }
                Output::Leave(refused) => {
                    let code = refused.code().as_str();
                    tracing::error!(code, "the gateway does not want this host: {refused}");
                    return Some(refused);
                }
                _ => {}
            }
        }
        None
    }

    /// Waits for a command elsewhere: a disk that hangs must not keep leases from running out.
    fn carry_out(
        &self,
        command: u64,
        name: Name,
        done: impl Future<Output = Result<bool, StartError>> + 'static,
    ) {
        let tell = self.tell.clone();
        spawn_local(async move {
            let refused = match done.await {
                // Of what is not on disk yet nothing is said before it is.
                Ok(true) | Err(StartError::Unkept(_)) => None,
                Ok(false) => {
                    let code = "relay.no_task".to_owned();
                    Some(Refused::new(code, "there is no such task here".to_owned()))
                }
                Err(error) => {
                    let code = error.code().as_str();
                    tracing::warn!(code, task = %key(&name), "a command was not carried out");
                    Some(Refused::new(code.to_owned(), error.to_string()))
                }
            };
            // Nobody hears when the host stops.
            let _ = tell.send(Done { command, name, refused });
        });
    }

    fn deliver(&self, callback: &Callback) {
        if let Some(receiver) = receiver(callback) {
            self.parts.callbacks.set_gateway(Some(receiver));
        } else {
            tracing::error!("the gateway's address for events cannot be used");
        }
    }

    fn keep(&self, key: &str, row: Option<&Row>) {
        let value = row.map(|row| {
            let name = &row.name;
            json!({
                "key": row.key,
                "epoch": row.epoch.0,
                "revision": row.revision,
                "origin": name.origin.as_str(),
                "app": name.app,
                "id": name.id,
                "leased": row.has_lease,
            })
            .to_string()
        });
        self.parts.store.keep(vec![Change::Value { name: format!("{ROW}{key}"), value }]);
    }
}

/// The host's own name, made at its first start.
fn instance(kept: &Kept, store: &Store) -> String {
    if let Some(instance) = kept.values.get(INSTANCE) {
        return instance.clone();
    }
    let instance = hex::encode(clock::random::<16>());
    let value = Some(instance.clone());
    store.keep(vec![Change::Value { name: INSTANCE.to_owned(), value }]);
    instance
}

/// Reads a row that [`Fleet::keep`] wrote.
fn row(name: &str, value: &str) -> Option<Row> {
    name.strip_prefix(ROW)?;
    let value: Value = serde_json::from_str(value).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    let name = Name::new(Origin::from_name(&text("origin")?)?, text("app")?, text("id")?);
    let leased = value.get("leased").and_then(Value::as_bool)?;
    Some(Row::new(text("key")?, Epoch(number("epoch")?), number("revision")?, name, leased))
}

fn receiver(callback: &Callback) -> Option<callback::Receiver> {
    let url = HttpUrl::parse(&callback.url).ok()?;
    let secret = Secret::parse(KeyForm::Whsec, &callback.secret).ok()?;
    callback::Receiver::gateway(&url, secret).ok()
}

fn key(name: &Name) -> TaskKey {
    TaskKey { origin: name.origin, app: name.app.clone(), id: name.id.clone() }
}

fn seen(view: &TaskView) -> Seen {
    let mut seen = Seen::new(view.state);
    seen.code = view.ended.map(|(cause, _)| cause.code().as_str().to_owned());
    seen.is_over = view.ended.is_some();
    let pushes = view.pushes.iter().map(|push| {
        let status = &push.status;
        let url = redact::push_url(&push.url).into_owned();
        let mut report = PushReport::new(url, status.state, status.since);
        report.code = status.cause.map(|cause| cause.code().as_str().to_owned());
        report.attempt = status.attempt.into();
        report.is_pushing = status.is_pushing;
        report
    });
    seen.pushes = pushes.collect();
    seen
}
