//! What a host listens at.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::config::{Config, HostError, Ready, Rtmps};
use crate::ingest::Listener;

/// The sockets of a host.
pub(super) struct Sockets {
    /// RTMP's and RTMPS's.
    pub(super) rtmp: Vec<Listener>,
    pub(super) http: Option<TcpListener>,
    pub(super) ready: Ready,
}

/// Listens, and answers nobody yet.
pub(super) async fn bind(config: &Config) -> Result<Sockets, HostError> {
    let mut rtmp = Vec::new();
    let mut ready = Ready::default();
    if let Some(address) = config.rtmp {
        let socket = listen_at(address).await?;
        ready.rtmp = socket.local_addr().ok();
        rtmp.push(Listener { socket, tls: None });
    }
    if let Some(rtmps) = &config.rtmps {
        let tls = Some(Arc::new(server_tls(rtmps)?));
        let socket = listen_at(rtmps.address).await?;
        ready.rtmps = socket.local_addr().ok();
        rtmp.push(Listener { socket, tls });
    }
    let mut http = None;
    if let Some(address) = config.http {
        let socket = listen_at(address).await?;
        ready.http = socket.local_addr().ok();
        http = Some(socket);
    }
    Ok(Sockets { rtmp, http, ready })
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
