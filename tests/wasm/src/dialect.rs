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
        Err(error) => {
            let path = match &error {
                DialectError::WrongShape { path, .. } | DialectError::ValueTooLong { path, .. } => {
                    Some(path)
                }
                _ => None,
            };
            return json!({"code": error.code().as_str(), "path": path});
        }
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
