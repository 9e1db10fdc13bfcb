//! `credentials …`: what the vendors' own clients sign in with.

use serde_json::{Map, Value};

use super::resource::{ALL, CURSOR, LIMIT, Resource, set};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, column};

const CREDENTIALS: Resource = Resource {
    path: "/api/v1/credentials",
    prefix: "crd_",
    one: "the credentials",
    many: "credentials",
    columns: &[
        column("ID", "/id"),
        column("ACCESS KEY", "/access_key"),
        column("RESTFUL ID", "/restful_id"),
        column("CREATED", "/created_at"),
        column("EXPIRES", "/expires_at"),
    ],
    fields: &[
        "id",
        "project_id",
        "access_key",
        "secret_key",
        "auth_token",
        "app_id",
        "restful_id",
        "restful_secret",
        "created_at",
        "expires_at",
    ],
};

/// `credentials list`
pub(crate) const LIST: Command = Command {
    words: &["credentials", "list"],
    summary: "list the sets of credentials that vendors' clients may use",
    about: "",
    operands: &[],
    options: &[LIMIT, CURSOR, ALL],
    reach: Reach::Gateway,
    examples: &["livegate credentials list"],
    run: |args| CREDENTIALS.list(args, &[]),
};

/// `credentials rotate`
pub(crate) const ROTATE: Command = Command {
    words: &["credentials", "rotate"],
    summary: "make a new set; prints its secrets, once; the others work on for a while",
    about: "Huawei's clients use project_id, access_key and secret_key, or auth_token; Alibaba's access_key,\n\
            secret_key and app_id; Jocloud's app_id, restful_id and restful_secret.",
    operands: &[],
    options: &[value("grace-s", "S", "how long the other sets work (0-604800; 86400)")],
    reach: Reach::Gateway,
    examples: &["livegate credentials rotate --grace-s 3600"],
    run: rotate,
};

/// `credentials revoke`
pub(crate) const REVOKE: Command = Command {
    words: &["credentials", "revoke"],
    summary: "end a set at once",
    about: "The gateway may go by what it knew of the set for ten seconds more.",
    operands: &[needs("SET", "the set's id")],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate credentials revoke crd_0123456789abcdef0123456789abcdef"],
    run: |args| CREDENTIALS.delete(args),
};

fn rotate(args: &Args) -> Result<(), Failure> {
    let mut body = Map::new();
    set(&mut body, "grace_s", args.number("grace-s", 0..=604_800u32)?);
    let client = Client::of(args)?;
    let doing = "cannot make new credentials";
    let made = client.post(doing, CREDENTIALS.path, &Value::Object(body))?;
    CREDENTIALS.print_made(args, &made)?;
    if !args.switch("json") {
        output::note(
            "\nThe secrets are not shown again. The other sets end when their grace does.",
        );
    }
    Ok(())
}
