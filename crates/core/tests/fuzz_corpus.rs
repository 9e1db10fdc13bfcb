//! Every vector, in the form of the fuzz target that it is a seed of, and every input that fuzzing
//! left in `fuzz/seeds`, through the bodies of all targets: what is harmless to one parser may not
//! be to another.
#![cfg(feature = "_fuzzing")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use livegate_core::dialect::DialectName;
use livegate_core::{config, dialect, filter, flv, layout, player, scheme, sei, url};
use serde_json::Value;
use serde_json::value::RawValue;

type Body = fn(&[u8]);

const TARGETS: [(&str, Body); 9] = [
    ("config", config::fuzz::fuzz),
    ("dialect", dialect::fuzz::fuzz),
    ("filter", filter::fuzz::fuzz),
    ("flv", flv::fuzz::fuzz),
    ("layout", layout::fuzz::fuzz),
    ("player", player::fuzz::fuzz),
    ("scheme", scheme::fuzz::fuzz_scheme),
    ("sei", sei::fuzz::fuzz),
    ("url", url::fuzz::fuzz),
];

/// How the targets of livegate-rtmp begin, whose bodies are there.
const RTMP: &str = "rtmp_";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder with their names, sorted; none if there is no such folder.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// The vectors of a folder, each as the texts of its members. Numbers keep their digits.
fn vectors(folder: &str) -> Vec<BTreeMap<String, Box<RawValue>>> {
    let mut all = Vec::new();
    for (name, text) in files(&format!("vectors/{folder}")) {
        let list: Result<Vec<_>, _> = serde_json::from_slice(&text);
        all.extend(list.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    assert!(!all.is_empty(), "{folder} has no vectors");
    all
}

fn text(vector: &BTreeMap<String, Box<RawValue>>, member: &str) -> Option<String> {
    serde_json::from_str(vector.get(member)?.get()).ok()
}

fn scheme_input(vector: &Value) -> Vec<u8> {
    let text = |member: &str| vector[member].as_str().unwrap_or_default().to_owned();
    let row = match &vector["scheme"] {
        Value::String(name) if vector["canonical_uri"].is_string() => {
            format!("{name}/{}", text("canonical_uri"))
        }
        Value::String(name) => name.clone(),
        custom => custom.to_string(),
    };
    let lines: Vec<String> = vector["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| format!("{}: {}", header[0].as_str().unwrap(), header[1].as_str().unwrap()))
        .collect();
    let fields = [row, text("key"), text("url"), text("query"), lines.join("\n"), text("id")];
    let mut input = fields.join("\0").into_bytes();
    input.push(0);
    match vector["body_hex"].as_str() {
        Some(digits) => input.extend(hex::decode(digits).unwrap()),
        None => input.extend(text("body").bytes()),
    }
    input
}

/// All inputs, each with where it comes from.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (target, _) in TARGETS {
        all.extend(files(&format!("fuzz/seeds/{target}")));
    }
    for (folder, member) in [("metastudio", "body"), ("url", "url")] {
        for vector in vectors(folder) {
            // What is written from other vendors' events has no input of its own.
            let Some(input) = text(&vector, member) else { continue };
            all.push((format!("{folder}: {}", text(&vector, "name").unwrap()), input.into_bytes()));
        }
    }
    // Other vendors' bodies are texts, or objects that stand as they are sent.
    for name in DialectName::ALL {
        if !matches!(name, DialectName::MetaStudio | DialectName::Generic) {
            for vector in vectors(name.as_str()) {
                let raw = || vector.get("body").map(|raw| raw.get().to_owned());
                if let Some(body) = text(&vector, "body").or_else(raw) {
                    all.push((
                        format!("{name}: {}", text(&vector, "name").unwrap()),
                        body.into_bytes(),
                    ));
                }
            }
        }
    }
    for vector in vectors("config").into_iter().chain(vectors("relay")) {
        let params = || vector.get("params").map(|params| params.get().to_owned());
        if let Some(input) = text(&vector, "body").or_else(params) {
            all.push((format!("config: {}", text(&vector, "name").unwrap()), input.into_bytes()));
        }
    }
    for vector in vectors("filter") {
        let part = |member: &str| {
            let raw = || vector.get(member).map(|raw| raw.get().to_owned());
            text(&vector, &format!("{member}_text")).or_else(raw).unwrap_or_default()
        };
        let input = format!("{}\n{}", part("filter"), part("data"));
        all.push((format!("filter: {}", text(&vector, "name").unwrap()), input.into_bytes()));
    }
    for vector in vectors("layout") {
        let document = || vector.get("document").map(|document| document.get().to_owned());
        // Rectangles in players' boxes have no text to read.
        let Some(input) = text(&vector, "payload").or_else(document) else { continue };
        all.push((format!("layout: {}", text(&vector, "name").unwrap()), input.into_bytes()));
    }
    // A NAL unit, a message or a stream, behind a byte: for H.264 or H.265, in chunks of 16 bytes.
    for vector in vectors("sei") {
        let h265 = text(&vector, "codec").unwrap() == "h265";
        let data = ["stream_hex", "nal_hex", "content_hex"];
        let data = data.iter().find_map(|member| text(&vector, member)).unwrap();
        let mut input = vec![15 << 1 | u8::from(h265)];
        input.extend(hex::decode(data).unwrap());
        all.push((format!("sei: {}", text(&vector, "name").unwrap()), input));
    }
    for (name, file) in files("vectors/scheme") {
        let file: Value = serde_json::from_slice(&file).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            all.push((format!("{name}: {}", vector["name"]), scheme_input(vector)));
        }
    }
    // CloudEvents are written, not read; the data in them is read by the dialects.
    for vector in vectors("cloudevents") {
        let event: Value = serde_json::from_str(vector["event"].get()).unwrap();
        let data = event["data"].as_str().unwrap().as_bytes().to_vec();
        all.push((format!("cloudevents: {}", text(&vector, "name").unwrap()), data));
    }
    all
}

#[test]
fn every_body_holds_for_every_vector_and_every_kept_input() {
    let inputs = inputs();
    // 203 schemes, 88 bodies, 298 configurations and tasks, 258 addresses, 371 filters, 173 layouts and
    // payloads, 54 messages and streams, and more.
    assert!(inputs.len() >= 1424, "{}", inputs.len());
    for (target, body) in TARGETS {
        for (name, input) in &inputs {
            let holds = std::panic::catch_unwind(|| body(input)).is_ok();
            assert!(holds, "the body of {target} does not hold for {name}");
        }
    }
}

#[test]
fn every_target_has_its_body_here() {
    let targets = files("fuzz/fuzz_targets");
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    let found: Vec<&str> = targets
        .iter()
        .map(|(path, _)| path.rsplit('/').next().unwrap().trim_end_matches(".rs"))
        .filter(|name| !name.starts_with(RTMP))
        .collect();
    assert_eq!(found, names);
    for folder in seed_folders() {
        let known = names.contains(&folder.as_str()) || folder.starts_with(RTMP);
        assert!(known, "fuzz/seeds/{folder} belongs to no target");
    }
}

/// The folders in `fuzz/seeds`.
fn seed_folders() -> Vec<String> {
    let entries = fs::read_dir(root().join("fuzz/seeds")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
