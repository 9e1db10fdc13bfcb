//! The fuzz target's body: what must hold for any body at all.

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Dialect, DialectName, GenericPaths, RawDialect, RawGenericPaths, Secrecy, WriteContext,
    metastudio, redact,
};
use crate::id::EventId;
use crate::time::UnixMillis;

/// Parses, writes and masks `data` in every dialect.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    let paths = RawGenericPaths {
        event_type: String::from("/type"),
        channel: Some(String::from("/room/0/id")),
        user: Some(String::from("/user")),
        id: Some(String::from("/a~1b/~0")),
        time: Some(String::from("/time")),
    };
    let Ok(paths) = GenericPaths::new(paths) else {
        return;
    };
    let context = WriteContext {
        id: EventId::from_bytes([7; 16]),
        accepted_at: UnixMillis(0),
        app_id: "app-1",
        subscription: "sub-1",
        secrecy: Secrecy::Masked,
    };
    let plain = DialectName::ALL.iter().filter(|name| **name != DialectName::Generic);
    let plain = plain.filter_map(|name| Dialect::try_from(RawDialect::from(*name)).ok());
    for dialect in plain.chain([Dialect::Generic(paths)]) {
        let masked = dialect.redact(data);
        assert!(dialect.redact(&masked) == masked, "masking what is masked changes nothing");
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(&masked);
        let is_form = dialect.content_type(&masked) != "application/json";
        assert!(json.is_ok() || is_form || !data.is_ascii(), "what is shown is JSON, or a form");
        let Ok(events) = dialect.parse(data) else {
            continue;
        };
        for (index, event) in events.iter().enumerate() {
            assert!(dialect.name().kinds().contains(&event.kind), "a kind that it says it has");
            let plain: Result<serde_json::Map<String, serde_json::Value>, _> =
                serde_json::from_str(&event.data);
            assert!(
                plain.is_ok() || event.data.contains("\\u") || event.data.contains(['e', 'E']),
                "data is an object, but for half a surrogate pair or a number out of range"
            );
            let written = dialect.write(event, dialect.name(), &context);
            assert!(written.is_ok(), "a dialect can carry its own events");
            let again: Vec<u8> = written.unwrap_or_default();
            let read = dialect.parse(&again).map(|events| events.first() == event);
            // One of several that is alone then is the first of its message.
            assert!(read == Ok(true) || index > 0 && read.is_ok(), "what is written reads back");
            if dialect.name() == DialectName::MetaStudio {
                assert!(metastudio::Message::parse(&event.vendor_type, &event.data).is_ok());
            }
            let shown = redact::json(&event.data);
            for key in stream_keys(&event.data) {
                assert!(key.chars().count() < 4 || !shown.contains(&key), "a stream key is shown");
            }
        }
    }
}

/// The stream keys at the top of an object, found by another parser.
fn stream_keys(data: &str) -> Vec<String> {
    let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(data);
    let key = object.ok().and_then(|object| object.get("stream_key").cloned());
    let text = key.and_then(|key| key.as_str().map(|key| String::from(key.trim())));
    text.into_iter().filter(|key| key != redact::MASK).collect()
}
