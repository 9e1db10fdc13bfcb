//! Clips made by ffmpeg, as messages of RTMP, and what ffmpeg says of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use livegate_rtmp::message::{Kind, Message};

/// Whether ffmpeg is there; if not, the test is skipped and says so.
pub(crate) fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !found {
        eprintln!("skipped: ffmpeg is not there");
    }
    found
}

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs ffmpeg; what it said, and what it wrote to its output.
pub(crate) fn ffmpeg(args: &[&str]) -> (String, Vec<u8>) {
    let out = Command::new("ffmpeg").args(["-hide_banner", "-nostdin", "-y"]).args(args).output();
    let out = out.unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "ffmpeg {args:?}: {said}");
    (said, out.stdout)
}

/// A clip of ffmpeg's: a picture and a tone, so many seconds of 25 frames each.
pub(crate) fn made(name: &str, audio: &str, args: &[&str]) -> Vec<Message> {
    let path = path(name);
    let mut all = vec!["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"];
    all.extend(["-f", "lavfi", "-i", audio]);
    all.extend(["-c:v", "libx264", "-preset", "veryfast", "-x264-params"]);
    all.extend(["keyint=40:scenecut=0:bframes=2", "-pix_fmt", "yuv420p"]);
    all.extend(args);
    all.extend(["-f", "flv", path.to_str().unwrap()]);
    ffmpeg(&all);
    messages(&fs::read(path).unwrap())
}

/// The tags of an FLV file.
pub(crate) fn messages(file: &[u8]) -> Vec<Message> {
    let mut rest = &file[13..];
    let mut out = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(11) {
        let len = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
        let timestamp = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let (body, tail) = tail.split_at(len);
        let payload = body.to_vec().into();
        out.push(Message { kind: Kind(head[0]), timestamp, stream: 1, payload });
        rest = &tail[4..];
    }
    out
}

/// An FLV file of messages.
pub(crate) fn write(name: &str, messages: &[Message]) -> PathBuf {
    let mut out = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    for message in messages {
        let len = u32::try_from(message.payload.len()).unwrap();
        out.push(message.kind.0);
        out.extend(&len.to_be_bytes()[1..]);
        let [top, low @ ..] = message.timestamp.to_be_bytes();
        out.extend(low);
        out.extend([top, 0, 0, 0]);
        out.extend(&message.payload[..]);
        out.extend((len + 11).to_be_bytes());
    }
    let path = path(name);
    fs::write(&path, out).unwrap();
    path
}

/// What every decoded frame is, sound and pictures.
pub(crate) fn decoded(path: &Path) -> Vec<u8> {
    ffmpeg(&["-v", "error", "-i", path.to_str().unwrap(), "-f", "framemd5", "-"]).1
}

/// Every message of ours that ffmpeg's showinfo finds: when its frame is shown, in milliseconds, and
/// what it says.
pub(crate) fn shown(path: &Path) -> Vec<(u64, String)> {
    const OURS: &str = "UUID=6c697665-6761-8074-a565-2d7365692d31";
    let path = path.to_str().unwrap();
    let (said, _) = ffmpeg(&["-i", path, "-an", "-vf", "showinfo", "-f", "null", "-"]);
    let mut out = Vec::new();
    let (mut time, mut is_ours) = (0, false);
    for line in said.lines() {
        if let Some((_, rest)) = line.split_once("pts_time:") {
            let seconds: f64 = rest.split_whitespace().next().unwrap().parse().unwrap();
            time = std::time::Duration::from_secs_f64(seconds).as_millis();
        }
        is_ours = line.contains(OURS) || is_ours;
        if let (true, Some((_, text))) = (is_ours, line.split_once("User Data=")) {
            let bytes = hex::decode(text.trim()).unwrap();
            out.push((u64::try_from(time).unwrap(), String::from_utf8(bytes).unwrap()));
            is_ours = false;
        }
    }
    out
}

/// The mean volume of a clip's sound by ffmpeg, in decibels of full scale.
pub(crate) fn mean_volume(name: &str) -> f64 {
    let path = path(name);
    let path = path.to_str().unwrap();
    let (said, _) = ffmpeg(&["-i", path, "-vn", "-af", "volumedetect", "-f", "null", "-"]);
    let (_, rest) = said.split_once("mean_volume: ").unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}
