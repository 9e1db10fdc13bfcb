//! The fuzz target's body: what must hold for any body at all.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{
    Dialect, DialectName, RawDialect, RawGenericPaths, Secrecy, WriteContext, metastudio, redact,
};
use crate::event::{Event, Kind, RelayState};
use crate::id::EventId;
use crate::time::UnixMillis;

const CONTEXT: WriteContext<'_> = WriteContext {
    id: EventId::from_bytes([7; 16]),
    accepted_at: UnixMillis(1_725_928_200_000),
    app_id: "app-1",
    subscription: "sub-1",
    secrecy: Secrecy::Masked,
};

/// Parses, writes and masks `data` in every dialect, and translates what is read into every other.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    let all: Vec<Dialect> =
        DialectName::ALL.iter().filter_map(|name| with_settings(*name)).collect();
    assert!(all.len() == DialectName::ALL.len(), "every dialect takes these settings");
    for dialect in &all {
        masked_bodies(dialect, data);
        let Ok(events) = dialect.parse(data) else {
            continue;
        };
        for (index, event) in events.iter().enumerate() {
            what_is_read(dialect, event);
            comes_back(dialect, event, &dialect.alone(data, index));
            for to in &all {
                translated(dialect.name(), to, event);
            }
        }
    }
}

/// A dialect with all that it can be told: paths, and a word for every meaning.
fn with_settings(name: DialectName) -> Option<Dialect> {
    let mut raw = RawDialect::from(name);
    let words = |names: &mut dyn Iterator<Item = &'static str>| -> BTreeMap<String, String> {
        names.map(|name| (name.to_string(), name.to_string())).collect()
    };
    match name {
        DialectName::Generic => {
            raw.generic = Some(RawGenericPaths {
                event_type: String::from("/type"),
                channel: Some(String::from("/room/0/id")),
                user: Some(String::from("/user")),
                id: Some(String::from("/a~1b/~0")),
                time: Some(String::from("/time")),
            });
        }
        DialectName::Artc => {
            let kinds = name.kinds().iter().filter(|kind| **kind != Kind::Unknown);
            raw.words = Some(words(&mut kinds.map(|kind| kind.as_str())));
        }
        DialectName::ArtcMpu | DialectName::Jocloud => {
            raw.words = Some(words(&mut RelayState::ALL.iter().map(|state| state.as_str())));
        }
        _ => {}
    }
    Dialect::try_from(raw).ok()
}

fn masked_bodies(dialect: &Dialect, data: &[u8]) {
    let masked = dialect.redact(data);
    assert!(dialect.redact(&masked) == masked, "masking what is masked changes nothing");
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(&masked);
    let form = dialect.content_type(data) != "application/json";
    assert!(json.is_ok() || form || !data.is_ascii(), "what is shown is JSON, or a form");
}

fn what_is_read(dialect: &Dialect, event: &Event<'_>) {
    assert!(dialect.name().kinds().contains(&event.kind), "the table has the kind {}", event.kind);
    let is_relay = event.kind == Kind::RelayState && dialect.name() != DialectName::Generic;
    assert!(event.relay.is_some() == is_relay, "a state of a relay says which, and nothing else");
    assert!(!event.channel.as_deref().is_some_and(str::is_empty), "a channel has a name");
    let plain: Result<serde_json::Map<String, serde_json::Value>, _> =
        serde_json::from_str(&event.data);
    assert!(
        plain.is_ok() || event.data.contains("\\u") || event.data.contains(['e', 'E']),
        "data is an object, but for half a surrogate pair or a number out of range"
    );
    if dialect.name() == DialectName::MetaStudio {
        assert!(metastudio::Message::parse(&event.vendor_type, &event.data).is_ok());
    }
    let shown = redact::json(&event.data);
    for key in stream_keys(&event.data) {
        assert!(key.chars().count() < 4 || !shown.contains(&key), "a stream key is shown");
    }
}

/// What is written of a dialect's own event reads back, and so does the body with it alone. Only
/// its place in its body may be another.
fn comes_back(dialect: &Dialect, event: &Event<'_>, alone: &[u8]) {
    let intact = WriteContext { secrecy: Secrecy::Intact, ..CONTEXT };
    let written = dialect.write(event, dialect.name(), &intact);
    assert!(written.is_ok(), "a dialect can carry its own events");
    let same_but_for_its_place = |read: &Event<'_>| {
        let placed = Event { repeat_key: read.repeat_key.clone(), ..event.clone() };
        placed == *read
    };
    let again = written.unwrap_or_default();
    let read = dialect.parse(&again);
    assert!(
        read.is_ok_and(|read| same_but_for_its_place(read.first())),
        "what is written reads back"
    );
    let read = dialect.parse(alone);
    assert!(
        read.is_ok_and(|read| same_but_for_its_place(read.first())),
        "an event can stand alone"
    );
}

fn translated(from: DialectName, to: &Dialect, event: &Event<'_>) {
    let name = to.name();
    if from == name {
        return;
    }
    let written = to.write(event, from, &CONTEXT);
    if !name.carries(event.kind, from) {
        assert!(written.is_err(), "what a dialect does not carry is not written");
        return;
    }
    // What the words need may be missing.
    let Ok(written) = written else { return };
    assert!(to.redact(&written) == written, "what is written for others is masked");
    let read = to.parse(&written);
    let Ok(read) = read else {
        panic!("{name} reads what it wrote of {from}'s {}: {read:?}", event.kind);
    };
    let read = read.first();
    assert!(read.kind == event.kind, "{name} says {} of {from}'s {}", read.kind, event.kind);
}

/// The stream keys at the top of an object, found by another parser.
fn stream_keys(data: &str) -> Vec<String> {
    let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(data);
    let key = object.ok().and_then(|object| object.get("stream_key").cloned());
    let text = key.and_then(|key| key.as_str().map(|key| String::from(key.trim())));
    text.into_iter().filter(|key| key != redact::MASK).collect()
}
