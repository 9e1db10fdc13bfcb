//! Connections that come in: as many as there may be, and no more.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use livegate_core::relay::door::{Door, DoorSettings};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::log;
use crate::meter::{Gauge, Meters, Present};

/// How long it rests when nobody can be taken: most likely there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

/// A door, and who is inside.
pub(crate) struct Entrance {
    door: RefCell<Door>,
    meters: Rc<Meters>,
    inside: Gauge,
}

/// Somebody who was let in, until it is dropped.
pub(crate) struct Guest {
    entrance: Rc<Entrance>,
    address: IpAddr,
    _present: Present,
}

impl Entrance {
    /// Nobody is inside yet.
    pub(crate) fn new(settings: DoorSettings, meters: &Rc<Meters>, inside: &Gauge) -> Rc<Self> {
        let door = RefCell::new(Door::new(settings));
        Rc::new(Self { door, meters: Rc::clone(meters), inside: inside.clone() })
    }

    /// Has whoever connects served, until it is dropped. Whoever is one too many is closed at once: an
    /// answer would cost what is to be saved.
    pub(crate) async fn admit(
        self: &Rc<Self>,
        socket: &TcpListener,
        serve: impl Fn(TcpStream, SocketAddr, Guest),
    ) {
        loop {
            match socket.accept().await {
                Ok((stream, peer)) => {
                    let Some(guest) = self.enter(peer) else { continue };
                    // Without it everything still works, a little later.
                    let _ = stream.set_nodelay(true);
                    serve(stream, peer, guest);
                }
                Err(error) => {
                    let code = "host.accept";
                    if log::admits(code) {
                        tracing::warn!(code, "a connection could not be taken: {error}");
                    }
                    sleep(REST).await;
                }
            }
        }
    }

    fn enter(self: &Rc<Self>, peer: SocketAddr) -> Option<Guest> {
        let address = peer.ip();
        if !self.door.borrow_mut().enter(address) {
            self.meters.refused_connections.add(1);
            tracing::debug!(%peer, code = "host.too_many", "too many connections");
            return None;
        }
        Some(Guest { entrance: Rc::clone(self), address, _present: self.inside.enter() })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.entrance.door.borrow_mut().leave(self.address);
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("address", &self.address).finish_non_exhaustive()
    }
}
