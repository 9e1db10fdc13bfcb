//! Which servers are trusted.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use livegate_core::error::{Code, Coded, Fault};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The client's side of TLS: 1.2 and 1.3, Mozilla's authorities, and those of the operator's own
/// file. Cloning it shares it.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why a file of authorities cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsFileError {
    /// It cannot be read, or it is no PEM.
    Unreadable,
    /// It has no certificate in it.
    Empty,
    /// A certificate in it cannot be an authority's.
    NoAuthority,
}

impl fmt::Display for TlsFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the file of certificates cannot be read as PEM",
            Self::Empty => "the file of certificates has none in it",
            Self::NoAuthority => "the file has a certificate that cannot be an authority's",
        })
    }
}

impl std::error::Error for TlsFileError {}

impl Coded for TlsFileError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Unreadable => "net.certificates_unreadable",
            Self::Empty => "net.certificates_missing",
            Self::NoAuthority => "net.certificates_invalid",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

impl Tls {
    /// Trusts Mozilla's authorities, and those of a PEM file beside them if one is given.
    ///
    /// # Errors
    /// [`TlsFileError`], of that file.
    #[expect(clippy::missing_panics_doc, reason = "what is compiled in has both versions")]
    pub fn new(extra: Option<&Path>) -> Result<Self, TlsFileError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = extra {
            let before = roots.len();
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|_| TlsFileError::Unreadable)?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| TlsFileError::Unreadable)?;
                roots.add(certificate).map_err(|_| TlsFileError::NoAuthority)?;
            }
            if roots.len() == before {
                return Err(TlsFileError::Empty);
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config) })
    }

    pub(super) fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
