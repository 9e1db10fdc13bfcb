//! Connections over loopback, to servers that behave in every way.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use livegate_core::relay::push::{Cause, Step};
use livegate_core::url::Host;
use livegate_core::url::egress::EgressPolicy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Asker, DialError, DialTimes, Egress, Tls, TlsFileError, Wire, dial};

const LOCAL: Host = Host::V4(Ipv4Addr::LOCALHOST);
const DEVELOPMENT: Egress = Egress::Only(EgressPolicy::DEVELOPMENT);
const PUBLIC: Egress = Egress::Only(EgressPolicy::PUBLIC);

fn name(text: &str) -> Host {
    Host::Name(text.to_owned())
}

fn soon() -> DialTimes {
    DialTimes { connect: Duration::from_millis(200), tls: Duration::from_millis(200) }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn cause(host: &Host, port: u16, tls: Option<&Tls>, egress: Egress) -> Cause {
    Cause::from(&dial(host, port, tls, egress, soon(), &Asker::default()).await.unwrap_err())
}

/// A certificate for `localhost` that signed itself, and its key, by openssl.
pub(crate) fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args("-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1".split(' '))
        .args("-addext basicConstraints=critical,CA:FALSE".split(' '))
        .args("-keyout key.pem -out cert.pem".split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

pub(crate) fn acceptor(folder: &Path) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn an_address_of_this_machine_is_called_only_where_that_is_allowed() {
    let (_listener, port) = listen().await;
    for host in [LOCAL, name("localhost")] {
        assert!(dial(&host, port, None, Egress::Anywhere, soon(), &Asker::default()).await.is_ok());
        let wire = dial(&host, port, None, DEVELOPMENT, soon(), &Asker::default()).await.unwrap();
        assert!(wire.tcp().nodelay().unwrap());
        assert_eq!(cause(&host, port, None, PUBLIC).await, Cause::AddressForbidden);
    }
    let private = Host::V4(Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(cause(&private, port, None, DEVELOPMENT).await, Cause::AddressForbidden);
    // An IPv4 address in IPv6's clothes leads there as well.
    let mapped = Host::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
    assert_eq!(cause(&mapped, port, None, PUBLIC).await, Cause::AddressForbidden);
}

#[tokio::test]
async fn what_a_name_leads_to_is_judged_too() {
    let (_listener, port) = listen().await;
    // This machine's own name leads to an address that is not public.
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let dotted = hosts.lines().filter(|line| line.starts_with("127.")).find_map(|line| {
        line.split_ascii_whitespace().skip(1).find(|name| {
            let local = name.ends_with(".localdomain") || name.starts_with("localhost");
            name.contains('.') && !local
        })
    });
    if let Some(dotted) = dotted {
        assert_eq!(cause(&name(dotted), port, None, PUBLIC).await, Cause::AddressForbidden);
    }
    assert_eq!(cause(&name("host.invalid"), port, None, PUBLIC).await, Cause::UnknownHost);
    assert_eq!(cause(&name("host.invalid."), port, None, PUBLIC).await, Cause::UnknownHost);
}

#[tokio::test]
async fn nobody_listens() {
    let (listener, port) = listen().await;
    drop(listener);
    assert_eq!(cause(&LOCAL, port, None, Egress::Anywhere).await, Cause::Refused);
}

#[tokio::test]
async fn nobody_answers() {
    // A listener whose queue is full: the kernel passes over whoever comes next.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let listener = socket.listen(0).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut held = Vec::new();
    let last = loop {
        match dial(&LOCAL, port, None, Egress::Anywhere, soon(), &Asker::default()).await {
            Ok(wire) => held.push(wire),
            Err(error) => break error,
        }
        assert!(held.len() < 16);
    };
    assert!(matches!(last, DialError::ConnectTimedOut), "{last:?}");
    assert_eq!(Cause::from(&last), Cause::NoAnswer(Step::Tcp));
}

#[tokio::test]
async fn tls_is_spoken_with_whom_the_operator_trusts() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let acceptor = acceptor(folder.path());
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
            let mut word = [0; 4];
            tls.read_exact(&mut word).await.unwrap();
            tls.write_all(&word).await.unwrap();
            tls.flush().await.unwrap();
        }
    });
    let trusting = Tls::new(Some(&folder.path().join("cert.pem"))).unwrap();
    for host in [name("localhost"), LOCAL] {
        let times = DialTimes::default();
        let mut wire =
            dial(&host, port, Some(&trusting), Egress::Anywhere, times, &Asker::default())
                .await
                .unwrap();
        assert!(matches!(wire, Wire::Tls(_)));
        wire.write_all(b"ping").await.unwrap();
        wire.flush().await.unwrap();
        let mut word = [0; 4];
        wire.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"ping");
        assert_eq!(wire.tcp().peer_addr().unwrap().port(), port);
    }
    // Mozilla's authorities do not know it.
    let strange = Tls::new(None).unwrap();
    assert_eq!(cause(&LOCAL, port, Some(&strange), Egress::Anywhere).await, Cause::TlsFailed);
    server.abort();
}

#[tokio::test]
async fn no_tls_there_or_no_word_at_all() {
    let tls = Tls::new(None).unwrap();
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        // The first hears no TLS, the second nothing but the end, the third nothing.
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drop(listener.accept().await.unwrap());
        let silent = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
        drop(silent);
    });
    for expected in [Cause::TlsFailed, Cause::TlsFailed, Cause::NoAnswer(Step::Tls)] {
        assert_eq!(cause(&LOCAL, port, Some(&tls), Egress::Anywhere).await, expected);
    }
    server.abort();
}

#[test]
fn a_file_of_authorities_has_to_have_some() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authorities.pem");
    assert!(matches!(Tls::new(Some(&path)), Err(TlsFileError::Unreadable)));
    fs::write(&path, "no certificate\n").unwrap();
    assert!(matches!(Tls::new(Some(&path)), Err(TlsFileError::Empty)));
    fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(Tls::new(Some(&path)), Err(TlsFileError::NoAuthority)));
}
