//! The fuzz targets' bodies over every vector, over damaged ones, and over random bytes.
#![cfg(feature = "_fuzzing")]

use std::fs;
use std::path::Path;

use livegate_core::dialect::DialectName;
use livegate_core::{config, dialect, url};
use proptest::prelude::*;
use serde_json::Value;

fn texts(json: &str, field: &str) -> Vec<String> {
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    // An object stands for its text.
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    vectors.iter().filter_map(|vector| vector.get(field).map(text)).collect()
}

fn all_texts() -> Vec<String> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let mut all = Vec::new();
    for name in DialectName::ALL {
        for file in ["parse.json", "redact.json"] {
            let file = vectors.join(name.as_str()).join(file);
            let json = fs::read_to_string(file).unwrap_or_else(|_| "[]".into());
            all.extend(texts(&json, "body"));
        }
    }
    all.extend(texts(include_str!("../../../vectors/config/config.json"), "body"));
    all.extend(texts(include_str!("../../../vectors/url/url.json"), "url"));
    all
}

fn feed(data: &[u8]) {
    dialect::fuzz::fuzz(data);
    config::fuzz::fuzz(data);
    url::fuzz::fuzz(data);
}

#[test]
fn every_vector_holds() {
    let all = all_texts();
    assert!(all.len() > 700);
    for text in all {
        feed(text.as_bytes());
    }
}

proptest! {
    #[test]
    fn every_damaged_vector_holds(
        text in proptest::sample::select(all_texts()),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut data = text.into_bytes();
        for (at, byte) in damage {
            if !data.is_empty() {
                let at = at.index(data.len());
                data[at] = byte;
            }
        }
        feed(&data);
    }

    #[test]
    fn any_bytes_hold(data in proptest::collection::vec(any::<u8>(), 0..100)) {
        feed(&data);
    }
}
