//! Connections that come in: as many as there may be, and no more.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use livegate_core::relay::host::HostSettings;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::session::{self, Hall};
use crate::net::Wire;

/// How long it waits after an accept that failed: most likely there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections come in.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// What RTMPS is spoken with.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// How many connections there are.
#[derive(Debug, Default)]
struct Count {
    all: Cell<u64>,
    of: RefCell<BTreeMap<IpAddr, u64>>,
}

/// One connection's share of the count.
struct Counted(Rc<Count>, IpAddr);

impl Count {
    fn admit(self: &Rc<Self>, address: IpAddr, settings: &HostSettings) -> Option<Counted> {
        let mut of = self.of.borrow_mut();
        let own = of.get(&address).copied().unwrap_or(0);
        if self.all.get() >= settings.connections() || own >= settings.connections_per_address() {
            return None;
        }
        of.insert(address, own + 1);
        self.all.set(self.all.get() + 1);
        Some(Counted(Rc::clone(self), address))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Self(count, address) = self;
        count.all.set(count.all.get().saturating_sub(1));
        let mut of = count.of.borrow_mut();
        if let Some(own) = of.get_mut(address) {
            *own -= 1;
            if *own == 0 {
                of.remove(address);
            }
        }
    }
}

/// Takes connections until it is dropped.
pub(crate) async fn listen(listeners: Vec<Listener>, hall: Hall) {
    let count = Rc::new(Count::default());
    let mut all = tokio::task::JoinSet::new();
    for listener in listeners {
        all.spawn_local(accept(listener, hall.clone(), Rc::clone(&count)));
    }
    while all.join_next().await.is_some() {}
}

async fn accept(listener: Listener, hall: Hall, count: Rc<Count>) {
    loop {
        let (tcp, peer) = match listener.socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(code = "rtmp.accept", "a connection could not be taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(counted) = count.admit(peer.ip(), &hall.settings) else {
            tracing::debug!(%peer, code = "rtmp.too_many", "too many connections");
            continue;
        };
        let (hall, tls) = (hall.clone(), listener.tls.clone());
        spawn_local(async move {
            if let Some(wire) = secured(tcp, tls, &hall.settings).await {
                session::serve(hall, wire, peer).await;
            } else {
                tracing::debug!(%peer, code = "rtmp.tls", "the TLS handshake failed");
            }
            drop(counted);
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
