//! `send`: a signed test callback, as a vendor would send it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use super::sign::{CANONICAL_URI, CUSTOM, SCHEME, message_id, time};
use super::sources::SOURCES;
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, switch, value, values};
use crate::args::values::pair;
use crate::callback::{Series, TYPES};
use crate::client::{Client, agent, explain, read_text};
use crate::failure::{Exit, Failure};
use crate::input::{self, KEY_FILE};
use crate::output::{self, clean};
use crate::signing::{Outgoing, Signer, scheme_of, scheme_of_source};

/// `send`
pub(crate) const SEND: Command = Command {
    words: &["send"],
    summary: "send a signed test callback to a source or a URL",
    about: "To a source, it is signed as the source expects; the key has to be given, since the gateway\n\
            does not give it out. To a URL, --scheme says how. Without --body it is a MetaStudio callback:\n\
            SHOOT_SCRIPT_SWITCH, RTMP_STREAM_STATE_CHANGE (default) or REPLY_COMMAND_FINISH, or a type of\n\
            your own. With --repeat each callback is the next of its series: the next state, segment, reply.",
    operands: &[needs("TARGET", "the source's id or name, or an http(s) URL")],
    options: &[
        value("type", "TYPE", "the event type"),
        value("room", "ROOM", "the room_id (default: a new one)"),
        value("job", "JOB", "the job_id (default: a new one)"),
        values("field", "NAME=VALUE", "a field of the message, e.g. state=END"),
        value("body", "FILE", "send these bytes instead (`-`: standard input)"),
        value("repeat", "N", "send so many (1-100000)"),
        value("interval-ms", "MS", "pause between two (default 0)"),
        switch("same", "with --repeat: send the very same call again, as a vendor's retry"),
        SCHEME,
        CUSTOM,
        CANONICAL_URI,
        KEY_FILE,
        value("id", "ID", "the message's id, where the scheme has one"),
        value("time", "TIME", "sign as of this time, e.g. 5m for a stale call"),
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate send studio --key-file key.txt",
        "livegate send studio --key-file key.txt --type SHOOT_SCRIPT_SWITCH --room room-1 --repeat 10",
        "livegate send http://127.0.0.1:8787/in/src_1 --scheme NONE --field state=CONNECTED",
    ],
    run,
};

/// Where a callback goes and how it is signed.
pub(super) struct Target {
    /// Where it is sent.
    pub(super) url: String,
    /// The URL that is signed.
    pub(super) signed_url: String,
    /// Signs it.
    pub(super) signer: Signer,
}

/// What the other side said to one callback.
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) text: String,
    took: Duration,
}

impl Answer {
    /// Whether a vendor would take it for accepted.
    pub(super) fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A callback ready to be sent, any number of times.
pub(super) struct Prepared {
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Target {
    /// Signs one callback.
    pub(super) fn prepare(
        &self,
        body: &[u8],
        id: &str,
        at: livegate_core::time::UnixMillis,
    ) -> Result<Prepared, Failure> {
        let outgoing = Outgoing { method: "POST", url: &self.signed_url, id, body };
        let signed = self.signer.sign(&outgoing, at)?;
        Ok(Prepared { url: signed.url(&self.url), headers: signed.headers, body: signed.body })
    }
}

impl Prepared {
    /// Sends it once.
    pub(super) fn send(&self, agent: &Agent) -> Result<Answer, Failure> {
        let mut request = agent.post(&self.url).header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let began = Instant::now();
        let sent = request
            .send(self.body.as_slice())
            .and_then(|response| Ok((response.status().as_u16(), read_text(response)?)));
        let (status, text) = sent.map_err(|error| {
            let host = self.url.split('?').next().unwrap_or_default();
            Failure::new(Exit::Unreachable, format!("cannot send to {host}: {}", explain(&error)))
        })?;
        Ok(Answer { status, text, took: began.elapsed() })
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let target = target(args)?;
    let series = series(args)?;
    let fixed_body = args.text("body").map(input::bytes).transpose()?;
    let count = args.number("repeat", 1..=100_000u32)?.unwrap_or(1);
    let pause = Duration::from_millis(args.number("interval-ms", 0..=3_600_000)?.unwrap_or(0));
    let agent = agent(&target.url, Duration::from_mins(1));
    let mut refused = 0_u32;
    let mut prepared: Option<Prepared> = None;
    for n in 0..count {
        if n > 0 {
            thread::sleep(pause);
        }
        let again = prepared.take().filter(|_| args.switch("same"));
        let call = if let Some(same) = again {
            same
        } else {
            let body = fixed_body.clone().unwrap_or_else(|| series.body(n).into_bytes());
            target.prepare(&body, &message_id(args)?, time(args)?)?
        };
        let answer = call.send(&agent)?;
        prepared = Some(call);
        refused += u32::from(!answer.is_accepted());
        say(args, &answer)?;
    }
    match refused {
        0 => Ok(()),
        1 if count == 1 => Err(refusal("the callback was refused", args)),
        n => Err(refusal(&format!("{n} of {count} callbacks were refused"), args)),
    }
}

fn refusal(what: &str, args: &Args) -> Failure {
    let target = args.operand(0);
    if is_url(target) {
        return Failure::failed(what);
    }
    Failure::failed(what).next(format!("livegate rejections list --source {target}"))
}

fn say(args: &Args, answer: &Answer) -> Result<(), Failure> {
    let ms = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
    if args.switch("json") {
        let body = serde_json::from_str::<Value>(&answer.text)
            .unwrap_or_else(|_| Value::String(answer.text.clone()));
        let accepted = answer.is_accepted();
        return output::json(
            &json!({"accepted": accepted, "status": answer.status, "ms": ms, "answer": body}),
        );
    }
    let short: String = answer.text.chars().take(300).collect();
    output::line(&format!("{} in {ms} ms  {}", answer.status, clean(short.trim())))
}

fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

fn target(args: &Args) -> Result<Target, Failure> {
    let wanted = args.operand(0);
    let key = input::key(args)?;
    if is_url(wanted) {
        let signer = Signer::new(scheme_of(args)?, key.as_deref())?;
        return Ok(Target { url: wanted.to_owned(), signed_url: wanted.to_owned(), signer });
    }
    let source = Client::of(args)?.find(SOURCES.path, SOURCES.prefix, wanted)?;
    let scheme = if args.text("scheme").is_some() || args.text("custom").is_some() {
        scheme_of(args)?
    } else {
        scheme_of_source(&source)?
    };
    let url = source["url"].as_str().ok_or_else(|| Failure::failed("the source has no url"))?;
    let signed_url = source["signed_url"].as_str().unwrap_or(url);
    let signer = Signer::new(scheme, key.as_deref())?;
    Ok(Target { url: url.to_owned(), signed_url: signed_url.to_owned(), signer })
}

fn series(args: &Args) -> Result<Series, Failure> {
    let mut series = Series::new(args.text("type").unwrap_or(TYPES[1]))?;
    if let Some(room) = args.text("room") {
        series = series.in_room(room);
    }
    if let Some(job) = args.text("job") {
        series = series.of_job(job);
    }
    for field in args.each("field") {
        let (name, value) = pair(field).map_err(|what| args.usage(what))?;
        series = series.with(name, value);
    }
    Ok(series)
}
