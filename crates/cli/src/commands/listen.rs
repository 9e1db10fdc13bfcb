//! `listen`: events as they are accepted, on the screen or on a port of this machine.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::sources::SOURCES;
use crate::args::Args;
use crate::args::table::{Command, Reach, switch, value};
use crate::client::Client;
use crate::clock::{now, time_of_day};
use crate::failure::Failure;
use crate::input;
use crate::output::{self, cell, clean};
use crate::settings::is_loopback;
use crate::signing::{Signer, new_secret};
use crate::tail::forward::{Forwarder, Outcome};
use crate::tail::state::State;
use crate::tail::{Event, Listener, listen};

/// `listen`
pub(crate) const LISTEN: Command = Command {
    words: &["listen"],
    summary: "show events as they are accepted, or send them on to a local port",
    about: "Listens to a source, a channel, or (with neither) the whole tenant. With --to, each event is sent\n\
            on as a CloudEvent signed as Standard Webhooks has it, once, in order; secrets are masked. The\n\
            state of the connection is always said, and after a break it goes on where it was.",
    operands: &[],
    options: &[
        value("source", "SOURCE", "events of this source, by id or name"),
        value("channel", "CHANNEL", "events of this channel"),
        value("to", "PORT|URL", "send events on to http://127.0.0.1:PORT/ or this URL"),
        value("secret-file", "FILE", "sign with the whsec_ secret in this file, not a new one"),
        value("after", "SEQ", "begin after this event of the sequence; 0 is the oldest kept"),
        value("count", "N", "end after this many events"),
        switch("show-data", "print each event's data too"),
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate listen --source studio --to 3000",
        "livegate listen --channel room-1 --show-data",
        "livegate listen --json --count 10",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let mut query = Vec::new();
    let target = match (args.text("source"), args.text("channel")) {
        (Some(_), Some(_)) => return Err(args.usage("either --source or --channel, not both")),
        (Some(source), None) => {
            query.push(("source", client.id_of(SOURCES.path, SOURCES.prefix, source)?));
            format!("source {source}")
        }
        (None, Some(channel)) => {
            query.push(("channel", channel.to_owned()));
            format!("channel {channel}")
        }
        (None, None) => "every source".to_owned(),
    };
    let after = args.number("after", 0..=u64::MAX)?.map(|seq| seq.to_string());
    let forwarder = args.text("to").map(|to| forwarder(args, to)).transpose()?;
    let mut screen = Screen {
        target: format!("{target} at {}", client.url()),
        json: args.switch("json"),
        data: args.switch("show-data"),
        left: args.number("count", 1..=u64::MAX)?,
        forwarder,
        failed_before: false,
    };
    listen(&client, &query, after, &mut screen)
}

fn forwarder(args: &Args, to: &str) -> Result<Forwarder, Failure> {
    let url = local_url(to).map_err(|what| args.usage(what))?;
    let given = match args.text("secret-file") {
        Some(_) => input::key_from(args, "secret-file")?,
        None => None,
    };
    let is_new = given.is_none();
    let secret = given.map_or_else(new_secret, Ok)?;
    let signer = Signer::standard_webhooks(&secret)?;
    if !is_loopback(&url) {
        output::note(&format!("note: {} is not this machine", clean(&url)));
    }
    if is_new {
        let said = if args.switch("json") {
            json!({"forwarding_to": url, "secret": secret}).to_string()
        } else {
            format!(
                "sending events on to {}\nsigned with {secret} (new, for this run)",
                clean(&url)
            )
        };
        output::note(&said);
    }
    Ok(Forwarder::new(&url, signer))
}

/// A port, `:PORT/path`, or a whole URL.
fn local_url(to: &str) -> Result<String, &'static str> {
    const WANTED: &str = "--to wants a port such as 3000, :3000/hooks, or an http(s) URL";
    if to.starts_with("http://") || to.starts_with("https://") {
        let plain = to.bytes().all(|b| b.is_ascii_graphic());
        return plain.then(|| to.to_owned()).ok_or(WANTED);
    }
    let rest = to.strip_prefix(':').unwrap_or(to);
    let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port: u16 = port.parse().map_err(|_| WANTED)?;
    let plain = port > 0 && path.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| format!("http://127.0.0.1:{port}/{path}")).ok_or(WANTED)
}

struct Screen {
    target: String,
    json: bool,
    data: bool,
    left: Option<u64>,
    forwarder: Option<Forwarder>,
    failed_before: bool,
}

impl Listener for Screen {
    fn state(&mut self, state: &State) -> Result<(), Failure> {
        let now = now();
        if self.json {
            let mut line = state.json();
            line["at"] = now.to_string().into();
            return output::json(&line);
        }
        output::line(&format!("{}  {}", time_of_day(now), state.line(&self.target)))
    }

    fn event(&mut self, event: &Event<'_>) -> Result<ControlFlow<()>, Failure> {
        let at = now();
        let outcome = self.forwarder.as_ref().map(|to| to.send(event)).transpose()?;
        if self.json {
            let mut line = json!({"at": at.to_string(), "id": event.id, "event": event.json});
            if let Some(outcome) = &outcome {
                line["local"] = local_json(outcome);
            }
            output::json(&line)?;
        } else {
            let forwarded = outcome.as_ref().map(local_text).unwrap_or_default();
            output::line(&format!("{}  {}{forwarded}", time_of_day(at), summary(event.json)))?;
            if self.data {
                output::line(&format!("              {}", cell(event.json.get("data"))))?;
            }
        }
        self.advise(event.json, outcome.as_ref());
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(if self.left == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

impl Screen {
    /// Says once what a failed local delivery means.
    fn advise(&mut self, event: &Value, outcome: Option<&Outcome>) {
        if self.json || self.failed_before || outcome.is_none_or(Outcome::is_delivered) {
            return;
        }
        self.failed_before = true;
        output::note(&format!(
            "note: events are sent on once and not again; this one is still there: livegate events \
             show {}",
            cell(event.get("id"))
        ));
    }
}

/// A `CloudEvent` in one line.
fn summary(event: &Value) -> String {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    let kind = text("type").unwrap_or("-");
    let kind = kind.strip_prefix("dev.livegate.").unwrap_or(kind);
    let seq = text("sequence").unwrap_or("-").trim_start_matches('0');
    let user = text("user").map_or_else(String::new, |user| format!("  user {}", clean(user)));
    let part = |key: &str| cell(event.get(key));
    format!(
        "#{} {}  {}  {}{user}  {}",
        clean(seq),
        part("subject"),
        clean(kind),
        part("vendortype"),
        part("id")
    )
}

fn local_text(outcome: &Outcome) -> String {
    let ms = outcome.took.as_millis();
    match &outcome.answer {
        Ok(status) if outcome.is_delivered() => format!("  -> {status} in {ms} ms"),
        Ok(status) => format!("  -> FAILED: {status} in {ms} ms"),
        Err(why) => format!("  -> FAILED: {} after {ms} ms", clean(why)),
    }
}

fn local_json(outcome: &Outcome) -> Value {
    let ms = u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX);
    match &outcome.answer {
        Ok(status) => json!({"delivered": outcome.is_delivered(), "status": status, "ms": ms}),
        Err(why) => json!({"delivered": false, "error": why, "ms": ms}),
    }
}

#[cfg(test)]
mod tests {
    use super::{local_text, local_url, summary};
    use crate::tail::forward::Outcome;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn a_port_a_path_or_a_url_says_where_to() {
        for (to, url) in [
            ("3000", "http://127.0.0.1:3000/"),
            (":3000/hooks?x=1", "http://127.0.0.1:3000/hooks?x=1"),
            ("3000/hooks", "http://127.0.0.1:3000/hooks"),
            ("https://dev.example/x", "https://dev.example/x"),
        ] {
            assert_eq!(local_url(to), Ok(url.to_owned()));
        }
        for bad in ["", "0", "65536", "localhost:3000", "3000/a b", "ftp://x", "http://a b"] {
            assert!(local_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let event = json!({
            "specversion": "1.0", "id": "evt_1", "source": "/sources/src_1", "subject": "room\n2",
            "type": "dev.livegate.relay.state", "vendortype": "RTMP_STREAM_STATE_CHANGE",
            "sequence": "00000000000000000070", "user": "u",
        });
        assert_eq!(
            summary(&event),
            "#70 room\\n2  relay.state  RTMP_STREAM_STATE_CHANGE  user u  evt_1"
        );
        assert_eq!(summary(&json!("text")), "#- -  -  -  -");
    }

    #[test]
    fn the_local_servers_answer_stands_behind_the_event() {
        let outcome = |answer| Outcome { answer, took: Duration::from_millis(4) };
        assert_eq!(local_text(&outcome(Ok(200))), "  -> 200 in 4 ms");
        assert_eq!(local_text(&outcome(Ok(500))), "  -> FAILED: 500 in 4 ms");
        let refused = outcome(Err("connection refused".to_owned()));
        assert_eq!(local_text(&refused), "  -> FAILED: connection refused after 4 ms");
    }
}
