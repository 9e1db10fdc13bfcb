//! `events …`: what was accepted.

use serde_json::{Map, Value};

use super::resource::{ALL, CURSOR, LIMIT, Resource, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Opt, Reach, needs, switch, value};
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::output::{self, Column, Table, cell, clean, column, details};

/// Which times, for every list that has times.
pub(super) const SINCE: Opt =
    value("since", "TIME", "from this time on: RFC 3339, Unix, or 15m, 2h, 3d");
/// Up to when.
pub(super) const UNTIL: Opt = value("until", "TIME", "before this time");

const EVENTS: Resource = Resource {
    path: "/api/v1/events",
    prefix: "evt_",
    one: "the event",
    many: "events",
    columns: &[
        column("ACCEPTED", "/accepted_at"),
        column("CHANNEL", "/channel"),
        column("SEQ", "/seq"),
        column("KIND", "/kind"),
        column("TYPE", "/type"),
        column("BYTES", "/size"),
        column("ID", "/id"),
    ],
    fields: &[
        "id",
        "channel",
        "seq",
        "kind",
        "type",
        "user",
        "source",
        "time",
        "accepted_at",
        "size",
    ],
};

const DELIVERY_COLUMNS: &[Column] = &[
    column("AT", "/at"),
    column("ENDPOINT", "/endpoint"),
    column("ATTEMPT", "/attempt"),
    column("STATUS", "/status"),
    column("HTTP", "/code"),
    column("MS", "/duration_ms"),
    column("NEXT", "/next_at"),
    column("ERROR", "/error"),
];

const WAITING_COLUMNS: &[Column] = &[
    column("SUBSCRIPTION", "/subscription"),
    column("STATE", "/state"),
    column("ATTEMPTS", "/attempts"),
    column("NEXT", "/next_at"),
    column("ERROR", "/error"),
];

const EVENT: Operand = needs("EVENT", "the event's id");

/// `events list`
pub(crate) const LIST: Command = Command {
    words: &["events", "list"],
    summary: "list accepted events, newest first",
    about: "",
    operands: &[],
    options: &[
        value("source", "SOURCE", "only of this source, by id or name"),
        value("channel", "CHANNEL", "only of this channel"),
        value("kind", "KIND", "only of this kind, ours or the vendor's name for it"),
        SINCE,
        UNTIL,
        LIMIT,
        CURSOR,
        ALL,
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate events list --source studio --since 15m",
        "livegate events list --channel room-1 --all --json",
    ],
    run: |args| EVENTS.list(args, &["source", "channel", "kind", "since", "until"]),
};

/// `events show`
pub(crate) const SHOW: Command = Command {
    words: &["events", "show"],
    summary: "show an event: its body, secrets masked, and its deliveries",
    about: "",
    operands: &[EVENT],
    options: &[switch("body", "print the body alone")],
    reach: Reach::Gateway,
    examples: &["livegate events show evt_0123456789abcdef0000000000000001"],
    run: show,
};

/// `events replay`
pub(crate) const REPLAY: Command = Command {
    words: &["events", "replay"],
    summary: "deliver an event again: to all who match, or to one",
    about: "",
    operands: &[EVENT],
    options: &[
        value("endpoint", "ENDPOINT", "only to this endpoint, by id or name"),
        value("subscription", "SUBSCRIPTION", "only for this subscription, by id or name"),
    ],
    reach: Reach::Gateway,
    examples: &["livegate events replay evt_0123456789abcdef0000000000000001 --endpoint shop"],
    run: replay,
};

fn show(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let path = format!("{}/{}", EVENTS.path, segment(args.operand(0)));
    let answer = client.get("cannot show the event", &path, &[])?;
    let mut event = answer.json;
    if args.switch("body") {
        return output::line(&body_text(event.get("body"), false));
    }
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    let mut take = |field: &str| event.as_object_mut().and_then(|fields| fields.remove(field));
    let (body, deliveries, waiting) = (take("body"), take("deliveries"), take("waiting"));
    // The CloudEvent says again what stands beside it.
    take("event");
    output::put(&details(&event, EVENTS.fields))?;
    output::line(&format!("\nBODY\n{}", body_text(body.as_ref(), true)))?;
    let mut none = true;
    for (title, columns, rows) in
        [("DELIVERIES", DELIVERY_COLUMNS, deliveries), ("WAITING", WAITING_COLUMNS, waiting)]
    {
        if let Some(Value::Array(rows)) = rows.filter(|rows| *rows != Value::Array(Vec::new())) {
            none = false;
            output::put(&format!("\n{title}\n{}", Table::of(columns, &rows).render()))?;
        }
    }
    if none { output::line("\nno deliveries yet") } else { Ok(()) }
}

/// The body as people read it; a text body as it is when it is the only output, so that it can be
/// piped.
fn body_text(body: Option<&Value>, for_a_terminal: bool) -> String {
    match body {
        Some(Value::String(text)) if !for_a_terminal => text.clone(),
        Some(value @ (Value::Object(_) | Value::Array(_))) => {
            let text = serde_json::to_string_pretty(value).unwrap_or_default();
            if for_a_terminal {
                text.lines().map(clean).collect::<Vec<_>>().join("\n")
            } else {
                text
            }
        }
        other => cell(other),
    }
}

fn replay(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let mut body = Map::new();
    if let Some(endpoint) = args.text("endpoint") {
        let id = client.id_of("/api/v1/endpoints", "ep_", endpoint)?;
        set(&mut body, "endpoint", Some(id));
    }
    if let Some(subscription) = args.text("subscription") {
        let id = client.id_of("/api/v1/subscriptions", "sub_", subscription)?;
        set(&mut body, "subscription", Some(id));
    }
    let path = format!("{}/{}/replay", EVENTS.path, segment(args.operand(0)));
    let answer = client.post("cannot replay the event", &path, &Value::Object(body))?;
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    let queued = cell(answer.json.get("queued"));
    output::line(&match queued.as_str() {
        "0" => "nothing to do: no subscription matches this event".to_owned(),
        "1" => "queued one delivery".to_owned(),
        more => format!("queued {more} deliveries"),
    })
}
