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
    fields: &[
        "id",
        "name",
        "created_at",
        "token",
        "credentials",
        "project_id",
        "access_key",
        "secret_key",
        "auth_token",
        "app_id",
        "restful_id",
        "restful_secret",
    ],
};

/// `admin tenant create`
pub(crate) const TENANT_CREATE: Command = Command {
    words: &["admin", "tenant", "create"],
    summary: "make a tenant; prints its token and credentials, once",
    about: "The token is for this command and the API. The other credentials are for the vendors' own clients:\n\
            project_id, access_key and secret_key or auth_token for Huawei's; access_key, secret_key and app_id\n\
            for Alibaba's; app_id, restful_id and restful_secret for Jocloud's.",
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
            "\nThe token and the secrets are not shown again. Use the token with LIVEGATE_TOKEN; it \
             acts on this tenant only. The rest is for the vendors' clients: `livegate help \
             credentials rotate`.",
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
