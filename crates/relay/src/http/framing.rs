//! What hyper does not say of a request: whether its length is given in two ways.
//!
//! Of a `Content-Length` beside a `Transfer-Encoding` hyper takes the latter and drops the former. A
//! proxy before this host may read it the other way, and then what is a body here is another request
//! there (RFC 9112 §11.2). So heads are looked at as they come in.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::MAX_HEAD;

/// Looks at what comes in on one connection.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    heads: Sender<Head>,
}

/// What a request's head says of its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    length: Option<u64>,
    /// It has an end that only whoever reads it knows. What follows is not looked at: it has to be
    /// the connection's last request.
    pub(super) is_encoded: bool,
    /// It is no HTTP that follows.
    is_upgrade: bool,
}

impl Head {
    /// Whether the length is given in two ways.
    pub(super) const fn is_ambiguous(self) -> bool {
        self.is_encoded && self.length.is_some()
    }

    /// Takes a line.
    fn line(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_encoded = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.is_upgrade = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // One that is no number is refused by hyper.
            let value = value.get(1..).and_then(|value| str::from_utf8(value).ok());
            let length = value.and_then(|value| value.trim().parse().ok());
            self.length = Some(length.unwrap_or(0));
        }
    }
}

#[derive(Debug)]
enum State {
    /// In a head: what it said so far, the line that is not at its end yet, and how long it is; 0 before
    /// the first line, for empty ones there are passed over.
    Head { head: Head, line: Vec<u8>, size: usize },
    /// In a body, of so many bytes more.
    Body(u64),
    /// Nothing is looked at any more.
    Over,
}

impl State {
    const fn begin() -> Self {
        let head = Head { length: None, is_encoded: false, is_upgrade: false };
        Self::Head { head, line: Vec::new(), size: 0 }
    }
}

impl Framing {
    /// What looks, and what says of each request, in their order, what its head said.
    pub(super) fn new() -> (Self, Receiver<Head>) {
        let (heads, said) = channel();
        (Self { state: State::begin(), heads }, said)
    }

    /// These bytes came in.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::Over => return,
                State::Body(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= taken as u64;
                    if *left == 0 {
                        self.state = State::begin();
                    }
                    bytes = bytes.get(taken..).unwrap_or_default();
                    continue;
                }
                State::Head { head, line, size } => {
                    let is_end = *first == b'\n' && line.is_empty() && *size > 0;
                    match first {
                        b'\n' => {
                            head.line(line);
                            *size += line.len();
                            line.clear();
                        }
                        b'\r' => {}
                        _ => line.push(*first),
                    }
                    if is_end {
                        let head = *head;
                        self.end(head);
                    } else if *size + line.len() > MAX_HEAD {
                        // hyper takes no longer ones.
                        self.state = State::Over;
                    }
                }
            }
            bytes = rest;
        }
    }

    fn end(&mut self, head: Head) {
        // Nobody is told any more where the connection is at its end.
        let _ = self.heads.send(head);
        self.state = match head {
            Head { is_encoded: true, .. } | Head { is_upgrade: true, .. } => State::Over,
            Head { length: Some(length @ 1..), .. } => State::Body(length),
            _ => State::begin(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Framing;

    /// Of each request that came whether its length is ambiguous, however the bytes are cut.
    fn judged(bytes: &str, count: usize) -> Vec<bool> {
        let mut all = Vec::new();
        for size in [1, 2, 3, 7, 10_000] {
            let (mut framing, heads) = Framing::new();
            bytes.as_bytes().chunks(size).for_each(|piece| framing.read(piece));
            let found: Vec<_> = heads.try_iter().map(super::Head::is_ambiguous).collect();
            assert_eq!(found.len(), count, "{size} of {bytes:?}");
            all.push(found);
        }
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{bytes:?}");
        all.remove(0)
    }

    #[test]
    fn a_length_in_two_ways_is_seen_wherever_it_is() {
        let both = "POST / HTTP/1.1\r\nContent-Length: 3\r\ntransfer-ENCODING: chunked\r\n\r\n";
        let turned = "POST / HTTP/1.1\nTransfer-Encoding:chunked\nContent-Length:0\n\n";
        assert_eq!(judged(both, 1), [true]);
        assert_eq!(judged(turned, 1), [true]);
        let one = "POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n\n\n\r\n";
        let none = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(judged(&format!("\r\n{one}{none}\r\n{both}"), 3), [false, false, true]);
        // A body is no head.
        let inside = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{both}", both.len());
        assert_eq!(judged(&format!("{inside}{none}"), 2), [false, false]);
    }

    #[test]
    fn what_follows_chunks_or_an_upgrade_is_not_looked_at() {
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /\r\n\r\n";
        assert_eq!(judged(chunked, 1), [false]);
        assert_eq!(judged("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\na\n\n", 1), [false]);
        assert_eq!(judged(&format!("GET /{}\r\n\r\n", "a".repeat(20_000)), 0), [false; 0]);
    }
}
