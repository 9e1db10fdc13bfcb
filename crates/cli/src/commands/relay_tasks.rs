//! `relay-tasks …`: what is to be relayed, whoever's client asked for it; `relays`: the states that
//! relays are in.

use super::resource::{ALL, CURSOR, LIMIT, Resource};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value};
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
        "created_at",
        "updated_at",
        "ended_at",
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
        value("vendor", "VENDOR", "only of this vendor's clients: alibaba, jocloud, metastudio"),
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
    operands: &[
        needs("VENDOR", "alibaba, jocloud or metastudio"),
        needs("APP", "the application's id; - for metastudio, which has none"),
        needs("TASK", "the task's id"),
    ],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-tasks show jocloud 281474976710655 relay-1"],
    run: show,
};

fn show(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let path = (0..3)
        .fold(TASKS.path.to_owned(), |path, at| format!("{path}/{}", segment(args.operand(at))));
    let answer = client.get("cannot show the relay task", &path, &[])?;
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    output::put(&details(&answer.json, TASKS.fields))
}
