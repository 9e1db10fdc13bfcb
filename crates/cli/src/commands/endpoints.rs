//! `endpoints …`: where events go.

use serde_json::{Map, Value, json};

use super::resource::{ALL, CURSOR, FROM, LIMIT, Resource, body_from, set};
use crate::args::Args;
use crate::args::table::{Command, Operand, Reach, maybe, needs, switch, value, values};
use crate::args::values::header;
use crate::failure::Failure;
use crate::input::{self, KEY_FILE};
use crate::output::{self, cell, column, details};

pub(crate) const ENDPOINTS: Resource = Resource {
    path: "/api/v1/endpoints",
    prefix: "ep_",
    one: "the endpoint",
    many: "endpoints",
    columns: &[
        column("ID", "/id"),
        column("NAME", "/name"),
        column("STATE", "/state"),
        column("FORMAT", "/format"),
        column("SIGNING", "/signing/scheme"),
        column("FOLLOWS", "/managed"),
        column("URL", "/url"),
    ],
    fields: &[
        "id",
        "name",
        "url",
        "state",
        "disabled_reason",
        "managed",
        "format",
        "app_id",
        "message",
        "secrets",
        "secret",
    ],
};

const ENDPOINT: Operand = needs("ENDPOINT", "the endpoint's id or name");

/// `endpoints list`
pub(crate) const LIST: Command = Command {
    words: &["endpoints", "list"],
    summary: "list the endpoints and their states",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate endpoints list"],
    run: |args| ENDPOINTS.list(args, &[]),
};

/// `endpoints create`
pub(crate) const CREATE: Command = Command {
    words: &["endpoints", "create"],
    summary: "make an endpoint; prints its signing secret, once",
    about: "Formats are cloudevents; raw, the vendor's body as it came; a dialect's name other than generic, that\n\
            vendor's own bodies whichever vendor's the event is; and for people slack, feishu, dingtalk, mail\n\
            and sms (a service's HTTP API) and email (the deployment's own binding).",
    operands: &[
        maybe("NAME", "its name; may be in the file of --from instead"),
        maybe(
            "URL",
            "the https URL that gets the events (email: mailto:…); may be in the file, too",
        ),
    ],
    options: &[
        value("format", "FORMAT", "cloudevents (default), raw, a dialect's name, slack, mail, …"),
        value(
            "app-id",
            "ID",
            "the application that a vendor's bodies name [default: the tenant's]",
        ),
        value("message", "JSON", "for mail, sms, email: to, from and template, as JSON or @FILE"),
        value("secrets", "WHAT", "masked (default), or intact with raw or a vendor's own bodies"),
        value(
            "scheme",
            "SCHEME",
            "how deliveries are signed (default standard-webhooks; for people NONE)",
        ),
        value("secret-file", "FILE", "a secret to sign with, instead of a new one"),
        values("header", "'NAME: VALUE'", "send this header with every delivery"),
        value("timeout-s", "S", "how long a delivery may take (1-30; 15)"),
        value("rate-per-s", "N", "at most this many deliveries a second"),
        value("max-block-s", "S", "how long a failing event holds up an ordered channel (900)"),
        switch("disabled", "make it disabled: events are held until it is enabled"),
        FROM,
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate endpoints create shop https://shop.example/hooks",
        "livegate endpoints create ops https://hooks.slack.com/services/T0/B0/x --format slack",
        "livegate endpoints create duty https://mail.example/send --format mail --message '{\"to\":[\"a@example.com\"]}'",
        "livegate endpoints create platform https://live.example/cb --format metastudio --scheme MSS_A_HEAD --secret-file key.txt",
    ],
    run: create,
};

/// `endpoints show`
pub(crate) const SHOW: Command = Command {
    words: &["endpoints", "show"],
    summary: "show an endpoint",
    about: "",
    operands: &[ENDPOINT],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate endpoints show shop"],
    run: |args| ENDPOINTS.show(args),
};

/// `endpoints test`
pub(crate) const TEST: Command = Command {
    words: &["endpoints", "test"],
    summary: "send one signed test event at once, and say what came back",
    about: "",
    operands: &[ENDPOINT],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate endpoints test shop"],
    run: test,
};

/// `endpoints enable`
pub(crate) const ENABLE: Command = Command {
    words: &["endpoints", "enable"],
    summary: "enable an endpoint; what was held for it is delivered",
    about: "",
    operands: &[ENDPOINT],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate endpoints enable shop"],
    run: |args| ENDPOINTS.change(args, &json!({"enabled": true})),
};

/// `endpoints disable`
pub(crate) const DISABLE: Command = Command {
    words: &["endpoints", "disable"],
    summary: "disable an endpoint; its events are held and can be replayed",
    about: "",
    operands: &[ENDPOINT],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate endpoints disable shop"],
    run: |args| ENDPOINTS.change(args, &json!({"enabled": false})),
};

/// `endpoints rotate`
pub(crate) const ROTATE: Command = Command {
    words: &["endpoints", "rotate"],
    summary: "give an endpoint a new secret; both sign for a while",
    about: "",
    operands: &[ENDPOINT],
    options: &[KEY_FILE, value("grace-s", "S", "how long the old secret signs too (86400)")],
    reach: Reach::Gateway,
    examples: &["livegate endpoints rotate shop"],
    run: rotate,
};

/// `endpoints delete`
pub(crate) const DELETE: Command = Command {
    words: &["endpoints", "delete"],
    summary: "delete an endpoint and what waits for it",
    about: "",
    operands: &[ENDPOINT],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate endpoints delete shop"],
    run: |args| ENDPOINTS.delete(args),
};

fn create(args: &Args) -> Result<(), Failure> {
    let body = creation(args)?;
    let made = ENDPOINTS.create(args, &Value::Object(body))?;
    if !args.switch("json") && made.json.get("secret").is_some_and(Value::is_string) {
        output::note("\nThis secret is not shown again: the receiver verifies deliveries with it.");
    }
    Ok(())
}

fn creation(args: &Args) -> Result<Map<String, Value>, Failure> {
    let mut body = body_from(args)?;
    set(&mut body, "name", args.optional_operand(0));
    set(&mut body, "url", args.optional_operand(1));
    for field in ["name", "url"] {
        if !body.contains_key(field) {
            return Err(args.usage(format!("{} is missing", field.to_uppercase())));
        }
    }
    set(&mut body, "format", args.text("format"));
    set(&mut body, "app_id", args.text("app-id"));
    set(&mut body, "message", input::inline_json(args, "message")?);
    set(&mut body, "secrets", args.text("secrets"));
    let secret = match args.text("secret-file") {
        Some(_) => input::key_from(args, "secret-file")?,
        None => None,
    };
    match args.text("scheme") {
        // A Standard Webhooks secret is the endpoint's own; any other scheme has a key.
        Some(scheme) if !scheme.starts_with("standard-webhooks") => {
            body.insert("signing".to_owned(), json!({"scheme": scheme, "key": secret}));
        }
        scheme => {
            set(&mut body, "signing", scheme.map(|scheme| json!({"scheme": scheme})));
            set(&mut body, "secret", secret);
        }
    }
    let mut headers = Map::new();
    for text in args.each("header") {
        let (name, value) = header(text).map_err(|what| args.usage(what))?;
        headers.insert(name, value.into());
    }
    if !headers.is_empty() {
        body.insert("headers".to_owned(), Value::Object(headers));
    }
    set(&mut body, "timeout_s", args.number("timeout-s", 1..=30u32)?);
    set(&mut body, "rate_per_s", args.number("rate-per-s", 1..=10_000u32)?);
    set(&mut body, "max_block_s", args.number("max-block-s", 0..=604_800u32)?);
    set(&mut body, "enabled", args.switch("disabled").then_some(false));
    Ok(body)
}

fn test(args: &Args) -> Result<(), Failure> {
    let answer = ENDPOINTS.act(args, "cannot test the endpoint", "test", &json!({}))?;
    let said = &answer.json;
    if args.switch("json") {
        output::line(answer.text.trim_end())?;
    } else {
        output::put(&details(said, &["delivered", "status", "code", "duration_ms"]))?;
    }
    if said["delivered"] == true {
        return Ok(());
    }
    let code = cell(said.get("code"));
    let why = match said["status"].as_u64() {
        Some(status) => format!("the endpoint answered {status} ({code})"),
        None => code,
    };
    Err(Failure::failed(format!("the test event was not delivered: {why}")))
}

fn rotate(args: &Args) -> Result<(), Failure> {
    let mut body = Map::new();
    set(&mut body, "secret", input::key(args)?);
    set(&mut body, "grace_s", args.number("grace-s", 0..=604_800u32)?);
    let doing = "cannot rotate the endpoint's secret";
    let answer = ENDPOINTS.act(args, doing, "rotate", &Value::Object(body))?;
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    output::put(&details(&answer.json, &["secret"]))?;
    output::note("\nThis secret is not shown again. Deliveries carry both signatures meanwhile.");
    Ok(())
}
