//! The server over real connections on this machine.

mod api;
mod events;
mod hostile;
mod play;
mod stage;

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::door::DoorSettings;
use livegate_core::relay::host::Settings;
use livegate_core::relay::outbox::OutboxSettings;
use livegate_core::url::egress::EgressPolicy;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::timeout;

use self::stage::Play;
use super::{Health, Host, Parts, Patience, serve};
use crate::callback::{Callbacks, Gateway, Receiver};
use crate::credentials::Present;
use crate::ingest::Crowd;
use crate::meter::Meters;
use crate::net::{Asker, DialTimes, Egress, Tls};
use crate::pull::Pulls;
use crate::push::Connector;
use crate::store::Store;
use crate::stream::Streams;
use crate::task::Tasks;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token-of-the-api-of-32-letters";

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// Runs a test as the host runs: everything in one thread.
fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let done = LocalSet::new().block_on(&runtime, async { timeout(LONG, test).await });
    done.expect("a test ends in its time");
}

/// Turns the loop until something is so; [`run`] has the bound.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}

/// A host that serves.
struct Served {
    address: SocketAddr,
    host: Rc<Host>,
    _folder: TempDir,
}

fn credentials(more: &str) -> Credentials {
    let file = format!(
        r#"{{"api_tokens":["{TOKEN}"]{more},"applications":[
        {{"app":"live","publish_keys":["{KEY}"]}},
        {{"app":"shut","publish_keys":["{KEY}"],"play":"token"}},
        {{"app":"2371","publish_keys":["{KEY}"],
          "jocloud":{{"customer_id":"c1","customer_secret":"s3cr3t"}}}}]}}"#
    );
    Credentials::from_json(file.as_bytes()).unwrap()
}

impl Served {
    async fn new() -> Self {
        Self::with("", Patience::default(), DoorSettings::default()).await
    }

    async fn with(more: &str, patience: Patience, door: DoorSettings) -> Self {
        Self::telling(more, patience, door, None).await
    }

    /// One that tells the application `live` to somebody.
    async fn telling(
        more: &str,
        patience: Patience,
        door: DoorSettings,
        receiver: Option<Receiver>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path()).unwrap();
        let mut settings = Settings::default();
        settings.set("queue_bytes", 65_536).unwrap();
        let streams = Streams::new(settings.queue, settings.gop);
        let connector = Connector {
            tls: Tls::new(None).unwrap(),
            egress: Egress::Only(EgressPolicy::PUBLIC),
            asker: Asker::default(),
            times: DialTimes::default(),
            send_buffer: 65_536,
            ack_window: 0,
        };
        let meters = Rc::new(Meters::default());
        let (ends, _) = unbounded_channel();
        let crowd = Crowd::new(settings.ingest, streams.clone(), store.clone(), ends);
        let pulls = Pulls::new(connector.clone(), crowd.clone(), &settings, None);
        let tasks = Tasks::new(
            &settings,
            streams.clone(),
            store.clone(),
            connector,
            pulls,
            Rc::clone(&meters),
        );
        let parts = Parts {
            tasks,
            streams,
            store: store.clone(),
            credentials: Present::new(credentials(more)),
            crowd,
            callbacks: receiver.map(|receiver| {
                let mut outbox = OutboxSettings::default();
                outbox.set("refusals", 1).unwrap();
                let receivers = [("live".to_owned(), receiver)].into();
                let tls = Tls::new(None).unwrap();
                Callbacks::new(store.clone(), &[], outbox, tls, receivers, Gateway::None)
            }),
            meters,
            health: Rc::new(Health::default()),
            egress: EgressPolicy { http: true, loopback: false },
            door,
            patience,
            jocloud_prefix: "/app".to_owned(),
        };
        let host = Rc::new(Host::new(parts));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        spawn_local(serve(listener, Rc::clone(&host)));
        Self { address, host, _folder: folder }
    }

    /// Somebody publishes.
    fn publish(&self, app: &str, channel: &str, user: &str) -> Play {
        Play::begin(&self.host.streams, app, channel, user)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks, and returns when the answer's head is there.
    async fn send(&self, request: Request<Full<Bytes>>) -> Response<hyper::body::Incoming> {
        let stream = TokioIo::new(self.connect().await);
        let (mut sender, connection) = http1::handshake(stream).await.unwrap();
        spawn_local(connection);
        sender.send_request(request).await.unwrap()
    }

    /// Asks, and reads the whole answer.
    async fn ask(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let (head, body) = self.send(request).await.into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        self.ask(request("GET", path).body(Full::default()).unwrap()).await
    }
}

fn request(method: &str, path: &str) -> hyper::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "localhost")
}

/// A call of the API by who may.
fn api(method: &str, path: &str, body: &Value) -> Request<Full<Bytes>> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = request(method, path).header("authorization", format!("Bearer {TOKEN}"));
    request.body(Full::from(body)).unwrap()
}

fn header<'a, B>(answer: &'a Response<B>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Status and `code` of a problem.
fn problem(answer: &Response<Bytes>) -> (u16, String) {
    assert_eq!(header(answer, "content-type"), "application/problem+json");
    let document: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(document["status"], answer.status().as_u16());
    (answer.status().as_u16(), document["code"].as_str().unwrap().to_owned())
}
