//! `applications …`: ARTC applications, and which of their streams are relayed by themselves.

use serde_json::{Map, Value};

use super::resource::{ALL, CURSOR, FROM, LIMIT, Resource, body_from, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Opt, Reach, maybe, needs, value};
use crate::failure::Failure;
use crate::output::column;

const APPLICATIONS: Resource = Resource {
    path: "/api/v1/applications",
    // Ids are digits alone.
    prefix: "",
    one: "the application",
    many: "applications",
    columns: &[
        column("ID", "/id"),
        column("NAME", "/name"),
        column("RELAY", "/relay"),
        column("DOMAIN", "/domain"),
        column("APP", "/app_name"),
        column("STREAM", "/stream_name"),
        column("SEI", "/sei"),
        column("EVERY MS", "/sei_interval_ms"),
    ],
    fields: &["id", "name", "relay", "domain", "app_name", "stream_name", "sei", "sei_interval_ms"],
};

const APPLICATION: Operand = needs("APPLICATION", "the application's id or name");

const RELAY: Opt = value(
    "relay",
    "WHAT",
    "off (default), single (each stream as it is), global (a channel's, mixed)",
);
const DOMAIN: Opt = value("domain", "HOST", "the host that streams are relayed to");
const APP_NAME: Opt = value("app-name", "NAME", "the application's name there (default live)");
const STREAM_NAME: Opt = value(
    "stream-name",
    "PATTERN",
    "with {app}, {channel}, {user}, {task} (default {channel}_{user})",
);
const SEI: Opt =
    value("sei", "WHEN", "off (default), interval, or idr: with every I-frame (every_i_frame)");
const SEI_INTERVAL: Opt = value("sei-interval-ms", "MS", "with interval: how often (1000-5000)");

/// `applications list`
pub(crate) const LIST: Command = Command {
    words: &["applications", "list"],
    summary: "list the applications",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate applications list"],
    run: |args| APPLICATIONS.list(args, &[]),
};

/// `applications create`
pub(crate) const CREATE: Command = Command {
    words: &["applications", "create"],
    summary: "make an application; prints the id that vendors' calls give as AppId",
    about: "A tenant has one from the start, which relays nothing until it is updated. A stream's name has to tell\n\
            streams apart that run at once: with {task}, or with {channel} and, for single streams, {user}.",
    operands: &[maybe("NAME", "its name; may be in the file of --from instead")],
    options: &[RELAY, DOMAIN, APP_NAME, STREAM_NAME, SEI, SEI_INTERVAL, FROM],
    reach: Reach::Gateway,
    examples: &[
        "livegate applications create shows",
        "livegate applications create shows --relay single --domain push.example.com --sei interval --sei-interval-ms 2000",
    ],
    run: create,
};

/// `applications show`
pub(crate) const SHOW: Command = Command {
    words: &["applications", "show"],
    summary: "show an application",
    about: "",
    operands: &[APPLICATION],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate applications show default"],
    run: |args| APPLICATIONS.show(args),
};

/// `applications update`
pub(crate) const UPDATE: Command = Command {
    words: &["applications", "update"],
    summary: "change an application",
    about: "What is not given stays; an empty value ('') removes it.",
    operands: &[APPLICATION],
    options: &[
        value("name", "NAME", "its name"),
        RELAY,
        DOMAIN,
        APP_NAME,
        STREAM_NAME,
        SEI,
        SEI_INTERVAL,
        FROM,
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate applications update default --relay global --domain push.example.com",
        "livegate applications update shows --sei off --sei-interval-ms ''",
    ],
    run: update,
};

/// `applications delete`
pub(crate) const DELETE: Command = Command {
    words: &["applications", "delete"],
    summary: "delete an application that has no event subscriptions",
    about: "",
    operands: &[APPLICATION],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate applications delete shows"],
    run: |args| APPLICATIONS.delete(args),
};

fn create(args: &Args) -> Result<(), Failure> {
    let mut body = body_from(args)?;
    set(&mut body, "name", args.optional_operand(0));
    if !body.contains_key("name") {
        return Err(args.usage("NAME is missing: the application's name"));
    }
    relay(args, &mut body)?;
    APPLICATIONS.create(args, &Value::Object(body))?;
    Ok(())
}

fn update(args: &Args) -> Result<(), Failure> {
    let mut body = body_from(args)?;
    set(&mut body, "name", args.text("name"));
    relay(args, &mut body)?;
    if body.is_empty() {
        return Err(args.usage("there is nothing to change"));
    }
    APPLICATIONS.change(args, &Value::Object(body))
}

/// What the options say over the file: a text, or null for an empty one.
fn relay(args: &Args, body: &mut Map<String, Value>) -> Result<(), Failure> {
    for (option, field) in [
        ("relay", "relay"),
        ("domain", "domain"),
        ("app-name", "app_name"),
        ("stream-name", "stream_name"),
        ("sei", "sei"),
    ] {
        let word = args.text(option).map(|text| match (option, text) {
            (_, "") => Value::Null,
            ("sei", "idr") => "every_i_frame".into(),
            _ => text.into(),
        });
        set(body, field, word);
    }
    let interval = if args.text("sei-interval-ms") == Some("") {
        Some(Value::Null)
    } else {
        args.number("sei-interval-ms", 1000..=5000u32)?.map(Value::from)
    };
    set(body, "sei_interval_ms", interval);
    Ok(())
}
