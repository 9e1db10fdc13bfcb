//! `replays …`: many events again, at a pace.

use serde_json::{Map, Value, json};

use super::events::{SINCE, UNTIL};
use super::resource::{ALL, CURSOR, LIMIT, Resource, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Reach, needs, value};
use crate::args::values::point_in_time;
use crate::client::{Client, segment};
use crate::clock::now;
use crate::failure::Failure;
use crate::output::column;

const REPLAYS: Resource = Resource {
    path: "/api/v1/replays",
    prefix: "rpl_",
    one: "the replay",
    many: "replays",
    columns: &[
        column("ID", "/id"),
        column("STATE", "/state"),
        column("MATCHED", "/matched"),
        column("QUEUED", "/queued"),
        column("CREATED", "/created_at"),
    ],
    fields: &["id", "state", "matched", "queued", "created_at"],
};

const REPLAY: Operand = needs("REPLAY", "the replay's id");

/// `replays list`
pub(crate) const LIST: Command = Command {
    words: &["replays", "list"],
    summary: "list bulk replays",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate replays list"],
    run: |args| REPLAYS.list(args, &[]),
};

/// `replays create`
pub(crate) const CREATE: Command = Command {
    words: &["replays", "create"],
    summary: "deliver all events that match again, at a pace",
    about: "Say which events with at least one of --source, --channel, --kind, --since, --until and\n\
            --status; and to whom with --endpoint or --subscription, else to all who match.",
    operands: &[],
    options: &[
        value("source", "SOURCE", "events of this source, by id or name"),
        value("channel", "CHANNEL", "events of this channel"),
        value("kind", "KIND", "events of this kind"),
        value("status", "STATUS", "events with such a delivery: parked"),
        SINCE,
        UNTIL,
        value("endpoint", "ENDPOINT", "only to this endpoint, by id or name"),
        value("subscription", "SUBSCRIPTION", "only for this subscription, by id or name"),
        value("rate-per-s", "N", "at most this many events a second"),
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate replays create --endpoint shop --status parked --since 1d --rate-per-s 50",
    ],
    run: create,
};

/// `replays show`
pub(crate) const SHOW: Command = Command {
    words: &["replays", "show"],
    summary: "show how far a bulk replay is",
    about: "",
    operands: &[REPLAY],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate replays show rpl_0123456789abcdef0123456789abcdef"],
    run: |args| REPLAYS.show(args),
};

/// `replays cancel`
pub(crate) const CANCEL: Command = Command {
    words: &["replays", "cancel"],
    summary: "stop a bulk replay; what is queued is still delivered",
    about: "",
    operands: &[REPLAY],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate replays cancel rpl_0123456789abcdef0123456789abcdef"],
    run: cancel,
};

fn create(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let mut body = Map::new();
    for (option, path, prefix) in [
        ("source", "/api/v1/sources", "src_"),
        ("endpoint", "/api/v1/endpoints", "ep_"),
        ("subscription", "/api/v1/subscriptions", "sub_"),
    ] {
        if let Some(wanted) = args.text(option) {
            set(&mut body, option, Some(client.id_of(path, prefix, wanted)?));
        }
    }
    for option in ["channel", "kind", "status"] {
        set(&mut body, option, args.text(option));
    }
    for option in ["since", "until"] {
        if let Some(text) = args.text(option) {
            let time = point_in_time(text, now())
                .map_err(|what| args.usage(format!("--{option}: {what}")))?;
            set(&mut body, option, Some(time.to_string()));
        }
    }
    let says_which = ["source", "channel", "kind", "status", "since", "until"];
    if !says_which.iter().any(|field| body.contains_key(*field)) {
        return Err(args.usage("which events? `--since 0` means all of them"));
    }
    set(&mut body, "rate_per_s", args.number("rate-per-s", 1..=1000u32)?);
    let doing = "cannot start the replay";
    let made = client.post(doing, REPLAYS.path, &Value::Object(body))?;
    REPLAYS.print_made(args, &made)
}

fn cancel(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let path = format!("{}/{}/cancel", REPLAYS.path, segment(args.operand(0)));
    let answer = client.post("cannot cancel the replay", &path, &json!({}))?;
    REPLAYS.print_made(args, &answer)
}
