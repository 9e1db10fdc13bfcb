//! Connections that come in: as many as there may be, and no more.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use livegate_core::relay::door::{Door, DoorSettings};
use livegate_core::relay::host::HostSettings;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::hall::Hall;
use super::session;
use crate::meter::Present;
use crate::net::Wire;

/// How long it waits after an accept that failed: most likely there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections come in.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// What RTMPS is spoken with.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// A connection that was let in, until it is dropped.
struct Entered {
    door: Rc<RefCell<Door>>,
    address: IpAddr,
    _present: Present,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.door.borrow_mut().leave(self.address);
    }
}

/// Takes connections until it is dropped.
pub(crate) async fn listen(listeners: Vec<Listener>, door: DoorSettings, hall: Hall) {
    let door = Rc::new(RefCell::new(Door::new(door)));
    let mut all = tokio::task::JoinSet::new();
    for listener in listeners {
        all.spawn_local(accept(listener, hall.clone(), Rc::clone(&door)));
    }
    while all.join_next().await.is_some() {}
}

async fn accept(listener: Listener, hall: Hall, door: Rc<RefCell<Door>>) {
    loop {
        let (tcp, peer) = match listener.socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(code = "rtmp.accept", "a connection could not be taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if !door.borrow_mut().enter(peer.ip()) {
            hall.meters.refused_connections.add(1);
            tracing::debug!(%peer, code = "rtmp.too_many", "too many connections");
            continue;
        }
        let entered = Entered {
            door: Rc::clone(&door),
            address: peer.ip(),
            _present: hall.meters.rtmp_connections.enter(),
        };
        let (hall, tls) = (hall.clone(), listener.tls.clone());
        spawn_local(async move {
            if let Some(wire) = secured(tcp, tls, &hall.settings).await {
                session::serve(hall, wire, peer).await;
            } else {
                tracing::debug!(%peer, code = "rtmp.tls", "the TLS handshake failed");
            }
            drop(entered);
        });
    }
}

async fn secured(
    tcp: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    settings: &HostSettings,
) -> Option<Wire> {
    // Without it everything still works, a little later.
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else { return Some(Wire::Plain(tcp)) };
    let handshake = TlsAcceptor::from(tls).accept(tcp);
    let stream =
        timeout(Duration::from_millis(settings.opening_ms()), handshake).await.ok()?.ok()?;
    Some(Wire::Tls(Box::new(TlsStream::Server(stream))))
}
