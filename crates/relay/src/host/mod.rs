//! A host from start to end: its parts are made, joined, and run until it is told to stop.
//!
//! | module | has |
//! |---|---|
//! | [`config`] | what it is to be, and why it is not |
//! | [`limits`] | how many may come in |
//! | [`sockets`] | what it listens at |

mod config;
mod limits;
mod sockets;

use std::collections::BTreeSet;
use std::future::pending;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::door::DoorSettings;
use livegate_core::relay::lifecycle::Plan;
use livegate_core::url::egress::EgressPolicy;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

pub use self::config::{Config, HostError, Ready, Rtmps};
use self::sockets::bind;
use crate::callback::{self, Callbacks, Gateway as Told};
use crate::credentials::{self, Present};
use crate::fleet::{self, Ended, Fleet, Gateway};
use crate::http::{self, Health, Parts, Patience};
use crate::ingest::{Crowd, Hall, Listener, listen};
use crate::log;
use crate::meter::Meters;
use crate::net::{Asker, DialTimes, Egress, Tls};
use crate::pull::Pulls;
use crate::push::Connector;
use crate::store::{Kept, KeptTask, Store};
use crate::stream::Streams;
use crate::task::Tasks;
use crate::tick::Ticker;

/// How long pushes may take to say goodbye when the host stops, and so receivers of events.
const GOODBYE: Duration = Duration::from_secs(3);

/// How often a host that stops asks whether all is told.
const ASK: Duration = Duration::from_millis(20);

/// Runs a host until the process is told to stop (SIGINT, SIGTERM). `ready` is called once it
/// listens.
///
/// # Errors
/// [`HostError`].
pub fn run(config: Config, ready: impl FnOnce(&Ready)) -> Result<(), HostError> {
    // Dropped last: what was said to the end is written.
    let _log = log::begin().map_err(HostError::System)?;
    // Not a `LocalSet` on a runtime: that polls all of this on every packet, and wakes itself for it.
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let runtime = runtime.map_err(HostError::System)?;
    let ended = runtime.block_on(go_on(config, ready));
    // A name that is still looked up is not waited for.
    runtime.shutdown_background();
    ended
}

async fn go_on(config: Config, ready: impl FnOnce(&Ready)) -> Result<(), HostError> {
    let sockets = bind(&config).await?;
    let (host, kept) = Host::make(&config)?;
    let (rtmp, http) = limits::doors(&config);
    let mut doors = vec![host.serve_rtmp(sockets.rtmp, rtmp, &config)];
    doors.extend(sockets.http.map(|socket| host.serve_http(socket, http, &config)));
    if let Some(path) = config.credentials {
        host.reload(path);
    }
    let mut joined = config.gateway.map(|gateway| host.join(gateway, kept));
    ready(&sockets.ready);
    let stopped = until_told_to_stop(joined.as_mut()).await;
    tracing::info!("stopping");
    // The gateway hears nothing of what follows: to it the host is cut off, and nothing has ended.
    if let Some(joined) = joined {
        joined.leave().await;
    }
    doors.iter().for_each(JoinHandle::abort);
    // Destinations are told that the stream ends; tasks and states stay as they are on disk, and go
    // on at the next start.
    let goodbye = host.tasks.leave();
    host.crowd.end();
    let _ = timeout(GOODBYE, goodbye).await;
    let _ = timeout(GOODBYE, host.told()).await;
    let _ = timeout(GOODBYE, host.callbacks.close()).await;
    if timeout(GOODBYE, host.store.close()).await.is_err() {
        tracing::error!("the disk does not end: what was not on it is lost");
    }
    stopped
}

/// The host's place in a gateway's Fleet.
struct Joined {
    leave: oneshot::Sender<()>,
    ended: JoinHandle<Ended>,
}

impl Joined {
    /// Waits until the host is in no Fleet any more, and says why.
    async fn ended(&mut self) -> HostError {
        match (&mut self.ended).await {
            Ok(Ended::Refused(refused)) => HostError::Refused(refused),
            // Leases would not run out that nobody looks at: another process takes up the tasks.
            Ok(Ended::Lost | Ended::Left) | Err(_) => HostError::Lost,
        }
    }

    /// Leaves the Fleet, unless that is done.
    async fn leave(self) {
        if !self.ended.is_finished() && self.leave.send(()).is_ok() {
            let _ = self.ended.await;
        }
    }
}

/// A host's parts.
struct Host {
    tls: Tls,
    credentials: Present,
    store: Store,
    meters: Rc<Meters>,
    health: Rc<Health>,
    streams: Streams,
    ticker: Option<Ticker>,
    crowd: Crowd,
    tasks: Tasks,
    callbacks: Callbacks,
}

impl Host {
    /// Makes the parts, and takes up what was kept.
    fn make(config: &Config) -> Result<(Self, Kept), HostError> {
        let settings = &config.settings;
        let tls = Tls::new(config.authorities.as_deref()).map_err(HostError::Authorities)?;
        let credentials = if let Some(path) = &config.credentials {
            credentials::read(path).map_err(HostError::Credentials)?
        } else {
            tracing::warn!("without --credentials nobody may publish, and nobody may command");
            Credentials::default()
        };
        let (store, kept) = Store::open(&config.data).map_err(HostError::Store)?;
        let meters = Rc::new(Meters::default());
        let streams = Streams::new(settings.queue, settings.gop);
        let connector = Connector {
            tls: tls.clone(),
            egress: config.egress,
            asker: Asker::default(),
            times: DialTimes {
                connect: Duration::from_millis(settings.push.connect_ms()),
                tls: Duration::from_millis(settings.push.tls_ms()),
            },
            send_buffer: usize::try_from(settings.host.send_buffer_bytes()).unwrap_or(usize::MAX),
            ack_window: u32::try_from(settings.push.ack_window_bytes()).unwrap_or(u32::MAX),
        };
        let (ends, mut ended) = unbounded_channel();
        let crowd = Crowd::new(settings.ingest, streams.clone(), store.clone(), ends);
        let gather = Duration::from_millis(settings.host.coalesce_ms());
        let ticker = Ticker::new(gather).map_err(HostError::System)?;
        let pulls = Pulls::new(connector.clone(), crowd.clone(), settings, ticker.clone());
        let tasks = Tasks::new(
            settings,
            streams.clone(),
            store.clone(),
            connector,
            pulls,
            Rc::clone(&meters),
        );
        let callbacks = Callbacks::new(
            store.clone(),
            &kept.lines,
            settings.outbox,
            tls.clone(),
            callback::receivers(&credentials),
            if config.gateway.is_some() { Told::Told } else { Told::None },
        );
        crowd.restore(&kept);
        tasks.restore(&kept);
        let follow = tasks.clone();
        spawn_local(async move {
            while let Some((app, channel)) = ended.recv().await {
                follow.channel_closed(&app, &channel);
            }
        });
        let hold = Duration::from_millis(settings.push.hold_ms());
        spawn_local(close_channels(followed(&kept), tasks.clone(), crowd.clone(), hold));
        let (credentials, health) = (Present::new(credentials), Rc::default());
        let host = Self {
            tls,
            credentials,
            store,
            meters,
            health,
            streams,
            ticker,
            crowd,
            tasks,
            callbacks,
        };
        Ok((host, kept))
    }

    /// Waits until nothing waits any more that can be told.
    async fn told(&self) {
        // What is on disk is known to those who tell it.
        let _ = self.store.write(Vec::new()).await;
        loop {
            sleep(ASK).await;
            if !self.callbacks.are_telling() {
                return;
            }
        }
    }

    fn serve_rtmp(
        &self,
        listeners: Vec<Listener>,
        door: DoorSettings,
        config: &Config,
    ) -> JoinHandle<()> {
        let hall = Hall {
            settings: config.settings.host,
            ticker: self.ticker.clone(),
            credentials: self.credentials.clone(),
            streams: self.streams.clone(),
            crowd: self.crowd.clone(),
            meters: Rc::clone(&self.meters),
        };
        let health = Rc::clone(&self.health);
        spawn_local(async move {
            let _listening = health.rtmp();
            listen(listeners, door, hall).await;
        })
    }

    fn serve_http(
        &self,
        socket: TcpListener,
        door: DoorSettings,
        config: &Config,
    ) -> JoinHandle<()> {
        let parts = Parts {
            tasks: self.tasks.clone(),
            streams: self.streams.clone(),
            store: self.store.clone(),
            crowd: self.crowd.clone(),
            credentials: self.credentials.clone(),
            meters: Rc::clone(&self.meters),
            callbacks: Some(self.callbacks.clone()),
            health: Rc::clone(&self.health),
            egress: match config.egress {
                Egress::Anywhere => EgressPolicy::DEVELOPMENT,
                // RTMP without TLS is what most destinations speak.
                Egress::Only(policy) => EgressPolicy { http: true, ..policy },
            },
            door,
            patience: Patience::default(),
            jocloud_prefix: config.jocloud_prefix.clone(),
        };
        spawn_local(http::serve(socket, Rc::new(http::Host::new(parts))))
    }

    /// Reads the credentials again whenever it is told to.
    fn reload(&self, path: PathBuf) {
        let (present, callbacks) = (self.credentials.clone(), self.callbacks.clone());
        spawn_local(async move {
            let changed = |now: &Credentials| callbacks.set(callback::receivers(now));
            if let Err(error) = credentials::reload_on_hangup(&path, &present, changed).await {
                tracing::warn!("SIGHUP does nothing here: {error}");
            }
        });
    }

    /// Joins a gateway, for as long as that wants the host.
    fn join(&self, gateway: Gateway, kept: Kept) -> Joined {
        let parts = fleet::Parts {
            tasks: self.tasks.clone(),
            streams: self.streams.clone(),
            store: self.store.clone(),
            callbacks: self.callbacks.clone(),
            tls: self.tls.clone(),
        };
        let (leave, leaves) = oneshot::channel();
        let ended = spawn_local(async move { Fleet::join(gateway, parts, &kept, leaves).await });
        Joined { leave, ended }
    }
}

/// The channels that were there when the host stopped, and that tasks are to end with.
fn followed(kept: &Kept) -> BTreeSet<(String, String)> {
    let follows = |kept: &&KeptTask| Plan::of(&kept.task).misses_channel(&kept.pushes);
    let tasks = kept.tasks.iter().filter(follows).map(|kept| &kept.task);
    tasks.map(|task| (task.app_id.clone(), task.channel.clone())).collect()
}

/// Channels that nobody comes to again in time ended with the host.
async fn close_channels(
    channels: BTreeSet<(String, String)>,
    tasks: Tasks,
    crowd: Crowd,
    hold: Duration,
) {
    sleep(hold).await;
    for (app, channel) in channels {
        if !crowd.is_there(&app, &channel) {
            tasks.channel_closed(&app, &channel);
        }
    }
}

/// Waits until the process is told to stop, or cannot go on: then it says why.
async fn until_told_to_stop(joined: Option<&mut Joined>) -> Result<(), HostError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(HostError::System)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(HostError::System)?;
    let ended = async {
        match joined {
            Some(joined) => joined.ended().await,
            None => pending().await,
        }
    };
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        error = ended => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, LocalOptions};
    use tokio::sync::oneshot;
    use tokio::task::spawn_local;

    use super::{Ended, HostError, Joined};

    #[test]
    fn a_link_that_nobody_keeps_up_any_more_ends_the_host_with_an_error() {
        let runtime = Builder::new_current_thread().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async {
            let panics = spawn_local(async { panic!("a defect") });
            for ended in [panics, spawn_local(async { Ended::Lost })] {
                let (leave, _leaves) = oneshot::channel();
                let mut joined = Joined { leave, ended };
                assert!(matches!(joined.ended().await, HostError::Lost));
                joined.leave().await;
            }
        });
    }
}
