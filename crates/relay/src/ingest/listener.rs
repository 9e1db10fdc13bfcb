//! Where RTMP connections come in.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use livegate_core::relay::door::DoorSettings;
use livegate_core::relay::host::HostSettings;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::hall::Hall;
use super::session;
use crate::net::{Entrance, Guest, Wire};

/// A port.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// What RTMPS is spoken with.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// Takes connections until it is dropped: of all listeners there are together as many as there may be.
pub(crate) async fn listen(listeners: Vec<Listener>, door: DoorSettings, hall: Hall) {
    let entrance = Entrance::new(door, &hall.meters, &hall.meters.rtmp_connections);
    let mut all = tokio::task::JoinSet::new();
    for Listener { socket, tls } in listeners {
        let (entrance, hall) = (Rc::clone(&entrance), hall.clone());
        all.spawn_local(async move {
            let serve = |tcp, peer, guest| {
                spawn_local(one(hall.clone(), tls.clone(), tcp, peer, guest));
            };
            entrance.admit(&socket, serve).await;
        });
    }
    while all.join_next().await.is_some() {}
}

async fn one(
    hall: Hall,
    tls: Option<Arc<ServerConfig>>,
    tcp: TcpStream,
    peer: SocketAddr,
    _guest: Guest,
) {
    if let Some(wire) = secured(tcp, tls, &hall.settings).await {
        session::serve(hall, wire, peer).await;
    } else {
        tracing::debug!(%peer, code = "rtmp.tls", "the TLS handshake failed");
    }
}

async fn secured(
    tcp: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    settings: &HostSettings,
) -> Option<Wire> {
    let Some(tls) = tls else { return Some(Wire::Plain(tcp)) };
    let handshake = TlsAcceptor::from(tls).accept(tcp);
    let stream =
        timeout(Duration::from_millis(settings.opening_ms()), handshake).await.ok()?.ok()?;
    Some(Wire::Tls(Box::new(TlsStream::Server(stream))))
}
