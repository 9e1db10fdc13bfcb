//! What a scheme that a tenant writes may say, and that everything wrong with it is told at once.

use livegate_core::error::Coded;
use livegate_core::scheme::{RawScheme, Scheme};
use serde_json::{Value, json};

/// Path and code of everything that is wrong.
fn wrong_with(scheme: Value) -> Vec<(String, &'static str)> {
    let raw: RawScheme = serde_json::from_value(scheme).unwrap();
    match Scheme::try_from(raw) {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert_eq!(error.code().as_str(), "scheme.invalid");
            for violation in error.violations() {
                assert!(violation.code.is_well_formed());
                assert!(error.to_string().contains(violation.detail));
            }
            let pair = |v: &livegate_core::scheme::Violation| (v.path.clone(), v.code.as_str());
            error.violations().iter().map(pair).collect()
        }
    }
}

/// A good scheme with some members replaced.
fn with(changes: Value) -> Value {
    let mut scheme = json!({
        "name": "mine",
        "algorithm": "hmac-sha256",
        "message": ["id", {"literal": "."}, "time", {"literal": "."}, "body"],
        "signature": {"header": "X-Signature"},
        "time": {"at": {"header": "X-Time"}, "format": "seconds"},
        "id": {"at": {"header": "X-Id"}, "kind": "call"}
    });
    let (Value::Object(scheme), Value::Object(changes)) = (&mut scheme, changes) else { panic!() };
    for (name, value) in changes {
        scheme.insert(name, value);
    }
    Value::Object(scheme.clone())
}

#[track_caller]
fn one_thing_wrong(changes: Value, path: &str, code: &str) {
    assert_eq!(wrong_with(with(changes)), [(path.to_owned(), code)]);
}

#[test]
fn a_good_scheme_is_accepted_and_written_as_it_was_read() {
    let scheme: Scheme = serde_json::from_value(with(json!({}))).unwrap();
    let written = serde_json::to_value(&scheme).unwrap();
    let expected = with(json!({
        "encoding": "hex", "key": "text", "freshness_s": 60, "skew_s": 60
    }));
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_value::<Scheme>(written).unwrap(), scheme);
}

#[test]
fn limits_are_inside() {
    let long = |n: usize| "x".repeat(n);
    let literals: Vec<Value> = (0..29).map(|_| json!({"literal": "x"})).collect();
    let message: Vec<Value> =
        [json!("id"), json!("time"), json!("body")].into_iter().chain(literals).collect();
    assert_eq!(message.len(), 32);
    for fine in [
        json!({"name": long(64)}),
        json!({"message": ["id", "time", {"literal": long(256)}]}),
        json!({"message": message}),
        json!({"signature": {"header": long(128)}}),
        json!({"signature": {"query": "s", "separator": long(32), "index": 31}}),
        json!({"message": ["id", "time"], "signature": {"body": format!("/{}", long(255))}}),
        json!({"message": ["id", "time"], "signature": {"body": "/a".repeat(16)}}),
        json!({"freshness_s": 2, "skew_s": 0}),
        json!({"freshness_s": 3600, "skew_s": 3600}),
    ] {
        assert_eq!(wrong_with(with(fine.clone())), [], "{fine}");
    }
}

#[test]
fn what_exceeds_a_limit_is_told() {
    let long = |n: usize| "x".repeat(n);
    let parts: Vec<&str> = (0..33).map(|_| "body").collect();
    one_thing_wrong(json!({"name": ""}), "name", "scheme.name");
    one_thing_wrong(json!({"name": long(65)}), "name", "scheme.name");
    one_thing_wrong(json!({"name": "a\nb"}), "name", "scheme.name");
    one_thing_wrong(json!({"message": parts}), "message", "scheme.too_many");
    one_thing_wrong(
        json!({"message": ["id", "time", {"literal": long(257)}]}),
        "message[2].literal",
        "scheme.length",
    );
    one_thing_wrong(
        json!({"message": ["id", "time", {"literal": ""}]}),
        "message[2].literal",
        "scheme.length",
    );
    for bad in [String::new(), long(129), "a b".to_owned(), "a:".to_owned(), "é".to_owned()] {
        one_thing_wrong(
            json!({"signature": {"header": bad}}),
            "signature.header",
            "scheme.field_name",
        );
        one_thing_wrong(
            json!({"signature": {"query": bad}}),
            "signature.query",
            "scheme.field_name",
        );
    }
    for bad in ["", "a", "/~", "/~2", &format!("/{}", long(256)), &"/a".repeat(17)] {
        one_thing_wrong(
            json!({"message": ["id", "time"], "signature": {"body": bad}}),
            "signature.body",
            "scheme.pointer",
        );
    }
    for bad in [String::new(), long(33), "\n".to_owned()] {
        one_thing_wrong(
            json!({"signature": {"header": "s", "separator": bad, "index": 0}}),
            "signature.separator",
            "scheme.length",
        );
        one_thing_wrong(
            json!({"signature": {"header": "s", "prefix": bad}}),
            "signature.prefix",
            "scheme.length",
        );
    }
    one_thing_wrong(
        json!({"signature": {"header": "s", "separator": ",", "index": 32}}),
        "signature.index",
        "scheme.too_many",
    );
    for (name, bad) in [("freshness_s", 1), ("freshness_s", 3601), ("freshness_s", u64::MAX)] {
        one_thing_wrong(json!({name: bad}), name, "scheme.freshness");
    }
    one_thing_wrong(json!({"skew_s": 3601}), "skew_s", "scheme.skew");
}

#[test]
fn names_that_mean_nothing_are_told() {
    one_thing_wrong(json!({"algorithm": "HMAC-SHA256"}), "algorithm", "scheme.unknown_name");
    one_thing_wrong(json!({"encoding": "base32"}), "encoding", "scheme.unknown_name");
    one_thing_wrong(json!({"key": "pem"}), "key", "scheme.unknown_name");
    one_thing_wrong(json!({"body": "xml"}), "body", "scheme.unknown_name");
    one_thing_wrong(
        json!({"time": {"at": {"header": "t"}, "format": "minutes"}}),
        "time.format",
        "scheme.unknown_name",
    );
    one_thing_wrong(
        json!({"id": {"at": {"header": "i"}, "kind": "thing"}}),
        "id.kind",
        "scheme.unknown_name",
    );
}

#[test]
fn a_place_is_exactly_one_place() {
    for bad in [
        json!({}),
        json!({"header": "a", "query": "b"}),
        json!({"header": "a", "separator": ","}),
        json!({"header": "a", "index": 1}),
        json!({"header": "a", "separator": ",", "index": 1, "prefix": "v1="}),
    ] {
        one_thing_wrong(json!({"signature": bad}), "signature", "scheme.place");
    }
    for prefix in [" v1=", "a,b="] {
        one_thing_wrong(
            json!({"signature": {"header": "s", "separator": ",", "prefix": prefix}}),
            "signature.prefix",
            "scheme.place",
        );
    }
    // The same header in another case, or pieces that can be the same one.
    for clash in
        [json!({"header": "x-time"}), json!({"header": "X-TIME", "separator": ",", "index": 0})]
    {
        one_thing_wrong(json!({"signature": clash}), "signature", "scheme.place");
    }
    let pieces = |a: &str, b: &str| {
        let place = |prefix: &str| json!({"header": "s", "separator": ",", "prefix": prefix});
        json!({"signature": place(a), "time": {"at": place(b), "format": "seconds"}})
    };
    one_thing_wrong(pieces("v=", "v=1"), "signature", "scheme.place");
    assert_eq!(wrong_with(with(pieces("v1=", "t="))), []);
}

#[test]
fn what_is_read_has_to_be_signed() {
    one_thing_wrong(json!({"message": ["time", "body"]}), "id", "scheme.not_signed");
    one_thing_wrong(json!({"message": ["id", "body"]}), "time", "scheme.not_signed");
    one_thing_wrong(json!({"time": null}), "time", "scheme.missing");
    one_thing_wrong(json!({"id": null}), "id", "scheme.missing");
    one_thing_wrong(json!({"signature": null}), "signature", "scheme.missing");
    let nothing = json!({"message": [{"literal": "x"}], "time": null, "id": null});
    one_thing_wrong(nothing, "message", "scheme.nothing_signed");
    one_thing_wrong(
        json!({"message": [], "time": null, "id": null}),
        "message",
        "scheme.nothing_signed",
    );
}

#[test]
fn a_signature_cannot_sign_itself() {
    one_thing_wrong(json!({"signature": {"body": "/s"}}), "signature", "scheme.signs_itself");
    one_thing_wrong(
        json!({"message": ["id", "time", {"value": {"header": "x-signature"}}]}),
        "signature",
        "scheme.signs_itself",
    );
}

#[test]
fn the_key_goes_where_the_algorithm_takes_it() {
    one_thing_wrong(json!({"message": ["id", "time", "key"]}), "message", "scheme.key_part");
    one_thing_wrong(json!({"algorithm": "sha256"}), "message", "scheme.key_part");
    one_thing_wrong(
        json!({"algorithm": "md5", "message": ["key", "id", "time", "key"]}),
        "message",
        "scheme.key_part",
    );
    one_thing_wrong(json!({"key": "ed25519"}), "key", "scheme.key_form");
    one_thing_wrong(json!({"algorithm": "ed25519", "key": "hex"}), "key", "scheme.key_form");
    assert_eq!(wrong_with(with(json!({"algorithm": "ed25519"}))), []);
}

#[test]
fn only_single_values_are_sorted() {
    let sorted = |values: Value| json!({"message": [{"sorted": {"values": values}}], "time": null, "id": null});
    for bad in ["body", "url", "host", "path", "method", "sorted-query", "received-query"] {
        let values = json!([bad, {"value": {"header": "h"}}]);
        one_thing_wrong(sorted(values), "message[0].sorted.values[0]", "scheme.not_sortable");
    }
    one_thing_wrong(
        sorted(json!([{"sorted": {"values": ["time"]}}])),
        "message[0].sorted.values[0].sorted",
        "scheme.not_sortable",
    );
    one_thing_wrong(sorted(json!([])), "message[0].sorted.values", "scheme.too_many");
    let values = json!([{"value": {"header": "h"}}]);
    let separator = "-".repeat(33);
    one_thing_wrong(
        json!({"message": [{"sorted": {"values": values, "separator": separator}}],
               "time": null, "id": null}),
        "message[0].sorted.separator",
        "scheme.length",
    );
}

#[test]
fn a_scheme_without_an_algorithm_says_nothing_else() {
    for algorithm in ["none", "unknown"] {
        assert_eq!(wrong_with(json!({"algorithm": algorithm})), []);
        let codes = wrong_with(with(json!({"algorithm": algorithm, "encoding": "hex"})));
        let paths: Vec<&str> = codes.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["encoding", "message", "signature", "time", "id"]);
        assert!(codes.iter().all(|(_, code)| *code == "scheme.unused"));
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let all = wrong_with(json!({
        "name": "",
        "algorithm": "rot13",
        "encoding": "base32",
        "message": [{"literal": ""}, {"value": {"header": "a b"}}],
        "signature": {},
        "time": {"at": {"query": "t", "index": 3}, "format": "x"},
        "freshness_s": 0
    }));
    let expected = [
        ("name", "scheme.name"),
        ("freshness_s", "scheme.freshness"),
        ("algorithm", "scheme.unknown_name"),
        ("encoding", "scheme.unknown_name"),
        ("message[0].literal", "scheme.length"),
        ("message[1].value.header", "scheme.field_name"),
        ("signature", "scheme.place"),
        ("time.format", "scheme.unknown_name"),
        ("time.at", "scheme.place"),
    ];
    let expected: Vec<(String, &str)> =
        expected.iter().map(|(path, code)| ((*path).to_owned(), *code)).collect();
    assert_eq!(all, expected);
}

#[test]
fn members_that_do_not_exist_are_refused() {
    for bad in [
        json!({"algorithm": "none", "extra": 1}),
        with(json!({"message": ["everything"]})),
        with(json!({"signature": {"cookie": "s"}})),
    ] {
        assert!(serde_json::from_value::<RawScheme>(bad).is_err());
    }
}
