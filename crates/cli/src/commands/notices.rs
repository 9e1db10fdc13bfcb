//! `notices …`: what is told to people here.

use serde_json::json;

use super::resource::{ALL, CURSOR, LIMIT, Resource};
use crate::args::Args;
use crate::args::table::{Command, Reach, maybe};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, column};

const NOTICES: Resource = Resource {
    path: "/api/v1/notices",
    prefix: "",
    one: "the notice",
    many: "notices",
    columns: &[
        column("SEQ", "/seq"),
        column("AT", "/at"),
        column("READ", "/read"),
        column("CHANNEL", "/channel"),
        column("TEXT", "/text"),
    ],
    fields: &[],
};

/// `notices list`
pub(crate) const LIST: Command = Command {
    words: &["notices", "list"],
    summary: "list what people are to know, newest first",
    about: "Notices are kept once the tenant's `live_notify_config` names their event: AUTO_EXIT.",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate notices list"],
    run: |args| NOTICES.list(args, &[]),
};

/// `notices read`
pub(crate) const READ: Command = Command {
    words: &["notices", "read"],
    summary: "mark notices as read: all, or those up to one",
    about: "",
    operands: &[maybe("SEQ", "the newest that was read, by its number")],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate notices read", "livegate notices read 7"],
    run: read,
};

fn read(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let doing = "cannot mark the notices as read";
    let up_to = if let Some(text) = args.optional_operand(0) {
        text.parse::<u64>().map_err(|_| args.usage("SEQ is a notice's number"))?
    } else {
        // Not what comes in meanwhile: nobody has seen that.
        let newest = client.list(doing, NOTICES.path, &[("limit", "1".to_owned())], false)?;
        newest.items.first().and_then(|notice| notice["seq"].as_u64()).unwrap_or(0)
    };
    client.post(doing, &format!("{}/read", NOTICES.path), &json!({ "up_to": up_to }))?;
    if args.switch("json") {
        return output::json(&json!({ "read_up_to": up_to }));
    }
    output::line(&format!("read up to {up_to}"))
}
