//! What SEI costs in the host's path: ten seconds of 720p30 at 3 Mbit/s with AAC of 128 kbit/s, 48 kHz
//! and two channels, made by ffmpeg.
//!
//! `cargo bench -p livegate-relay --bench sei`. Times 360 are those of an hour.

#[path = "../tests/sei/clip.rs"]
#[expect(dead_code, reason = "tests have more of it")]
mod clip;

use std::sync::LazyLock;

use divan::{Bencher, black_box};
use livegate_core::relay::{Task, mpu};
use livegate_core::time::UnixMillis;
use livegate_relay::sei::Inserter;
use livegate_rtmp::message::{Kind, Message};

static CLIP: LazyLock<Vec<Message>> = LazyLock::new(|| {
    let path = clip::path("bench.flv");
    let mut args = vec!["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30"];
    args.extend(["-f", "lavfi", "-i", "anoisesrc=color=pink:sample_rate=48000:amplitude=0.3"]);
    args.extend(["-t", "10", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"]);
    args.extend(["-b:v", "3000k", "-maxrate", "3000k", "-bufsize", "3000k", "-g", "60"]);
    args.extend(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv"]);
    args.push(path.to_str().unwrap());
    clip::ffmpeg(&args);
    clip::messages(&std::fs::read(path).unwrap())
});

fn main() {
    if clip::has_ffmpeg() {
        divan::main();
    }
}

fn task(sei: &str) -> Task {
    let params: &[(&str, &str)] = &[
        ("AppId", "app"),
        ("ChannelId", "room"),
        ("TaskId", "task"),
        ("MixMode", "0"),
        ("StreamURL", "rtmp://push.example.com/live/a"),
        ("SingleSubParams", r#"{"UserId":"anna"}"#),
        ("SeiParams", sei),
    ];
    mpu::start(params).unwrap()
}

/// The video of ten seconds, by what the task writes.
#[divan::bench(args = [
    "{}",
    r#"{"PassThrough":{"Interval":"1000","PayloadContent":"quiz"}}"#,
    r#"{"LayoutVolume":{"Interval":"1000"}}"#,
])]
fn video(bencher: Bencher<'_, '_>, sei: &str) {
    let task = task(sei);
    let video: Vec<&Message> = CLIP.iter().filter(|one| one.kind == Kind::VIDEO).collect();
    bencher.bench_local(|| {
        let mut inserter = Inserter::new(&task);
        for message in &video {
            black_box(inserter.video(message, UnixMillis(0)));
        }
    });
}

/// The sound of ten seconds, listened to or not.
#[divan::bench(args = ["{}", r#"{"LayoutVolume":{"Interval":"1000"}}"#])]
fn audio(bencher: Bencher<'_, '_>, sei: &str) {
    let task = task(sei);
    let audio: Vec<&Message> = CLIP.iter().filter(|one| one.kind == Kind::AUDIO).collect();
    bencher.bench_local(|| {
        let mut inserter = Inserter::new(&task);
        for message in &audio {
            let now = UnixMillis(message.timestamp.into());
            inserter.audio(black_box(message), now);
        }
        assert_eq!(inserter.counted().undecoded, 0);
    });
}
