//! The live tail: connect, read, reconnect where it broke off, and say what is the case.

pub(crate) mod forward;
pub(crate) mod state;

use std::io::Read;
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::sse::{Message, Reader};
use crate::client::{Client, TailFailure};
use crate::clock::random;
use crate::failure::Failure;
use state::{State, pause};

/// The gateway's own message that events are no longer kept.
const GAP: &str = "livegate.gap";
/// A connection that lasted this long was a good one: the pauses begin anew.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// Who hears of states and events.
pub(crate) trait Listener {
    /// The connection changed.
    fn state(&mut self, state: &State) -> Result<(), Failure>;
    /// An event came. `Break` ends the listening.
    fn event(&mut self, event: &Event<'_>) -> Result<ControlFlow<()>, Failure>;
}

/// An event of the tail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// Its place in the tail's sequence.
    pub(crate) id: Option<&'a str>,
    /// The `CloudEvent` as the gateway wrote it.
    pub(crate) text: &'a str,
    /// The same, read.
    pub(crate) json: &'a Value,
}

/// Listens until the listener breaks off or the gateway refuses for good.
pub(crate) fn listen(
    client: &Client,
    query: &[(&str, String)],
    after: Option<String>,
    listener: &mut impl Listener,
) -> Result<(), Failure> {
    let mut place = Place { after };
    let mut attempt = 0;
    let mut connected_before = false;
    loop {
        listener.state(&State::Connecting)?;
        let (why, asked) = match client.tail(query, place.after.as_deref()) {
            Ok((stream, _)) => {
                let began = Instant::now();
                listener.state(&match &place.after {
                    Some(after) => State::Resumed { after: after.clone() },
                    None if connected_before => State::ConnectedAnew,
                    None => State::Connected,
                })?;
                connected_before = true;
                let mut reader = Reader::resuming(place.after.clone());
                let end = read(stream, &mut reader, &mut place, listener)?;
                let Some(why) = end else { return Ok(()) };
                let lasted = began.elapsed();
                listener.state(&State::Lost { why, lasted })?;
                if lasted >= GOOD_CONNECTION {
                    attempt = 0;
                }
                (None, reader.retry())
            }
            Err(TailFailure::Passing(why, asked)) => (Some(why), asked),
            Err(TailFailure::Fatal(failure)) => return Err(failure),
        };
        attempt += 1;
        let wait = pause(attempt, random::<1>()?[0], asked);
        listener.state(&State::Reconnecting { wait, attempt, why })?;
        thread::sleep(wait);
    }
}

/// How far the listener has come, over all connections.
struct Place {
    after: Option<String>,
}

impl Place {
    /// Whether an event of that id was handled before; ids are sequence numbers.
    fn is_past(&self, id: Option<&str>) -> bool {
        let number = |id: Option<&str>| id.and_then(|id| id.parse::<u64>().ok());
        matches!((number(id), number(self.after.as_deref())), (Some(id), Some(past)) if id <= past)
    }
}

/// Reads a stream to its end and says why it ended; `None` if the listener broke off.
fn read(
    mut stream: impl Read,
    reader: &mut Reader,
    place: &mut Place,
    listener: &mut impl Listener,
) -> Result<Option<String>, Failure> {
    let mut buffer = vec![0; 16 * 1024];
    let mut known = reader.last_event_id().map(str::to_owned);
    loop {
        let bytes = match stream.read(&mut buffer) {
            Ok(0) => return Ok(Some("the gateway closed the connection".to_owned())),
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Some(why_broken(&error))),
        };
        let mut messages = Vec::new();
        let taken = reader.push(bytes, |message, id| {
            messages.push((message, id.map(str::to_owned)));
        });
        for (message, id) in messages {
            if handle(&message, id, place, listener)?.is_break() {
                return Ok(None);
            }
        }
        if taken.is_err() {
            return Ok(Some("the gateway sent a message longer than any event".to_owned()));
        }
        // An id without data moves the place as well.
        if reader.last_event_id() != known.as_deref() {
            known = reader.last_event_id().map(str::to_owned);
            if !place.is_past(known.as_deref()) {
                place.after.clone_from(&known);
            }
        }
    }
}

fn handle(
    message: &Message,
    id: Option<String>,
    place: &mut Place,
    listener: &mut impl Listener,
) -> Result<ControlFlow<()>, Failure> {
    let data: Value = serde_json::from_str(&message.data).unwrap_or(Value::Null);
    if message.event == GAP {
        let text = |key: &str| match data.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Number(_)) => value.to_string(),
            _ => "?".to_owned(),
        };
        let gap = State::Gap { after: text("after"), resumed_at: text("resumed_at") };
        listener.state(&gap)?;
        // Where the stream goes on may lie before the place asked for: the gateway's data was
        // replaced, and its sequence began anew.
        let resumed_at = text("resumed_at").parse::<u64>().ok();
        if let Some(before) = resumed_at.map(|at| at.saturating_sub(1)) {
            place.after = Some(before.to_string());
        }
        return Ok(ControlFlow::Continue(()));
    }
    if place.is_past(id.as_deref()) {
        return Ok(ControlFlow::Continue(()));
    }
    let event = Event { id: id.as_deref(), text: &message.data, json: &data };
    let flow = listener.event(&event)?;
    if id.is_some() {
        place.after = id;
    }
    Ok(flow)
}

fn why_broken(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    let timed_out = matches!(inner, Some(ureq::Error::Timeout(_)))
        || error.kind() == std::io::ErrorKind::TimedOut;
    if timed_out {
        return "the gateway has been silent for too long".to_owned();
    }
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => {
            "the connection broke".to_owned()
        }
        _ => inner.map_or_else(|| error.to_string(), crate::client::explain),
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Listener, Place, State, read};
    use crate::client::sse::Reader;
    use crate::failure::Failure;
    use std::ops::ControlFlow;

    #[derive(Default)]
    struct Log {
        lines: Vec<String>,
        left: Option<usize>,
    }

    impl Listener for Log {
        fn state(&mut self, state: &State) -> Result<(), Failure> {
            self.lines.push(state.line("x"));
            Ok(())
        }

        fn event(&mut self, event: &Event<'_>) -> Result<ControlFlow<()>, Failure> {
            self.lines.push(format!("{} {}", event.id.unwrap_or("-"), event.json["n"]));
            self.left = self.left.map(|left| left - 1);
            Ok(if self.left == Some(0) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        }
    }

    fn run(stream: &str, after: Option<&str>, left: Option<usize>) -> (Log, Place, Option<String>) {
        let mut log = Log { left, ..Log::default() };
        let mut place = Place { after: after.map(str::to_owned) };
        let mut reader = Reader::resuming(place.after.clone());
        let end = read(stream.as_bytes(), &mut reader, &mut place, &mut log).unwrap();
        (log, place, end)
    }

    #[test]
    fn resumes_after_the_last_event_that_was_handled() {
        let (log, place, end) = run("id: 5\ndata: {\"n\":1}\n\nid: 6\ndata: {\"n\":", None, None);
        assert_eq!(log.lines, ["5 1"]);
        assert_eq!(place.after.as_deref(), Some("5"));
        assert_eq!(end.as_deref(), Some("the gateway closed the connection"));
    }

    #[test]
    fn events_seen_before_the_connection_broke_are_not_handled_twice() {
        let stream = "id: 5\ndata: {\"n\":1}\n\nid: 6\ndata: {\"n\":2}\n\n";
        let (log, place, _) = run(stream, Some("5"), None);
        assert_eq!(log.lines, ["6 2"]);
        assert_eq!(place.after.as_deref(), Some("6"));
    }

    #[test]
    fn the_place_given_at_the_opening_is_resumed_from_even_without_an_event() {
        let (log, place, _) = run(": hello\nid: 41\n\n: still here\n\n", None, None);
        assert!(log.lines.is_empty());
        assert_eq!(place.after.as_deref(), Some("41"));
    }

    #[test]
    fn a_gap_is_said() {
        let stream = "event: livegate.gap\ndata: {\"after\":5,\"resumed_at\":9}\n\n";
        let (log, place, _) = run(stream, Some("5"), None);
        assert_eq!(log.lines, ["gap: events after 5 and before 9 are no longer kept"]);
        assert_eq!(place.after.as_deref(), Some("8"));
    }

    #[test]
    fn events_of_a_sequence_that_began_anew_are_not_taken_for_old_ones() {
        let stream = "id: 0\nevent: livegate.gap\ndata: {\"after\":42,\"resumed_at\":1}\n\n\
                      id: 1\ndata: {\"n\":1}\n\n";
        let (log, place, _) = run(stream, Some("42"), None);
        assert_eq!(log.lines, ["the gateway's sequence began anew at 1 (this was 42)", "1 1"]);
        assert_eq!(place.after.as_deref(), Some("1"));
    }

    #[test]
    fn a_listener_that_has_enough_ends_the_reading() {
        let stream = "id: 1\ndata: {\"n\":1}\n\nid: 2\ndata: {\"n\":2}\n\n";
        let (log, _, end) = run(stream, None, Some(1));
        assert_eq!(log.lines, ["1 1"]);
        assert_eq!(end, None);
    }
}
