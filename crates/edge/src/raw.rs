//! The core's own documents, as tenants write them into theirs, read as all others are. Their forms
//! are the core's: a field that it gains is missing here until the compiler says so.

use livegate_core::dialect::RawGenericPaths;
use livegate_core::scheme::{RawDigest, RawId, RawPart, RawPlace, RawScheme, RawSorted, RawTime};
use serde_json::Value;

use crate::document::{Field, Reading, fields_of};

fields_of!(refuse RawScheme {
    name = "custom".to_owned(),
    algorithm,
    encoding,
    key,
    message = Vec::new(),
    signature,
    time,
    id,
    body_digest,
    body,
    freshness_s,
    skew_s,
});
fields_of!(refuse RawPlace { header, query, body, separator, index, prefix, claim });
fields_of!(refuse RawSorted { separator = String::new(), values });
fields_of!(refuse RawDigest { at, encoding });
fields_of!(refuse RawTime { at, format, means });
fields_of!(refuse RawId { at, kind });
fields_of!(pass_over RawGenericPaths {
    event_type as "type" = "/type".to_owned(),
    channel,
    user,
    id,
    time,
});

/// The parts that are a word.
const PARTS: &[(&str, RawPart)] = &[
    ("key", RawPart::Key),
    ("method", RawPart::Method),
    ("host", RawPart::Host),
    ("host-without-port", RawPart::HostWithoutPort),
    ("path", RawPart::Path),
    ("sorted-query", RawPart::SortedQuery),
    ("received-query", RawPart::ReceivedQuery),
    ("url", RawPart::Url),
    ("body", RawPart::Body),
    ("time", RawPart::Time),
    ("id", RawPart::Id),
];

impl Field for RawPart {
    fn read(value: Value, reading: &mut Reading) -> Self {
        let Value::Object(members) = &value else {
            let words: Vec<&str> = PARTS.iter().map(|(word, _)| *word).collect();
            return PARTS[reading.word(&value, &words)].1.clone();
        };
        let kind = members.keys().next().filter(|_| members.len() == 1).map(String::as_str);
        let kind = ["value", "sorted"].into_iter().find(|word| kind == Some(*word));
        let mut fields = reading.fields(value);
        let part = match kind {
            Some("value") => Self::Value(fields.take("value")),
            Some(_) => Self::Sorted(fields.take("sorted")),
            // The commonest, and what is wrong with the others is said of it.
            None => Self::Literal(fields.take("literal")),
        };
        fields.refuse();
        part
    }

    fn write(&self) -> Value {
        crate::json::value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use livegate_core::dialect::RawGenericPaths;
    use livegate_core::scheme::{Builtin, RawScheme};
    use serde_json::{Value, json};

    use crate::document::{Unread, read};

    /// The core's own reader is the other opinion.
    fn agree(value: Value) {
        let raw: RawScheme = serde_json::from_value(value.clone()).expect("it is a scheme");
        assert_eq!(read::<RawScheme>(value).expect("it is a scheme here, too"), raw);
    }

    #[test]
    fn reads_schemes_as_the_core_does() {
        for row in Builtin::ALL {
            agree(serde_json::to_value(RawScheme::from(row.scheme())).expect("it is written"));
        }
        agree(json!({ "algorithm": "none" }));
        agree(json!({
            "algorithm": "md5", "encoding": null, "message": [
                "key", "method", "host", "host-without-port", "path", "sorted-query",
                "received-query", "url", "body", "time", "id", { "literal": "." },
                { "value": { "query": "q", "separator": ",", "index": 3, "prefix": "p", "claim": "/a" } },
                { "sorted": { "separator": "&", "values": ["key", { "literal": "x" }] } },
                { "sorted": { "values": [] } },
            ],
            "signature": { "header": "Sign" }, "time": { "at": { "body": "/t" }, "format": "unix" },
            "id": { "at": {}, "kind": "call" }, "body_digest": { "at": {}, "encoding": "hex" },
            "body": "form", "freshness_s": 2, "skew_s": 0, "key": "hex", "name": "n",
        }));
    }

    #[test]
    fn says_where_a_scheme_is_none() {
        let value = json!({
            "algoritm": "md5", "signature": { "headers": "x", "index": 256 },
            "message": ["bodi", {}, { "literal": 1 }, { "sorted": { "values": ["key", 7] } },
                { "literal": "a", "value": {} }, "body"],
        });
        // The core refuses it as well, at the first of these.
        assert!(serde_json::from_value::<RawScheme>(value.clone()).is_err());
        let Err(Unread(violations)) = read::<RawScheme>(value) else { panic!("it is none") };
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        let expected = [
            "algorithm",
            "message.0",
            "message.1.literal",
            "message.2.literal",
            "message.3.sorted.values.1",
            "message.4.value",
            "signature.index",
            "signature.headers",
            "algoritm",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn reads_paths_as_the_core_does() {
        for value in [
            json!({}),
            json!({ "type": "/a", "channel": "/b", "user": null, "id": "/c", "time": "/d", "x": 1 }),
        ] {
            let raw: RawGenericPaths = serde_json::from_value(value.clone()).expect("they are");
            assert_eq!(read::<RawGenericPaths>(value).expect("they are"), raw);
        }
    }
}
