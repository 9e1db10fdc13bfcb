//! Play in a browser: `GET /live/{app}/{channel}.flv`, as HTTP-FLV, or as WebSocket-FLV where the
//! request asks for an upgrade. docs/relay-host.md §5.

mod playing;
mod tags;
mod websocket;

use std::rc::Rc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CONNECTION, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE, VARY,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use livegate_core::error::Coded;
use livegate_core::layout::Picture;
use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::ingest::{Place, Role};
use livegate_core::relay::token::{TokenError, Wish, is_name};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub(crate) use self::playing::Playing;
use super::answer::{Answer, Body, Problem, answer, empty};
use super::request::Call;
use super::socket::Socket;
use super::{Caller, Host};
use crate::clock;
use crate::ingest::Seat;
use crate::log;
use crate::meter::{By, Viewer};
use crate::stream::{Reader, Streams};

/// The methods of this path.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// The longest that somebody waits for a stream.
const LONGEST_WAIT_S: u64 = 30;

/// Answers a call of `/live/{app}/{file}`; all that goes wrong is told to pages that may play.
pub(super) async fn serve(
    host: &Rc<Host>,
    caller: &Caller,
    call: &Call,
    request: Request<Incoming>,
    (app, file): (&str, &str),
) -> Answer {
    let credentials = host.credentials.now();
    let given = match play(host, &credentials, caller, call, request, (app, file)).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_answer(&call.instance),
    };
    share(given, &credentials, call)
}

/// Says to a browser whose pages may read an answer.
fn share(mut answer: Answer, credentials: &Credentials, call: &Call) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_name(ORIGIN));
    let origin = call.header(ORIGIN.as_str()).unwrap_or_default();
    let allowed = credentials.play_origin(origin).and_then(|one| HeaderValue::from_str(one).ok());
    if let Some(allowed) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    }
    answer
}

async fn play(
    host: &Rc<Host>,
    credentials: &Credentials,
    caller: &Caller,
    call: &Call,
    mut request: Request<Incoming>,
    (app, file): (&str, &str),
) -> Result<Answer, Problem> {
    match call.method {
        Method::OPTIONS => return Ok(preflight()),
        Method::GET | Method::HEAD => {}
        _ => return Err(Problem::method(METHODS)),
    }
    let channel = file.strip_suffix(".flv").ok_or_else(|| Problem::not_found("route"))?;
    let picture = call.param("source").map_or(Some(Picture::Camera), Picture::from_name);
    let picture = picture.ok_or_else(|| Problem::parameter("source", "camera or screen"))?;
    let user = call.param("user").filter(|user| !user.is_empty());
    if ![Some(app), Some(channel), user].into_iter().flatten().all(is_name) {
        return Err(nobody());
    }
    let until = wait(call)?;
    let user =
        admitted(credentials, call, Wish { app, channel, user: user.unwrap_or(""), picture })?;
    let key = if is_upgrade(&call.headers) { Some(upgrade_key(credentials, call)?) } else { None };
    let reader = read(&host.streams, app, channel, user.as_deref(), picture, until).await;
    let reader = reader.ok_or_else(nobody)?;
    if call.method == Method::HEAD && key.is_none() {
        return Ok(stream(Body::of("")));
    }
    let seat = sit_down(host, credentials, call, (app, channel))?;
    if let Some(key) = key {
        let viewer = Viewer::new(By::WebSocket, Rc::clone(&host.meters));
        let playing = Playing::new(reader, viewer, seat);
        let upgrading = hyper::upgrade::on(&mut request);
        spawn_local(upgraded(upgrading, playing, caller.clone()));
        return Ok(switch(&key));
    }
    let viewer = Viewer::new(By::Http, Rc::clone(&host.meters));
    let playing = Playing::new(reader, viewer, seat);
    Ok(stream(Body::Playing(Box::new(playing))))
}

/// Of a viewer without a name there is nothing to tell; nor where everybody may watch, for then
/// everybody could tell anything of anybody.
fn sit_down(
    host: &Host,
    credentials: &Credentials,
    call: &Call,
    (app, channel): (&str, &str),
) -> Result<Option<Seat>, Problem> {
    let is_open = credentials.application(app).is_none_or(|known| known.play.is_none());
    let Some(user) = call.param("viewer").filter(|_| !is_open) else { return Ok(None) };
    let role = match call.param("role") {
        None => None,
        Some(role) => {
            let known = Role::from_name(role);
            Some(known.ok_or_else(|| Problem::parameter("role", "streamer or viewer"))?)
        }
    };
    let seat = host.crowd.play(Place { app, channel, user, role });
    let wrong = |_| Problem::parameter("viewer", "1 to 255 bytes without control characters");
    seat.map(Some).map_err(wrong)
}

fn stream(body: Body) -> Answer {
    let mut answer = answer(200, "video/x-flv", body);
    // nginx would keep back what is to be seen now.
    let name = HeaderName::from_static("x-accel-buffering");
    answer.headers_mut().insert(name, HeaderValue::from_static("no"));
    answer
}

fn preflight() -> Answer {
    let mut answer = empty(204);
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    // Players ask for ranges where they believe that they can seek.
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("range"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    answer
}

/// Nobody publishes it, or there is no such application.
fn nobody() -> Problem {
    Problem::new(
        404,
        "play.no_stream",
        "nobody publishes this stream now; `wait=SECONDS` waits for it",
    )
}

/// Until when somebody waits for a stream.
fn wait(call: &Call) -> Result<Instant, Problem> {
    let Some(text) = call.param("wait") else { return Ok(Instant::now()) };
    let seconds = text.parse().ok().filter(|seconds| *seconds <= LONGEST_WAIT_S);
    let wrong = || Problem::parameter("wait", "a whole number of seconds, 0 to 30");
    Ok(Instant::now() + Duration::from_secs(seconds.ok_or_else(wrong)?))
}

/// Whose stream may be watched, if any may; `None` for anybody's.
fn admitted(
    credentials: &Credentials,
    call: &Call,
    wish: Wish<'_>,
) -> Result<Option<String>, Problem> {
    let application = credentials.application(wish.app).ok_or_else(nobody)?;
    let token = call.param("token").or_else(|| call.bearer()).unwrap_or_default();
    let refused = |error: TokenError| {
        let code = error.code().as_str();
        if log::admits(code) {
            tracing::info!(code, app = wish.app, "a viewer was refused");
        }
        Problem::new(401, "play.refused", "there is no token that counts for this stream")
    };
    application.admit_viewer(token, wish, clock::wall()).map_err(refused)
}

/// The stream, once it is there.
async fn read(
    streams: &Streams,
    app: &str,
    channel: &str,
    user: Option<&str>,
    picture: Picture,
    until: Instant,
) -> Option<Reader> {
    let coming = async {
        loop {
            if let Some(reader) = streams.read(app, channel, user, picture, clock::now()) {
                return reader;
            }
            streams.comes().await;
        }
    };
    timeout_at(until, coming).await.ok()
}

/// Whether a header that is a list has this word.
fn has_word(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    has_word(headers, UPGRADE, "websocket") && has_word(headers, CONNECTION, "upgrade")
}

/// The key of a handshake that is right (RFC 6455 §4.2.1). Browsers let any page open a WebSocket,
/// so the origin is asked for here.
fn upgrade_key(credentials: &Credentials, call: &Call) -> Result<String, Problem> {
    let origin = call.header(ORIGIN.as_str());
    if origin.is_some_and(|origin| credentials.play_origin(origin).is_none()) {
        return Err(Problem::new(403, "play.origin", "pages of this origin may not play"));
    }
    let is_13 = call.header(SEC_WEBSOCKET_VERSION.as_str()) == Some("13");
    let key = call.header(SEC_WEBSOCKET_KEY.as_str()).filter(|key| key.len() == 24);
    let fine = key.filter(|_| is_13 && call.method == Method::GET);
    let wrong = || Problem::new(400, "play.handshake", "this is no handshake of WebSocket 13");
    fine.map(str::to_owned).ok_or_else(wrong)
}

fn switch(key: &str) -> Answer {
    let mut answer = Response::new(Body::of(""));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}

/// Plays over a connection that was handed over; it is counted until it ends.
async fn upgraded(upgrading: OnUpgrade, playing: Playing, _caller: Caller) {
    // It may not come: the caller is gone then.
    let Ok(upgraded) = upgrading.await else { return };
    let Ok(parts) = upgraded.downcast::<TokioIo<Socket<TcpStream>>>() else { return };
    let ran = websocket::run(parts.io.into_inner(), parts.read_buf, playing).await;
    if let Err(error) = ran {
        tracing::debug!(kind = ?error.kind(), "a viewer's connection broke");
    }
}
