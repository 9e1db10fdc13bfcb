//! Vendors' bodies: read, written again, masked, and sent on as `CloudEvents`.

use livegate_core::dialect::{Dialect, DialectError, DialectName, Secrecy, WriteContext};
use livegate_core::error::Coded;
use livegate_core::event::cloudevents::Envelope;
use livegate_core::event::{Event, Kind, Relay, RelayState};
use livegate_core::id::{EventId, Seq, SourceId};
use livegate_core::time::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(crate) struct Body {
    body: String,
    dialect: Option<String>,
}

pub(crate) fn parse(vector: &Body) -> Value {
    let events = match Dialect::MetaStudio.parse(vector.body.as_bytes()) {
        Ok(events) => events,
        Err(error) => return refused(&error),
    };
    let event = events.first();
    let context = WriteContext {
        id: EventId::from_bytes([7; 16]),
        accepted_at: UnixMillis(0),
        app_id: "app-1",
        subscription: "sub-1",
        secrecy: Secrecy::Masked,
    };
    let written = Dialect::MetaStudio.write(event, DialectName::MetaStudio, &context).unwrap();
    let again = Dialect::MetaStudio.parse(&written).map(|again| again.first() == event);
    json!({
        "events": events.iter().count(),
        "kind": event.kind.as_str(),
        "vendor_type": event.vendor_type,
        "channel": event.channel,
        "data": event.data,
        "has_entity": event.entity.is_some(),
        "written": String::from_utf8(written).unwrap(),
        "reads_back": again == Ok(true),
    })
}

pub(crate) fn redact(vector: &Body) -> Value {
    let dialect = match vector.dialect.as_deref() {
        Some("metastudio") => Dialect::MetaStudio,
        _ => serde_json::from_value(json!({"dialect": "generic", "generic": {}})).unwrap(),
    };
    let masked = dialect.redact(vector.body.as_bytes());
    let twice = dialect.redact(&masked) == masked;
    json!({"shown": std::str::from_utf8(&masked).unwrap(), "twice_alike": twice})
}

#[derive(Deserialize)]
pub(crate) struct Callback {
    body: Option<Value>,
    words: Option<Value>,
    from: Option<Other>,
}

#[derive(Deserialize)]
struct Other {
    dialect: String,
    body: Value,
    words: Option<Value>,
}

fn with_words(name: &str, words: Option<&Value>) -> Dialect {
    let mut settings = json!({ "dialect": name });
    if let Some(words) = words {
        settings["words"] = words.clone();
    }
    serde_json::from_value(settings).unwrap()
}

/// A text as it is, anything else as JSON.
fn sent(body: &Value) -> String {
    body.as_str().map_or_else(|| body.to_string(), String::from)
}

/// What a body of the vendor of that name says; or, of another's, what is written for this one.
pub(crate) fn callback(name: &str, vector: &Callback) -> Value {
    let dialect = with_words(name, vector.words.as_ref());
    if let Some(from) = &vector.from {
        let other = with_words(&from.dialect, from.words.as_ref());
        let body = sent(&from.body);
        let events = other.parse(body.as_bytes()).unwrap();
        let context = WriteContext {
            id: EventId::from_bytes([7; 16]),
            accepted_at: UnixMillis(1_725_928_200_000),
            app_id: "app-1",
            subscription: "sub-1",
            secrecy: Secrecy::Masked,
        };
        return match dialect.write(events.first(), other.name(), &context) {
            Ok(written) => json!({"written": serde_json::from_slice::<Value>(&written).unwrap()}),
            Err(error) => json!({"code": error.code().as_str()}),
        };
    }
    let body = sent(vector.body.as_ref().unwrap());
    match dialect.parse(body.as_bytes()) {
        Ok(events) => {
            let shown = String::from_utf8(dialect.redact(body.as_bytes()).into_owned()).unwrap();
            json!({"events": events.iter().map(parts).collect::<Vec<_>>(), "shown": shown})
        }
        Err(error) => refused(&error),
    }
}

/// What a vector names of an event: the parts that are there.
fn parts(event: &Event<'_>) -> Value {
    let relay = event.relay.as_ref().map(|relay| {
        there(json!({
            "state": relay.state.map(RelayState::as_str), "task": relay.task, "url": relay.url,
        }))
    });
    there(json!({
        "kind": event.kind.as_str(),
        "vendor_type": event.vendor_type,
        "channel": event.channel,
        "user": event.user,
        "entity": event.entity,
        "vendor_id": event.vendor_id,
        "repeat_key": event.repeat_key,
        "time_ms": event.time.map(|time| time.0),
        "relay": relay,
    }))
}

fn there(mut parts: Value) -> Value {
    parts.as_object_mut().unwrap().retain(|_, part| !part.is_null());
    parts
}

fn refused(error: &DialectError) -> Value {
    let path = match error {
        DialectError::WrongShape { path, .. } | DialectError::ValueTooLong { path, .. } => {
            Some(path)
        }
        _ => None,
    };
    json!({"code": error.code().as_str(), "path": path})
}

#[derive(Deserialize)]
pub(crate) struct Enveloped {
    id: String,
    seq: u64,
    source: String,
    accepted_ms: u64,
    dialect: String,
    #[serde(default)]
    late: bool,
    event: Given,
}

#[derive(Deserialize)]
struct Given {
    kind: String,
    vendor_type: String,
    channel: Option<String>,
    user: Option<String>,
    vendor_id: Option<String>,
    time_ms: Option<u64>,
    relay_state: Option<String>,
    data: String,
}

pub(crate) fn cloud_event(vector: &Enveloped) -> Value {
    let given = &vector.event;
    let event = Event {
        kind: Kind::from_name(&given.kind).unwrap(),
        vendor_type: given.vendor_type.as_str().into(),
        channel: given.channel.as_deref().map(Into::into),
        user: given.user.as_deref().map(Into::into),
        entity: None,
        repeat_key: None,
        relay: given.relay_state.as_deref().map(|state| Relay {
            state: Some(RelayState::from_name(state).unwrap()),
            ..Relay::default()
        }),
        vendor_id: given.vendor_id.as_deref().map(Into::into),
        time: given.time_ms.map(UnixMillis),
        data: given.data.as_str().into(),
    };
    let envelope = Envelope {
        event: &event,
        id: EventId::parse(&vector.id).unwrap(),
        seq: Seq(vector.seq),
        source: SourceId::parse(&vector.source).unwrap(),
        accepted_at: UnixMillis(vector.accepted_ms),
        dialect: DialectName::from_name(&vector.dialect).unwrap(),
        late: vector.late,
    };
    json!({ "json": envelope.to_json() })
}
