//! What every sort of object in the API has in common: list, show, change, delete.

use serde_json::{Map, Value};

use crate::args::Args;
use crate::args::table::{Opt, switch, value};
use crate::args::values::point_in_time;
use crate::client::{Answer, Client, segment};
use crate::clock::now;
use crate::failure::Failure;
use crate::input;
use crate::output::{self, Column, Table, clean, details};

/// One sort of object.
pub(crate) struct Resource {
    /// The path of the list, e.g. `/api/v1/sources`.
    pub(crate) path: &'static str,
    /// What ids begin with.
    pub(crate) prefix: &'static str,
    /// One of them, with its article.
    pub(crate) one: &'static str,
    /// Several.
    pub(crate) many: &'static str,
    /// The columns of the list.
    pub(crate) columns: &'static [Column],
    /// The fields that come first when one is shown.
    pub(crate) fields: &'static [&'static str],
}

/// How much of a list.
pub(crate) const LIMIT: Opt = value("limit", "N", "at most this many (1-200, default 50)");
/// Where to go on.
pub(crate) const CURSOR: Opt = value("cursor", "CURSOR", "go on from where a page ended");
/// Everything.
pub(crate) const ALL: Opt = switch("all", "every page");
/// A whole body for the API.
pub(crate) const FROM: Opt =
    value("from", "FILE", "take the fields from this JSON file (`-`: standard input)");

impl Resource {
    /// Prints a page, or all of them.
    pub(crate) fn list(&self, args: &Args, filters: &[&str]) -> Result<(), Failure> {
        let client = Client::of(args)?;
        let mut query = Vec::new();
        if let Some(limit) = args.number("limit", 1..=200u8)? {
            query.push(("limit", limit.to_string()));
        } else if args.switch("all") {
            query.push(("limit", "200".to_owned()));
        }
        if let Some(cursor) = args.text("cursor") {
            query.push(("cursor", cursor.to_owned()));
        }
        for &filter in filters {
            if let Some((name, value)) = filter_value(args, &client, filter)? {
                query.push((name, value));
            }
        }
        let doing = format!("cannot list {}", self.many);
        let listing = client.list(&doing, self.path, &query, args.switch("all"))?;
        if args.switch("json") {
            return output::json(&listing.to_json());
        }
        if listing.items.is_empty() {
            return output::line(&format!("no {}", self.many));
        }
        output::put(&Table::of(self.columns, &listing.items).render())?;
        if let Some(next) = &listing.next {
            output::note(&format!("there are more: --all, or --cursor {}", clean(next)));
        }
        Ok(())
    }

    /// Prints one.
    pub(crate) fn show(&self, args: &Args) -> Result<(), Failure> {
        let client = Client::of(args)?;
        let found = client.find(self.path, self.prefix, args.operand(0))?;
        if args.switch("json") {
            return output::json(&found);
        }
        output::put(&details(&found, self.fields))
    }

    /// Makes one and prints it.
    pub(crate) fn create(&self, args: &Args, body: &Value) -> Result<Answer, Failure> {
        let client = Client::of(args)?;
        let made = client.post(&format!("cannot create {}", self.one), self.path, body)?;
        self.print_made(args, &made)?;
        Ok(made)
    }

    /// Prints what the gateway made or changed.
    pub(crate) fn print_made(&self, args: &Args, made: &Answer) -> Result<(), Failure> {
        if args.switch("json") {
            output::line(made.text.trim_end())
        } else {
            output::put(&details(&made.json, self.fields))
        }
    }

    /// Changes one and prints it.
    pub(crate) fn change(&self, args: &Args, body: &Value) -> Result<(), Failure> {
        let client = Client::of(args)?;
        let path = self.path_of(&client, args.operand(0))?;
        let changed = client.patch(&format!("cannot change {}", self.one), &path, body)?;
        self.print_made(args, &changed)
    }

    /// Calls `POST PATH/{id}/ACTION`.
    pub(crate) fn act(
        &self,
        args: &Args,
        doing: &str,
        action: &str,
        body: &Value,
    ) -> Result<Answer, Failure> {
        let client = Client::of(args)?;
        let path = self.path_of(&client, args.operand(0))?;
        client.post(doing, &format!("{path}/{action}"), body)
    }

    /// Deletes one.
    pub(crate) fn delete(&self, args: &Args) -> Result<(), Failure> {
        let client = Client::of(args)?;
        let id = client.id_of(self.path, self.prefix, args.operand(0))?;
        let doing = format!("cannot delete {}", self.one);
        client.delete(&doing, &format!("{}/{}", self.path, segment(&id)))?;
        if args.switch("json") {
            return output::json(&serde_json::json!({"deleted": id}));
        }
        output::line(&format!("deleted {}", clean(&id)))
    }

    fn path_of(&self, client: &Client, wanted: &str) -> Result<String, Failure> {
        let id = client.id_of(self.path, self.prefix, wanted)?;
        Ok(format!("{}/{}", self.path, segment(&id)))
    }
}

/// A filter of a list as the API wants it: names become ids, times milliseconds.
fn filter_value<'a>(
    args: &Args,
    client: &Client,
    name: &'a str,
) -> Result<Option<(&'a str, String)>, Failure> {
    let Some(given) = args.text(name) else {
        return Ok(None);
    };
    let value = match name {
        "source" => client.id_of("/api/v1/sources", "src_", given)?,
        "endpoint" => client.id_of("/api/v1/endpoints", "ep_", given)?,
        "subscription" => client.id_of("/api/v1/subscriptions", "sub_", given)?,
        "since" | "until" => {
            let time = point_in_time(given, now());
            time.map_err(|what| args.usage(format!("--{name}: {what}")))?.0.to_string()
        }
        "app-id" => return Ok(Some(("app_id", given.to_owned()))),
        _ => given.to_owned(),
    };
    Ok(Some((name, value)))
}

/// The body of a creation: the file of `--from` if there is one, and what options say over it.
pub(crate) fn body_from(args: &Args) -> Result<Map<String, Value>, Failure> {
    let Some(path) = args.text("from") else {
        return Ok(Map::new());
    };
    match input::json(path)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Failure::failed(format!("{path} does not hold a JSON object"))),
    }
}

/// Sets a field if there is a value for it.
pub(crate) fn set<V: Into<Value>>(body: &mut Map<String, Value>, field: &str, value: Option<V>) {
    if let Some(value) = value {
        body.insert(field.to_owned(), value.into());
    }
}
