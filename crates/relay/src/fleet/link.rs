//! The WebSocket to the gateway: made again, with growing pauses, whenever it is gone.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use livegate_core::relay::backoff::Backoff;
use livegate_core::relay::link::{MAX_MESSAGE, close};
use livegate_core::time::Millis;
use livegate_core::url::HttpScheme;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Gateway;
use crate::clock;
use crate::net::{Asker, DialTimes, Egress, Tls, Wire, dial};

/// Between two tries.
const PAUSES: Backoff = Backoff { first: Millis(1_000), most: Millis(30_000), jitter_percent: 20 };

/// How long the gateway may take to answer the upgrade.
const OPENING: Duration = Duration::from_secs(15);

/// How often the gateway is asked whether it is there.
const PING: Duration = Duration::from_secs(5);

/// How long it may say nothing at all: a cut cable is not told by TCP for many minutes.
const SILENCE: Duration = Duration::from_secs(15);

/// After how long a connection was one, so that pauses begin anew.
const STABLE: Duration = Duration::from_secs(30);

/// What is heard of the gateway.
pub(super) enum Heard {
    /// A connection stands; what is to be said goes in there.
    Up(UnboundedSender<String>),
    /// The gateway says this.
    Says(String),
    /// The connection is gone, closed with this code if it was closed.
    Down(Option<u16>),
}

/// Keeps a connection, until nobody hears.
pub(super) async fn keep(gateway: Gateway, tls: Tls, heard: UnboundedSender<Heard>) {
    let mut failures = 0_u32;
    loop {
        let began = Instant::now();
        match open(&gateway, &tls).await {
            Ok(socket) => {
                tracing::info!(gateway = gateway.url.as_str(), "joined");
                let code = serve(socket, &heard).await;
                if heard.send(Heard::Down(code)).is_err() {
                    return;
                }
                let is_refused = matches!(code, Some(close::TAKEN | close::DELETED));
                if is_refused {
                    return;
                }
                if began.elapsed() >= STABLE {
                    failures = 0;
                }
                tracing::warn!(close = code, "the gateway is gone; what runs goes on");
            }
            Err(why) => {
                tracing::warn!(
                    gateway = gateway.url.as_str(),
                    "the gateway cannot be joined: {why}"
                );
            }
        }
        failures = failures.saturating_add(1);
        sleep(Duration::from_millis(PAUSES.after(failures, clock::dice()).0)).await;
        if heard.is_closed() {
            return;
        }
    }
}

async fn open(gateway: &Gateway, tls: &Tls) -> Result<WebSocketStream<Wire>, String> {
    let url = &gateway.url;
    let is_secure = url.scheme() == HttpScheme::Https;
    let scheme = if is_secure { "wss" } else { "ws" };
    let port = url.port().unwrap_or_else(|| url.scheme().default_port());
    let host = url.host();
    let tls = is_secure.then_some(tls);
    // The operator's own gateway may be anywhere.
    let wire = dial(host, port, tls, Egress::Anywhere, DialTimes::default(), &Asker::default())
        .await
        .map_err(|error| error.to_string())?;
    let base = url.path().trim_end_matches('/');
    let link = format!("{scheme}://{host}:{port}{base}/api/v1/relay-hosts/link");
    let mut request = link.into_client_request().map_err(|error| error.to_string())?;
    let mut token = HeaderValue::try_from(format!("Bearer {}", gateway.token))
        .map_err(|_| "the token has characters that no token has".to_owned())?;
    token.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, token);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match timeout(OPENING, client_async_with_config(request, wire, Some(config))).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Http(answer))) if answer.status().as_u16() == 401 => {
            Err("it refuses the host's token".to_owned())
        }
        Ok(Err(Error::Http(answer))) => Err(format!("it answers {}", answer.status())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// Passes messages on until the connection is gone; returns what it was closed with.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    heard: &UnboundedSender<Heard>,
) -> Option<u16> {
    let (says, mut said) = unbounded_channel();
    heard.send(Heard::Up(says)).ok()?;
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let opened_at = Instant::now();
    let mut heard_at = opened_at;
    // Who answers pings alone has not understood the hello, or failed at it.
    let mut is_mute = true;
    loop {
        let message = tokio::select! {
            message = socket.next() => message,
            said = said.recv() => {
                let Some(text) = said else {
                    // Nobody says anything any more: the host stops.
                    let away = CloseFrame { code: CloseCode::Away, reason: "".into() };
                    send(&mut socket, Message::Close(Some(away))).await;
                    return None;
                };
                if !send(&mut socket, Message::text(text)).await {
                    return None;
                }
                continue;
            }
            _ = pings.tick() => {
                let is_silent = heard_at.elapsed() >= SILENCE
                    || is_mute && opened_at.elapsed() >= SILENCE;
                if is_silent || !send(&mut socket, Message::Ping(Vec::new().into())).await {
                    return None;
                }
                continue;
            }
        };
        heard_at = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => {
                is_mute = false;
                heard.send(Heard::Says(text.as_str().to_owned())).ok()?;
            }
            Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

/// Sends a message, if the gateway takes it in time.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    message: Message,
) -> bool {
    matches!(timeout(SILENCE, socket.send(message)).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio::io::duplex;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::{Instant, timeout};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::{Heard, SILENCE, serve};

    const MINUTE: Duration = Duration::from_mins(1);

    /// For how long the host keeps a gateway that answers pings, and said this first.
    async fn kept(first: Option<&str>) -> Option<Duration> {
        let (here, there) = duplex(4_096);
        let host = WebSocketStream::from_raw_socket(here, Role::Client, None).await;
        let mut gateway = WebSocketStream::from_raw_socket(there, Role::Server, None).await;
        let (heard, _hears) = unbounded_channel();
        let answers = async {
            if let Some(text) = first {
                gateway.send(Message::text(text)).await.unwrap();
            }
            while gateway.next().await.is_some() {}
        };
        let began = Instant::now();
        tokio::select! {
            ended = timeout(MINUTE, serve(host, &heard)) => ended.ok().map(|_| began.elapsed()),
            () = answers => None,
        }
    }

    #[tokio::test]
    async fn a_host_that_stops_closes_the_connection() {
        let (here, there) = duplex(4_096);
        let host = WebSocketStream::from_raw_socket(here, Role::Client, None).await;
        let mut gateway = WebSocketStream::from_raw_socket(there, Role::Server, None).await;
        let (heard, mut hears) = unbounded_channel();
        let leaves = async {
            let Some(Heard::Up(says)) = hears.recv().await else { panic!("it is not up") };
            drop(says);
            loop {
                if let Message::Close(frame) = gateway.next().await.unwrap().unwrap() {
                    return frame.unwrap().code;
                }
            }
        };
        let (code, ended) = tokio::join!(leaves, serve(host, &heard));
        assert_eq!((u16::from(code), ended), (1001, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_never_says_welcome_is_left() {
        assert_eq!(kept(None).await, Some(SILENCE));
        assert_eq!(kept(Some("{}")).await, None, "that one is quiet, and there");
    }
}
