//! Every input in `fuzz/seeds` of this crate's targets, through the bodies of all of them: what is
//! harmless to one parser may not be to another.
#![cfg(feature = "_fuzzing")]

use std::fs;
use std::path::{Path, PathBuf};

use livegate_rtmp::fuzz;

type Body = fn(&[u8]);

const TARGETS: [(&str, Body); 4] = [
    ("rtmp_amf0", fuzz::amf0),
    ("rtmp_chunks", fuzz::chunks),
    ("rtmp_handshake", fuzz::handshake),
    ("rtmp_session", fuzz::session),
];

/// The files of a folder, sorted; none if there is no such folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_body_holds_for_every_kept_input() {
    for (folder, _) in TARGETS {
        let inputs = files(&format!("fuzz/seeds/{folder}"));
        assert!(inputs.len() >= 3, "{folder} has no seeds");
        for path in inputs {
            let input = fs::read(&path).unwrap();
            for (target, body) in TARGETS {
                let holds = std::panic::catch_unwind(|| body(&input)).is_ok();
                assert!(holds, "the body of {target} does not hold for {}", path.display());
            }
        }
    }
}

#[test]
fn every_target_has_its_body_here() {
    let targets = files("fuzz/fuzz_targets");
    let names = targets.iter().map(|path| path.file_stem().unwrap().to_str().unwrap());
    let found: Vec<&str> = names.filter(|name| name.starts_with("rtmp_")).collect();
    assert_eq!(found, TARGETS.map(|(name, _)| name));
}

/// A seed that says nothing would be no seed: the session's gets as far as media.
#[test]
fn the_session_seed_publishes() {
    use livegate_rtmp::session::server::{Event, Server, Settings};
    let seeds = files("fuzz/seeds/rtmp_session");
    let path = seeds.iter().find(|path| path.ends_with("publishes")).expect("the seed is there");
    let data = fs::read(path).unwrap();
    let mut all = vec![0; 3_073];
    all[0] = 3;
    all.extend(&data[2..]);
    let mut server = Server::new([0; 32], Settings::default());
    let mut input = &all[..];
    let mut media = 0;
    while let Some(event) = server.next(&mut input).unwrap() {
        if server.is_waiting() {
            server.accept().unwrap();
        }
        media += usize::from(matches!(event, Event::Media(_)));
    }
    assert_eq!(media, 3);
}
