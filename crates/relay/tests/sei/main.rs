//! SEI on its way through the host: clips of ffmpeg's go through an inserter, and ffmpeg says what is
//! in them then.

mod clip;
mod hevc;

use livegate_core::relay::{Task, mpu};
use livegate_core::time::{Millis, UnixMillis};
use livegate_relay::sei::Inserter;
use livegate_rtmp::message::{Kind, Message};

const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

/// A task of Alibaba's for one user, with these SEI parameters.
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

/// A message, of sound at the time that it says.
fn pass(inserter: &mut Inserter, message: &Message) -> Message {
    match message.kind {
        Kind::VIDEO => inserter.video(message, NOW),
        Kind::AUDIO => {
            let now = NOW.plus(Millis(message.timestamp.into()));
            inserter.audio(message, now);
            message.clone()
        }
        _ => message.clone(),
    }
}

fn pass_all(inserter: &mut Inserter, messages: &[Message]) -> Vec<Message> {
    messages.iter().map(|message| pass(inserter, message)).collect()
}

/// Whether it is the very same bytes, not a copy.
fn is_shared(message: &Message, other: &Message) -> bool {
    std::ptr::eq(message.payload.as_ptr(), other.payload.as_ptr()) && message == other
}

const TONE: &str = "sine=frequency=440:sample_rate=48000";

#[test]
fn messages_are_on_the_frames_and_the_frames_are_as_they_were() {
    if !clip::has_ffmpeg() {
        return;
    }
    let args = ["-t", "6", "-c:a", "aac", "-ac", "2"];
    let messages = clip::made("h264.flv", TONE, &args);
    let mut inserter = Inserter::new(&task(
        r#"{"LayoutVolume":{"Interval":"1000"},"PassThrough":{"Interval":"2000",
        "PayloadContent":"quiz","PayloadContentKey":"udd"}}"#,
    ));
    let out = pass_all(&mut inserter, &messages);
    let changed = messages.iter().zip(&out).filter(|(before, after)| !is_shared(before, after));
    assert_eq!(changed.count(), 6);
    assert_eq!(inserter.counted().changed, 6);
    assert_eq!((inserter.counted().refused, inserter.counted().undecoded), (0, 0));
    for (before, after) in messages.iter().zip(&out) {
        let (kept, same) = ((before.kind, before.timestamp), (after.kind, after.timestamp));
        assert_eq!((kept, before.stream), (same, after.stream));
    }
    let path = clip::write("h264-out.flv", &out);
    assert_eq!(clip::decoded(&clip::path("h264.flv")), clip::decoded(&path));
    let shown = clip::shown(&path);
    assert_eq!(shown.len(), 6);
    let passed: Vec<bool> =
        shown.iter().map(|(_, text)| text.contains(r#","udd":"quiz"}"#)).collect();
    assert_eq!(passed, [true, false, true, false, true, false]);
    let head = r#"{"stream":[{"uid":"anna","paneid":-1,"#;
    assert!(shown.iter().all(|(_, text)| text.starts_with(head)), "{shown:?}");
}

#[test]
fn a_task_that_writes_nothing_changes_nothing_and_may_begin_to() {
    if !clip::has_ffmpeg() {
        return;
    }
    let messages = clip::made("begins.flv", TONE, &["-t", "4", "-c:a", "aac"]);
    let mut own = task("{}");
    let mut inserter = Inserter::new(&own);
    let (first, second): (Vec<_>, Vec<_>) =
        messages.iter().cloned().partition(|message| message.timestamp < 1_500);
    let mut out = pass_all(&mut inserter, &first);
    assert!(out.iter().zip(&first).all(|(after, before)| is_shared(after, before)));
    // The configurations are known although nothing was done with them.
    own.sei = task(r#"{"LayoutVolume":{"FollowIdr":"1"}}"#).sei;
    inserter.configure(&own);
    out.extend(pass_all(&mut inserter, &second));
    let shown = clip::shown(&clip::write("begins-out.flv", &out));
    // At once, and at the key frames of 1.6 s and 3.2 s, which are shown two frames later.
    let times: Vec<u64> = shown.iter().map(|(time, _)| *time).collect();
    let expected = [1_480..1_600, 1_600..1_700, 3_200..3_300];
    assert_eq!(times.len(), expected.len());
    assert!(expected.iter().zip(&times).all(|(range, time)| range.contains(time)), "{times:?}");
    assert!(sound(&shown[2].1).0 > 150, "{shown:?}");
}

#[test]
fn messages_of_a_host_further_up_go() {
    if !clip::has_ffmpeg() {
        return;
    }
    let messages = clip::made("cascade.flv", TONE, &["-t", "3", "-an"]);
    let mut above =
        Inserter::new(&task(r#"{"PassThrough":{"Interval":"1000","PayloadContent":"up"}}"#));
    let from_above = pass_all(&mut above, &messages);
    // Who writes nothing leaves them.
    let mut idle = Inserter::new(&task("{}"));
    let passed = pass_all(&mut idle, &from_above);
    assert!(passed.iter().zip(&from_above).all(|(after, before)| is_shared(after, before)));
    let mut below =
        Inserter::new(&task(r#"{"PassThrough":{"Interval":"2000","PayloadContent":"down"}}"#));
    let out = pass_all(&mut below, &from_above);
    let shown = clip::shown(&clip::write("cascade-out.flv", &out));
    let texts: Vec<&str> = shown.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, [r#"{"udd":"down"}"#; 2]);
}

#[test]
fn h265_in_both_forms() {
    if !clip::has_ffmpeg() {
        return;
    }
    for form in [hevc::Form::Legacy, hevc::Form::Enhanced] {
        let messages = hevc::made(form);
        let plain = clip::path("hevc-plain.h265");
        std::fs::write(&plain, hevc::byte_stream(form, &messages)).unwrap();
        // By Agora's format, which needs the size that the parameter sets say.
        let mut own = task(r#"{"LayoutVolume":{"Interval":"1000"}}"#);
        own.sei.payload_type = 5;
        let mut inserter = Inserter::new(&own);
        let out = pass_all(&mut inserter, &messages);
        let path = clip::path("hevc-out.h265");
        std::fs::write(&path, hevc::byte_stream(form, &out)).unwrap();
        assert_eq!(clip::decoded(&plain), clip::decoded(&path), "{form:?}");
        let shown = clip::shown(&path);
        let times: Vec<u64> = shown.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [0, 1_000, 2_000], "{form:?}");
    }
}

#[test]
fn agoras_format_has_the_size_of_the_pictures() {
    if !clip::has_ffmpeg() {
        return;
    }
    let mut own = task(r#"{"LayoutVolume":{},"PayloadType":"100"}"#);
    own.origin = livegate_core::relay::Origin::Livegate;
    let h264 = clip::made("agora.flv", TONE, &["-t", "1", "-an"]);
    for messages in [h264, hevc::made(hevc::Form::Enhanced)] {
        let mut inserter = Inserter::new(&own);
        let out = pass_all(&mut inserter, &messages);
        let canvas = br##"{"canvas":{"w":320,"h":180,"bgnd":"#000000"},"regions":[{"uid":0,"##;
        let has = |message: &Message| {
            message.payload.windows(canvas.len()).any(|window| window == canvas)
        };
        assert!(out.iter().any(has));
    }
}

/// The `vol` of a message, and its `vad`.
fn sound(text: &str) -> (u8, u8) {
    let number = |name: &str| {
        let (_, rest) = text.split_once(name).unwrap();
        rest.split([',', '}']).next().unwrap().parse().unwrap()
    };
    (number(r#""vol":"#), number(r#""vad":"#))
}

/// What docs/spec/relay.md §9.2 says of a level, in floating point.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn volume(level: f64) -> u8 {
    (255.0 * (60.0 + level) / 60.0).round().clamp(0.0, 255.0) as u8
}

#[test]
fn volumes_are_what_ffmpeg_measures_and_what_the_tone_has() {
    if !clip::has_ffmpeg() {
        return;
    }
    // ffmpeg's sine has an amplitude of 1/8, so a root of the mean square of 1/(8 √2): -21.07 dB.
    let tone = 20.0 * (1.0 / (8.0 * 2.0_f64.sqrt())).log10();
    // Of one channel it makes two of 1/√2 each.
    let halved = tone - 3.01;
    for (name, filter, args, expected) in [
        ("lc.flv", "", "-ac 2", halved),
        ("mono.flv", ",volume=6dB", "-ac 1 -ar 44100", tone + 6.0),
        ("low-rate.flv", ",volume=-12dB", "-ac 2 -ar 22050 -b:a 32k", halved - 12.0),
        ("soft.flv", ",volume=-30dB", "-ac 1 -b:a 96k", tone - 30.0),
    ] {
        let audio = format!("{TONE}{filter}");
        let args: Vec<&str> =
            ["-t", "4", "-c:a", "aac"].into_iter().chain(args.split(' ')).collect();
        let messages = clip::made(name, &audio, &args);
        let mut inserter = Inserter::new(&task(r#"{"LayoutVolume":{}}"#));
        let out = pass_all(&mut inserter, &messages);
        assert_eq!(inserter.counted().undecoded, 0, "{name}");
        let (_, text) = clip::shown(&clip::write("volume-out.flv", &out)).pop().unwrap();
        let (found, voice) = sound(&text);
        let judged = clip::mean_volume(name);
        assert!(found.abs_diff(volume(judged)) <= 2, "{name}: {found}, {judged} dB by ffmpeg");
        assert!(found.abs_diff(volume(expected)) <= 3, "{name}: {found}, {expected} dB");
        assert_eq!(voice > 0, expected > -40.0, "{name}");
    }
}

/// What is signalled as HE-AAC is heard by the AAC-LC in it.
#[test]
fn he_aac_is_heard_by_its_lower_half() {
    if !clip::has_ffmpeg() {
        return;
    }
    let args = ["-t", "3", "-c:a", "aac", "-ac", "1", "-ar", "24000"];
    let mut messages = clip::made("he.flv", TONE, &args);
    let header = messages.iter_mut().find(|message| message.kind == Kind::AUDIO).unwrap();
    // 00101 0110 0001 0011 00010 000: SBR of 48 kHz over AAC-LC of 24 kHz, one channel.
    header.payload = b"\xAF\0\x2B\x09\x88\0".to_vec().into();
    let mut inserter = Inserter::new(&task(r#"{"LayoutVolume":{}}"#));
    let out = pass_all(&mut inserter, &messages);
    assert_eq!(inserter.counted().undecoded, 0);
    let (_, text) = clip::shown(&clip::write("he-out.flv", &out)).pop().unwrap();
    // As it was encoded: -21.07 dB.
    assert!(sound(&text).0.abs_diff(165) <= 3, "{text}");
}

#[test]
fn a_voice_that_ended_fades() {
    if !clip::has_ffmpeg() {
        return;
    }
    let audio = format!("{TONE},volume=enable='gt(t,1.5)':volume=0");
    let messages = clip::made("fades.flv", &audio, &["-t", "4.2", "-c:a", "aac", "-bf", "0"]);
    let mut inserter = Inserter::new(&task(r#"{"LayoutVolume":{"Interval":"1000"}}"#));
    let out = pass_all(&mut inserter, &messages);
    let shown = clip::shown(&clip::write("fades-out.flv", &out));
    let (volumes, voices): (Vec<u8>, Vec<u8>) = shown.iter().map(|(_, text)| sound(text)).unzip();
    assert!(volumes[1] > 150 && volumes[2] > 130 && volumes[3] < 20, "{volumes:?}");
    // It lasted until 1.5 s: 150 at 1 s; at 2 s 200 ms less of 500, 15; 50 less for each second then.
    assert_eq!(voices[1], 150);
    let steps: Vec<i16> = [135_i16, 85, 35]
        .iter()
        .zip(&voices[2..])
        .map(|(expected, found)| expected - i16::from(*found))
        .collect();
    assert!(steps.iter().all(|step| step.abs() <= 5), "{voices:?}");
}

#[test]
fn sound_that_is_no_aac_has_no_volume_and_stops_nothing() {
    if !clip::has_ffmpeg() {
        return;
    }
    let messages = clip::made("mp3.flv", TONE, &["-t", "2", "-c:a", "libmp3lame", "-ar", "44100"]);
    let mut inserter = Inserter::new(&task(r#"{"LayoutVolume":{}}"#));
    let out = pass_all(&mut inserter, &messages);
    let shown = clip::shown(&clip::write("mp3-out.flv", &out));
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|(_, text)| sound(text) == (0, 0)), "{shown:?}");
}

#[test]
fn broken_sound_is_silence_and_is_counted() {
    if !clip::has_ffmpeg() {
        return;
    }
    let mut messages = clip::made("broken.flv", TONE, &["-t", "20", "-c:a", "aac", "-ac", "2"]);
    let mut inserter = Inserter::new(&task(r#"{"LayoutVolume":{}}"#));
    // Every frame with its bytes changed by a generator of numbers (Knuth's, of MMIX).
    let mut number = 1_u64;
    let mut next = || {
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(number >> 33).unwrap()
    };
    let mut frames = 0;
    for message in &messages {
        let mut message = message.clone();
        if message.kind == Kind::AUDIO && message.payload[1] == 1 {
            let mut body = message.payload.to_vec();
            for _ in 0..=next() % 8 {
                let at = 2 + next() % (body.len() - 2);
                body[at] = next().to_le_bytes()[0];
            }
            body.truncate(2 + next() % (body.len() - 1));
            message.payload = body.into();
            frames += 1;
        }
        pass(&mut inserter, &message);
    }
    let undecoded = inserter.counted().undecoded;
    assert!(frames > 900 && undecoded > 100 && undecoded <= frames, "{undecoded} of {frames}");
    // And what is whole again is heard again, later.
    for message in &mut messages {
        message.timestamp += 30_000;
    }
    let out = pass_all(&mut inserter, &messages);
    let (_, text) = clip::shown(&clip::write("broken-out.flv", &out)).pop().unwrap();
    assert!(sound(&text).0 > 150, "{text}");
}

/// Whoever sends a second's frames a hundred times in that second has one second of them decoded, and
/// some more.
#[test]
fn no_more_sound_is_decoded_than_there_is_time_for() {
    if !clip::has_ffmpeg() {
        return;
    }
    let messages = clip::made("many.flv", TONE, &["-t", "1", "-c:a", "aac", "-ac", "2"]);
    let mut inserter = Inserter::new(&task(r#"{"LayoutVolume":{}}"#));
    let mut sent = 0;
    for message in messages.iter().filter(|message| message.kind == Kind::AUDIO) {
        pass(&mut inserter, message);
        let mut broken = message.clone();
        // A frame that is too long is counted where it would be decoded.
        broken.payload = [&b"\xAF\x01"[..], &[0; 9_000]].concat().into();
        for _ in 0..100 {
            pass(&mut inserter, &broken);
            sent += 1;
        }
    }
    let tried = inserter.counted().undecoded;
    assert!(sent > 4_000 && tried > 10 && tried <= 2 * 47, "{tried} of {sent}");
}
