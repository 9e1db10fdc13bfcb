//! A gateway that says what a test tells it to say, and the command run against it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// A request that the gateway saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Method and target, e.g. `GET /api/v1/events?limit=2`.
    pub(crate) line: String,
    /// Headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as text.
    pub(crate) body: String,
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// A listening server whose connections each take one request.
pub(crate) struct Fake {
    /// Its address, e.g. `http://127.0.0.1:41234`.
    pub(crate) url: String,
    seen: Receiver<Seen>,
}

impl Fake {
    /// A server that gives these answers, one after the other; each is the whole response.
    pub(crate) fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (outbox, seen) = mpsc::channel();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read(&stream);
                outbox.send(request).unwrap();
                // A client that has read enough may be gone already.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { url, seen }
    }

    /// The next request that it got.
    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(20)).expect("a request")
    }

    /// Whether there was no other request.
    pub(crate) fn is_done(&self) -> bool {
        self.seen.try_recv().is_err()
    }
}

fn read(stream: &TcpStream) -> Seen {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).unwrap();
        text.trim_end().to_owned()
    };
    let first = line();
    let mut headers = Vec::new();
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Seen {
        line: first.trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    }
}

/// A whole response that ends its connection.
pub(crate) fn response(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A JSON response.
pub(crate) fn json(body: &str) -> String {
    response("200 OK", "application/json", body)
}

/// A stream of server-sent events that breaks off after `text`.
pub(crate) fn stream(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{text}")
}

/// The command with a token of its own and nothing else of the environment's settings.
pub(crate) fn livegate(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livegate"));
    for name in ["LIVEGATE_TENANT", "LIVEGATE_KEY", "DATA"] {
        command.env_remove(name);
    }
    command.env("LIVEGATE_URL", url).env("LIVEGATE_TOKEN", "lgt_secret-token");
    command.stdin(Stdio::null());
    command
}

/// Runs it: exit status, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}
