//! As much of HTTP/1.1 as the gateway speaks here: messages with a `Content-Length`, kept alive.

use std::io::Read;
use std::net::TcpStream;

use crate::Result;

/// One connection's messages, one after the other.
pub(crate) struct Messages {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// Where the message that was given out last ends.
    used: usize,
}

/// A message's head, line ends and all, and its body.
pub(crate) struct Message<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Messages {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; 64 * 1024], filled: 0, used: 0 }
    }

    /// The next message; `None` where the other side is done.
    pub(crate) fn next(&mut self) -> Result<Option<Message<'_>>> {
        self.buffer.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        self.used = 0;
        loop {
            let have = &self.buffer[..self.filled];
            if let Some(head) = find(have, b"\r\n\r\n").map(|at| at + 4) {
                let length = content_length(&have[..head])?;
                if have.len() >= head + length {
                    self.used = head + length;
                    let (head, rest) = self.buffer.split_at(head);
                    return Ok(Some(Message { head, body: &rest[..length] }));
                }
            }
            if self.filled == self.buffer.len() {
                return Err("a message is larger than expected".to_owned());
            }
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) if self.filled == 0 => return Ok(None),
                Ok(0) => return Err("a connection ended inside a message".to_owned()),
                Ok(more) => self.filled += more,
                Err(error) => return Err(format!("reading: {error}")),
            }
        }
    }
}

/// Where `what` begins in `text`.
pub(crate) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The value of a header.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (known, value) = line.split_at(colon);
        let is = known.eq_ignore_ascii_case(name.as_bytes());
        is.then(|| std::str::from_utf8(&value[1..]).ok().map(str::trim)).flatten()
    })
}

fn content_length(head: &[u8]) -> Result<usize> {
    let text = header(head, "content-length").ok_or("a message without a length")?;
    text.parse().map_err(|_| "a message with a length that is no number".to_owned())
}
