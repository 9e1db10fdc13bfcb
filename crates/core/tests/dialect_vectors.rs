//! Vendors' bodies against their vectors: read, written again, and masked.

use livegate_core::dialect::{
    Dialect, DialectError, DialectName, RawDialect, Secrecy, WriteContext, metastudio, redact,
};
use livegate_core::error::Coded;
use livegate_core::event::{Event, RelayState};
use livegate_core::id::EventId;
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn context() -> WriteContext<'static> {
    WriteContext {
        id: EventId::from_bytes([7; 16]),
        accepted_at: UnixMillis(1_725_928_200_000),
        app_id: "app-1",
        subscription: "sub-1",
        secrecy: Secrecy::Masked,
    }
}

fn vectors(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

fn path_of(error: &DialectError) -> Option<&str> {
    match error {
        DialectError::WrongShape { path, .. } | DialectError::ValueTooLong { path, .. } => {
            Some(path)
        }
        _ => None,
    }
}

fn generic(paths: &Value) -> Dialect {
    serde_json::from_value(json!({"dialect": "generic", "generic": paths})).unwrap()
}

#[test]
fn every_metastudio_vector_is_read_as_expected() {
    let vectors = vectors(include_str!("../../../vectors/metastudio/parse.json"));
    assert!(vectors.len() > 50);
    for vector in &vectors {
        let name = text(vector, "name");
        let parsed = Dialect::MetaStudio.parse(text(vector, "body").as_bytes());
        let Some(expected) = vector.get("event") else {
            let error = parsed.expect_err(name);
            assert_eq!(error.code().as_str(), text(vector, "code"), "{name}: {error}");
            if let Some(path) = vector.get("path") {
                assert_eq!(path_of(&error), path.as_str(), "{name}: {error}");
            }
            continue;
        };
        let events = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(events.iter().count(), 1, "{name}");
        let event = events.first();
        assert_eq!(event.kind.as_str(), text(expected, "kind"), "{name}");
        assert_eq!(event.vendor_type, text(expected, "vendor_type"), "{name}");
        assert_eq!(event.channel.as_deref(), expected["channel"].as_str(), "{name}");
        assert_eq!(event.data, text(expected, "data"), "{name}");
        assert_eq!(event.entity.is_some(), expected["entity"].is_array(), "{name}");
        assert_eq!((&event.user, &event.vendor_id, event.time), (&None, &None, None), "{name}");

        let written =
            Dialect::MetaStudio.write(event, DialectName::MetaStudio, &context()).unwrap();
        let plain: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(plain["message"], *event.data, "{name}");
        let again = Dialect::MetaStudio.parse(&written).unwrap();
        assert_eq!(again.first(), event, "{name} reads back what it writes");
    }
}

/// The vectors of every other vendor: `vectors/<dialect>/parse.json`. A body is a text, or an object
/// that is sent as it stands; a part that an event does not name, it does not have.
fn of_vendors() -> Vec<(DialectName, Vec<Value>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors");
    let read = |name: &DialectName| {
        let file = std::fs::read_to_string(format!("{folder}/{name}/parse.json")).ok()?;
        Some((*name, vectors(&file)))
    };
    let others = DialectName::ALL.iter().filter(|name| **name != DialectName::MetaStudio);
    others.filter_map(read).collect()
}

fn dialect_of(name: DialectName, vector: &Value) -> Dialect {
    let mut settings = json!({"dialect": name});
    if let Some(words) = vector.get("words") {
        settings["words"] = words.clone();
    }
    serde_json::from_value(settings).unwrap()
}

fn body_of(vector: &Value) -> String {
    let body = &vector["body"];
    body.as_str().map_or_else(|| body.to_string(), String::from)
}

/// What of an event can be named in a vector.
fn as_vector(event: &Event<'_>) -> Value {
    let mut parts = json!({
        "kind": event.kind.as_str(), "vendor_type": event.vendor_type,
        "channel": event.channel, "user": event.user, "entity": event.entity,
        "vendor_id": event.vendor_id, "repeat_key": event.repeat_key,
        "time_ms": event.time.map(|time| time.0),
    });
    if let Some(relay) = &event.relay {
        parts["relay"] = json!({
            "state": relay.state.map(RelayState::as_str), "task": relay.task, "url": relay.url,
        });
        parts["relay"].as_object_mut().unwrap().retain(|_, part| !part.is_null());
    }
    parts.as_object_mut().unwrap().retain(|_, part| !part.is_null());
    parts
}

#[test]
fn every_vendors_vectors_are_read_as_expected() {
    for (dialect, vectors) in of_vendors() {
        for vector in vectors.iter().filter(|vector| vector.get("body").is_some()) {
            let name = format!("{dialect}: {} ({})", text(vector, "name"), text(vector, "why"));
            let body = body_of(vector);
            let parsed = dialect_of(dialect, vector).parse(body.as_bytes());
            let Some(expected) = vector.get("events") else {
                let error = parsed.expect_err(&name);
                assert_eq!(error.code().as_str(), text(vector, "code"), "{name}: {error}");
                if let Some(path) = vector.get("path") {
                    assert_eq!(path_of(&error), path.as_str(), "{name}: {error}");
                }
                continue;
            };
            let events = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
            let read: Vec<Value> = events.iter().map(as_vector).collect();
            assert_eq!(&Value::from(read), expected, "{name}");
            for event in &events {
                assert!(dialect.kinds().contains(&event.kind), "{name}");
            }
        }
    }
}

#[test]
fn no_vendors_secret_is_shown() {
    for (dialect, vectors) in of_vendors() {
        for vector in vectors.iter().filter(|vector| vector.get("secrets").is_some()) {
            let name = format!("{dialect}: {}", text(vector, "name"));
            let body = body_of(vector);
            let read = dialect_of(dialect, vector);
            let masked = read.redact(body.as_bytes()).into_owned();
            let shown = String::from_utf8(masked).unwrap();
            let events = format!("{:?}", read.parse(body.as_bytes()).unwrap());
            for secret in vector["secrets"].as_array().unwrap() {
                let secret = secret.as_str().unwrap();
                assert!(body.contains(secret), "{name}: {secret} is in the body");
                assert!(!shown.contains(secret), "{name}: {secret} in {shown}");
                assert!(!events.contains(secret), "{name}: {secret} in {events}");
            }
        }
    }
}

/// A vector that is written has a `from`: the dialect and the body of another vendor's event.
#[test]
fn other_vendors_events_are_written_as_expected() {
    for (dialect, vectors) in of_vendors() {
        for vector in vectors.iter().filter(|vector| vector.get("from").is_some()) {
            let name = format!("{dialect}: {} ({})", text(vector, "name"), text(vector, "why"));
            let from = DialectName::from_name(text(&vector["from"], "dialect")).unwrap();
            let read = dialect_of(from, &vector["from"]);
            let body = body_of(&vector["from"]);
            let events = read.parse(body.as_bytes()).unwrap();
            let event = events.first();
            let to = dialect_of(dialect, vector);
            let Some(expected) = vector.get("written") else {
                let error = to.write(event, from, &context()).expect_err(&name);
                assert_eq!(error.code().as_str(), text(vector, "code"), "{name}");
                continue;
            };
            let written =
                to.write(event, from, &context()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let json: Value = serde_json::from_slice(&written).unwrap();
            assert_eq!(&json, expected, "{name}");
            let again = to.parse(&written).unwrap();
            let again = again.first();
            assert_eq!(again.kind, event.kind, "{name}");
            let says = |event: &Event<'_>| {
                let state = event.relay.as_ref().and_then(|relay| relay.state);
                json!({"channel": event.channel, "user": event.user,
                    "state": state.map(RelayState::as_str)})
            };
            match vector.get("reads_back") {
                None => assert_eq!(says(again), says(event), "{name}"),
                // What the vendor cannot say, or not in the words of this vector.
                Some(less) => {
                    let mut expected = json!({"channel": null, "user": null, "state": null});
                    expected.as_object_mut().unwrap().extend(less.as_object().unwrap().clone());
                    assert_eq!(says(again), expected, "{name}");
                }
            }
        }
    }
}

#[test]
fn metastudio_has_its_words_for_others_relays() {
    let vectors = vectors(include_str!("../../../vectors/metastudio/written.json"));
    assert!(vectors.len() > 10);
    for vector in &vectors {
        let name = format!("{} ({})", text(vector, "name"), text(vector, "why"));
        let from = DialectName::from_name(text(&vector["from"], "dialect")).unwrap();
        let body = body_of(&vector["from"]);
        let events = dialect_of(from, &vector["from"]).parse(body.as_bytes()).unwrap();
        match Dialect::MetaStudio.write(events.first(), from, &context()) {
            Ok(written) => {
                let json: Value = serde_json::from_slice(&written).unwrap();
                assert_eq!(Some(&json), vector.get("written"), "{name}");
            }
            Err(error) => assert_eq!(error.code().as_str(), text(vector, "code"), "{name}"),
        }
    }
}

fn entity(event_type: &str, message: &Value) -> Option<String> {
    let body = json!({"event_type": event_type, "message": message.to_string()}).to_string();
    let events = Dialect::MetaStudio.parse(body.as_bytes()).unwrap();
    events.first().entity.as_deref().map(String::from)
}

#[test]
fn an_entity_is_a_job_and_its_output_segment_or_reply() {
    let state = |job: &str, url: &str, state: &str| {
        let message = json!({"job_id": job, "output_url": url, "state": state});
        entity("RTMP_STREAM_STATE_CHANGE", &message).unwrap()
    };
    assert_eq!(state("j", "rtmp://a", "CONNECTED"), state("j", "rtmp://a", "RECONNECTING"));
    assert_ne!(state("j", "rtmp://a", "END"), state("j", "rtmp://b", "END"));
    assert_ne!(state("j", "rtmp://a", "END"), state("k", "rtmp://a", "END"));

    let segment = |scene: &str, number: Value| {
        let message = json!({"job_id": "j", "scene_script_name": scene,
            "shoot_script_sequence_no": number, "shoot_script_title": "t"});
        entity("SHOOT_SCRIPT_SWITCH", &message).unwrap()
    };
    assert_eq!(segment("s", json!("2")), segment("s", json!(2)));
    assert_ne!(segment("s", json!("2")), segment("s", json!("3")));
    assert_ne!(segment("s", json!("2")), segment("t", json!("2")));

    let reply = |id| entity("REPLY_COMMAND_FINISH", &json!({"job_id": "j", "reply_id": id}));
    assert_ne!(reply("p"), reply("q"));
    assert_eq!(entity("REPLY_COMMAND_FINISH", &json!({"reply_id": "p"})), None);
    assert_eq!(entity("OTHER", &json!({"job_id": "j"})), None);
}

#[test]
fn states_are_known_by_name_and_others_kept() {
    let state = |name: &str| {
        let data = json!({"state": name}).to_string();
        match metastudio::Message::parse("RTMP_STREAM_STATE_CHANGE", &data).unwrap() {
            metastudio::Message::StreamState(message) => message.state.unwrap().as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    for name in ["CONNECTING", "CONNECTED", "DISCONNECTED", "RECONNECTING", "END", "NEW_ONE"] {
        assert_eq!(state(name), name);
    }
}

#[test]
fn an_error_says_where_it_is() {
    let error = Dialect::MetaStudio.parse(b"{\"event_type\":\n\"A\",\n }").unwrap_err();
    let DialectError::NotJson { at, .. } = error else { panic!("{error:?}") };
    assert_eq!((at.offset, at.line, at.column), (21, 3, 2));
    assert_eq!(error.to_string(), "the body is not JSON: unexpected character at line 3, column 2");
    let error = Dialect::MetaStudio.parse(b"{\"event_type\":\"A\",\"message\":\"{x\"}");
    assert_eq!(
        error.unwrap_err().to_string(),
        "the string at /message does not hold JSON: unexpected character at its line 1, column 2"
    );
    let error = Dialect::MetaStudio.parse(b"{\"event_type\":\"\xff\"}").unwrap_err();
    assert_eq!(error.code().as_str(), "dialect.not_utf8");
    let DialectError::NotUtf8 { at } = error else { panic!("{error:?}") };
    assert_eq!(at.offset, 15);
}

#[test]
fn a_body_is_read_up_to_the_limit() {
    let body = |len: usize| {
        let frame = "{\"event_type\":\"A\",\"message\":\"{}\",\"x\":\"\"}".len();
        format!(
            "{{\"event_type\":\"A\",\"message\":\"{{}}\",\"x\":\"{}\"}}",
            "y".repeat(len - frame)
        )
    };
    assert!(Dialect::MetaStudio.parse(body(256 * 1024).as_bytes()).is_ok());
    let error = Dialect::MetaStudio.parse(body(256 * 1024 + 1).as_bytes()).unwrap_err();
    assert_eq!(error, DialectError::TooLarge { len: 262_145, limit: 262_144 });
}

#[test]
fn every_redaction_vector_is_masked_as_expected() {
    let vectors = vectors(include_str!("../../../vectors/metastudio/redact.json"));
    assert!(vectors.len() > 30);
    for vector in &vectors {
        let name = text(vector, "name");
        let dialect = match text(vector, "dialect") {
            "metastudio" => Dialect::MetaStudio,
            _ => generic(&json!({})),
        };
        let masked = dialect.redact(text(vector, "body").as_bytes());
        let shown = std::str::from_utf8(&masked).unwrap();
        assert_eq!(shown, text(vector, "expect"), "{name}: {}", text(vector, "why"));
        assert_eq!(dialect.redact(&masked), masked, "{name}: masking twice");
    }
}

#[test]
fn bytes_that_are_no_text_are_not_shown() {
    assert_eq!(&*redact::body(b"{\"stream_key\":\"abc\xff\"}"), redact::PLACEHOLDER.as_bytes());
}

#[test]
fn more_secrets_than_can_be_looked_for_show_nothing() {
    let keys: Vec<String> = (0..100).map(|number| format!("secret-{number:03}")).collect();
    let masked = redact::json(&json!({ "stream_keys": keys }).to_string()).into_owned();
    assert_eq!(masked, "{}");
}

#[test]
fn a_generic_object_has_its_parts_where_its_paths_say() {
    let dialect = generic(&json!({"type": "/event/name", "channel": "/rooms/1/id",
        "user": "/a~1b", "id": "/n", "time": "/at"}));
    let body = br#" {"event":{"name":"relay.state"},"rooms":[{},{"id":7}],"a/b":"u","n":12,
        "at":"2024-09-10T08:30:00+08:00"} "#;
    let events = dialect.parse(body).unwrap();
    let event = events.first();
    assert_eq!(event.kind.as_str(), "relay.state");
    assert_eq!(event.channel.as_deref(), Some("7"));
    assert_eq!(event.user.as_deref(), Some("u"));
    assert_eq!(event.vendor_id.as_deref(), Some("12"));
    assert_eq!(event.time.map(|time| time.0), Some(1_725_928_200_000));
    assert_eq!(event.data.as_bytes(), body.trim_ascii());
    assert_eq!(
        dialect.write(event, DialectName::Generic, &context()).unwrap(),
        event.data.as_bytes()
    );
}

#[test]
fn a_generic_object_without_optional_parts_has_none() {
    let dialect = generic(&json!({"channel": "/room", "user": "/user", "time": "/at/x"}));
    let events = dialect.parse(br#"{"type":true,"room":null,"user":"","at":5}"#).unwrap();
    let event = events.first();
    assert_eq!((event.kind.as_str(), &*event.vendor_type), ("unknown", "true"));
    assert_eq!((&event.channel, &event.user, event.time), (&None, &None, None));
}

#[test]
fn a_generic_object_of_another_shape_is_refused_with_its_path() {
    let dialect = generic(&json!({"channel": "/room/id", "time": "/at"}));
    for (body, code, path) in [
        ("{}", "dialect.wrong_shape", Some("/type")),
        ("[]", "dialect.wrong_shape", Some("")),
        ("{\"type\":[]}", "dialect.wrong_shape", Some("/type")),
        ("{\"type\":\"a\",\"type\":\"b\"}", "dialect.wrong_shape", Some("/type")),
        ("{\"type\":1,\"room\":{\"id\":{}}}", "dialect.wrong_shape", Some("/room/id")),
        ("{\"type\":1,\"room\":{\"id\":1,\"id\":2}}", "dialect.wrong_shape", Some("/room/id")),
        ("{\"type\":1,\"at\":\"soon\"}", "dialect.wrong_shape", Some("/at")),
        ("{\"type\":1,\"at\":-5}", "dialect.wrong_shape", Some("/at")),
        ("{\"type\":1", "dialect.not_json", None),
    ] {
        let error = dialect.parse(body.as_bytes()).expect_err(body);
        assert_eq!((error.code().as_str(), path_of(&error)), (code, path), "{body}");
    }
    let long = json!({"type": 1, "room": {"id": "x".repeat(257)}}).to_string();
    let error = dialect.parse(long.as_bytes()).unwrap_err();
    assert_eq!(
        (error.code().as_str(), path_of(&error)),
        ("dialect.value_too_long", Some("/room/id"))
    );
}

#[test]
fn a_name_shows_no_secret_of_a_push_url() {
    let settings = json!({"dialect": "generic", "generic": {"user": "/to", "id": "/id"}});
    let dialect: Dialect = serde_json::from_value(settings).unwrap();
    let body = br#"{"type":"t","to":"rtmp://h/app/hunter2?sign=abcd","id":"https://h/?a=b"}"#;
    let events = dialect.parse(body).unwrap();
    let event = events.first();
    assert_eq!(event.user.as_deref(), Some("rtmp://h/app/***?sign=***"));
    assert_eq!(event.vendor_id.as_deref(), Some("https://h/?a=b"));
}

#[test]
fn paths_that_cannot_be_used_are_refused() {
    let refused = |dialect: Value| {
        let raw: RawDialect = serde_json::from_value(dialect).unwrap();
        Dialect::try_from(raw).unwrap_err().code().as_str()
    };
    let path = |path: &str| refused(json!({"dialect": "generic", "generic": {"channel": path}}));
    for malformed in ["", "room", "/a~2", "/a~"] {
        assert_eq!(path(malformed), "dialect.path_malformed", "{malformed}");
    }
    assert_eq!(path(&"/a".repeat(9)), "dialect.path_too_long");
    assert_eq!(path(&format!("/{}", "a".repeat(256))), "dialect.path_too_long");
    for secret in ["/a/stream_key", "/output_url", "/a/pushUrl/0"] {
        assert_eq!(path(secret), "dialect.path_to_secret", "{secret}");
    }
    assert_eq!(refused(json!({"dialect": "metastudio", "generic": {}})), "dialect.paths_not_used");
}

#[test]
fn dialects_are_settings_by_name() {
    let settings = json!({"dialect": "metastudio"});
    let dialect: Dialect = serde_json::from_value(settings.clone()).unwrap();
    assert_eq!(dialect, Dialect::MetaStudio);
    assert_eq!(serde_json::to_value(&dialect).unwrap(), settings);
    let settings = json!({"dialect": "generic", "generic": {"type": "/a~1b", "user": "/~0"}});
    let dialect: Dialect = serde_json::from_value(settings.clone()).unwrap();
    assert_eq!(serde_json::to_value(&dialect).unwrap(), settings);
    assert!(serde_json::from_value::<Dialect>(json!({"dialect": "other"})).is_err());
}

#[test]
fn one_vendors_event_cannot_be_written_for_another() {
    let events = generic(&json!({})).parse(br#"{"type":"relay.state"}"#).unwrap();
    let error =
        Dialect::MetaStudio.write(events.first(), DialectName::Generic, &context()).unwrap_err();
    assert_eq!(error.code().as_str(), "dialect.cannot_carry");
    assert_eq!(error.to_string(), "an event read as generic cannot be written as metastudio");
}

#[test]
fn the_answer_is_a_small_json_object() {
    let answer = Dialect::MetaStudio.answer();
    assert_eq!((answer.status, answer.content_type), (200, "application/json"));
    assert_eq!(answer.body, "{\"code\":0}");
}
