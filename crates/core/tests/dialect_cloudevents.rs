//! `CloudEvents` out, against vectors and the rules of `CloudEvents` 1.0.2's JSON format.

use std::borrow::Cow;

use livegate_core::dialect::DialectName;
use livegate_core::event::cloudevents::{Envelope, batch};
use livegate_core::event::{Event, Kind, Relay, RelayState};
use livegate_core::id::{EventId, Seq, SourceId};
use livegate_core::time::UnixMillis;
use proptest::prelude::*;
use serde_json::Value;

fn event_of(vector: &Value) -> Event<'_> {
    let text = |field: &str| vector.get(field).and_then(Value::as_str).map(Cow::Borrowed);
    let state = text("relay_state").map(|state| RelayState::from_name(&state).unwrap());
    Event {
        kind: Kind::from_name(&text("kind").unwrap()).unwrap(),
        vendor_type: text("vendor_type").unwrap(),
        channel: text("channel"),
        user: text("user"),
        entity: None,
        repeat_key: None,
        relay: Some(Relay { state, ..Relay::default() }),
        vendor_id: text("vendor_id"),
        time: vector.get("time_ms").and_then(Value::as_u64).map(UnixMillis),
        data: text("data").unwrap(),
    }
}

fn envelope<'e>(vector: &Value, event: &'e Event<'e>) -> Envelope<'e> {
    Envelope {
        event,
        id: EventId::parse(vector["id"].as_str().unwrap()).unwrap(),
        seq: Seq(vector["seq"].as_u64().unwrap()),
        source: SourceId::parse(vector["source"].as_str().unwrap()).unwrap(),
        accepted_at: UnixMillis(vector["accepted_ms"].as_u64().unwrap()),
        dialect: DialectName::from_name(vector["dialect"].as_str().unwrap()).unwrap(),
        late: vector.get("late").is_some_and(|late| late == true),
    }
}

/// The rules that the JSON schema of `CloudEvents` 1.0.2 and its "Context Attributes" set.
fn assert_is_a_cloud_event(event: &Value) {
    let object = event.as_object().unwrap();
    for required in ["id", "source", "specversion", "type"] {
        assert!(object[required].as_str().is_some_and(|text| !text.is_empty()), "{required}");
    }
    assert_eq!(object["specversion"], "1.0");
    for (name, value) in object {
        if name == "data" {
            assert!(value.is_object());
            continue;
        }
        // The one boolean, which a String is not (JSON Event Format for CloudEvents 1.0.2, §2.2).
        if name == "late" {
            assert_eq!(*value, Value::Bool(true));
            continue;
        }
        let allowed = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(allowed && (1..=20).contains(&name.len()), "{name}");
        let text = value.as_str().unwrap_or_else(|| panic!("{name} is a string"));
        assert!(!text.is_empty() && !text.chars().any(char::is_control), "{name}");
    }
}

#[test]
fn every_vector_is_written_as_expected() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../vectors/cloudevents/cloudevents.json"))
            .unwrap();
    assert!(!vectors.is_empty());
    let events: Vec<_> = vectors.iter().map(|vector| event_of(&vector["event"])).collect();
    let envelopes = vectors.iter().zip(&events).map(|(vector, event)| envelope(vector, event));
    let mut written = Vec::new();
    for (vector, envelope) in vectors.iter().zip(envelopes.clone()) {
        let json: Value = serde_json::from_str(&envelope.to_json()).unwrap();
        assert_eq!(json, vector["expect"], "{}", vector["name"]);
        assert_is_a_cloud_event(&json);
        written.push(json);
    }
    let together: Value = serde_json::from_str(&batch(envelopes)).unwrap();
    assert_eq!(together, Value::Array(written));
}

#[test]
fn an_empty_batch_is_an_empty_list() {
    assert_eq!(batch([]), "[]");
}

proptest! {
    #[test]
    fn any_event_becomes_a_cloud_event(
        kind in proptest::sample::select(Kind::ALL),
        vendor_type in any::<String>().prop_filter("not empty", |text| !text.is_empty()),
        channel in any::<Option<String>>(),
        user in any::<Option<String>>(),
        seq: u64,
        millis: u64,
        late: bool,
        state in proptest::option::of(proptest::sample::select(RelayState::ALL)),
    ) {
        let event = Event {
            kind,
            vendor_type: vendor_type.into(),
            channel: channel.map(Cow::Owned),
            user: user.map(Cow::Owned),
            entity: None,
            repeat_key: None,
            relay: Some(Relay { state, ..Relay::default() }),
            vendor_id: None,
            time: None,
            data: "{\"stream_key\":\"hunter2\"}".into(),
        };
        let envelope = Envelope {
            event: &event,
            id: EventId::from_bytes([7; 16]),
            seq: Seq(seq),
            source: SourceId::from_bytes([9; 16]),
            accepted_at: UnixMillis(millis),
            dialect: DialectName::Generic,
            late,
        };
        let text = envelope.to_json();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_is_a_cloud_event(&json);
        prop_assert_eq!(json["sequence"].as_str().map(str::parse), Some(Ok(seq)));
        prop_assert_eq!(json["sequence"].as_str().map(str::len), Some(20));
        prop_assert_eq!(&json["data"]["stream_key"], "***");
        prop_assert_eq!(json.get("late"), late.then_some(&Value::Bool(true)));
        let shown = json.get("relaystate").and_then(Value::as_str);
        prop_assert_eq!(shown, state.map(RelayState::as_str));
    }
}
