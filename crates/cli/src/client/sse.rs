//! Server-sent events, read from bytes as they come (WHATWG HTML, 9.2.6 "Interpreting an event
//! stream"). No I/O: whatever the cuts between reads, the same messages come out.

use std::time::Duration;

/// The longest line or message that is kept; the gateway's events are below 256 KiB, and their
/// JSON form at most six times that. What is longer is an error, not a reason to fill memory.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// The longest pause before reconnecting that a server may ask for.
const MAX_RETRY_MS: u64 = 60_000;

/// One dispatched message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The event's type; `message` if the stream names none.
    pub(crate) event: String,
    /// The data, its lines joined by line feeds.
    pub(crate) data: String,
}

/// A line or message beyond what any event needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The reader's state between two reads.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed now belongs to it.
    after_cr: bool,
    /// The stream's first bytes may be a byte order mark.
    begun: bool,
    event: String,
    data: String,
    has_data: bool,
    id: Option<String>,
    last_event_id: Option<String>,
    retry: Option<Duration>,
}

impl Reader {
    /// A reader that resumes after `last_event_id`.
    pub(crate) fn resuming(last_event_id: Option<String>) -> Self {
        Self { id: last_event_id.clone(), last_event_id, ..Self::default() }
    }

    /// Takes the next bytes; every message that they complete goes to `out`, together with the id
    /// to resume after once it was handled.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        mut out: impl FnMut(Message, Option<&str>),
    ) -> Result<(), TooLong> {
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    self.take_line(&line, &mut out)?;
                    self.line = line;
                    self.line.clear();
                }
                _ if self.line.len() == MAX_MESSAGE => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    /// The id to resume after.
    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// How long the server wants a client to wait before it reconnects.
    pub(crate) const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn take_line(
        &mut self,
        line: &[u8],
        out: &mut impl FnMut(Message, Option<&str>),
    ) -> Result<(), TooLong> {
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if line.is_empty() {
            self.dispatch(out);
            return Ok(());
        }
        let text = String::from_utf8_lossy(line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if self.data.len() + value.len() >= MAX_MESSAGE {
                    return Err(TooLong);
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                let ms = value.parse::<u64>().unwrap_or(MAX_RETRY_MS).min(MAX_RETRY_MS);
                self.retry = Some(Duration::from_millis(ms));
            }
            // Comments (an empty field name) and fields of later editions.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, out: &mut impl FnMut(Message, Option<&str>)) {
        self.last_event_id = self.id.clone().filter(|id| !id.is_empty());
        let event = std::mem::take(&mut self.event);
        let data = std::mem::take(&mut self.data);
        if std::mem::take(&mut self.has_data) {
            let event = if event.is_empty() { "message".to_owned() } else { event };
            out(Message { event, data }, self.last_event_id.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE, Message, Reader, TooLong};
    use std::time::Duration;

    type Seen = Vec<(Message, Option<String>)>;

    fn read(chunks: &[&[u8]]) -> (Seen, Reader) {
        let mut reader = Reader::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            let taken = reader.push(chunk, |message, id| {
                seen.push((message, id.map(str::to_owned)));
            });
            assert_eq!(taken, Ok(()));
        }
        (seen, reader)
    }

    fn message(event: &str, data: &str, id: Option<&str>) -> (Message, Option<String>) {
        let message = Message { event: event.to_owned(), data: data.to_owned() };
        (message, id.map(str::to_owned))
    }

    const STREAM: &str = "\u{feff}: hello\nretry: 2000\nid: 41\n\nevent: relay.state\r\nid: 42\r\n\
        data: {\"a\":1}\r\n\r\ndata:first\rdata: second\r\r: 15 s\n\nid\ndata\n\ndata: 段落\nother: x\n\n";

    fn expected() -> Seen {
        vec![
            message("relay.state", "{\"a\":1}", Some("42")),
            message("message", "first\nsecond", Some("42")),
            message("message", "", None),
            message("message", "段落", None),
        ]
    }

    #[test]
    fn reads_fields_comments_and_every_line_end() {
        let (seen, reader) = read(&[STREAM.as_bytes()]);
        assert_eq!(seen, expected());
        assert_eq!(reader.retry(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn any_cut_between_reads_gives_the_same_messages() {
        let bytes = STREAM.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&chunks).0, expected(), "cut at {first} and {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).0, expected());
    }

    #[test]
    fn an_id_without_data_moves_the_place_to_resume_from() {
        let (seen, reader) = read(&[b"id: 41\n\n"]);
        assert!(seen.is_empty());
        assert_eq!(reader.last_event_id(), Some("41"));
    }

    #[test]
    fn an_unfinished_message_is_neither_dispatched_nor_resumed_after() {
        let (seen, reader) = read(&[b"id: 1\ndata: a\n\nid: 2\ndata: b\n"]);
        assert_eq!(seen, [message("message", "a", Some("1"))]);
        assert_eq!(reader.last_event_id(), Some("1"));
    }

    #[test]
    fn a_resuming_reader_keeps_the_id_it_began_with() {
        let mut reader = Reader::resuming(Some("7".to_owned()));
        assert_eq!(reader.push(b"data: x\n\n", |_, id| assert_eq!(id, Some("7"))), Ok(()));
    }

    #[test]
    fn a_pause_that_is_no_number_is_ignored_and_a_long_one_is_cut() {
        assert_eq!(read(&[b"retry: soon\n\n"]).1.retry(), None);
        assert_eq!(read(&[b"retry: -1\n\n"]).1.retry(), None);
        let (_, reader) = read(&[b"retry: 99999999999999999999999\n\n"]);
        assert_eq!(reader.retry(), Some(Duration::from_mins(1)));
    }

    #[test]
    fn a_line_without_end_is_an_error_before_it_fills_memory() {
        let mut reader = Reader::default();
        let long = vec![b'x'; MAX_MESSAGE];
        assert_eq!(reader.push(&long, |_, _| {}), Ok(()));
        assert_eq!(reader.push(b"x", |_, _| {}), Err(TooLong));
        let mut reader = Reader::default();
        let half = [b"data: ".as_slice(), &long[..MAX_MESSAGE / 2], b"\n"].concat();
        assert_eq!(reader.push(&half, |_, _| {}), Ok(()));
        assert_eq!(reader.push(&half, |_, _| {}), Err(TooLong));
    }
}
