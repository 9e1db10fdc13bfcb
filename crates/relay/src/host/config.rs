//! What a host is to be, and why it is not.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use livegate_core::error::{Code, Coded, Fault};
use livegate_core::relay::host::Settings;
use livegate_core::relay::link::HostRefused;

use crate::credentials::CredentialsError;
use crate::fleet::Gateway;
use crate::net::{Egress, TlsFileError};
use crate::store::StoreError;

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
    /// A defect: nobody listens to the gateway any more.
    Lost,
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
            Self::Lost => f.write_str("nobody listens to the gateway any more: a defect"),
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
            Self::Lost => Code::new("host.link_lost"),
            Self::System(_) => Code::new("host.system"),
        }
    }

    fn fault(&self) -> Fault {
        if matches!(self, Self::Lost) { Fault::Internal } else { Fault::Config }
    }
}
