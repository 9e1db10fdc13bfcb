//! A host from start to end: its parts are made, joined, and run until it is told to stop.
//!
//! | module | has |
//! |---|---|
//! | [`config`] | what it is to be, and why it is not |
//! | [`sockets`] | what it listens at |

mod config;
mod sockets;

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::link::HostRefused;
use livegate_core::url::egress::EgressPolicy;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

pub use self::config::{Config, HostError, Ready, Rtmps};
use self::sockets::bind;
use crate::callback::{self, Callbacks, Gateway as Told};
use crate::credentials::{self, Present};
use crate::fleet::{self, Fleet, Gateway};
use crate::http::{self, Health, Parts, Patience};
use crate::ingest::{Crowd, Hall, Listener, listen};
use crate::log;
use crate::meter::Meters;
use crate::net::{Asker, DialTimes, Egress, Tls};
use crate::pull::Pulls;
use crate::push::Connector;
use crate::store::{Kept, Store};
use crate::stream::Streams;
use crate::task::Tasks;

/// How long pushes may take to say goodbye when the host stops, and so receivers of events.
const GOODBYE: Duration = Duration::from_secs(3);

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
    host.serve_rtmp(sockets.rtmp, &config);
    if let Some(socket) = sockets.http {
        host.serve_http(socket, &config);
    }
    if let Some(path) = config.credentials {
        host.reload(path);
    }
    let gateway = config.gateway.map(|gateway| host.join(gateway, kept));
    ready(&sockets.ready);
    let refused = until_told_to_stop(gateway).await.map_err(HostError::System)?;
    tracing::info!("stopping");
    // Destinations are told that the stream ends; tasks and states stay as they are on disk, and go
    // on at the next start.
    let _ = timeout(GOODBYE, host.tasks.say_goodbye()).await;
    host.crowd.end();
    let _ = timeout(GOODBYE, host.callbacks.close()).await;
    host.store.close().await;
    refused.map_or(Ok(()), |refused| Err(HostError::Refused(refused)))
}

/// A host's parts.
struct Host {
    tls: Tls,
    credentials: Present,
    store: Store,
    meters: Rc<Meters>,
    health: Rc<Health>,
    streams: Streams,
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
        let pulls = Pulls::new(connector.clone(), crowd.clone(), settings);
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
        let (credentials, health) = (Present::new(credentials), Rc::default());
        let host =
            Self { tls, credentials, store, meters, health, streams, crowd, tasks, callbacks };
        Ok((host, kept))
    }

    fn serve_rtmp(&self, listeners: Vec<Listener>, config: &Config) {
        let hall = Hall {
            settings: config.settings.host,
            gather: gather(config.settings.host.coalesce_ms()),
            credentials: self.credentials.clone(),
            streams: self.streams.clone(),
            crowd: self.crowd.clone(),
            meters: Rc::clone(&self.meters),
        };
        let (health, door) = (Rc::clone(&self.health), config.settings.door);
        spawn_local(async move {
            let _listening = health.rtmp();
            listen(listeners, door, hall).await;
        });
    }

    fn serve_http(&self, socket: TcpListener, config: &Config) {
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
            door: config.settings.door,
            patience: Patience::default(),
            jocloud_prefix: config.jocloud_prefix.clone(),
        };
        spawn_local(http::serve(socket, Rc::new(http::Host::new(parts))));
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
    fn join(&self, gateway: Gateway, kept: Kept) -> JoinHandle<Option<HostRefused>> {
        let parts = fleet::Parts {
            tasks: self.tasks.clone(),
            streams: self.streams.clone(),
            store: self.store.clone(),
            callbacks: self.callbacks.clone(),
            tls: self.tls.clone(),
        };
        spawn_local(async move { Fleet::join(gateway, parts, &kept).await })
    }
}

/// For how long what comes is gathered, if it is.
fn gather(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

/// Waits until the process is told to stop, or the gateway does not want the host: then it says why.
async fn until_told_to_stop(
    gateway: Option<JoinHandle<Option<HostRefused>>>,
) -> io::Result<Option<HostRefused>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let refused = async {
        match gateway {
            Some(gateway) => gateway.await.ok().flatten(),
            None => pending().await,
        }
    };
    tokio::select! {
        _ = interrupt.recv() => Ok(None),
        _ = terminate.recv() => Ok(None),
        refused = refused => Ok(refused),
    }
}
