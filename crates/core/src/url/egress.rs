//! Whether an address may be called.

use core::fmt;
use core::net::IpAddr;

use super::{Host, HttpScheme, HttpUrl, Network};
use crate::error::{Code, Coded, Fault};

/// What a deployment allows beyond `https` to the public internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    /// Whether `http` may be called. No by default.
    pub http: bool,
    /// Whether 127.0.0.0/8, `::1` and the name `localhost` may be called. No by default.
    pub loopback: bool,
}

impl EgressPolicy {
    /// `https` to the public internet alone.
    pub const PUBLIC: Self = Self { http: false, loopback: false };

    /// For development: `http` as well, and this machine.
    pub const DEVELOPMENT: Self = Self { http: true, loopback: true };
}

/// Why an address may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EgressRefusal {
    /// `url.not_https`: `http`, where only `https` is allowed.
    NotHttps,
    /// `url.address_not_public`: an address in a network that is not public.
    Address {
        /// Which.
        network: Network,
    },
    /// `url.name_not_public`: a name that never leads to a public host: `localhost`, one without
    /// a dot, or below `localhost`, `local`, `internal` or `home.arpa`.
    Name,
}

impl fmt::Display for EgressRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttps => f.write_str("the address should begin with https://"),
            Self::Address { network } => {
                write!(f, "the address is not on the public internet ({network})")
            }
            Self::Name => f.write_str("the host's name is not one of the public internet"),
        }
    }
}

impl core::error::Error for EgressRefusal {}

impl Coded for EgressRefusal {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::NotHttps => "url.not_https",
            Self::Address { .. } => "url.address_not_public",
            Self::Name => "url.name_not_public",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}

/// Whether `url` may be called. To be asked when an address is set and again before each call:
/// the policy may have changed in between.
///
/// # Errors
/// [`EgressRefusal`].
pub fn check(url: &HttpUrl, policy: EgressPolicy) -> Result<(), EgressRefusal> {
    if url.scheme() == HttpScheme::Http && !policy.http {
        return Err(EgressRefusal::NotHttps);
    }
    check_host(url.host(), policy)
}

/// The same of a host alone.
///
/// # Errors
/// [`EgressRefusal`].
pub fn check_host(host: &Host, policy: EgressPolicy) -> Result<(), EgressRefusal> {
    match host {
        Host::Name(name) if policy.loopback && name == "localhost" => Ok(()),
        Host::Name(name) if is_local_name(name) => Err(EgressRefusal::Name),
        Host::Name(_) => Ok(()),
        Host::V4(address) => check_address(IpAddr::V4(*address), policy),
        Host::V6(address) => check_address(IpAddr::V6(*address), policy),
    }
}

/// The same of what a name led to: to be asked of the very address that is then connected to.
///
/// # Errors
/// [`EgressRefusal::Address`].
pub fn check_address(address: IpAddr, policy: EgressPolicy) -> Result<(), EgressRefusal> {
    let network = match address {
        IpAddr::V4(address) => Network::of_v4(address),
        IpAddr::V6(address) => Network::of_v6(address),
    };
    match network {
        None => Ok(()),
        Some(Network::Loopback) if policy.loopback => Ok(()),
        Some(network) => Err(EgressRefusal::Address { network }),
    }
}

/// Names without a dot, and those below the special-use domains for one machine (RFC 6761), one
/// link (RFC 6762), one home (RFC 8375) and private networks (ICANN's `internal`).
fn is_local_name(name: &str) -> bool {
    !name.contains('.')
        || [".localhost", ".local", ".internal", ".home.arpa"].iter().any(|end| name.ends_with(end))
        || name == "home.arpa"
}
