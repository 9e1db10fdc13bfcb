//! A receiver of webhooks on this machine: just enough HTTP/1.1 (RFC 9112) to take what a gateway
//! delivers and to answer 200.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver as Inbox, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// The longest request line or header line, and the most headers.
const MAX_LINE: u64 = 16 * 1024;
const MAX_HEADERS: usize = 100;
/// The largest body; a batch of a hundred events of 256 KiB stays below.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// The method.
    pub(crate) method: String,
    /// The request target, e.g. `/hooks?x=1`.
    pub(crate) target: String,
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// When the last of it was read.
    pub(crate) at: Instant,
}

/// A listening receiver; requests come out of its inbox.
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What has arrived.
    pub(crate) inbox: Inbox<Received>,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1, in threads that end with the process.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (outbox, inbox) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let outbox = outbox.clone();
                thread::spawn(move || {
                    // A connection that breaks is the sender's to retry.
                    let _ = serve(&stream, &outbox);
                });
            }
        });
        Ok(Self { address, inbox })
    }
}

fn serve(stream: &TcpStream, outbox: &Sender<Received>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        // First the inbox, then the answer: whoever was answered can rely on it.
        let heard = outbox.send(request).is_ok();
        { stream }.write_all(answer)?;
        if !heard {
            break;
        }
    }
    Ok(())
}

/// The next request; none if the connection ended before one began.
pub(crate) fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Received>> {
    let Some(first) = read_line(reader)? else {
        return Ok(None);
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed("the request line"));
    };
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or_else(|| malformed("the end of the headers"))?;
        if line.is_empty() {
            break;
        }
        if headers.len() == MAX_HEADERS {
            return Err(malformed("the number of headers"));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let of =
        |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, v)| v.as_str());
    let body = match (of("transfer-encoding"), of("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => read_chunks(reader)?,
        (Some(_), _) => return Err(malformed("the transfer coding")),
        (None, Some(length)) => {
            let length: usize = length.parse().map_err(|_| malformed("the length"))?;
            let mut body = Vec::new();
            read_into(reader, &mut body, length)?;
            body
        }
        (None, None) => Vec::new(),
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    Ok(Some(Received { method, target, headers, body, at: Instant::now() }))
}

/// The chunked coding (RFC 9112 §7.1), trailers read and dropped.
fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or_else(|| malformed("a chunk"))?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed("a chunk's size"))?;
        if size == 0 {
            while read_line(reader)?.is_some_and(|trailer| !trailer.is_empty()) {}
            return Ok(body);
        }
        read_into(reader, &mut body, size)?;
        if read_line(reader)?.is_none_or(|rest| !rest.is_empty()) {
            return Err(malformed("a chunk's end"));
        }
    }
}

fn read_into(reader: &mut impl BufRead, body: &mut Vec<u8>, length: usize) -> io::Result<()> {
    if body.len().saturating_add(length) > MAX_BODY {
        return Err(malformed("the size of the body"));
    }
    let want = u64::try_from(length).unwrap_or(u64::MAX);
    let read = reader.take(want).read_to_end(body)?;
    if read < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(malformed("a line"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map(Some).map_err(|_| malformed("a line"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is not as HTTP/1.1 has it"))
}

#[cfg(test)]
mod tests {
    use super::{Receiver, read_request};
    use std::io::{BufReader, Read, Write};
    use std::net::TcpStream;

    fn read(bytes: &[u8]) -> std::io::Result<Vec<(String, Vec<u8>)>> {
        // A buffer of three bytes: every part spans reads.
        let mut reader = BufReader::with_capacity(3, bytes);
        let mut all = Vec::new();
        while let Some(one) = read_request(&mut reader)? {
            all.push((format!("{} {}", one.method, one.target), one.body));
        }
        Ok(all)
    }

    #[test]
    fn reads_requests_of_one_connection_in_order() {
        let wire = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
            POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;x=y\r\nf\r\n0\r\nt: 1\r\n\r\n\
            GET /c HTTP/1.1\n\n";
        let expected: [(&str, &[u8]); 3] =
            [("POST /a", b"abc"), ("POST /b", b"def"), ("GET /c", b"")];
        let found = read(wire).unwrap();
        assert_eq!(found.len(), 3);
        for (one, (line, body)) in found.iter().zip(expected) {
            assert_eq!((one.0.as_str(), one.1.as_slice()), (line, body));
        }
    }

    #[test]
    fn refuses_what_is_not_http() {
        for bad in [
            b"hello\r\n\r\n".as_slice(),
            b"GET /\r\n\r\n",
            b"GET / HTTP/2\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            b"GET / HTTP/1.1\r\nHost: x",
        ] {
            assert!(read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn what_arrives_is_answered_and_comes_out_of_the_inbox() {
        let receiver = Receiver::start().unwrap();
        let mut stream = TcpStream::connect(receiver.address).unwrap();
        stream
            .write_all(b"POST /x HTTP/1.1\r\nWebhook-Id: a\r\nContent-Length: 2\r\n\r\n{}")
            .unwrap();
        let mut status = [0; 15];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200 OK");
        let request = receiver.inbox.recv().unwrap();
        assert_eq!(request.headers[0], ("webhook-id".to_owned(), "a".to_owned()));
        assert_eq!(request.body, b"{}");
    }
}
