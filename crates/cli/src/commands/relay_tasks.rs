//! `relay-tasks …`: what is to be relayed, whoever's client asked for it; `relays`: the states that
//! relays are in.

use serde_json::Value;

use super::resource::{ALL, CURSOR, FROM, LIMIT, Resource, body_from, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Reach, needs, value, values};
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::output::{self, column, details};

const TASKS: Resource = Resource {
    path: "/api/v1/relay-tasks",
    prefix: "",
    one: "the relay task",
    many: "relay tasks",
    columns: &[
        column("VENDOR", "/vendor"),
        column("APP", "/app_id"),
        column("ID", "/id"),
        column("CHANNEL", "/channel"),
        column("MODE", "/mode"),
        column("STATE", "/state"),
        column("HOST", "/host"),
        column("CREATED", "/created_at"),
        column("ENDED", "/ended_at"),
    ],
    fields: &[
        "vendor",
        "app_id",
        "id",
        "channel",
        "mode",
        "state",
        "code",
        "host",
        "created_at",
        "updated_at",
        "ended_at",
        "pushes",
        "task",
    ],
};

const RELAYS: Resource = Resource {
    path: "/api/v1/relays",
    prefix: "",
    one: "the relay",
    many: "relays",
    columns: &[
        column("SINCE", "/since"),
        column("STATE", "/state"),
        column("CHANNEL", "/channel"),
        column("TASK", "/task"),
        column("URL", "/url"),
        column("EVENT", "/event"),
    ],
    fields: &[],
};

/// `relays`
pub(crate) const STATES: Command = Command {
    words: &["relays"],
    summary: "list relays and their states, those heard of last first",
    about: "As far as accepted events told of them.",
    operands: &[],
    options: &[
        value("source", "SOURCE", "only of this source, by id or name"),
        value("channel", "CHANNEL", "only of this channel"),
        value("state", "STATE", "connecting, live, recovering, failed or ended"),
        LIMIT,
        CURSOR,
        ALL,
    ],
    reach: Reach::Gateway,
    examples: &["livegate relays --state failed"],
    run: |args| RELAYS.list(args, &["source", "channel", "state"]),
};

/// `relay-tasks list`
pub(crate) const LIST: Command = Command {
    words: &["relay-tasks", "list"],
    summary: "list relay tasks, newest first",
    about: "",
    operands: &[],
    options: &[
        value(
            "vendor",
            "VENDOR",
            "only of this vendor's clients: artc, jocloud, metastudio, livegate",
        ),
        value("app-id", "ID", "only of this application"),
        value("ended", "WHETHER", "true: only those that have ended; false: only the others"),
        LIMIT,
        CURSOR,
        ALL,
    ],
    reach: Reach::Gateway,
    examples: &["livegate relay-tasks list --ended false"],
    run: |args| TASKS.list(args, &["vendor", "app-id", "ended"]),
};

/// `relay-tasks show`
pub(crate) const SHOW: Command = Command {
    words: &["relay-tasks", "show"],
    summary: "show a relay task and what was asked for",
    about: "",
    operands: NAMES,
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-tasks show jocloud 281474976710655 relay-1"],
    run: show,
};

/// `relay-tasks start`
pub(crate) const START: Command = Command {
    words: &["relay-tasks", "start"],
    summary: "start a relay task, or change the one of its application and id",
    about: "A task is of a stream that USER publishes to a relay host as APP/CHANNEL, or of one that a host fetches\n\
            (--pull). What has no option here (SEI, exit settings) can be in the file of --from.",
    operands: &[],
    options: &[
        value("app-id", "APP", "the application"),
        value("id", "ID", "the task's id"),
        value("channel", "CHANNEL", "the channel"),
        value("user", "USER", "who publishes the stream"),
        value("picture", "WHICH", "camera (default) or screen"),
        values("target", "URL", "an address to push to; up to 50"),
        value("pull", "URL", "fetch the stream there"),
        value("failover", "HOW", "stay (default), or move: with --pull alone"),
        value("max-idle-s", "S", "how long it goes on without a source (10-2592000)"),
        FROM,
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate relay-tasks start --app-id live --id t1 --channel room1 --user ann --target rtmp://push.example.com/live/key",
    ],
    run: start,
};

/// `relay-tasks sei`
pub(crate) const SEI: Command = Command {
    words: &["relay-tasks", "sei"],
    summary: "have a relay task write an SEI message once",
    about: "",
    operands: &[VENDOR, APP, TASK, needs("MESSAGE", "the message: JSON")],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-tasks sei livegate live t1 '{\"price\": 5}'"],
    run: sei,
};

/// `relay-tasks stop`
pub(crate) const STOP: Command = Command {
    words: &["relay-tasks", "stop"],
    summary: "stop a relay task",
    about: "Its addresses rest for ten seconds from when its host has let go of it.",
    operands: NAMES,
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-tasks stop livegate live t1"],
    run: stop,
};

const VENDOR: Operand = needs("VENDOR", "artc, jocloud, metastudio or livegate");
const APP: Operand = needs("APP", "the application's id; - for metastudio, which has none");
const TASK: Operand = needs("TASK", "the task's id");
const NAMES: &[Operand] = &[VENDOR, APP, TASK];

/// The path of the task that the first three operands name.
fn path(args: &Args) -> String {
    (0..3).fold(TASKS.path.to_owned(), |path, at| format!("{path}/{}", segment(args.operand(at))))
}

fn start(args: &Args) -> Result<(), Failure> {
    let mut body = body_from(args)?;
    for (option, field) in [
        ("app-id", "app_id"),
        ("id", "id"),
        ("channel", "channel"),
        ("user", "user"),
        ("picture", "picture"),
        ("pull", "pull"),
        ("failover", "failover"),
    ] {
        set(&mut body, field, args.text(option));
    }
    let idle = args.number("max-idle-s", 10..=2_592_000_u32)?;
    set(&mut body, "max_idle_seconds", idle);
    let targets: Vec<Value> = args.each("target").iter().cloned().map(Value::from).collect();
    set(&mut body, "targets", Some(targets).filter(|targets| !targets.is_empty()));
    let client = Client::of(args)?;
    let doing = "cannot start the relay task";
    let made = client.post(doing, TASKS.path, &Value::Object(body))?;
    TASKS.print_made(args, &made)
}

fn sei(args: &Args) -> Result<(), Failure> {
    let body = serde_json::json!({ "custom": args.operand(3) });
    let client = Client::of(args)?;
    client.post("cannot send the message", &format!("{}/sei", path(args)), &body)?;
    if args.switch("json") { output::json(&body) } else { output::line("sent") }
}

fn stop(args: &Args) -> Result<(), Failure> {
    Client::of(args)?.delete("cannot stop the relay task", &path(args))?;
    let id = args.operand(2);
    if args.switch("json") {
        return output::json(&serde_json::json!({ "stopped": id }));
    }
    output::line(&format!("stopped {}", output::clean(id)))
}

fn show(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let answer = client.get("cannot show the relay task", &path(args), &[])?;
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    output::put(&details(&answer.json, TASKS.fields))
}
