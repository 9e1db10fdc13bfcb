//! What holds for any body: no panic, no leak, nothing lost.

use livegate_core::dialect::{Dialect, DialectName, Secrecy, WriteContext, redact};
use livegate_core::id::EventId;
use livegate_core::time::UnixMillis;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn context() -> WriteContext<'static> {
    WriteContext {
        id: EventId::from_bytes([7; 16]),
        accepted_at: UnixMillis(1_725_928_200_000),
        app_id: "app-1",
        subscription: "sub-1",
        secrecy: Secrecy::Masked,
    }
}

/// Any JSON value a few levels deep.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\u{a0}-\u{ff}\u{4f60}\u{1f600}\"\\\\]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A secret of four characters or more that does not look like a word of the fixed texts below.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_-]{6,40}", "[!-~]{6,20}", "[\u{e0}-\u{ff}\"\\\\/+=]{4,12}"]
        .prop_map(|text| format!("Q{text}Z"))
}

/// Every vendor's dialect, with words that explain nothing.
fn any_dialect() -> impl Strategy<Value = Dialect> {
    let names = proptest::sample::select(DialectName::ALL);
    names.prop_map(|name| serde_json::from_value(json!({"dialect": name})).unwrap())
}

/// Objects of the vectors, each with the dialect that it is of.
fn samples() -> Vec<(Dialect, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors");
    let mut all = Vec::new();
    for name in DialectName::ALL {
        let Ok(json) = std::fs::read_to_string(format!("{folder}/{name}/parse.json")) else {
            continue;
        };
        let dialect: Dialect = serde_json::from_value(json!({"dialect": name})).unwrap();
        for vector in serde_json::from_str::<Vec<Value>>(&json).unwrap() {
            let body = match vector.get("body") {
                Some(Value::String(body)) => serde_json::from_str(body).ok(),
                body => body.cloned(),
            };
            if let Some(body) = body.filter(Value::is_object) {
                all.push((dialect.clone(), body));
            }
        }
    }
    assert!(all.len() > 200);
    all
}

/// Puts `new` in the place of the value of that number, counted from the outermost; whether there
/// is one.
fn replace(value: &mut Value, at: &mut usize, new: &Value) -> bool {
    if *at == 0 {
        *value = new.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, at, new)),
        Value::Object(members) => members.values_mut().any(|item| replace(item, at, new)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_masked_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Dialect::MetaStudio.parse(&body);
        let masked = Dialect::MetaStudio.redact(&body).into_owned();
        prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&masked).is_ok());
    }

    #[test]
    fn any_object_is_read_and_masked_without_a_panic(
        dialect in any_dialect(),
        (_, body) in proptest::sample::select(samples()),
        at in 0_usize..12,
        new in value(),
    ) {
        let mut body = body;
        replace(&mut body, &mut at.clone(), &new);
        let body = body.to_string();
        if let Ok(events) = dialect.parse(body.as_bytes()) {
            for event in &events {
                prop_assert!(dialect.name().kinds().contains(&event.kind));
            }
        }
        let masked = dialect.redact(body.as_bytes()).into_owned();
        prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&masked).is_ok());
    }

    /// Wherever in a vendor's body a push address stands, its secrets are shown nowhere. (Beside a
    /// stream key the last part of its path is a name: docs/spec/events.md §5.)
    #[test]
    fn no_secret_of_a_push_address_is_shown(
        (dialect, body) in proptest::sample::select(samples()),
        at in 1_usize..12,
        key in "Q[A-Za-z0-9]{12}Z",
        token in "Q[A-Za-z0-9]{12}Z",
    ) {
        let mut body = body;
        let url = Value::from(format!("rtmp://u:{token}@h.example/app/{key}?t={token}"));
        replace(&mut body, &mut at.clone(), &url);
        let body = body.to_string();
        let masked = String::from_utf8(dialect.redact(body.as_bytes()).into_owned()).unwrap();
        let said = match dialect.parse(body.as_bytes()) {
            Ok(events) => format!("{events:?}"),
            Err(error) => format!("{error:?} {error}"),
        };
        let shown = masked + &said;
        let names_its_key = body.to_lowercase().replace('_', "").contains("streamkey");
        prop_assert!(names_its_key || !shown.contains(&key), "{}", shown);
        prop_assert!(!shown.contains(&token), "{}", shown);
    }

    /// The data is the inner object, whatever it is, and writing it is the inverse of reading it.
    #[test]
    fn any_inner_object_survives(
        event_type in "[A-Z_]{1,20}",
        fields in proptest::collection::btree_map("x_[a-z]{0,6}", value(), 0..6),
        room in "[ -~]{1,40}",
    ) {
        let mut fields: Map<String, Value> = fields.into_iter().collect();
        fields.insert("room_id".into(), Value::from(room.clone()));
        let inner = Value::Object(fields).to_string();
        let body = json!({"event_type": event_type, "message": inner}).to_string();
        let events = Dialect::MetaStudio.parse(body.as_bytes()).unwrap();
        let event = events.first();
        prop_assert_eq!(&event.data, &inner);
        prop_assert_eq!(event.channel.as_deref(), Some(room.as_str()));
        let written = Dialect::MetaStudio.write(event, DialectName::MetaStudio, &context()).unwrap();
        let plain: Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(plain, serde_json::from_str::<Value>(&body).unwrap());
    }

    /// No secret of four characters or more is anywhere in what is shown, and what is shown is JSON.
    #[test]
    fn no_secret_is_shown(
        key in secret(),
        password in "Q[A-Za-z0-9._~-]{4,20}Z",
        token in "Q[A-Za-z0-9._~-]{4,20}Z",
        noise in value(),
        place in 0..4,
    ) {
        let encoded = key.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        let path = if place == 0 { "app".into() } else { format!("app/{key}") };
        let inner = json!({
            "stream_key": key,
            "output_url": format!("rtmp://user:{password}@h/{path}?sign={token}"),
            "again": [format!("<{key}>"), {format!("k{token}"): 1}, format!("x{encoded}")],
            "wrapped": json!({"stream_key": key, "x": password}).to_string(),
            "noise": noise,
        })
        .to_string();
        let body = json!({"event_type": "RTMP_STREAM_STATE_CHANGE", "message": inner}).to_string();
        let shown = [
            String::from_utf8(Dialect::MetaStudio.redact(body.as_bytes()).into_owned()).unwrap(),
            redact::json(&inner).into_owned(),
        ];
        for shown in shown {
            prop_assert!(!shown.contains(&encoded), "{} in {}", encoded, shown);
            let decoded: Value = serde_json::from_str(&shown).unwrap();
            let all_levels = format!("{shown} {}", decoded["message"].as_str().unwrap_or(""));
            for secret in [&key, &password, &token] {
                prop_assert!(!all_levels.contains(secret.as_str()), "{} in {}", secret, all_levels);
            }
        }
    }

    /// What is not secret stays, in its order: the text differs from the original in the key alone.
    #[test]
    fn everything_else_stays_byte_for_byte(
        before in value(),
        after in value(),
        key in "Q[A-Za-z0-9]{30}Z",
    ) {
        let text = |key: &str| format!("{{\"b\" : {before},\"stream_key\":\"{key}\", \"a\":{after} }}");
        let original = text(&key);
        prop_assert_eq!(redact::json(&original), text("***"));
        let clean = format!("{{\"b\" : {before}, \"a\":{after} }}");
        let untouched = matches!(redact::json(&clean), std::borrow::Cow::Borrowed(_));
        prop_assert!(untouched);
    }
}
