//! Live tails: server-sent events and `WebSocket`s, each at its own position in a sequence.
//!
//! A tail is pulled, not pushed: whoever has news wakes it, and it reads what follows its position
//! from the same rows that answer a resume. So live and resumed listeners see the same messages,
//! none twice. Server-sent events: HTML Living Standard §9.2. `WebSocket`s hibernate: their position
//! travels in their attachment.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::future::Future;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use livegate_core::time::Millis;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;
use worker::worker_sys::DurableObjectState;
use worker::{State, WebSocket, WebSocketPair};

use crate::document::{self, document};
use crate::error::{Error, Result};
use crate::http::Incoming;
use crate::js;
use crate::wire::TailMessage;

/// How often a silent stream says that it is alive.
const HEARTBEAT: Millis = Millis(15_000);

/// How many bytes a socket is sent at once before it has to come again. A server-sent event waits
/// until the one before was taken; a socket's message does not.
const MAX_CATCH_UP: usize = 8 << 20;

/// RFC 6455 §7.4.1 and IANA's registry of close codes.
const TRY_AGAIN_LATER: u16 = 1013;

/// How many listeners one object serves.
const MAX_LISTENERS: usize = 1_000;

#[wasm_bindgen(module = "/src/platform.js")]
extern "C" {
    /// An answer with a stream of events, and what writes to it.
    #[wasm_bindgen(js_name = eventStream)]
    fn event_stream() -> Array;
}

#[wasm_bindgen]
extern "C" {
    type Attached;
    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    fn attach(this: &Attached, text: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    fn attached(this: &Attached) -> Result<Option<String>, JsValue>;

    type Writer;
    #[wasm_bindgen(method, catch)]
    fn write(this: &Writer, chunk: &Uint8Array) -> Result<js_sys::Promise, JsValue>;
}

document! {
    /// What a listener listens to, and from where on.
    #[derive(Clone, Debug, Default)]
    struct Place {
        after: u64,
        source: Option<String>,
        /// What was asked for, where that is beyond the newest: the sequence began anew.
        beyond: Option<u64>,
    }
}

/// Events between two positions that a listener will not see.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// The position that it has seen.
    after: u64,
    /// The position that the stream goes on after.
    resumed_at: u64,
}

/// What a gap is called in a tail, where events have their kind.
const GAP: &str = "livegate.gap";

impl Place {
    /// From `Last-Event-ID`, or `after`, or else from now on.
    fn of(request: &Incoming, newest: u64) -> Self {
        let asked = request.header("last-event-id").or_else(|| request.param("after"));
        let asked: Option<u64> = asked.and_then(|text| text.trim().parse().ok());
        let beyond = asked.filter(|after| *after > newest);
        let after = asked.unwrap_or(newest).min(newest);
        Self { after, source: request.param("source"), beyond }
    }

    /// The gap before the stream begins.
    fn first_gap(&self) -> Option<Gap> {
        self.beyond.map(|after| Gap { after, resumed_at: self.after })
    }

    /// The gap before a message: positions have none of their own, so what is not there was
    /// removed.
    const fn gap_before(&self, message: &TailMessage) -> Option<Gap> {
        let before = message.position.saturating_sub(1);
        if self.after < before { Some(Gap { after: self.after, resumed_at: before }) } else { None }
    }

    fn wants(&self, message: &TailMessage) -> bool {
        self.source.as_deref().is_none_or(|source| source == message.source.to_string())
    }
}

impl Gap {
    fn data(self) -> String {
        format!("{{\"after\":{},\"resumed_at\":{}}}", self.after, self.resumed_at)
    }

    /// As a server-sent event.
    fn event(self) -> String {
        format!("id: {}\nevent: {GAP}\ndata: {}\n\n", self.resumed_at, self.data())
    }

    /// As a WebSocket's message.
    fn message(self) -> String {
        format!("{{\"id\":{},\"kind\":\"{GAP}\",\"event\":{}}}", self.resumed_at, self.data())
    }
}

struct Stream {
    writer: Writer,
    place: RefCell<Place>,
    busy: Cell<bool>,
    again: Cell<bool>,
    gone: Cell<bool>,
}

impl Stream {
    async fn write(&self, text: &str) {
        let written = match self.writer.write(&Uint8Array::from(text.as_bytes())) {
            Ok(promise) => JsFuture::from(promise).await.map(|_| ()),
            Err(thrown) => Err(thrown),
        };
        // A listener that left is what a failing write means.
        if written.is_err() {
            self.gone.set(true);
        }
    }
}

/// The listeners of one object.
#[derive(Default)]
pub(crate) struct Tails {
    streams: Rc<RefCell<Vec<Rc<Stream>>>>,
    sockets_busy: Rc<Cell<bool>>,
    sockets_again: Rc<Cell<bool>>,
}

impl Tails {
    /// Whether anybody listens.
    pub(crate) fn any(&self, state: &State) -> bool {
        !self.streams.borrow().is_empty() || !state.get_websockets().is_empty()
    }

    /// Opens a tail for a caller that was let in, as a WebSocket where it asks for one.
    pub(crate) fn open(&self, state: &State, request: &Incoming, newest: u64) -> Result<Response> {
        let place = Place::of(request, newest);
        let sockets = state.get_websockets().len();
        if self.streams.borrow().len() + sockets >= MAX_LISTENERS {
            let detail = format!("there are {MAX_LISTENERS} listeners already");
            return Err(crate::error::Problem::new(503, "tail.full", detail).into());
        }
        let upgrade =
            request.header("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
        if upgrade { open_socket(state, &place) } else { Ok(self.open_stream(place)) }
    }

    fn open_stream(&self, place: Place) -> Response {
        let parts = event_stream();
        let (response, writer) = (parts.get(0).unchecked_into(), parts.get(1).unchecked_into());
        let stream = Rc::new(Stream {
            writer,
            place: RefCell::new(place),
            busy: Cell::new(false),
            again: Cell::new(false),
            gone: Cell::new(false),
        });
        self.streams.borrow_mut().push(Rc::clone(&stream));
        let streams = Rc::clone(&self.streams);
        // The position comes first, so that a listener that breaks before any event resumes there.
        let mut hello = format!("id: {}\n\n", stream.place.borrow().after);
        if let Some(gap) = stream.place.borrow().first_gap() {
            hello.push_str(&gap.event());
        }
        js::spawn(async move {
            stream.write(&hello).await;
            while !stream.gone.get() {
                js::sleep(HEARTBEAT).await;
                if !stream.busy.get() {
                    stream.write(":\n\n").await;
                }
            }
            streams.borrow_mut().retain(|other| !Rc::ptr_eq(other, &stream));
        });
        response
    }

    /// Lets every listener read on. `read(after)` gives what follows a position, in order; an
    /// empty answer means that there is nothing more.
    pub(crate) fn wake<F, R>(&self, state: &State, read: F)
    where
        F: Fn(u64) -> R + Clone + 'static,
        R: Future<Output = Result<Vec<TailMessage>>> + 'static,
    {
        for stream in self.streams.borrow().iter() {
            if stream.busy.replace(true) {
                stream.again.set(true);
                continue;
            }
            let (stream, read) = (Rc::clone(stream), read.clone());
            js::spawn(async move {
                loop {
                    stream.again.set(false);
                    follow_stream(&stream, &read).await;
                    if !stream.again.get() || stream.gone.get() {
                        break;
                    }
                }
                stream.busy.set(false);
            });
        }
        if state.get_websockets().is_empty() {
            return;
        }
        self.sockets_again.set(true);
        if self.sockets_busy.replace(true) {
            return;
        }
        let (busy, again) = (Rc::clone(&self.sockets_busy), Rc::clone(&self.sockets_again));
        let raw: &JsValue = state.as_raw().as_ref();
        let state = State::from(raw.clone().unchecked_into::<DurableObjectState>());
        js::spawn(async move {
            while again.replace(false) {
                // One that was opened meanwhile is among them.
                for socket in &state.get_websockets() {
                    if let Err(error) = follow_socket(socket, &read).await {
                        worker::console_error!("a tail: {error}");
                    }
                }
            }
            busy.set(false);
        });
    }
}

async fn follow_stream<F, R>(stream: &Stream, read: &F)
where
    F: Fn(u64) -> R,
    R: Future<Output = Result<Vec<TailMessage>>>,
{
    while !stream.gone.get() {
        let after = stream.place.borrow().after;
        let messages = match read(after).await {
            Ok(messages) => messages,
            Err(error) => {
                worker::console_error!("a tail: {error}");
                return;
            }
        };
        if messages.is_empty() {
            return;
        }
        let mut text = String::new();
        for message in &messages {
            let mut place = stream.place.borrow_mut();
            if let Some(gap) = place.gap_before(message) {
                text.push_str(&gap.event());
            }
            place.after = message.position;
            if place.wants(message) {
                // Writing to a text cannot fail.
                let _ = write!(
                    text,
                    "id: {}\nevent: {}\ndata: {}\n\n",
                    message.position, message.kind, message.event
                );
            }
        }
        if text.is_empty() {
            // Nothing of it was for this listener: others get their turn before it reads on.
            js::sleep(Millis(0)).await;
        } else {
            stream.write(&text).await;
        }
    }
}

fn open_socket(state: &State, place: &Place) -> Result<Response> {
    let pair = WebSocketPair::new()?;
    state.accept_web_socket(&pair.server);
    keep_place(&pair.server, place)?;
    if let Some(gap) = place.first_gap() {
        pair.server.send_with_str(gap.message())?;
    }
    let response = worker::Response::from_websocket(pair.client)?;
    Ok(response.into())
}

/// Where a socket is travels with it, since its object may sleep meanwhile.
fn keep_place(socket: &WebSocket, place: &Place) -> Result<()> {
    keep_attached(socket, &document::text(place))
}

fn place_of(socket: &WebSocket) -> Result<Option<Place>> {
    attached(socket)?.map(|text| document::parse(&text)).transpose()
}

/// Keeps a text with a socket, however often its object sleeps.
pub(crate) fn keep_attached(socket: &WebSocket, text: &str) -> Result<()> {
    attachment_of(socket).attach(text).map_err(Error::js)
}

/// The text that is kept with a socket.
pub(crate) fn attached(socket: &WebSocket) -> Result<Option<String>> {
    attachment_of(socket).attached().map_err(Error::js)
}

fn attachment_of(socket: &WebSocket) -> Attached {
    let raw: &JsValue = socket.as_ref().as_ref();
    raw.clone().unchecked_into()
}

async fn follow_socket<F, R>(socket: &WebSocket, read: &F) -> Result<()>
where
    F: Fn(u64) -> R,
    R: Future<Output = Result<Vec<TailMessage>>>,
{
    let Some(mut place) = place_of(socket)? else { return Ok(()) };
    let mut sent = 0_usize;
    loop {
        if sent > MAX_CATCH_UP {
            // What a socket does not take is held in memory, and nobody tells how much that is.
            let _ =
                socket.close(Some(TRY_AGAIN_LATER), Some("far behind: resume after the last id"));
            return Ok(());
        }
        let messages = read(place.after).await?;
        if messages.is_empty() {
            return Ok(());
        }
        for message in &messages {
            if let Some(gap) = place.gap_before(message)
                && socket.send_with_str(gap.message()).is_err()
            {
                return Ok(());
            }
            place.after = message.position;
            if place.wants(message) {
                // The event is JSON already; it goes in as it is.
                let text = format!(
                    "{{\"id\":{},\"kind\":\"{}\",\"event\":{}}}",
                    message.position, message.kind, message.event
                );
                sent += text.len();
                if socket.send_with_str(&text).is_err() {
                    return Ok(());
                }
            }
        }
        keep_place(socket, &place)?;
        // Others get their turn.
        js::sleep(Millis(0)).await;
    }
}

/// What a Durable Object does when one of its `WebSocket`s closes or fails: a part of its `DurableObject`.
macro_rules! listeners_may_leave {
    () => {
        async fn websocket_close(
            &self,
            socket: worker::WebSocket,
            code: usize,
            reason: String,
            _was_clean: bool,
        ) -> worker::Result<()> {
            $crate::tail::closed(&socket, code, &reason);
            Ok(())
        }

        async fn websocket_error(
            &self,
            _socket: worker::WebSocket,
            _error: worker::Error,
        ) -> worker::Result<()> {
            Ok(())
        }
    };
}
pub(crate) use listeners_may_leave;

/// The same and what it does with a message, for an object whose sockets are all tails.
macro_rules! listeners_are_only_told {
    () => {
        async fn websocket_message(
            &self,
            _socket: worker::WebSocket,
            _message: worker::WebSocketIncomingMessage,
        ) -> worker::Result<()> {
            Ok(())
        }

        $crate::tail::listeners_may_leave!();
    };
}
pub(crate) use listeners_are_only_told;

/// Answers a listener that closes its socket.
pub(crate) fn closed(socket: &WebSocket, code: usize, reason: &str) {
    // 1005 and 1006 (RFC 6455 §7.4.1) must not travel in a close frame.
    let code = u16::try_from(code).ok().filter(|code| !matches!(code, 1005 | 1006));
    // It is closing anyway.
    let _ = socket.close(Some(code.unwrap_or(1000)), Some(reason));
}
