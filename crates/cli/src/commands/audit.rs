//! `audit`: who changed what.

use super::resource::{ALL, CURSOR, LIMIT, Resource};
use crate::args::table::{Command, Reach};
use crate::output::column;

const AUDIT: Resource = Resource {
    path: "/api/v1/audit",
    prefix: "",
    one: "the entry",
    many: "audit entries",
    columns: &[
        column("AT", "/at"),
        column("ACTOR", "/actor"),
        column("ACTION", "/action"),
        column("OBJECT", "/object"),
        column("VERSION", "/version"),
    ],
    fields: &[],
};

/// `audit`
pub(crate) const LIST: Command = Command {
    words: &["audit"],
    summary: "list the changes to the tenant's configuration",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate audit --limit 20"],
    run: |args| AUDIT.list(args, &[]),
};
