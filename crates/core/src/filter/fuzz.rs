//! The body of a fuzz target over filters, here so that tests can run it too.

use alloc::format;
use alloc::vec::Vec;

use crate::event::{Event, Kind};
use crate::id::SourceId;

use super::{Filter, SubscriptionSet};

/// Takes the first line for a filter and the rest for an event's data.
///
/// # Panics
/// If the filter does not read back what it prints, if its condition's opposite does not answer the
/// opposite, or if a set answers otherwise than the filter by itself.
pub fn fuzz(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let (text, data) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(filter) = Filter::parse(text) else {
        return;
    };
    let printed = serde_json::to_string(&filter).unwrap_or_default();
    assert_eq!(Filter::parse(&printed).as_ref(), Ok(&filter), "{printed}");

    let event = Event {
        kind: Kind::RelayState,
        vendor_type: "RTMP_STREAM_STATE_CHANGE".into(),
        channel: Some("room".into()),
        user: None,
        entity: None,
        repeat_key: None,
        relay: None,
        vendor_id: None,
        time: None,
        data: data.into(),
    };
    let source = SourceId::from_bytes([7; 16]);
    let answer = filter.matches(&event, source);

    if let Some(condition) = &filter.condition
        && filter.scope.admits(&event)
    {
        let condition = serde_json::to_string(condition).unwrap_or_default();
        // One level deeper and a little longer, it may be beyond the limits.
        if let Ok(opposite) = Filter::parse(&format!(r#"{{"where":{{"$not":{condition}}}}}"#)) {
            assert_ne!(opposite.matches(&event, source), answer, "{condition}");
        }
    }

    let set = SubscriptionSet::new([(1, None, filter.clone()), (2, Some(source), filter)]);
    let mut got = Vec::new();
    set.matches(&event, source, |key| got.push(*key));
    assert_eq!(got, if answer { &[1, 2][..] } else { &[] });
}

#[cfg(test)]
mod tests {
    use super::fuzz;
    use std::path::Path;
    use std::string::{String, ToString};
    use std::sync::LazyLock;
    use std::vec::Vec;

    use proptest::prelude::*;

    /// The vectors as inputs of the target.
    static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/filter");
        let mut inputs = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            for case in cases {
                let part = |name: &str| {
                    let text = case.get(std::format!("{name}_text"));
                    let text = text.and_then(|text| text.as_str()).map(ToString::to_string);
                    text.or_else(|| case.get(name).map(ToString::to_string)).unwrap_or_default()
                };
                inputs.push(std::format!("{}\n{}", part("filter"), part("data")));
            }
        }
        inputs
    });

    #[test]
    fn holds_for_every_vector() {
        assert!(CORPUS.len() > 300);
        for input in CORPUS.iter() {
            fuzz(input.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn holds_for_damaged_vectors(
            pick in any::<prop::sample::Index>(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut input = pick.get(&CORPUS).clone().into_bytes();
            for (at, byte) in damage {
                let at = at.index(input.len());
                input[at] = byte;
            }
            fuzz(&input);
            fuzz(&input[..cut.index(input.len())]);
        }

        #[test]
        fn holds_for_any_bytes(input in prop::collection::vec(any::<u8>(), 0..200)) {
            fuzz(&input);
        }
    }
}
