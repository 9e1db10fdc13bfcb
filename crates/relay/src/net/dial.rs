//! Connecting to a host by its name.
//!
//! A name is checked before it is looked up, and each address that it leads to before that very
//! address is connected to: what is asked a second time may answer otherwise.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use livegate_core::delivery::outcome;
use livegate_core::relay::push::{Cause, Step};
use livegate_core::url::Host;
use livegate_core::url::egress::{self, EgressPolicy};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::lookup::{self, Asker, Failure};
use super::{Tls, Wire};

/// Where connections may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Egress {
    /// Anywhere: the address is the operator's own.
    Anywhere,
    /// Only where the policy lets it: the address is a caller's. Its `http` says nothing here.
    Only(EgressPolicy),
}

impl Egress {
    fn allows_host(self, host: &Host) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Only(policy) => egress::check_host(host, policy).is_ok(),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Only(policy) => egress::check_address(address, policy).is_ok(),
        }
    }
}

/// How long the steps may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialTimes {
    /// Looking up the name, and TCP.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
}

/// Ten seconds for each.
impl Default for DialTimes {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), tls: Duration::from_secs(10) }
    }
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// No address is known for the name.
    UnknownHost,
    /// The name, or every address that it leads to, may not be called.
    Forbidden,
    /// Nobody listens at the port.
    Refused,
    /// There is no way to the host, or nobody could be asked for its address.
    Unreachable,
    /// No connection in its time.
    ConnectTimedOut,
    /// The TLS handshake failed: the certificate is not trusted, or there is no TLS there.
    TlsFailed(rustls::Error),
    /// The connection broke during the TLS handshake.
    TlsBroken,
    /// No TLS in its time.
    TlsTimedOut,
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TlsFailed(error) => write!(f, "the TLS handshake failed: {error}"),
            other => Cause::from(other).fmt(f),
        }
    }
}

impl std::error::Error for DialError {}

/// Of a push.
impl From<&DialError> for Cause {
    fn from(error: &DialError) -> Self {
        match error {
            DialError::UnknownHost => Self::UnknownHost,
            DialError::Forbidden => Self::AddressForbidden,
            DialError::Refused => Self::Refused,
            DialError::Unreachable => Self::Unreachable,
            DialError::ConnectTimedOut => Self::NoAnswer(Step::Tcp),
            DialError::TlsFailed(_) | DialError::TlsBroken => Self::TlsFailed,
            DialError::TlsTimedOut => Self::NoAnswer(Step::Tls),
        }
    }
}

/// Of a delivery.
impl From<&DialError> for outcome::Cause {
    fn from(error: &DialError) -> Self {
        match error {
            DialError::UnknownHost => Self::Dns,
            DialError::Forbidden => Self::BlockedAddress,
            DialError::Refused => Self::Reset,
            DialError::Unreachable => Self::Other,
            DialError::ConnectTimedOut | DialError::TlsTimedOut => Self::Timeout,
            DialError::TlsFailed(_) | DialError::TlsBroken => Self::Tls,
        }
    }
}

/// Connects, with TLS if it is given. `asker` is who has the name looked up.
///
/// # Errors
/// [`DialError`].
pub async fn dial(
    host: &Host,
    port: u16,
    tls: Option<&Tls>,
    egress: Egress,
    times: DialTimes,
    asker: &Asker,
) -> Result<Wire, DialError> {
    let tcp = connect(host, port, egress, times.connect, asker).await?;
    match tls {
        None => Ok(Wire::Plain(tcp)),
        Some(tls) => secure(tcp, host, tls, times.tls).await,
    }
}

/// Looks a name up and connects to the first of its addresses that answers. Small writes leave at
/// once (`TCP_NODELAY`).
///
/// # Errors
/// [`DialError`], but for those of TLS; of several addresses, what the last one said.
pub async fn connect(
    host: &Host,
    port: u16,
    egress: Egress,
    limit: Duration,
    asker: &Asker,
) -> Result<TcpStream, DialError> {
    let deadline = Instant::now() + limit;
    if !egress.allows_host(host) {
        return Err(DialError::Forbidden);
    }
    let found = match host {
        Host::V4(address) => vec![SocketAddr::from((*address, port))],
        Host::V6(address) => vec![SocketAddr::from((*address, port))],
        Host::Name(name) => look_up(name, port, deadline, asker).await?,
    };
    let allowed: Vec<_> = found.into_iter().filter(|found| egress.allows(found.ip())).collect();
    let mut last = DialError::Forbidden;
    for (index, address) in allowed.iter().enumerate() {
        // One address that is silent leaves time for those after it.
        let left = u32::try_from(allowed.len() - index).unwrap_or(u32::MAX);
        let now = Instant::now();
        let until = now + deadline.saturating_duration_since(now) / left;
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Without it everything still works, a little later.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => last = refused(&error),
            Err(_) => last = DialError::ConnectTimedOut,
        }
    }
    Err(last)
}

/// Makes a TCP connection one over TLS. The host's certificate is for its name, without the dot
/// that a name may end with.
///
/// # Errors
/// [`DialError::TlsFailed`], [`DialError::TlsBroken`] or [`DialError::TlsTimedOut`].
pub async fn secure(
    tcp: TcpStream,
    host: &Host,
    tls: &Tls,
    limit: Duration,
) -> Result<Wire, DialError> {
    let name = match host {
        Host::Name(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            ServerName::try_from(name.to_owned()).map_err(|_| DialError::UnknownHost)?
        }
        Host::V4(address) => ServerName::from(IpAddr::V4(*address)),
        Host::V6(address) => ServerName::from(IpAddr::V6(*address)),
    };
    let handshake = tls.connector().connect(name, tcp);
    match timeout_at(Instant::now() + limit, handshake).await {
        Ok(Ok(stream)) => Ok(Wire::Tls(Box::new(TlsStream::Client(stream)))),
        Ok(Err(error)) => Err(match error.downcast::<rustls::Error>() {
            Ok(error) => DialError::TlsFailed(error),
            Err(_) => DialError::TlsBroken,
        }),
        Err(_) => Err(DialError::TlsTimedOut),
    }
}

async fn look_up(
    name: &str,
    port: u16,
    deadline: Instant,
    asker: &Asker,
) -> Result<Vec<SocketAddr>, DialError> {
    // RFC 6761 §6.4: it is known that there is none, and nobody needs to be asked.
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare == "invalid" || bare.ends_with(".invalid") {
        return Err(DialError::UnknownHost);
    }
    match timeout_at(deadline, lookup::look_up(name, asker)).await {
        Ok(Ok(found)) => Ok(found.into_iter().map(|found| SocketAddr::new(found, port)).collect()),
        Ok(Err(Failure::NotNow)) => Err(DialError::Unreachable),
        Ok(Err(Failure::NoName)) => Err(DialError::UnknownHost),
        Err(_) => Err(DialError::ConnectTimedOut),
    }
}

fn refused(error: &io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialError::Refused,
        io::ErrorKind::TimedOut => DialError::ConnectTimedOut,
        _ => DialError::Unreachable,
    }
}
