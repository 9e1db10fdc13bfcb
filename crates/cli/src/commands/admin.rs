//! `admin tenant …`: tenants and their tokens.

use serde_json::json;

use super::resource::{ALL, CURSOR, LIMIT, Resource};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, column, details};

const TENANTS: Resource = Resource {
    path: "/api/v1/tenants",
    prefix: "ten_",
    one: "the tenant",
    many: "tenants",
    columns: &[column("ID", "/id"), column("NAME", "/name"), column("CREATED", "/created_at")],
    fields: &["id", "name", "created_at", "token"],
};

/// `admin tenant create`
pub(crate) const TENANT_CREATE: Command = Command {
    words: &["admin", "tenant", "create"],
    summary: "make a tenant; prints its token, once",
    about: "",
    operands: &[needs("NAME", "lower-case letters, digits and dashes, at most 64")],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate admin tenant create acme"],
    run: |args| {
        let client = Client::of(args)?;
        let body = json!({"name": args.operand(0)});
        let made = client.post("cannot create the tenant", TENANTS.path, &body)?;
        if args.switch("json") {
            return output::line(made.text.trim_end());
        }
        output::put(&details(&made.json, TENANTS.fields))?;
        output::note(
            "\nThis token is not shown again. Use it with LIVEGATE_TOKEN; it acts on this tenant \
             only.",
        );
        Ok(())
    },
};

/// `admin tenant list`
pub(crate) const TENANT_LIST: Command = Command {
    words: &["admin", "tenant", "list"],
    summary: "list the tenants",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate admin tenant list --all"],
    run: list_tenants,
};

fn list_tenants(args: &Args) -> Result<(), Failure> {
    TENANTS.list(args, &[])
}
