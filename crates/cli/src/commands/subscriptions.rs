//! `subscriptions …`: which events go to which endpoint.

use serde_json::{Map, Value};

use super::endpoints::ENDPOINTS;
use super::resource::{ALL, CURSOR, FROM, LIMIT, Resource, body_from, set};
use super::sources::SOURCES;
use crate::args::Args;
use crate::args::table::{Command, Operand, Reach, maybe, needs, switch, value, values};
use crate::client::Client;
use crate::failure::Failure;
use crate::input;
use crate::output::column;

const SUBSCRIPTIONS: Resource = Resource {
    path: "/api/v1/subscriptions",
    prefix: "sub_",
    one: "the subscription",
    many: "subscriptions",
    columns: &[
        column("ID", "/id"),
        column("NAME", "/name"),
        column("SOURCE", "/source"),
        column("ENDPOINT", "/endpoint"),
        column("KINDS", "/filter/kinds"),
        column("CHANNELS", "/filter/channels"),
        column("ORDERED", "/ordered"),
        column("FOLLOWS", "/managed"),
    ],
    fields: &["id", "name", "source", "endpoint", "ordered", "managed", "filter"],
};

const SUBSCRIPTION: Operand = needs("SUBSCRIPTION", "the subscription's id or name");

/// `subscriptions list`
pub(crate) const LIST: Command = Command {
    words: &["subscriptions", "list"],
    summary: "list the subscriptions",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate subscriptions list"],
    run: |args| SUBSCRIPTIONS.list(args, &[]),
};

/// `subscriptions create`
pub(crate) const CREATE: Command = Command {
    words: &["subscriptions", "create"],
    summary: "send events to an endpoint: all of them, or those that match",
    about: "An event matches if its kind, channel and user are among those given (none given: any), and the\n\
            condition holds. Deliveries of a channel keep their order unless --unordered is given.",
    operands: &[maybe("ENDPOINT", "the endpoint's id or name; may be in the file of --from")],
    options: &[
        value("name", "NAME", "a name for it"),
        value("source", "SOURCE", "only events of this source, by id or name"),
        values("kind", "KIND", "only this kind, e.g. relay.state, relay.*, SHOOT_*"),
        values("channel", "CHANNEL", "only this channel"),
        values("user", "USER", "only this user"),
        value("where", "JSON", "only if this condition holds, as JSON or @FILE"),
        switch("unordered", "a failing event does not hold up those after it"),
        FROM,
    ],
    reach: Reach::Gateway,
    examples: &[
        "livegate subscriptions create shop --source studio",
        "livegate subscriptions create shop --kind relay.state --where '{\"state\":{\"$in\":[\"DISCONNECTED\",\"END\"]}}'",
    ],
    run: create,
};

/// `subscriptions show`
pub(crate) const SHOW: Command = Command {
    words: &["subscriptions", "show"],
    summary: "show a subscription",
    about: "",
    operands: &[SUBSCRIPTION],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate subscriptions show sub_0123456789abcdef0123456789abcdef"],
    run: |args| SUBSCRIPTIONS.show(args),
};

/// `subscriptions delete`
pub(crate) const DELETE: Command = Command {
    words: &["subscriptions", "delete"],
    summary: "delete a subscription",
    about: "",
    operands: &[SUBSCRIPTION],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate subscriptions delete sub_0123456789abcdef0123456789abcdef"],
    run: |args| SUBSCRIPTIONS.delete(args),
};

fn create(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let mut body = body_from(args)?;
    if let Some(endpoint) = args.optional_operand(0) {
        let id = client.id_of(ENDPOINTS.path, ENDPOINTS.prefix, endpoint)?;
        body.insert("endpoint".to_owned(), id.into());
    }
    if !body.contains_key("endpoint") {
        return Err(args.usage("ENDPOINT is missing: the endpoint's id or name"));
    }
    if let Some(source) = args.text("source") {
        let id = client.id_of(SOURCES.path, SOURCES.prefix, source)?;
        body.insert("source".to_owned(), id.into());
    }
    set(&mut body, "name", args.text("name"));
    set(&mut body, "ordered", args.switch("unordered").then_some(false));
    let filter = filter(args)?;
    if !filter.is_empty() {
        body.insert("filter".to_owned(), Value::Object(filter));
    }
    SUBSCRIPTIONS.create(args, &Value::Object(body))?;
    Ok(())
}

fn filter(args: &Args) -> Result<Map<String, Value>, Failure> {
    let mut filter = Map::new();
    for (option, field) in [("kind", "kinds"), ("channel", "channels"), ("user", "users")] {
        let given = args.each(option);
        set(&mut filter, field, (!given.is_empty()).then(|| given.to_vec()));
    }
    set(&mut filter, "where", input::inline_json(args, "where")?);
    Ok(filter)
}
