//! The host's HTTP side: its APIs, its health and numbers, and play in a browser.
//!
//! | module | answers |
//! |---|---|
//! | `route` | which of these a call is for, and whether its caller may |
//! | `play` | `/live/{app}/{channel}.flv` |
//! | `jocloud` | Jocloud's `startrtmp` and `stoprtmp` |
//! | `tasks`, `streams`, `events` | `/api/v1` |
//! | `health`, `metrics` | `/healthz`, `/metrics` |
//!
//! Whoever calls may be hostile: all that is read is bounded in size and time, and so is how many
//! call at once. docs/relay-host.md is for whoever runs a host.

mod answer;
mod events;
mod exposition;
mod framing;
mod health;
mod jocloud;
mod metrics;
mod pieces;
mod play;
mod request;
mod route;
mod socket;
mod streams;
mod tasks;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use livegate_core::relay::door::DoorSettings;
use livegate_core::url::egress::EgressPolicy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_local;

use self::framing::Framing;
pub use self::health::Health;
use self::socket::Socket;
use crate::callback::Callbacks;
use crate::credentials;
use crate::ingest::Crowd;
use crate::meter::Meters;
use crate::net::{Entrance, Guest};
use crate::store::Store;
use crate::stream::Streams;
use crate::task::Tasks;

/// The most bytes of a request's line and headers, and of what waits to be written. A token has at
/// most 1,200 bytes.
const MAX_HEAD: usize = 16 * 1024;

/// What waits in this process for a viewer to take it.
const MAX_WAITING: usize = 128 * 1024;

/// How long callers may take.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Patience {
    /// For a request's line and headers, and between two requests.
    pub head: Duration,
    /// For a request's body.
    pub body: Duration,
    /// Without taking anything of what is sent.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [head, body, stall] = [15, 10, 30].map(Duration::from_secs);
        Self { head, body, stall }
    }
}

/// What a listener answers with.
#[derive(Debug)]
pub struct Host {
    tasks: Tasks,
    streams: Streams,
    store: Store,
    callbacks: Option<Callbacks>,
    crowd: Crowd,
    credentials: credentials::Present,
    meters: Rc<Meters>,
    health: Rc<Health>,
    /// Where pushes may go.
    egress: EgressPolicy,
    /// What stands before an application's id in Jocloud's paths.
    jocloud_prefix: Vec<String>,
    patience: Patience,
    door: DoorSettings,
}

/// What a [`Host`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Its tasks.
    pub tasks: Tasks,
    /// Its streams.
    pub streams: Streams,
    /// Its store.
    pub store: Store,
    /// What tells state events, if anybody is told.
    pub callbacks: Option<Callbacks>,
    /// Everybody who watches and has a name.
    pub(crate) crowd: Crowd,
    /// Who may do what.
    pub credentials: credentials::Present,
    /// What is counted.
    pub meters: Rc<Meters>,
    /// What listens.
    pub health: Rc<Health>,
    /// Where pushes may go; `http` of it says whether plain RTMP may be.
    pub egress: EgressPolicy,
    /// How many connections there may be.
    pub door: DoorSettings,
    /// How long callers may take.
    pub patience: Patience,
    /// What stands before an application's id in Jocloud's paths, such as `/app`: the vendor's
    /// documents give two.
    pub jocloud_prefix: String,
}

impl Host {
    /// Nobody has called yet.
    pub fn new(parts: Parts) -> Self {
        let prefix = parts.jocloud_prefix.split('/').filter(|part| !part.is_empty());
        Self {
            tasks: parts.tasks,
            streams: parts.streams,
            store: parts.store,
            callbacks: parts.callbacks,
            crowd: parts.crowd,
            credentials: parts.credentials,
            meters: parts.meters,
            health: parts.health,
            egress: parts.egress,
            jocloud_prefix: prefix.map(str::to_owned).collect(),
            patience: parts.patience,
            door: parts.door,
        }
    }
}

/// One caller: counted as long as any clone is kept.
#[derive(Clone, Debug)]
struct Caller {
    _guest: Rc<Guest>,
}

/// Answers whoever connects, until it is dropped: then whoever was let in is answered what was asked, and
/// no more. Runs where tasks may stay on their thread.
pub async fn serve(listener: TcpListener, host: Rc<Host>) {
    let (_open, closed) = watch::channel(());
    let _listening = host.health.http();
    let entrance = Entrance::new(host.door, &host.meters, &host.meters.http_connections);
    let serve = |stream, _, guest| {
        let caller = Caller { _guest: Rc::new(guest) };
        spawn_local(connection(stream, Rc::clone(&host), caller, closed.clone()));
    };
    entrance.admit(&listener, serve).await;
}

async fn connection(
    stream: TcpStream,
    host: Rc<Host>,
    caller: Caller,
    mut closed: watch::Receiver<()>,
) {
    let (framing, heads) = Framing::new();
    let socket = Socket::new(stream, framing, host.patience.stall);
    let socket = TokioIo::new(socket);
    let answering = service_fn(|request| {
        let (host, caller) = (Rc::clone(&host), caller.clone());
        let head = heads.try_recv().unwrap_or_default();
        async move {
            let mut answer = match request::judge(&request, head) {
                Ok(()) => route::answer(&host, &caller, request).await,
                Err(problem) => problem.into_answer(request.uri().path()),
            };
            if head.is_encoded {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(host.patience.head)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_WAITING)
        .writev(true)
        .serve_connection(socket, answering)
        .with_upgrades();
    let mut served = pin!(served);
    let served = tokio::select! {
        served = served.as_mut() => served,
        _ = closed.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = served {
        // Never what was asked for: tokens stand in queries.
        tracing::debug!("a connection ended: {error}");
    }
}
