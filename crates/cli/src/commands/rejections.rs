//! `rejections …`: calls that were refused, and why.

use super::resource::{ALL, CURSOR, LIMIT, Resource};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value};
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::output::{self, column, details};

const REJECTIONS: Resource = Resource {
    path: "/api/v1/rejections",
    prefix: "rej_",
    one: "the rejection",
    many: "rejections",
    columns: &[
        column("AT", "/at"),
        column("SOURCE", "/source"),
        column("REASON", "/reason"),
        column("DETAIL", "/detail"),
        column("ID", "/id"),
    ],
    fields: &[
        "id",
        "at",
        "source",
        "reason",
        "detail",
        "signed_string",
        "method",
        "url",
        "body_size",
        "body_sha256",
        "not_kept",
    ],
};

/// `rejections list`
pub(crate) const LIST: Command = Command {
    words: &["rejections", "list"],
    summary: "list refused calls with the reason, newest first",
    about: "",
    operands: &[],
    options: &[
        value("source", "SOURCE", "only calls to this source, by id or name"),
        LIMIT,
        CURSOR,
        ALL,
    ],
    reach: Reach::Gateway,
    examples: &["livegate rejections list --source studio"],
    run: |args| REJECTIONS.list(args, &["source"]),
};

/// `rejections show`
pub(crate) const SHOW: Command = Command {
    words: &["rejections", "show"],
    summary: "show a refused call with the string that should have been signed",
    about: "The key's place in the string is shown as <key>. Compare it with what the caller signs.",
    operands: &[needs("REJECTION", "the rejection's id")],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate rejections show rej_0123456789abcdef0123456789abcdef"],
    run: show,
};

fn show(args: &Args) -> Result<(), Failure> {
    let client = Client::of(args)?;
    let path = format!("{}/{}", REJECTIONS.path, segment(args.operand(0)));
    let answer = client.get("cannot show the rejection", &path, &[])?;
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    output::put(&details(&answer.json, REJECTIONS.fields))
}
