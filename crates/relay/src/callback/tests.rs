//! Events that are told over loopback, to receivers that behave in every way.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use livegate_core::dialect::Dialect;
use livegate_core::event::RelayState;
use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::outbox::OutboxSettings;
use livegate_core::scheme::{Builtin, Call, Policy, Secret, Secrets, Verifier};
use livegate_core::time::UnixMillis;
use livegate_core::url::HttpUrl;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, LocalSet, spawn_local};
use tokio::time::timeout;

use super::{Callbacks, Figures, Gateway, Receiver};
use crate::clock;
use crate::net::Tls;
use crate::store::{Change, Event, Store};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const SOON: Duration = Duration::from_secs(20);

/// One request as it came.
#[derive(Clone, Debug)]
struct Heard {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
    connection: u64,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    fn id(&self) -> &str {
        self.header("webhook-id")
    }

    fn body(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a receiver does with a request.
#[derive(Clone, Debug)]
enum Reply {
    /// It answers with these bytes.
    Says(String),
    /// It answers, and closes.
    SaysAndCloses(String),
    /// It answers and goes on with bytes without an end.
    Endless(String),
    /// It never answers.
    Nothing,
}

fn says(status: &str) -> Reply {
    Reply::Says(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))
}

type Script = Rc<dyn Fn(&Heard) -> Reply>;

/// A receiver.
#[derive(Clone)]
struct Server {
    port: u16,
    heard: Rc<RefCell<Vec<Heard>>>,
    rung: Rc<Notify>,
    tasks: Rc<RefCell<Vec<AbortHandle>>>,
}

impl Server {
    async fn new(script: impl Fn(&Heard) -> Reply + 'static) -> Self {
        Self::at(0, script).await
    }

    async fn at(port: u16, script: impl Fn(&Heard) -> Reply + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            heard: Rc::default(),
            rung: Rc::default(),
            tasks: Rc::default(),
        };
        let (own, script): (_, Script) = (server.clone(), Rc::new(script));
        let accepting = spawn_local(async move {
            for connection in 1.. {
                let (tcp, _) = listener.accept().await.unwrap();
                let serving = serve(own.clone(), tcp, connection, Rc::clone(&script));
                own.tasks.borrow_mut().push(spawn_local(serving).abort_handle());
            }
        });
        server.tasks.borrow_mut().push(accepting.abort_handle());
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Waits until it heard so much.
    async fn hears(&self, count: usize) -> Vec<Heard> {
        let enough = async {
            while self.heard.borrow().len() < count {
                self.rung.notified().await;
            }
        };
        let heard = || self.ids();
        timeout(SOON, enough).await.unwrap_or_else(|_| panic!("{:?}", heard()));
        self.heard.borrow().clone()
    }

    fn ids(&self) -> Vec<String> {
        self.heard.borrow().iter().map(|heard| heard.id().to_owned()).collect()
    }

    fn stop(&self) {
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
    }
}

async fn serve(
    server: Server,
    mut tcp: impl AsyncRead + AsyncWrite + Unpin,
    connection: u64,
    script: Script,
) {
    while let Some(mut heard) = read_request(&mut tcp).await {
        heard.connection = connection;
        let reply = script(&heard);
        server.heard.borrow_mut().push(heard);
        server.rung.notify_one();
        let sent = match &reply {
            Reply::Says(text) | Reply::SaysAndCloses(text) | Reply::Endless(text) => {
                tcp.write_all(text.as_bytes()).await
            }
            Reply::Nothing => std::future::pending().await,
        };
        if sent.is_err() || matches!(reply, Reply::SaysAndCloses(_)) {
            return;
        }
        if matches!(reply, Reply::Endless(_)) {
            while tcp.write_all(&[b'x'; 4_096]).await.is_ok() {}
            return;
        }
    }
}

async fn read_request(tcp: &mut (impl AsyncRead + Unpin)) -> Option<Heard> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if tcp.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let split = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_owned(), value.trim().to_owned())
    };
    let headers = lines.map(split).collect();
    let mut heard = Heard { line, headers, body: String::new(), connection: 0 };
    let length: usize = heard.header("content-length").parse().unwrap();
    while bytes.len() < head + length {
        tcp.read_buf(&mut bytes).await.ok()?;
    }
    heard.body = String::from_utf8(bytes[head..head + length].to_vec()).unwrap();
    Some(heard)
}

fn settings(changed: &[(&str, u64)]) -> OutboxSettings {
    let mut settings = OutboxSettings::default();
    settings.set("retry_first_ms", 100).unwrap();
    for (name, value) in changed {
        settings.set(name, *value).unwrap();
    }
    settings
}

/// The receiver of `app`, as an operator's file has it.
fn receivers(callback: &Value) -> BTreeMap<String, Receiver> {
    let file = json!({"applications": [
        {"app": "app", "publish_keys": [KEY], "callback": callback},
    ]});
    super::receivers(&Credentials::from_json(file.to_string().as_bytes()).unwrap())
}

fn livegate(url: &str) -> Value {
    json!({"url": url, "secret": SECRET})
}

fn number(number: u64) -> String {
    format!("evt_{number:032x}")
}

/// A state of a push, as a host tells it.
fn state(id: u64, channel: &str, more: &Value) -> Change {
    let mut body = json!({
        "id": number(id), "type": "relay.state", "time": clock::now().to_string(), "app_id": "app",
        "channel": channel, "task": "t1", "url": "rtmp://push.example.com/live/s3cret",
        "state": "live", "link": "CONNECTED",
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    Change::Event(Event {
        app: "app".to_owned(),
        channel: channel.to_owned(),
        body: body.to_string(),
        id: number(id),
        at: clock::now(),
    })
}

/// A host's side: a store, and what tells.
struct Host {
    folder: TempDir,
    store: Store,
    callbacks: Callbacks,
}

impl Host {
    fn new(receivers: BTreeMap<String, Receiver>, settings: OutboxSettings) -> Self {
        Self::open(tempfile::tempdir().unwrap(), receivers, settings, Gateway::None)
    }

    fn open(
        folder: TempDir,
        receivers: BTreeMap<String, Receiver>,
        settings: OutboxSettings,
        gateway: Gateway,
    ) -> Self {
        let (store, kept) = Store::open(folder.path()).unwrap();
        let tls = Tls::new(None).unwrap();
        let callbacks =
            Callbacks::new(store.clone(), &kept.lines, settings, tls, receivers, gateway);
        Self { folder, store, callbacks }
    }

    async fn tells(&self, ids: impl IntoIterator<Item = u64>, channel: &str) {
        let changes = ids.into_iter().map(|id| state(id, channel, &json!({}))).collect();
        self.store.write(changes).await.unwrap();
    }

    fn figures(&self) -> Figures {
        self.callbacks.figures().remove(0)
    }

    /// Waits until it goes like that with the receiver.
    async fn until(&self, met: impl Fn(&Figures) -> bool) -> Figures {
        let met = async {
            while !met(&self.figures()) {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, met).await.unwrap_or_else(|_| panic!("{:?}", self.figures()));
        self.figures()
    }

    /// Ends as a process does that is killed: what was told and not written down is forgotten.
    async fn dies(self) -> TempDir {
        self.callbacks.0.state.borrow_mut().close();
        self.callbacks.0.turned.notify_one();
        self.store.close().await;
        self.folder
    }

    async fn ends(self) -> TempDir {
        self.callbacks.close().await;
        self.store.close().await;
        self.folder
    }
}

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(number).collect()
}

#[tokio::test]
async fn events_arrive_in_order_signed_and_are_forgotten() {
    local(async {
        let server = Server::new(|_| Reply::Says(OK.to_owned())).await;
        let url = server.url("/hook?room=1");
        let host = Host::new(receivers(&livegate(&url)), settings(&[]));
        host.tells(1..=40, "room").await;
        let heard = server.hears(40).await;
        assert_eq!(server.ids(), ids(1..=40));

        let scheme = Builtin::StandardWebhooks.scheme();
        let secrets = Secrets::new(Secret::for_scheme(&scheme, SECRET).unwrap());
        let verifier = Verifier::new(&scheme, &url, Some(&secrets), Policy::default()).unwrap();
        for heard in &heard {
            assert_eq!(heard.line, "POST /hook?room=1 HTTP/1.1");
            assert_eq!(heard.header("host"), format!("127.0.0.1:{}", server.port));
            assert_eq!(heard.header("content-type"), "application/json");
            let headers: Vec<_> = heard.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
            let call = Call {
                method: "POST",
                query: "room=1",
                headers: &headers,
                body: heard.body.as_bytes(),
            };
            assert!(verifier.verify(&call, clock::now()).is_ok());
            assert_eq!(heard.body()["id"], heard.id());
            // Masked, unless the file says otherwise.
            assert_eq!(heard.body()["url"], "rtmp://push.example.com/live/***");
        }
        // One connection did for all.
        assert!(heard.iter().all(|heard| heard.connection == 1));
        assert_eq!(host.until(|now| now.waiting == 0).await.delivered, 40);
        let (_, kept) = Store::open(host.ends().await.path()).unwrap();
        assert!(kept.lines.is_empty());
    })
    .await;
}

#[tokio::test]
async fn standard_webhooks_own_library_verifies_what_is_sent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = root.join("node_modules/standardwebhooks");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    if !library.exists() || !node.is_ok_and(|status| status.success()) {
        println!("skipped: node with standardwebhooks is not there");
        return;
    }
    local(async {
        let server = Server::new(|_| says("204 No Content")).await;
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&[]));
        host.tells([7], "room").await;
        let heard = server.hears(1).await.remove(0);
        let script = "const {Webhook} = require('standardwebhooks');\
            const {body, headers, secret} = JSON.parse(process.argv[1]);\
            new Webhook(secret).verify(body, headers);\
            try { new Webhook(secret).verify(body + ' ', headers) } catch { process.exit(0) }\
            process.exit(1)";
        let headers: BTreeMap<_, _> =
            heard.headers.iter().map(|(n, v)| (n.to_lowercase(), v)).collect();
        let given = json!({"body": heard.body, "headers": headers, "secret": SECRET});
        let judged = Command::new("node")
            .args(["-e", script, &given.to_string()])
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_not_taken_is_told_after_a_restart_in_order_with_the_same_ids() {
    local(async {
        let server = Server::new(|_| Reply::Says(OK.to_owned())).await;
        let port = server.port;
        let receivers = || receivers(&livegate(&server.url("/")));
        let host = Host::new(receivers(), settings(&[]));
        host.tells(1..=5, "room").await;
        server.hears(5).await;
        // Before it is written down what was told, the host is killed; and nobody listens then.
        let folder = host.dies().await;
        server.stop();
        tokio::task::yield_now().await;
        let host = Host::open(folder, receivers(), settings(&[]), Gateway::None);
        host.tells(6..=8, "room").await;
        host.until(|now| now.failed >= 2).await;
        assert_eq!(host.figures().failing.unwrap().0.as_str(), "delivery.reset");
        let folder = host.dies().await;

        let again = Server::at(port, |_| Reply::Says(OK.to_owned())).await;
        let host = Host::open(folder, receivers(), settings(&[]), Gateway::None);
        again.hears(3).await;
        host.until(|now| now.waiting == 0).await;
        // Whatever was repeated came before what is new, and all of it in order.
        let heard = again.ids();
        let first = heard.iter().position(|id| *id == number(6)).unwrap();
        assert_eq!(heard[first..], ids(6..=8)[..]);
        assert_eq!(heard[..first], ids(1..=5)[5 - first..]);
        assert_eq!(host.figures().failing, None);
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn patience_is_had_and_the_event_told_again() {
    local(async {
        let called_at = Rc::new(RefCell::new(Vec::new()));
        let calls = Rc::clone(&called_at);
        let server = Server::new(move |_| {
            calls.borrow_mut().push(clock::now());
            match calls.borrow().len() {
                1 => says("500 Internal Server Error"),
                2 => Reply::Says(
                    "HTTP/1.1 429 Slow\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n".to_owned(),
                ),
                3 => Reply::SaysAndCloses("no HTTP at all\r\n\r\n".to_owned()),
                4 => Reply::SaysAndCloses(String::new()),
                _ => Reply::Says(OK.to_owned()),
            }
        })
        .await;
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&[]));
        host.tells([1], "room").await;
        server.hears(2).await;
        // Another channel of the receiver has the same patience.
        host.tells([2], "other").await;
        server.hears(3).await;
        let patience = called_at.borrow()[2].since(called_at.borrow()[1]);
        assert!(patience.0 >= 1_000, "{patience:?}");
        let figures = host.until(|now| now.delivered == 2).await;
        assert_eq!((figures.failed, figures.put_aside), (4, 0));
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_is_put_aside_and_holds_up_nothing() {
    local(async {
        let server = Server::new(|heard| {
            let status = if heard.id() == number(1) { "410 Gone" } else { "200 OK" };
            says(status)
        })
        .await;
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&[("refusals", 2)]));
        host.tells([1, 2], "room").await;
        let figures = host.until(|now| now.delivered == 1).await;
        assert_eq!((figures.put_aside, figures.failed), (1, 2));
        assert_eq!(server.ids(), ids([1, 1, 2]));
        host.callbacks.close().await;
        let aside = host.store.aside(None, None).await.unwrap();
        assert_eq!(aside.len(), 1);
        assert_eq!((&*aside[0].id, &*aside[0].code), (&*number(1), "delivery.gone"));
        assert!(!aside[0].body.contains("s3cret"));
        host.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    local(async {
        let other = Server::new(|_| Reply::Says(OK.to_owned())).await;
        let to = other.url("/");
        let server = Server::new(move |_| {
            Reply::Says(format!("HTTP/1.1 307 Go\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
        })
        .await;
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&[]));
        host.tells([1], "room").await;
        server.hears(3).await;
        assert_eq!(host.figures().failing.unwrap().0.as_str(), "delivery.redirected");
        assert!(other.heard.borrow().is_empty());
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_channel_without_an_answer_holds_up_no_other() {
    local(async {
        let server = Server::new(|heard| {
            let is_silent = heard.body()["channel"] == "silent";
            if is_silent { Reply::Nothing } else { Reply::Says(OK.to_owned()) }
        })
        .await;
        let changed = [("answer_ms", 1_000), ("requests_each", 2)];
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&changed));
        host.tells([1], "silent").await;
        host.tells(2..=20, "room").await;
        host.until(|now| now.delivered == 19).await;
        let figures = host.until(|now| now.failed == 2).await;
        assert_eq!(figures.failing.unwrap().0.as_str(), "delivery.timeout");
        let silent = server.ids().iter().filter(|id| **id == number(1)).count();
        assert!(silent >= 2);
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_answer_and_one_with_an_endless_head_is_none() {
    local(async {
        let server = Server::new(|heard| match heard.body()["channel"].as_str() {
            Some("body") => Reply::Endless("HTTP/1.1 200 OK\r\n\r\n".to_owned()),
            _ => Reply::Endless("HTTP/1.1 200 OK\r\nx: ".to_owned()),
        })
        .await;
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&[]));
        host.tells([1, 2], "body").await;
        host.until(|now| now.delivered == 2).await;
        // No connection was used again.
        let heard = server.hears(2).await;
        assert_ne!(heard[0].connection, heard[1].connection);
        host.tells([3], "head").await;
        host.until(|now| now.failed >= 1).await;
        assert_eq!(host.figures().delivered, 2);
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_no_failure() {
    local(async {
        let server = Server::new(|_| Reply::SaysAndCloses(OK.to_owned())).await;
        let host = Host::new(receivers(&livegate(&server.url("/"))), settings(&[]));
        for id in 1..=5 {
            host.tells([id], "room").await;
            host.until(|now| now.delivered == id).await;
        }
        assert_eq!(host.figures().failed, 0);
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn metastudios_format_says_what_it_has_words_for() {
    local(async {
        let server = Server::new(|_| says("200 OK")).await;
        let url = server.url("/live/callback");
        let callback =
            json!({"url": url, "format": "metastudio", "secret": "k3y", "secrets": "intact"});
        let host = Host::new(receivers(&callback), settings(&[]));
        let lost = json!({"state": "recovering", "link": "DISCONNECTED", "code": "push.wedged"});
        let other = json!({"type": "channel.start", "url": null, "state": null});
        host.store
            .write(vec![state(1, "r1", &lost), state(2, "r1", &other), state(3, "r1", &json!({}))])
            .await
            .unwrap();
        let heard = server.hears(2).await;
        let figures = host.until(|now| now.waiting == 0).await;
        assert_eq!((figures.delivered, figures.skipped), (2, 1));
        // As Huawei documents it: HMAC-SHA256 of the address without its scheme, and the time.
        let time = heard[0].header("x-hw-mss-time");
        let signed = format!("127.0.0.1:{}/live/callback{time}", server.port);
        let mac = Command::new("openssl")
            .args(["dgst", "-sha256", "-hmac", "k3y", "-r"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .and_then(|mut child| {
                use std::io::Write as _;
                child.stdin.take().unwrap().write_all(signed.as_bytes())?;
                child.wait_with_output()
            })
            .unwrap();
        let mac = String::from_utf8(mac.stdout).unwrap();
        assert_eq!(heard[0].header("x-hw-mss-secret"), mac.split(' ').next().unwrap());
        let message: Value =
            serde_json::from_str(heard[0].body()["message"].as_str().unwrap()).unwrap();
        assert_eq!(heard[0].body()["event_type"], "RTMP_STREAM_STATE_CHANGE");
        let expected = json!({
            "room_id": "r1", "job_id": "t1", "output_url": "rtmp://push.example.com/live/s3cret",
            "stream_key": "", "state": "DISCONNECTED",
        });
        assert_eq!(message, expected);
        assert!(heard[1].body.contains("CONNECTED"));
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn alibabas_format_is_artcs() {
    local(async {
        let server = Server::new(|_| says("200 OK")).await;
        let callback = json!({"url": server.url("/"), "format": "alibaba"});
        let host = Host::new(receivers(&callback), settings(&[]));
        host.tells([1], "room").await;
        let heard = server.hears(1).await.remove(0);
        let words: BTreeMap<String, String> = [("1".to_owned(), "live".to_owned())].into();
        let raw = json!({"dialect": "artc-mpu", "words": words});
        let dialect: Dialect = serde_json::from_value(raw).unwrap();
        let events = dialect.parse(heard.body.as_bytes()).unwrap();
        let relay = events.first().relay.as_ref().unwrap();
        assert_eq!(relay.state, Some(RelayState::Live));
        assert_eq!(relay.task.as_deref(), Some("t1"));
        assert_eq!(heard.body()["AppId"], "app");
        assert_eq!(heard.body()["MsgId"], number(1));
        assert!(!heard.body.contains("s3cret"));
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_gateway_is_told_of_all_applications_once_its_address_is_known() {
    local(async {
        let server = Server::new(|_| says("200 OK")).await;
        let folder = tempfile::tempdir().unwrap();
        let host = Host::open(folder, BTreeMap::new(), settings(&[]), Gateway::Told);
        assert!(host.callbacks.wants("any"));
        host.tells([1, 2], "room").await;
        host.until(|now| now.waiting == 2).await;
        let folder = host.dies().await;
        let host = Host::open(folder, BTreeMap::new(), settings(&[]), Gateway::Told);
        assert_eq!(host.figures().waiting, 2);
        let scheme = Builtin::StandardWebhooks.scheme();
        let gateway = || {
            let secret = Secret::for_scheme(&scheme, SECRET).unwrap();
            Receiver::gateway(&HttpUrl::parse(&server.url("/in/src")).unwrap(), secret).unwrap()
        };
        host.callbacks.set_gateway(Some(gateway()));
        host.until(|now| now.delivered == 2).await;
        // Cut off, it waits; back again, it goes on at once.
        host.callbacks.set_gateway(None);
        host.tells([3], "room").await;
        host.until(|now| now.waiting == 1).await;
        host.callbacks.set_gateway(Some(gateway()));
        host.until(|now| now.delivered == 3).await;
        assert_eq!(server.ids(), ids(1..=3));
        // It masks itself what it shows.
        assert!(server.heard.borrow()[0].body.contains("s3cret"));
        assert!(!format!("{:?}", host.callbacks).contains("s3cret"));
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_kept_of_what_nobody_is_told_and_a_file_may_change() {
    local(async {
        let server = Server::new(|_| says("200 OK")).await;
        let host = Host::new(BTreeMap::new(), settings(&[]));
        assert!(!host.callbacks.wants("app"));
        host.tells([1], "room").await;
        let gone = async {
            while !host.store.older(UnixMillis(u64::MAX / 4)).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, gone).await.unwrap();
        host.callbacks.set(receivers(&livegate(&server.url("/"))));
        assert!(host.callbacks.wants("app"));
        host.tells([2], "room").await;
        server.hears(1).await;
        assert_eq!(server.ids(), ids([2]));
        host.until(|now| now.waiting == 0).await;
        host.callbacks.set(BTreeMap::new());
        assert!(host.callbacks.figures().is_empty());
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_too_old_is_counted_and_goes() {
    local(async {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path()).unwrap();
        let long_ago = Event {
            app: "app".to_owned(),
            channel: "room".to_owned(),
            body: "{}".to_owned(),
            id: number(1),
            at: UnixMillis(clock::now().0 - 86_400_001),
        };
        store.write(vec![Change::Event(long_ago), state(2, "room", &json!({}))]).await.unwrap();
        store.close().await;
        let server = Server::new(|_| Reply::Nothing).await;
        let receivers = receivers(&livegate(&server.url("/")));
        let host = Host::open(folder, receivers, settings(&[]), Gateway::None);
        let figures = host.until(|now| now.expired > 0).await;
        assert_eq!((figures.expired, figures.waiting), (1, 1));
        // What is left goes its way, whatever was under way.
        timeout(SOON, async {
            while !server.ids().contains(&number(2)) {
                server.rung.notified().await;
            }
        })
        .await
        .unwrap();
        host.ends().await;
    })
    .await;
}

#[tokio::test]
async fn receivers_may_be_called_over_tls() {
    local(async {
        let folder = tempfile::tempdir().unwrap();
        crate::net::tests::certificate(folder.path());
        let acceptor = crate::net::tests::acceptor(folder.path());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let server =
            Server { port: 0, heard: Rc::default(), rung: Rc::default(), tasks: Rc::default() };
        let own = server.clone();
        spawn_local(async move {
            loop {
                let (tcp, _): (TcpStream, _) = listener.accept().await.unwrap();
                let Ok(tls) = acceptor.accept(tcp).await else { continue };
                let script: Script = Rc::new(|_| Reply::Says(OK.to_owned()));
                spawn_local(serve(own.clone(), tls, 1, script));
            }
        });
        let data = tempfile::tempdir().unwrap();
        let begin = |tls| {
            let (store, kept) = Store::open(data.path()).unwrap();
            let receivers = receivers(&livegate(&url));
            let gateway = Gateway::None;
            let callbacks =
                Callbacks::new(store.clone(), &kept.lines, settings(&[]), tls, receivers, gateway);
            (store, callbacks)
        };
        let (store, strange) = begin(Tls::new(None).unwrap());
        store.write(vec![state(1, "room", &json!({}))]).await.unwrap();
        let failing = async {
            while strange.figures()[0].failing.is_none() {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, failing).await.unwrap();
        assert_eq!(strange.figures()[0].failing.unwrap().0.as_str(), "delivery.tls");
        strange.close().await;
        store.close().await;
        let (store, trusting) = begin(Tls::new(Some(&folder.path().join("cert.pem"))).unwrap());
        server.hears(1).await;
        trusting.close().await;
        store.close().await;
    })
    .await;
}
