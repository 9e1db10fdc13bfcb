//! `relay-hosts …`: the machines that carry out relay tasks under the gateway.

use serde_json::{Map, Value};

use super::resource::{ALL, CURSOR, LIMIT, Resource, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Reach, needs};
use crate::failure::Failure;
use crate::output::{self, column};

const HOSTS: Resource = Resource {
    path: "/api/v1/relay-hosts",
    prefix: "rh_",
    one: "the relay host",
    many: "relay hosts",
    columns: &[
        column("ID", "/id"),
        column("NAME", "/name"),
        column("CONNECTED", "/connected"),
        column("GIVEN", "/given"),
        column("CAPACITY", "/capacity"),
        column("CPU 1/1000", "/cpu_permille"),
        column("VERSION", "/version"),
        column("HEARD", "/heard_at"),
    ],
    fields: &[
        "id",
        "name",
        "token",
        "connected",
        "given",
        "capacity",
        "pushes",
        "cpu_permille",
        "version",
        "connected_at",
        "heard_at",
        "source",
        "created_at",
    ],
};

const HOST: Operand = needs("HOST", "the host's id or name");

/// `relay-hosts list`
pub(crate) const LIST: Command = Command {
    words: &["relay-hosts", "list"],
    summary: "list the relay hosts",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate relay-hosts list"],
    run: |args| HOSTS.list(args, &[]),
};

/// `relay-hosts create`
pub(crate) const CREATE: Command = Command {
    words: &["relay-hosts", "create"],
    summary: "make a relay host; prints its token, once",
    about: "The token is for one machine, which connects to the gateway with it.",
    operands: &[needs("NAME", "its name")],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-hosts create berlin-1"],
    run: create,
};

/// `relay-hosts show`
pub(crate) const SHOW: Command = Command {
    words: &["relay-hosts", "show"],
    summary: "show a relay host",
    about: "",
    operands: &[HOST],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-hosts show berlin-1"],
    run: |args| HOSTS.show(args),
};

/// `relay-hosts delete`
pub(crate) const DELETE: Command = Command {
    words: &["relay-hosts", "delete"],
    summary: "delete a relay host; its tasks go to others",
    about: "It says that the host is gone: do not delete one that is cut off and may be pushing.",
    operands: &[HOST],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate relay-hosts delete berlin-1"],
    run: |args| HOSTS.delete(args),
};

fn create(args: &Args) -> Result<(), Failure> {
    let mut body = Map::new();
    set(&mut body, "name", Some(args.operand(0)));
    HOSTS.create(args, &Value::Object(body))?;
    if !args.switch("json") {
        output::note("\nThe token is not shown again.");
    }
    Ok(())
}
