//! `demo`: one callback of each `MetaStudio` event type, all the way through a running gateway.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::send::Target;
use crate::args::Args;
use crate::args::table::{Command, Reach, switch, value};
use crate::callback::{Series, TYPES};
use crate::client::{Client, agent, segment};
use crate::clock::{now, random};
use crate::failure::Failure;
use crate::output::{self, Table, cell};
use crate::receiver::{Received, Receiver};
use crate::signing::{Incoming, Signer, Verdict, scheme_of_source};

/// `demo`
pub(crate) const DEMO: Command = Command {
    words: &["demo"],
    summary: "send one callback of each MetaStudio type through the gateway, show what arrives",
    about: "Makes a source (MSS_A_HEAD), an endpoint on a free port of this machine, and a subscription;\n\
            sends one signed callback of each type; verifies the signature of each delivery; and deletes\n\
            what it made. The gateway has to allow loopback endpoints, as one started with `make run` does.",
    operands: &[],
    options: &[
        switch("keep", "delete nothing afterwards"),
        value("wait-s", "S", "how long to wait for the deliveries (1-300; 10)"),
    ],
    reach: Reach::Gateway,
    examples: &["livegate demo"],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let receiver = Receiver::start()
        .map_err(|error| Failure::failed(format!("cannot listen on 127.0.0.1: {error}")))?;
    let mut stage = Stage { client, made: Vec::new(), quiet: args.switch("json") };
    let outcome = play(args, &mut stage, &receiver);
    let cleared = if args.switch("keep") { Ok(()) } else { stage.clear() };
    outcome.and(cleared)
}

/// What was made in the gateway, in order.
struct Stage {
    client: Client,
    made: Vec<String>,
    quiet: bool,
}

impl Stage {
    fn make(&mut self, what: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let made = self.client.post(&format!("cannot create the {what}"), path, body)?.json;
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        self.say(&format!("created {what:13} {}", output::clean(&id)));
        self.made.push(format!("{path}/{}", segment(&id)));
        Ok(made)
    }

    /// Deletes what was made, the last first; tries all, and reports the first failure.
    fn clear(&mut self) -> Result<(), Failure> {
        if self.made.is_empty() {
            return Ok(());
        }
        let mut first = Ok(());
        while let Some(path) = self.made.pop() {
            if let Err(failure) = self.client.delete("cannot clean up after the demo", &path) {
                let failure = failure.next(format!("delete {path} by hand"));
                first = first.and(Err(failure));
            }
        }
        self.say("deleted the subscription, the endpoint and the source");
        first
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            output::note(line);
        }
    }
}

/// A callback that was accepted.
struct Sent {
    event_type: &'static str,
    at: Instant,
}

fn play(args: &Args, stage: &mut Stage, receiver: &Receiver) -> Result<(), Failure> {
    let name = format!("demo-{}", hex::encode(random::<4>()?));
    // `LiveEventCallBackConfig` allows keys of at most 32 characters.
    let key = hex::encode(random::<16>()?);
    let source = stage.make(
        "source",
        "/api/v1/sources",
        &json!({"name": name, "dialect": "metastudio", "scheme": "MSS_A_HEAD", "key": key}),
    )?;
    let url = format!("http://{}/livegate-demo", receiver.address);
    let endpoint =
        stage.make("endpoint", "/api/v1/endpoints", &json!({"name": name, "url": url}))?;
    let secret = endpoint["secret"].as_str().unwrap_or_default();
    let verifier = Signer::standard_webhooks(secret)?;
    stage.make(
        "subscription",
        "/api/v1/subscriptions",
        &json!({"name": name, "source": source["id"], "endpoint": endpoint["id"]}),
    )?;
    let source_url = source["url"].as_str().unwrap_or_default();
    let target = Target {
        url: source_url.to_owned(),
        signed_url: source["signed_url"].as_str().unwrap_or(source_url).to_owned(),
        signer: Signer::new(scheme_of_source(&source)?, Some(&key))?,
    };
    let sent = send_each(stage, &target)?;
    let limit = Duration::from_secs(args.number("wait-s", 1..=300)?.unwrap_or(10));
    let arrived = collect(receiver, &verifier, &url, &sent, limit)?;
    report(args, &sent, &arrived)
}

fn send_each(stage: &Stage, target: &Target) -> Result<Vec<Sent>, Failure> {
    let agent = agent(&target.url, Duration::from_secs(10));
    let [room, job] = [hex::encode(random::<16>()?), hex::encode(random::<16>()?)];
    let mut sent = Vec::new();
    for event_type in TYPES {
        let series = Series::new(event_type)?.in_room(&room).of_job(&job);
        let id = format!("msg_{}", hex::encode(random::<16>()?));
        let call = target.prepare(series.body(0).as_bytes(), &id, now())?;
        let at = Instant::now();
        let answer = call.send(&agent)?;
        if !answer.is_accepted() {
            return Err(Failure::from_answer(
                &format!("the gateway refused {event_type}"),
                answer.status,
                &answer.text,
            ));
        }
        stage.say(&format!(
            "sent {event_type}, signed: {} {}",
            answer.status,
            output::clean(answer.text.trim())
        ));
        sent.push(Sent { event_type, at });
    }
    Ok(sent)
}

/// A delivery that arrived.
struct Arrived {
    event_type: String,
    event: Value,
    after: Option<Duration>,
    /// Why the signature does not verify, if it does not.
    refused: Option<String>,
}

fn collect(
    receiver: &Receiver,
    verifier: &Signer,
    url: &str,
    sent: &[Sent],
    limit: Duration,
) -> Result<Vec<Arrived>, Failure> {
    let deadline = Instant::now() + limit;
    let mut arrived: Vec<Arrived> = Vec::new();
    while arrived.len() < sent.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.inbox.recv_timeout(left) {
            Ok(request) => {
                let one = examine(&request, verifier, url, sent)?;
                if !arrived.iter().any(|known| known.event["id"] == one.event["id"]) {
                    arrived.push(one);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(arrived)
}

fn examine(
    request: &Received,
    verifier: &Signer,
    url: &str,
    sent: &[Sent],
) -> Result<Arrived, Failure> {
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let incoming = Incoming {
        method: &request.method,
        url,
        query: "",
        headers: &headers,
        body: &request.body,
        freshness_s: None,
        skew_s: None,
    };
    let refused = match verifier.verify(&incoming, now())? {
        Verdict::Verified { .. } => None,
        Verdict::Refused { why, .. } => Some(why),
    };
    let event: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let event_type = event["vendortype"].as_str().unwrap_or("?").to_owned();
    let after = sent
        .iter()
        .find(|sent| sent.event_type == event_type)
        .map(|sent| request.at.saturating_duration_since(sent.at));
    Ok(Arrived { event_type, event, after, refused })
}

fn report(args: &Args, sent: &[Sent], arrived: &[Arrived]) -> Result<(), Failure> {
    if args.switch("json") {
        let rows: Vec<Value> = arrived
            .iter()
            .map(|one| json!({"event": one.event, "verified": one.refused.is_none()}))
            .collect();
        output::json(&json!({"sent": sent.len(), "arrived": rows}))?;
    } else {
        output::put(&format!("\n{}\n", table(arrived).render()))?;
    }
    let missing: Vec<&str> = sent
        .iter()
        .map(|sent| sent.event_type)
        .filter(|wanted| !arrived.iter().any(|one| one.event_type == *wanted))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::failed(format!("did not arrive: {}", missing.join(", ")))
            .next("livegate deliveries list"));
    }
    let refused = arrived.iter().find_map(|one| one.refused.as_deref());
    if let Some(why) = refused {
        return Err(Failure::failed(format!("a delivery's signature does not verify: {why}")));
    }
    if !args.switch("json") {
        output::line(&format!(
            "{} sent, {} arrived, every signature verified",
            sent.len(),
            arrived.len()
        ))?;
    }
    Ok(())
}

fn table(arrived: &[Arrived]) -> Table {
    let mut table = Table::new(&["TYPE", "KIND", "WHAT", "SIGNATURE", "AFTER"]);
    for one in arrived {
        let kind = one.event["type"].as_str().unwrap_or("-");
        let after =
            one.after.map_or_else(|| "-".to_owned(), |after| format!("{} ms", after.as_millis()));
        let signature = if one.refused.is_none() { "verified" } else { "NOT verified" };
        table.push(vec![
            output::clean(&one.event_type),
            output::clean(kind.strip_prefix("dev.livegate.").unwrap_or(kind)),
            what(&one.event["data"]),
            signature.to_owned(),
            after,
        ]);
    }
    table
}

/// The fields that a person looks for, of whichever type.
fn what(data: &Value) -> String {
    let fields = ["state", "shoot_script_title", "reply_id", "stream_key"];
    let found = fields.iter().filter_map(|field| Some((field, data.get(field)?)));
    let shown: Vec<String> =
        found.map(|(field, value)| format!("{field}={}", cell(Some(value)))).collect();
    if shown.is_empty() { "-".to_owned() } else { shown.join(" ") }
}
