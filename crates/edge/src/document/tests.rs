use serde_json::{Value, json};

use super::{Field, Unread, read};

words! {
    enum Colour {
        Red = "red",
        DarkBlue = "dark-blue",
    }
}

given! {
    #[derive(Debug, PartialEq)]
    struct Signing {
        scheme: String,
        custom: Option<Value>,
    }
}

given! {
    #[derive(Debug, PartialEq)]
    struct Given {
        name: String,
        vendor_type as "type": Option<String>,
        size: u8,
        colour: Option<Colour>,
        signing: Option<Signing>,
        delays: Vec<u32> = vec![5],
    }
}

document! {
    #[derive(Debug, PartialEq)]
    struct Kept {
        on: bool,
        pair: Option<(String, u64)>,
    }
}

messages! {
    #[derive(Debug, PartialEq)]
    enum Ask {
        Ping,
        Get(colour: Colour, id: Option<String>),
        Keep(kept: Box<Kept>),
    }
}

/// What is wrong, as `path code`, and as it is told.
fn wrong<T: Field>(value: Value) -> Vec<(String, String)> {
    let Err(Unread(violations)) = read::<T>(value) else { return Vec::new() };
    let shown = |one: crate::error::Violation| (format!("{} {}", one.path, one.code), one.detail);
    violations.into_iter().map(shown).collect()
}

fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected.map(|(place, detail)| (place.to_owned(), detail.to_owned())).into()
}

#[test]
fn reads_what_it_writes() {
    let value = json!({
        "name": "a", "type": "7", "size": 255, "colour": "dark-blue",
        "signing": { "scheme": "x", "custom": { "n": null } }, "delays": [0, 1],
    });
    let given: Given = read(value.clone()).expect("it is as declared");
    assert_eq!((given.vendor_type.as_deref(), given.size), (Some("7"), 255));
    assert_eq!(given.colour.map(Colour::as_str), Some("dark-blue"));
    assert_eq!(given.write(), value);
}

#[test]
fn null_is_what_is_not_there_and_is_not_written() {
    let given: Given =
        read(json!({ "name": "a", "size": 0, "signing": null, "delays": null })).expect("fine");
    assert_eq!((given.signing.is_none(), given.delays.as_slice()), (true, [5].as_slice()));
    assert_eq!(given.write(), json!({ "name": "a", "size": 0, "delays": [5] }));
}

#[test]
fn says_everything_that_is_wrong_with_its_path() {
    let value = json!({
        "size": 256, "colour": "green", "naem": 1, "delays": [1, -1, "2", 4_294_967_296_u64],
        "signing": { "custom": true, "sceme": "x" },
    });
    let expected = [
        ("name request.missing", "this is missing: a string"),
        ("size request.shape", "this is to be a whole number from 0 to 255"),
        ("colour request.shape", "this is to be one of red, dark-blue"),
        ("signing.scheme request.missing", "this is missing: a string"),
        ("signing.sceme request.unknown_field", "there is no such field"),
        ("delays.1 request.shape", "this is to be a whole number from 0 to 4294967295"),
        ("delays.2 request.shape", "this is to be a whole number from 0 to 4294967295"),
        ("delays.3 request.shape", "this is to be a whole number from 0 to 4294967295"),
        ("naem request.unknown_field", "there is no such field"),
    ];
    assert_eq!(wrong::<Given>(value), pairs(expected));
}

#[test]
fn what_is_no_object_is_one_mistake() {
    for value in [json!([]), json!("x"), json!(1)] {
        let expected = [(" request.shape", "this is to be an object")];
        assert_eq!(wrong::<Given>(value), pairs(expected));
    }
    let value = json!({ "name": "a", "signing": "hmac", "size": 1.5 });
    let expected = [
        ("size request.shape", "this is to be a whole number from 0 to 255"),
        ("signing request.shape", "this is to be an object"),
    ];
    assert_eq!(wrong::<Given>(value), pairs(expected));
}

#[test]
fn repeats_no_more_of_what_was_sent_than_it_must() {
    let many: serde_json::Map<_, _> =
        (0..100).map(|n| (format!("{n:02}{}", "ä".repeat(100)), Value::Null)).collect();
    let told = wrong::<Kept>(json!({ "on": false }));
    assert_eq!(told, [], "what is stored may know more than this version");
    let told = wrong::<Signing>(Value::Object(many));
    assert_eq!(told.len(), super::MOST);
    assert!(told.iter().all(|(place, _)| place.chars().count() < 90), "{told:?}");
}

#[test]
fn messages_are_positional() {
    let kept = Kept { on: true, pair: Some(("a".to_owned(), 7)) };
    for (message, value) in [
        (Ask::Ping, json!(["Ping"])),
        (Ask::Get(Colour::Red, None), json!(["Get", "red", null])),
        (Ask::Keep(Box::new(kept)), json!(["Keep", { "on": true, "pair": ["a", 7] }])),
    ] {
        assert_eq!(message.write(), value);
        assert_eq!(read::<Ask>(value).expect("it was written"), message);
    }
    // What a later version leaves out at the end is not there.
    let short = read::<Ask>(json!(["Get", "dark-blue"])).expect("an id may be missing");
    assert_eq!(short, Ask::Get(Colour::DarkBlue, None));
}

#[test]
fn an_unknown_message_is_none_of_the_known() {
    let expected = [("0 request.shape", "this is to be one of Ping, Get, Keep")];
    assert_eq!(wrong::<Ask>(json!(["Pong", 1])), pairs(expected));
    let expected = [(" request.shape", "this is to be a list")];
    assert_eq!(wrong::<Ask>(json!("Ping")), pairs(expected));
    let expected = [("1.on request.missing", "this is missing: true or false")];
    assert_eq!(wrong::<Ask>(json!(["Keep", {}])), pairs(expected));
}
