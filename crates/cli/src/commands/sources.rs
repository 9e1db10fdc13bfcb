//! `sources …`: where callbacks come from.

use serde_json::{Map, Value, json};

use super::resource::{ALL, CURSOR, FROM, LIMIT, Resource, body_from, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Reach, maybe, needs, value};
use crate::failure::Failure;
use crate::input::{self, KEY_FILE};
use crate::output::{self, column};

pub(crate) const SOURCES: Resource = Resource {
    path: "/api/v1/sources",
    prefix: "src_",
    one: "the source",
    many: "sources",
    columns: &[
        column("ID", "/id"),
        column("NAME", "/name"),
        column("DIALECT", "/dialect"),
        column("SCHEME", "/scheme"),
        column("KEY", "/key_set"),
        column("URL", "/url"),
    ],
    fields: &["id", "name", "dialect", "scheme", "url", "signed_url", "key_set"],
};

const SOURCE: Operand = needs("SOURCE", "the source's id or name");

/// `sources list`
pub(crate) const LIST: Command = Command {
    words: &["sources", "list"],
    summary: "list the sources",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate sources list --json"],
    run: |args| SOURCES.list(args, &[]),
};

/// `sources create`
pub(crate) const CREATE: Command = Command {
    words: &["sources", "create"],
    summary: "make a source; prints the URL to give to the vendor",
    about: "The key is kept sealed and never shown again. A vendor signs the URL that is configured \
            there: if\nthat is not the source's own, say so with --signed-url. The dialects are metastudio, artc, artc-mpu,\n\
            alibaba-live, artc-recording, dingrtc, jocloud, agora, trtc, zego, volcengine-rtc, livekit,\n\
            livegate-relay and generic (docs/spec/events.md).",
    operands: &[maybe("NAME", "its name; may be in the file of --from instead")],
    options: &[
        value(
            "dialect",
            "DIALECT",
            "metastudio (default), artc, artc-mpu, alibaba-live, agora, trtc, …, or generic",
        ),
        value(
            "scheme",
            "SCHEME",
            "MSS_A_HEAD (default), MSS_A, NONE, MEITUAN_DEFAULT, standard-webhooks, …",
        ),
        KEY_FILE,
        value(
            "custom",
            "JSON",
            "a scheme of your own, as JSON or @FILE; completes one that is not public",
        ),
        value("signed-url", "URL", "the URL as it is configured at the vendor"),
        value("canonical-uri", "FORM", "host-path-query (default), host-path or full-url"),
        value("freshness-s", "S", "how old a signed time may be (default 60)"),
        value("skew-s", "S", "how far ahead a signed time may be (default 60)"),
        value("duplicate-window-s", "S", "identical news within this are one event (0-600; 10)"),
        value("generic", "JSON", "for generic: where type, channel, user, id and time are"),
        value("words", "JSON", "for artc, artc-mpu, jocloud: what undocumented words mean"),
        FROM,
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate sources create studio --key-file key.txt",
        "livegate sources create rtc --dialect artc --scheme NONE --words '{\"StartVideo\":\"video.start\"}'",
        "livegate sources create shop --dialect generic --scheme standard-webhooks --key-file secret.txt",
    ],
    run: create,
};

/// `sources show`
pub(crate) const SHOW: Command = Command {
    words: &["sources", "show"],
    summary: "show a source",
    about: "",
    operands: &[SOURCE],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate sources show studio"],
    run: |args| SOURCES.show(args),
};

/// `sources rotate`
pub(crate) const ROTATE: Command = Command {
    words: &["sources", "rotate"],
    summary: "give a source a new key; the old one works on for a while",
    about: "",
    operands: &[SOURCE],
    options: &[KEY_FILE, value("grace-s", "S", "how long the old key works (0-604800; 86400)")],
    reach: Reach::Gateway,
    examples: &["livegate sources rotate studio --key-file new-key.txt --grace-s 3600"],
    run: rotate,
};

/// `sources delete`
pub(crate) const DELETE: Command = Command {
    words: &["sources", "delete"],
    summary: "delete a source; its URL answers no more",
    about: "",
    operands: &[SOURCE],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate sources delete studio"],
    run: |args| SOURCES.delete(args),
};

fn create(args: &Args) -> Result<(), Failure> {
    let body = creation(args)?;
    SOURCES.create(args, &Value::Object(body))?;
    Ok(())
}

fn creation(args: &Args) -> Result<Map<String, Value>, Failure> {
    let mut body = body_from(args)?;
    set(&mut body, "name", args.optional_operand(0));
    if !body.contains_key("name") {
        return Err(args.usage("NAME is missing: the source's name"));
    }
    set(&mut body, "dialect", args.text("dialect"));
    set(&mut body, "scheme", args.text("scheme"));
    if args.text("from").is_none() {
        body.entry("dialect").or_insert_with(|| json!("metastudio"));
        body.entry("scheme").or_insert_with(|| json!("MSS_A_HEAD"));
    }
    set(&mut body, "key", input::key(args)?);
    set(&mut body, "custom", input::inline_json(args, "custom")?);
    set(&mut body, "signed_url", args.text("signed-url"));
    set(&mut body, "canonical_uri", args.text("canonical-uri"));
    set(&mut body, "freshness_s", args.number("freshness-s", 2..=3600u32)?);
    set(&mut body, "skew_s", args.number("skew-s", 0..=3600u32)?);
    set(&mut body, "duplicate_window_s", args.number("duplicate-window-s", 0..=600u32)?);
    set(&mut body, "generic", input::inline_json(args, "generic")?);
    set(&mut body, "words", input::inline_json(args, "words")?);
    Ok(body)
}

fn rotate(args: &Args) -> Result<(), Failure> {
    let key = input::key(args)?.ok_or_else(|| args.usage("--key-file is needed: the new key"))?;
    let mut body = Map::new();
    body.insert("key".to_owned(), key.into());
    set(&mut body, "grace_s", args.number("grace-s", 0..=604_800u32)?);
    let doing = "cannot rotate the source's key";
    let answer = SOURCES.act(args, doing, "rotate", &Value::Object(body))?;
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    output::line(
        "calls signed with the new key are accepted within ten seconds, those with the old one until its grace ends",
    )
}
