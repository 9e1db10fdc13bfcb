//! A host from start to end: its parts are made, joined, and run until it is told to stop.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use livegate_core::error::{Code, Coded, Fault};
use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::host::Settings;
use livegate_core::relay::link::HostRefused;
use livegate_core::url::egress::EgressPolicy;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::callback::{Callbacks, Gateway as Told, Receiver};
use crate::credentials::{self, CredentialsError, Present};
use crate::fleet::{self, Fleet, Gateway};
use crate::http::{self, Health, Parts, Patience};
use crate::ingest::{Crowd, Hall, Listener, listen};
use crate::meter::Meters;
use crate::net::{Egress, Tls, TlsFileError};
use crate::pull::Pulls;
use crate::push::Connector;
use crate::store::{Store, StoreError};
use crate::stream::Streams;
use crate::task::Tasks;

/// How long pushes may take to say goodbye when the host stops.
const GOODBYE: Duration = Duration::from_secs(3);

/// What a host is to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where publishers and players come by RTMP.
    pub rtmp: Option<SocketAddr>,
    /// Where they come by RTMPS.
    pub rtmps: Option<Rtmps>,
    /// Where HTTP is answered.
    pub http: Option<SocketAddr>,
    /// The folder of what is kept.
    pub data: PathBuf,
    /// The file of credentials; without one nobody may publish.
    pub credentials: Option<PathBuf>,
    /// A PEM file of authorities that are trusted beside the public ones.
    pub authorities: Option<PathBuf>,
    /// Where pushes and pulls may lead.
    pub egress: Egress,
    /// The gateway that it is under, if it is.
    pub gateway: Option<Gateway>,
    /// What stands before an application's id in Jocloud's paths.
    pub jocloud_prefix: String,
    /// Everything else.
    pub settings: Settings,
}

/// RTMP over TLS.
#[derive(Clone, Debug)]
pub struct Rtmps {
    /// Where it listens.
    pub address: SocketAddr,
    /// The PEM file of its certificate, and those up to the authority's.
    pub certificate: PathBuf,
    /// The PEM file of its key.
    pub key: PathBuf,
}

impl Config {
    /// A host with this folder, and nothing else yet.
    pub fn new(data: PathBuf, egress: Egress) -> Self {
        Self {
            rtmp: None,
            rtmps: None,
            http: None,
            data,
            credentials: None,
            authorities: None,
            egress,
            gateway: None,
            jocloud_prefix: "/app".to_owned(),
            settings: Settings::default(),
        }
    }
}

/// Where a host listens, once it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// RTMP.
    pub rtmp: Option<SocketAddr>,
    /// RTMPS.
    pub rtmps: Option<SocketAddr>,
    /// HTTP.
    pub http: Option<SocketAddr>,
}

/// Why a host does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostError {
    /// An address cannot be listened at.
    Listen(SocketAddr, io::Error),
    /// The certificate or key of RTMPS cannot be used.
    Certificate(String),
    /// The file of authorities cannot be used.
    Authorities(TlsFileError),
    /// The credentials cannot be used.
    Credentials(CredentialsError),
    /// Nothing can be kept.
    Store(StoreError),
    /// The gateway does not want this host.
    Refused(HostRefused),
    /// The operating system does not give what every program gets.
    System(io::Error),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(f, "cannot listen at {address}: {error}"),
            Self::Certificate(what) => f.write_str(what),
            Self::Authorities(error) => error.fmt(f),
            Self::Credentials(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
            Self::System(error) => write!(f, "the host cannot run here: {error}"),
        }
    }
}

impl std::error::Error for HostError {}

impl Coded for HostError {
    fn code(&self) -> Code {
        match self {
            Self::Listen(..) => Code::new("host.listen"),
            Self::Certificate(_) => Code::new("host.certificate"),
            Self::Authorities(error) => error.code(),
            Self::Credentials(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Refused(refused) => refused.code(),
            Self::System(_) => Code::new("host.system"),
        }
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// Runs a host until the process is told to stop (SIGINT, SIGTERM). `ready` is called once it
/// listens.
///
/// # Errors
/// [`HostError`].
pub fn run(config: Config, ready: impl FnOnce(&Ready)) -> Result<(), HostError> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    // Not a `LocalSet` on a runtime: that polls all of this on every packet, and wakes itself for it.
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    runtime.map_err(HostError::System)?.block_on(host(config, ready))
}

async fn host(config: Config, ready: impl FnOnce(&Ready)) -> Result<(), HostError> {
    let settings = config.settings;
    let tls = Tls::new(config.authorities.as_deref()).map_err(HostError::Authorities)?;
    let credentials = match &config.credentials {
        Some(path) => credentials::read(path).map_err(HostError::Credentials)?,
        None => Credentials::default(),
    };
    let credentials = Present::new(credentials);
    let (store, kept) = Store::open(&config.data).map_err(HostError::Store)?;
    let streams = Streams::new(settings.queue, settings.gop);
    let connector = Connector {
        tls: tls.clone(),
        egress: config.egress,
        send_buffer: usize::try_from(settings.host.send_buffer_bytes()).unwrap_or(usize::MAX),
        ack_window: u32::try_from(settings.push.ack_window_bytes()).unwrap_or(u32::MAX),
    };
    let (ends, mut ended) = unbounded_channel();
    let crowd = Crowd::new(settings.ingest, streams.clone(), store.clone(), ends);
    let pulls = Pulls::new(connector.clone(), crowd.clone(), settings);
    let tasks = Tasks::new(settings, streams.clone(), store.clone(), connector, pulls);
    let callbacks = Callbacks::new(
        store.clone(),
        &kept.lines,
        settings.outbox,
        tls.clone(),
        receivers(&credentials.now()),
        if config.gateway.is_some() { Told::Told } else { Told::None },
    );
    tasks.restore(&kept);
    let follow = tasks.clone();
    spawn_local(async move {
        while let Some((app, channel)) = ended.recv().await {
            follow.channel_closed(&app, &channel);
        }
    });
    let (listeners, mut listens) = bind(&config).await?;
    let health = Rc::new(Health::default());
    if let Some(address) = config.http {
        let socket = listen_at(address).await?;
        listens.http = socket.local_addr().ok();
        let parts = Parts {
            tasks: tasks.clone(),
            streams: streams.clone(),
            store: store.clone(),
            credentials: credentials.clone(),
            meters: Rc::new(Meters::default()),
            health: Rc::clone(&health),
            egress: match config.egress {
                Egress::Anywhere => EgressPolicy::DEVELOPMENT,
                // RTMP without TLS is what most destinations speak.
                Egress::Only(policy) => EgressPolicy { http: true, ..policy },
            },
            door: settings.door,
            patience: Patience::default(),
            jocloud_prefix: config.jocloud_prefix.clone(),
        };
        spawn_local(http::serve(socket, Rc::new(http::Host::new(parts))));
    }
    let told = callbacks.clone();
    let gateway = config.gateway.map(|gateway| {
        let (tasks, streams, store) = (tasks.clone(), streams.clone(), store.clone());
        let parts = fleet::Parts { tasks, streams, store, tls };
        spawn_local(async move { Fleet::join(gateway, parts, &kept, told).await })
    });
    let hall = Hall { settings: settings.host, credentials: credentials.clone(), streams, crowd };
    spawn_local(async move {
        let _listening = health.rtmp();
        listen(listeners, settings.door, hall).await;
    });
    if let Some(path) = config.credentials {
        let callbacks = callbacks.clone();
        spawn_local(async move {
            let changed = |now: &Credentials| callbacks.set(receivers(now));
            if let Err(error) = credentials::reload_on_hangup(&path, &credentials, changed).await {
                tracing::warn!("SIGHUP does nothing here: {error}");
            }
        });
    }
    ready(&listens);
    let refused = async {
        match gateway {
            Some(gateway) => gateway.await.ok().flatten(),
            None => std::future::pending().await,
        }
    };
    let refused = tokio::select! {
        told = told_to_stop() => {
            told.map_err(HostError::System)?;
            None
        }
        refused = refused => refused,
    };
    tracing::info!("stopping");
    // Destinations are told that the stream ends; tasks and states stay as they are on disk, and go
    // on at the next start.
    let _ = timeout(GOODBYE, tasks.say_goodbye()).await;
    let _ = timeout(GOODBYE, callbacks.close()).await;
    store.close().await;
    refused.map_or(Ok(()), |refused| Err(HostError::Refused(refused)))
}

/// Whom the applications' events are told.
fn receivers(credentials: &Credentials) -> BTreeMap<String, Receiver> {
    let callbacks = credentials
        .applications()
        .filter_map(|(app, application)| Some((app, application.callback.as_ref()?)));
    let receivers = callbacks.filter_map(|(app, callback)| match Receiver::new(callback) {
        Ok(receiver) => Some((app.to_owned(), receiver)),
        Err(error) => {
            tracing::error!(app, "the application's callback cannot be used: {error}");
            None
        }
    });
    receivers.collect()
}

async fn bind(config: &Config) -> Result<(Vec<Listener>, Ready), HostError> {
    let mut listeners = Vec::new();
    let mut ready = Ready::default();
    if let Some(address) = config.rtmp {
        let socket = listen_at(address).await?;
        ready.rtmp = socket.local_addr().ok();
        listeners.push(Listener { socket, tls: None });
    }
    if let Some(rtmps) = &config.rtmps {
        let tls = Some(Arc::new(server_tls(rtmps)?));
        let socket = listen_at(rtmps.address).await?;
        ready.rtmps = socket.local_addr().ok();
        listeners.push(Listener { socket, tls });
    }
    Ok((listeners, ready))
}

async fn listen_at(address: SocketAddr) -> Result<TcpListener, HostError> {
    TcpListener::bind(address).await.map_err(|error| HostError::Listen(address, error))
}

fn server_tls(rtmps: &Rtmps) -> Result<ServerConfig, HostError> {
    let wrong = |what: &str, path: &PathBuf| {
        HostError::Certificate(format!("{} has no {what} that RTMPS can use", path.display()))
    };
    let no_certificate = || wrong("certificate", &rtmps.certificate);
    let chain = CertificateDer::pem_file_iter(&rtmps.certificate)
        .map_err(|_| no_certificate())?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| no_certificate())?;
    let no_key = || wrong("key", &rtmps.key);
    let key = PrivateKeyDer::from_pem_file(&rtmps.key).map_err(|_| no_key())?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| HostError::Certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|_| wrong("key for this certificate", &rtmps.key))
}

async fn told_to_stop() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
