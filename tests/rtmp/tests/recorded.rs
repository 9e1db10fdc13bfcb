//! What ffmpeg 8.1 sent when it published for two seconds, as the package rtmp-runtime has it recorded:
//! a handshake, commands and 144 messages of media, by that package's own notes.

use std::path::Path;
use std::process::Command;

use livegate_rtmp::message::{Kind, Message};
use livegate_rtmp::session::server::{Event, Server, Settings};

/// The recording, where cargo has put the package.
fn recording() -> Vec<u8> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path", manifest])
        .output()
        .expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let (_, rest) =
        text.split_once("\"name\":\"rtmp-runtime\",\"version\"").expect("the package is locked");
    let (_, rest) = rest.split_once("\"manifest_path\":\"").expect("it lies somewhere");
    let (path, _) = rest.split_once('"').expect("a text ends");
    let folder = Path::new(path).parent().expect("a file is in a folder");
    std::fs::read(folder.join("tests/fixtures/obs-publish.bin")).expect("the recording is there")
}

/// What a server makes of it, shown in pieces of `step` bytes.
fn serve(recording: &[u8], step: usize) -> (Vec<String>, Vec<Message>) {
    let mut server = Server::new([6; 32], Settings::default());
    let (mut log, mut media) = (Vec::new(), Vec::new());
    for mut piece in recording.chunks(step) {
        while let Some(event) = server.next(&mut piece).expect("it is RTMP") {
            match event {
                Event::Connect(connect) => log.push(format!("connect {}", connect.app)),
                Event::Publish(publish) => log.push(format!("publish {}", publish.name)),
                Event::Media(message) => media.push(message),
                Event::Ended { .. } => log.push("ended".to_owned()),
                other => panic!("{other:?}"),
            }
            if server.is_waiting() {
                server.accept().unwrap();
            }
        }
    }
    (log, media)
}

#[test]
fn all_of_it_is_understood_however_it_is_cut() {
    let recording = recording();
    let (log, media) = serve(&recording, usize::MAX);
    assert_eq!(log, ["connect live", "publish testkey", "ended"]);
    // 50 frames at 25 a second, 1,024 samples a frame at 44.1 kHz, a configuration of each; the rest is
    // data and video's end.
    let count = |kind| media.iter().filter(|message| message.kind == kind).count();
    assert_eq!(media.len(), 144, "{} {}", count(Kind::VIDEO), count(Kind::AUDIO));
    let metadata = &media[0];
    assert_eq!(metadata.kind, Kind::DATA);
    assert!(metadata.payload.starts_with(b"\x02\0\x0D@setDataFrame\x02\0\x0AonMetaData\x08"));
    let configuration = media.iter().find(|message| message.kind == Kind::VIDEO).unwrap();
    assert_eq!(configuration.payload[..2], [0x17, 0]);
    for kind in [Kind::AUDIO, Kind::VIDEO] {
        let times: Vec<u32> =
            media.iter().filter(|m| m.kind == kind).map(|m| m.timestamp).collect();
        assert!(times.is_sorted(), "{times:?}");
        assert!((1_800..2_200).contains(times.last().unwrap()), "{times:?}");
    }
    for step in [1, 2, 100, 1_537, 4_096] {
        assert!(serve(&recording, step) == (log.clone(), media.clone()), "pieces of {step}");
    }
}
