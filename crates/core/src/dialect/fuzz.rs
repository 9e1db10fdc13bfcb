//! The fuzz target's body: what must hold for any body at all.

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Dialect, DialectName, GenericPaths, RawGenericPaths, Secrecy, WriteContext, metastudio, redact,
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
    for dialect in [Dialect::MetaStudio, Dialect::Generic(paths)] {
        let masked = dialect.redact(data);
        assert!(dialect.redact(&masked) == masked, "masking what is masked changes nothing");
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(&masked);
        assert!(json.is_ok() || !data.is_ascii(), "what is shown is JSON");
        let Ok(events) = dialect.parse(data) else {
            continue;
        };
        for event in &events {
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
            assert!(read == Ok(true), "what is written reads back");
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
