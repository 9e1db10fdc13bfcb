//! The fuzz targets' bodies over every vector, over damaged ones, and over random bytes.
#![cfg(feature = "_fuzzing")]

use livegate_core::dialect::DialectName;
use livegate_core::{config, dialect, url};
use proptest::prelude::*;
use serde_json::Value;

fn texts(json: &str, field: &str) -> Vec<String> {
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    vectors.iter().filter_map(|vector| vector.get(field)?.as_str().map(String::from)).collect()
}

fn all_texts() -> Vec<String> {
    let mut all = texts(include_str!("../../../vectors/metastudio/parse.json"), "body");
    all.extend(texts(include_str!("../../../vectors/metastudio/redact.json"), "body"));
    for name in DialectName::ALL.iter().filter(|name| **name != DialectName::MetaStudio) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors");
        let Ok(json) = std::fs::read_to_string(format!("{folder}/{name}/parse.json")) else {
            continue;
        };
        let vectors: Vec<Value> = serde_json::from_str(&json).unwrap();
        let bodies = vectors.iter().filter_map(|vector| vector.get("body"));
        all.extend(bodies.map(|body| body.as_str().map_or_else(|| body.to_string(), String::from)));
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
    assert!(all.len() > 300);
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
