//! The hosts' sockets. They hibernate: what is known of a host between two messages travels in its
//! socket's attachment.

use js_sys::Array;
use livegate_core::error::Coded;
use livegate_core::id::{SourceId, TenantId};
use livegate_core::relay::link::{
    Callback, FromHost, Hello, HostRefused, HostSays, LinkError, Welcome, close,
};
use livegate_core::time::UnixMillis;
use serde_json::Value;
use web_sys::Response;
use worker::{State, WebSocket, WebSocketIncomingMessage, WebSocketPair};

use super::Fleet;
use super::turn::Turn;
use crate::document::{self, Field, document};
use crate::error::{Error, Problem, Result};
use crate::http::Incoming;
use crate::js;
use crate::model::SourceSnapshot;
use crate::objects::contract::ToTenant;
use crate::objects::tenant::{Item, Kind};
use crate::objects::{ObjectRef, call};
use crate::sql::params;
use crate::tail::{attached, keep_attached};

/// How many sockets a fleet has at most.
const MAX_SOCKETS: usize = 1_000;

/// The longest reason that a socket is closed with (RFC 6455 §5.5.1, less the code).
const MAX_REASON: usize = 123;

/// RFC 6455 §7.4.1: a normal end.
const NORMAL: u16 = 1000;

document! {
    /// What is known of the host at a socket's other end.
    #[derive(Clone, Debug)]
    pub(super) struct Attached {
        pub(super) host: String,
        /// Where its events go; the secret is asked for when it says hello.
        callback: String,
        source: SourceId,
        instance: String = String::new(),
        /// It has said hello, and is not closed.
        pub(super) is_greeted: bool = false,
        /// The number of its newest message.
        pub(super) number: u64 = 0,
        pub(super) heard_at: UnixMillis,
        connected_at: UnixMillis,
        pub(super) capacity: u64 = 0,
        pushes: u64 = 0,
        pub(super) cpu_permille: u64 = 0,
        version: String = String::new(),
    }
}

/// A socket and what is known of its host.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: WebSocket,
    pub(super) attached: Attached,
}

impl Link {
    /// Whether it is a host's, who can be told something.
    pub(super) fn is_of(&self, host: &str) -> bool {
        self.attached.is_greeted && self.attached.host == host
    }
}

fn of(socket: &WebSocket) -> Result<Option<Attached>> {
    attached(socket)?.map(|text| document::parse(&text)).transpose()
}

fn keep(socket: &WebSocket, attached: &Attached) -> Result<()> {
    keep_attached(socket, &document::text(attached))
}

/// Every socket that there is.
pub(super) fn links(state: &State) -> Result<Vec<Link>> {
    let mut all = Vec::new();
    for socket in state.get_websockets() {
        if let Some(attached) = of(&socket)? {
            all.push(Link { socket, attached });
        }
    }
    Ok(all)
}

/// Opens the socket of a host that was let in.
pub(super) fn open(fleet: &Fleet, request: &Incoming) -> Result<Response> {
    let state = &fleet.state;
    if state.get_websockets().len() >= MAX_SOCKETS {
        let detail = format!("there are {MAX_SOCKETS} connections already");
        return Err(Problem::new(503, "relay.hosts_full", detail).into());
    }
    let text = |name| request.param(name).unwrap_or_default();
    let wrong = |_| Error::runtime("a link without its source or tenant".to_owned());
    let source = SourceId::parse(&text("source")).map_err(wrong)?;
    let tenant = TenantId::parse(&text("tenant")).map_err(wrong)?;
    fleet.store()?.set_fact("tenant", &tenant.to_string())?;
    let now = js::now();
    let host = text("host");
    let attached = Attached {
        host: host.clone(),
        callback: text("callback"),
        source,
        instance: String::new(),
        is_greeted: false,
        number: 0,
        heard_at: now,
        connected_at: now,
        capacity: 0,
        pushes: 0,
        cpu_permille: 0,
        version: String::new(),
    };
    let pair = WebSocketPair::new()?;
    state.accept_websocket_with_tags(&pair.server, &[&host]);
    keep(&pair.server, &attached)?;
    Ok(worker::Response::from_websocket(pair.client)?.into())
}

/// Ends a connection; nothing is said to that host any more.
fn end(socket: &WebSocket, attached: &mut Attached, code: u16, reason: &str) -> Result<()> {
    attached.is_greeted = false;
    keep(socket, attached)?;
    let reason: String = reason.chars().take(MAX_REASON).collect();
    // It may be closing already.
    let _ = socket.close(Some(code), Some(reason));
    Ok(())
}

/// Ends the connections of a host that was deleted.
pub(super) fn dismiss(state: &State, host: &str) -> Result<()> {
    for socket in state.get_websockets_with_tag(host) {
        if let Some(mut attached) = of(&socket)? {
            end(&socket, &mut attached, close::DELETED, HostRefused::Deleted.code().as_str())?;
        }
    }
    Ok(())
}

/// A host said something.
pub(super) async fn heard(
    fleet: &Fleet,
    socket: &WebSocket,
    message: WebSocketIncomingMessage,
) -> Result<()> {
    let Some(mut attached) = of(socket)? else { return Ok(()) };
    let read = match &message {
        WebSocketIncomingMessage::String(text) => FromHost::read(text),
        WebSocketIncomingMessage::Binary(_) => Err(LinkError::NotJson),
    };
    let read = read.and_then(|message| {
        let is_hello = matches!(message.says, HostSays::Hello(_));
        if message.number != attached.number + 1 {
            Err(LinkError::Field("number"))
        } else if is_hello == (attached.number > 0) {
            Err(LinkError::Order)
        } else {
            Ok(message)
        }
    });
    let message = match read {
        Ok(message) => message,
        // A newer host says more than this end knows, and counts it.
        Err(LinkError::Unknown) if attached.is_greeted => {
            attached.number += 1;
            return keep(socket, &attached);
        }
        Err(error) => {
            let reason = format!("{}: {error}", error.code().as_str());
            return end(socket, &mut attached, close::MALFORMED, &reason);
        }
    };
    let now = js::now();
    let silence = now.since(attached.heard_at);
    (attached.number, attached.heard_at) = (message.number, now);
    keep(socket, &attached)?;
    if let HostSays::Hello(hello) = message.says {
        return greet(fleet, socket, attached, hello).await;
    }
    if !attached.is_greeted {
        // It was closed, or did not wait for its welcome.
        let reason = LinkError::Order.code();
        return end(socket, &mut attached, close::MALFORMED, reason.as_str());
    }
    let host = attached.host.clone();
    if let HostSays::Status { load, .. } = &message.says {
        (attached.pushes, attached.cpu_permille) = (load.pushes, load.cpu_permille);
        keep(socket, &attached)?;
    }
    let mut turn = fleet.turn(attached.heard_at)?;
    // Whose streams are to be looked after: all of them, where there may be room for some again.
    let mut came = Some(Vec::new());
    match message.says {
        HostSays::Status { tasks, .. } => {
            for report in tasks {
                turn.told(&host, &report)?;
            }
        }
        HostSays::Streams { came: new, gone } => {
            for stream in &gone {
                turn.store.drop_stream(&host, stream)?;
            }
            for stream in &new {
                turn.store.put_stream(&host, stream)?;
            }
            for stream in gone.iter().chain(&new) {
                turn.follow(stream)?;
            }
            came = Some(new);
        }
        HostSays::Renew { tasks } => turn.renew(&host, message.number, tasks)?,
        HostSays::Done { command, refused } => {
            turn.done(&host, command, refused.as_ref().map(|refused| refused.code.as_str()))?;
        }
        HostSays::Ended(report) => {
            turn.ended(&host, &report)?;
            came = None;
        }
        _ => {}
    }
    if turn.is_quiet_after(silence) {
        // Nobody gave it anything meanwhile.
        turn.place_all()?;
    }
    fleet.finish(turn, came).await
}

/// A host says hello: who it is, and what it has.
async fn greet(
    fleet: &Fleet,
    socket: &WebSocket,
    mut attached: Attached,
    hello: Hello,
) -> Result<()> {
    let Some(tenant) = fleet.store()?.tenant()? else { return Ok(()) };
    let object = ObjectRef::Tenant(tenant);
    let ask = ToTenant::Source(tenant, attached.source);
    let source: Option<SourceSnapshot> = call(&fleet.env, &object, ask).await?;
    let ask = ToTenant::Get(Kind::Settings, crate::api::settings::ID.to_owned());
    let settings: Option<Item> = call(&fleet.env, &object, ask).await?;
    let secret = source.and_then(|source| source.source.keys.current);
    let Some(secret) = secret else {
        // Its host was deleted since.
        let reason = HostRefused::Deleted.code();
        return end(socket, &mut attached, close::DELETED, reason.as_str());
    };
    let now = js::now();
    let store = fleet.store()?;
    let settings = settings.map(|item| item.doc).unwrap_or_default();
    for name in ["relay_lease_ms", "relay_rest_ms", "relay_status_ms"] {
        store
            .set_fact(name, &settings[name].as_u64().map_or_else(String::new, |n| n.to_string()))?;
    }
    let host = attached.host.clone();
    let turn = fleet.turn(now)?;
    for other in fleet.state.get_websockets_with_tag(&host) {
        let Some(mut there) = of(&other)?.filter(|there| there.is_greeted) else { continue };
        let link = Link { socket: other, attached: there.clone() };
        if there.instance != hello.instance && turn.is_heard(&link) {
            let reason = HostRefused::Taken.code();
            return end(socket, &mut attached, close::TAKEN, reason.as_str());
        }
        end(&link.socket, &mut there, NORMAL, "the host has connected anew")?;
    }
    attached.is_greeted = true;
    attached.heard_at = now;
    attached.instance.clone_from(&hello.instance);
    attached.version.clone_from(&hello.version);
    attached.capacity = hello.capacity.pushes;
    (attached.pushes, attached.cpu_permille) = (hello.load.pushes, hello.load.cpu_permille);
    keep(socket, &attached)?;
    let before = store.0.row("SELECT instance FROM hosts WHERE id = ?", &params![&host])?;
    let is_other = before.is_some_and(|row| row.text(0) != hello.instance);
    store.0.run(
        "INSERT OR REPLACE INTO hosts VALUES (?, ?, ?, ?, ?)",
        &params![&host, &hello.instance, &hello.version, hello.capacity.pushes, now.0],
    )?;
    store.forget_applications()?;
    let known = store.streams(Some(&host), None)?;
    let gone: Vec<_> = known.into_iter().filter(|one| !hello.streams.contains(one)).collect();
    for stream in &gone {
        store.drop_stream(&host, stream)?;
    }
    for stream in &hello.streams {
        store.put_stream(&host, stream)?;
    }
    let callback = Callback::new(attached.callback.clone(), secret);
    let mut welcome = Welcome::new(host.clone(), store.link()?, callback);
    // Made anew: this host is there now, and the settings may be others.
    let mut turn = fleet.turn(now)?;
    turn.reconcile(&host, &hello.tasks, is_other, &mut welcome)?;
    fleet.finish(turn, Some(hello.streams)).await
}

document! {
    /// How a host is.
    #[derive(Debug)]
    struct Host {
        id: String,
        connected: bool,
        version: String,
        /// The pushes that it can take, and those that it was given.
        capacity: u64,
        given: u64,
        heard_at: String,
        connected_at: Option<String>,
        /// What it says that it does.
        pushes: Option<u64>,
        cpu_permille: Option<u64>,
    }
}

/// Every host that ever said hello, and how it is.
pub(super) fn hosts(turn: &Turn) -> Result<Value> {
    let given = turn.store.given()?;
    let rows =
        turn.store.0.rows("SELECT id, version, capacity, heard_at FROM hosts", &Array::new())?;
    let mut all = Vec::new();
    for row in rows {
        let id = row.text(0);
        let attached = turn.heard().find(|link| link.is_of(&id)).map(|link| &link.attached);
        let heard_at = attached.map_or_else(|| UnixMillis(row.int(3)), |host| host.heard_at);
        let given = given.iter().find(|(host, _)| *host == id).map_or(0, |(_, pushes)| *pushes);
        let host = Host {
            connected: attached.is_some(),
            version: row.text(1),
            capacity: row.int(2),
            given,
            heard_at: heard_at.to_string(),
            connected_at: attached.map(|host| host.connected_at.to_string()),
            pushes: attached.map(|host| host.pushes),
            cpu_permille: attached.map(|host| host.cpu_permille),
            id,
        };
        all.push(host.write());
    }
    Ok(Value::Array(all))
}
