//! Rows of this crate's own table, read from their JSON. Not for what people write: a row holds what
//! a scheme can hold and nothing else, which a test sees to, so this is a tenth of the code of a
//! reader that says what is wrong.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::raw::{RawDigest, RawId, RawPart, RawPlace, RawScheme, RawSorted, RawTime};

/// The scheme that a row describes.
pub(super) fn read(row: &str) -> Option<RawScheme> {
    let row: Value = serde_json::from_str(row).ok()?;
    Some(RawScheme {
        name: text(&row, "name").unwrap_or_else(|| "custom".to_string()),
        algorithm: text(&row, "algorithm")?,
        encoding: text(&row, "encoding"),
        key: text(&row, "key"),
        message: parts(row.get("message")),
        signature: row.get("signature").map(place),
        time: row.get("time").map(|time| RawTime {
            at: at(time),
            format: text(time, "format").unwrap_or_default(),
            means: text(time, "means"),
        }),
        id: row
            .get("id")
            .map(|id| RawId { at: at(id), kind: text(id, "kind").unwrap_or_default() }),
        body_digest: row
            .get("body_digest")
            .map(|digest| RawDigest { at: at(digest), encoding: text(digest, "encoding") }),
        body: text(&row, "body"),
        freshness_s: row.get("freshness_s").and_then(Value::as_u64),
        skew_s: row.get("skew_s").and_then(Value::as_u64),
    })
}

fn text(of: &Value, name: &str) -> Option<String> {
    of.get(name)?.as_str().map(ToString::to_string)
}

fn at(of: &Value) -> RawPlace {
    of.get("at").map(place).unwrap_or_default()
}

fn place(of: &Value) -> RawPlace {
    RawPlace {
        header: text(of, "header"),
        query: text(of, "query"),
        body: text(of, "body"),
        separator: text(of, "separator"),
        index: of.get("index").and_then(Value::as_u64).and_then(|index| u8::try_from(index).ok()),
        prefix: text(of, "prefix"),
        claim: text(of, "claim"),
    }
}

fn parts(of: Option<&Value>) -> Vec<RawPart> {
    of.and_then(Value::as_array).into_iter().flatten().filter_map(part).collect()
}

fn part(of: &Value) -> Option<RawPart> {
    if let Some(literal) = text(of, "literal") {
        return Some(RawPart::Literal(literal));
    }
    if let Some(value) = of.get("value") {
        return Some(RawPart::Value(place(value)));
    }
    if let Some(sorted) = of.get("sorted") {
        let separator = text(sorted, "separator").unwrap_or_default();
        return Some(RawPart::Sorted(RawSorted { separator, values: parts(sorted.get("values")) }));
    }
    Some(match of.as_str()? {
        "key" => RawPart::Key,
        "method" => RawPart::Method,
        "host" => RawPart::Host,
        "host-without-port" => RawPart::HostWithoutPort,
        "path" => RawPart::Path,
        "sorted-query" => RawPart::SortedQuery,
        "received-query" => RawPart::ReceivedQuery,
        "url" => RawPart::Url,
        "body" => RawPart::Body,
        "time" => RawPart::Time,
        "id" => RawPart::Id,
        _ => return None,
    })
}
