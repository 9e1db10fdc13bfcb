//! `settings …`: what vendors leave undocumented, as the tenant has it.

use serde_json::{Map, Value};

use crate::args::Args;
use crate::args::table::{Command, Reach, needs_some};
use crate::args::values::pair;
use crate::client::{Answer, Client};
use crate::failure::Failure;
use crate::input;
use crate::output::{self, details};

const PATH: &str = "/api/v1/settings";

const FIELDS: &[&str] = &[
    "callback_levels",
    "rooms_inherit",
    "room_update",
    "platform_auth_type",
    "meituan_default",
    "artc_url",
    "artc_users",
    "artc_single_tasks",
    "artc_mixed_tasks",
    "jocloud_names",
];

/// `settings show`
pub(crate) const SHOW: Command = Command {
    words: &["settings", "show"],
    summary: "show what holds where vendors are silent",
    about: "docs/settings.md says what each setting is for.",
    operands: &[],
    options: &[],
    reach: Reach::Gateway,
    examples: &["livegate settings show"],
    run: show,
};

/// `settings set`
pub(crate) const SET: Command = Command {
    words: &["settings", "set"],
    summary: "change settings; an empty value brings the default back",
    about: "The settings are callback_levels, rooms_inherit, room_update, platform_auth_type, meituan_default,\n\
            artc_url, artc_users, artc_single_tasks, artc_mixed_tasks, jocloud_names, relay_lease_ms, relay_rest_ms\n\
            and relay_status_ms; docs/settings.md says what each is for.\n\
            A value is a word, a number, words with commas between for callback_levels, JSON, or JSON in @FILE.",
    operands: &[needs_some("NAME=VALUE", "a setting and what it is to be")],
    options: &[],
    reach: Reach::Gateway,
    examples: &[
        "livegate settings set rooms_inherit=true artc_users=20",
        "livegate settings set callback_levels=job,room,tenant room_update=",
        "livegate settings set meituan_default=@meituan.json",
    ],
    run: set,
};

fn show(args: &Args) -> Result<(), Failure> {
    let answer = Client::of(args)?.get("cannot show the settings", PATH, &[])?;
    print(args, &answer)
}

fn set(args: &Args) -> Result<(), Failure> {
    let mut body = Map::new();
    for text in args.operands() {
        let (name, text) = pair(text).map_err(|_| args.usage("a setting is NAME=VALUE"))?;
        if body.insert(name.to_owned(), value(name, text)?).is_some() {
            return Err(args.usage(format!("`{name}` was given twice")));
        }
    }
    let doing = "cannot change the settings";
    let answer = Client::of(args)?.patch(doing, PATH, &Value::Object(body))?;
    print(args, &answer)
}

fn print(args: &Args, answer: &Answer) -> Result<(), Failure> {
    if args.switch("json") {
        return output::line(answer.text.trim_end());
    }
    output::put(&details(&answer.json, FIELDS))
}

/// A value as it is typed: what is no JSON is a text.
fn value(name: &str, text: &str) -> Result<Value, Failure> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    if let Some(path) = text.strip_prefix('@') {
        return input::json(path);
    }
    let read = serde_json::from_str(text);
    Ok(match (name, read) {
        (_, Ok(value)) => value,
        ("callback_levels", Err(_)) => text.split(',').map(str::trim).collect(),
        (_, Err(_)) => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::{Value, json};

    #[test]
    fn a_value_is_what_it_looks_like() {
        for (name, text, wanted) in [
            ("artc_users", "20", json!(20)),
            ("rooms_inherit", "true", json!(true)),
            ("room_update", "clears", json!("clears")),
            ("room_update", "", Value::Null),
            ("callback_levels", "job, room", json!(["job", "room"])),
            ("callback_levels", "tenant", json!(["tenant"])),
            ("callback_levels", r#"["job"]"#, json!(["job"])),
            ("meituan_default", r#"{"algorithm":"md5"}"#, json!({"algorithm": "md5"})),
        ] {
            assert_eq!(value(name, text).ok(), Some(wanted), "{name}={text}");
        }
        assert!(value("meituan_default", "@/nowhere/at/all").is_err());
    }
}
