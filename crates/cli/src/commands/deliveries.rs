//! `deliveries list`: what was sent where, and what came back.

use super::events::{SINCE, UNTIL};
use super::resource::{ALL, CURSOR, LIMIT, Resource};
use crate::args::table::{Command, Reach, value};
use crate::output::column;

const DELIVERIES: Resource = Resource {
    path: "/api/v1/deliveries",
    prefix: "",
    one: "the delivery",
    many: "deliveries",
    columns: &[
        column("AT", "/at"),
        column("CHANNEL", "/channel"),
        column("SEQ", "/seq"),
        column("ATTEMPT", "/attempt"),
        column("STATUS", "/status"),
        column("HTTP", "/code"),
        column("MS", "/duration_ms"),
        column("NEXT", "/next_at"),
        column("ENDPOINT", "/endpoint"),
        column("EVENT", "/event"),
        column("ERROR", "/error"),
    ],
    fields: &[],
};

/// `deliveries list`
pub(crate) const LIST: Command = Command {
    words: &["deliveries", "list"],
    summary: "list deliveries and attempts, newest first",
    about: "",
    operands: &[],
    options: &[
        value("endpoint", "ENDPOINT", "only to this endpoint, by id or name"),
        value("subscription", "SUBSCRIPTION", "only for this subscription, by id or name"),
        value("channel", "CHANNEL", "only of this channel"),
        value("event", "EVENT", "only of this event"),
        value("status", "STATUS", "only delivered, retrying, parked or expired ones"),
        SINCE,
        UNTIL,
        LIMIT,
        CURSOR,
        ALL,
    ],
    reach: Reach::Gateway,
    examples: &["livegate deliveries list --endpoint shop --status parked"],
    run: |args| {
        DELIVERIES.list(
            args,
            &["endpoint", "subscription", "channel", "event", "status", "since", "until"],
        )
    },
};
