//! Bytes in, layouts out.

use super::{Found, Pushed, Scope, Tracker};
use crate::layout::Size;
use crate::layout::hit::{ObjectFit, Showing};
use crate::mp4::made;
use crate::sei::codec::Codec;
use crate::sei::frame::{FrameFormat, Framing};
use crate::sei::length::LengthSize;
use crate::sei::uuid::Uuid;
use crate::sei::write::{Payload, SeiNal};
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use serde_json::{Value, json};

const ALIBABA: &str = r#"{"stream":[{"uid":"111","paneid":0,"zorder":2,"x":0,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,"vol":51,"vad":119},{"uid":"222","paneid":1,"zorder":1,"x":0.5018382,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,"vol":0,"vad":99}],"udd":"quiz"}"#;
const AGORA: &str = r##"{"canvas":{"w":640,"h":360,"bgnd":"#000000"},"regions":[{"uid":1,"alpha":0.5,"zorder":1,"volume":255,"x":160,"y":0,"w":320,"h":360}],"ver":"20190611","ts":1535385600000,"app_data":"hi"}"##;

fn unregistered(text: &str) -> Vec<u8> {
    nal(Payload::unregistered(Uuid::LIVEGATE, text.as_bytes()).unwrap())
}

fn nal(payload: Payload<'_>) -> Vec<u8> {
    SeiNal::new(Codec::H264, payload).to_vec()
}

fn frame(units: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = Vec::new();
    for unit in units.iter().chain([&Vec::from([0x65, 0x88, 0x84])]) {
        frame.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
        frame.extend(unit);
    }
    frame
}

fn tracker() -> Tracker {
    let mut tracker = Tracker::new(10_000_000);
    let framing = Framing::Lengths(LengthSize::Four);
    tracker.configure(FrameFormat { codec: Codec::H264, framing });
    tracker
}

fn told(tracker: &mut Tracker) -> Vec<Value> {
    let mut text = String::from("what was there");
    tracker.messages(&mut text);
    serde_json::from_str(&text).unwrap()
}

fn push(tracker: &mut Tracker, units: &[Vec<u8>], time: i64) -> Vec<Value> {
    let frame = frame(units);
    let pushed = tracker.push(&frame, frame.len(), time);
    let told = told(tracker);
    let messages = told.iter().filter(|told| !told["payloadType"].is_null()).count();
    assert_eq!(pushed, Pushed::Done(Found { messages, is_warned: messages < told.len() }));
    told
}

fn layout(tracker: &mut Tracker, id: u32) -> Value {
    let mut text = String::from("what was there");
    tracker.layout(id, &mut text);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn alibabas_layout_is_in_parts_of_the_picture() {
    let mut tracker = tracker();
    let told = push(&mut tracker, &[unregistered(ALIBABA)], 1_500_000);
    let expected = json!([{
        "time": 1.5, "payloadType": 5, "uuid": Uuid::LIVEGATE.to_string(), "form": "alibaba",
        "text": ALIBABA, "layout": 1, "warnings": [],
    }]);
    assert_eq!(Value::from(told), expected);
    // From the lowest to the uppermost. 0.5018382 + 0.5 reaches beyond the picture; 51 is a fifth
    // of 255; from a vad of 100 on there is a voice.
    let expected = json!({
        "id": 1, "time": 1.5, "form": "alibaba", "canvas": null,
        "panes": [
            {"uid": "222", "x": 0.501_838_2, "y": 0.25, "width": 0.498_161_8,
             "height": 0.5, "z": 1, "alpha": 1, "volume": 0, "speaking": false},
            {"uid": "111", "x": 0, "y": 0.25, "width": 0.5, "height": 0.5,
             "z": 2, "alpha": 1, "volume": 0.2, "speaking": true},
        ],
        "data": {"udd": "quiz"},
    });
    assert_eq!(layout(&mut tracker, 1), expected);
}

#[test]
fn agoras_layout_is_in_pixels_of_its_canvas() {
    let mut tracker = tracker();
    let told = push(&mut tracker, &[nal(Payload::typed(100, AGORA.as_bytes()).unwrap())], 0);
    assert_eq!((&told[0]["payloadType"], &told[0]["uuid"]), (&json!(100), &Value::Null));
    let expected = json!({
        "id": 1, "time": 0, "form": "agora", "canvas": {"width": 640, "height": 360},
        "panes": [{
            "uid": "1", "x": 0.25, "y": 0, "width": 0.5, "height": 1, "z": 1,
            "alpha": 0.5, "volume": 1, "speaking": null,
        }],
        "data": {"app_data": "hi"},
    });
    assert_eq!(layout(&mut tracker, 1), expected);
}

#[test]
fn panes_are_placed_as_they_are_painted() {
    let mut tracker = tracker();
    push(&mut tracker, &[nal(Payload::typed(100, AGORA.as_bytes()).unwrap())], 0);
    // Encoded anew with twice the sides: the picture of 1280x720 in a box of 640x640 is 640x360
    // at 140; the pane is its middle half.
    let picture = Size { width: 1280, height: 720 };
    let (width, position) = (640 * 64, Showing::MIDDLE);
    let showing = Showing { width, height: width, fit: ObjectFit::Contain, position };
    let place = tracker.place(1, picture, &showing)[0];
    let place = [place.x, place.y, place.width, place.height].map(|parts| parts / 64);
    assert_eq!(place, [160, 140, 320, 360]);
    assert_eq!(tracker.place(2, picture, &showing), []);
}

#[test]
fn messages_of_others_are_told_and_are_no_layouts() {
    let mut tracker = tracker();
    let x264 = unregistered("x264 - core 164 - options: cabac=1\0");
    let custom = unregistered(r#"{"scene":"quiz"}"#);
    // A buffering period (0) and, of H.265, a hash of the picture (132) are not for pages.
    let others = Vec::from([6, 0, 1, 0x80, 132, 3, 0, 0x7B, 0xFF, 0x80]);
    let told = push(&mut tracker, &[x264, others, custom, unregistered("{no")], 0);
    let row = |told: &Value| (told["form"].clone(), told["text"].clone(), told["warnings"].clone());
    let rows: Vec<_> = told.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            (json!("other"), json!("x264 - core 164 - options: cabac=1"), json!([])),
            (json!("custom"), json!(r#"{"scene":"quiz"}"#), json!([])),
            (json!("other"), json!("{no"), json!(["payload.not_json"])),
        ]
    );
    assert!(told.iter().all(|told| told["layout"] == json!(0)));
    assert_eq!(tracker.at(0), None);
}

#[test]
fn a_message_that_nobody_asked_about_is_judged_when_it_would_count() {
    let mut tracker = tracker();
    let mut put = |text: &str, time| {
        let frame = frame(&[unregistered(text)]);
        let _ = tracker.push(&frame, frame.len(), time);
    };
    put(ALIBABA, 0);
    put(r#"{"scene":"quiz"}"#, 1);
    put(r#"{"regions":[{"uid":1,"x":0,"y":0,"w":2,"h":2}]}"#, 2);
    assert_eq!(tracker.at(5), Some(1));
}

#[test]
fn several_messages_of_one_unit_are_all_read_and_the_last_counts() {
    let mut tracker = tracker();
    let [first, second] = [ALIBABA, AGORA].map(unregistered);
    // The second without its header, behind the first without its stop bit.
    let both = [&first[..first.len() - 1], &second[1..]].concat();
    let told = push(&mut tracker, &[both], 7);
    let texts: Vec<_> = told.iter().map(|told| told["text"].as_str().unwrap()).collect();
    assert_eq!(texts, [ALIBABA, AGORA]);
    assert_eq!(tracker.at(7), Some(2));
}

#[test]
fn times_are_the_players() {
    let mut tracker = tracker();
    push(&mut tracker, &[unregistered(ALIBABA)], 100_000_000);
    tracker.shift(90_000_000);
    assert_eq!((tracker.at(9_999_999), tracker.at(10_000_000)), (None, Some(1)));
    assert_eq!(layout(&mut tracker, 1)["time"], json!(10));
    assert_eq!(told(&mut tracker)[0]["time"], json!(10));
    // Ten seconds later it is too old.
    assert_eq!((tracker.at(20_000_000), tracker.at(20_000_001)), (Some(1), None));
    tracker.reset(Scope::Readers);
    assert_eq!(tracker.at(10_000_000), Some(1));
    tracker.reset(Scope::All);
    assert_eq!(tracker.at(10_000_000), None);
    let mut text = String::from("what was there");
    tracker.layout(1, &mut text);
    assert_eq!(text, "");
}

/// A tag with its size behind it.
fn tag(kind: u8, ms: u32, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap().to_be_bytes();
    let [t3, t2, t1, t0] = ms.to_be_bytes();
    let head = [kind, size[1], size[2], size[3], t2, t1, t0, t3, 0, 0, 0];
    let whole = u32::try_from(body.len() + 11).unwrap().to_be_bytes();
    [&head[..], body, &whole].concat()
}

const CONFIGURATION: &[u8] = b"\x17\0\0\0\0\x01\x64\0\x1F\xFF\xE1\0\0\0";

#[test]
fn flv_says_its_times_and_its_zero() {
    // Composition time 80 ms; timestamps wrap at 2^32 ms between the two frames.
    let body = [&b"\x17\x01\0\0\x50"[..], &frame(&[unregistered(ALIBABA)])].concat();
    let before = u32::MAX - 39;
    let tags = [
        tag(9, before, CONFIGURATION),
        tag(8, before, b"\xAF\0\x12\x10"),
        tag(9, before, &body),
        tag(8, 0, b"\xAF\x01abc"),
        tag(9, 0, &body),
    ];
    let stream = [&b"FLV\x01\x05\0\0\0\x09\0\0\0\0"[..], &tags.concat()].concat();
    let mut tracker = Tracker::new(1);
    let mut times: Vec<f64> = Vec::new();
    let mut bases = Vec::new();
    for byte in &stream {
        if tracker.flv(core::slice::from_ref(byte)) != Found::default() {
            times.extend(told(&mut tracker).iter().filter_map(|told| told["time"].as_f64()));
        }
        bases.push(tracker.base());
    }
    // 2^32 - 40 + 80 ms, and 40 ms more.
    assert_eq!(times, [4_294_967.336, 4_294_967.376]);
    bases.dedup();
    assert_eq!(bases, [None, Some(4_294_967_256_000)]);
    // Tags by themselves say the same; the zero is the picture's alone.
    let mut tracker = Tracker::new(1);
    for tag in &tags {
        let len = tag.len();
        assert!(matches!(tracker.flv_tag(tag, len, None), Pushed::Done(_)));
    }
    assert_eq!(told(&mut tracker)[0]["time"].as_f64(), Some(times[1]));
    let last = &tags[4];
    let _ = tracker.flv_tag(last, last.len(), Some(-500_000));
    assert_eq!(told(&mut tracker)[0]["time"], json!(-0.5));
}

#[test]
fn a_stream_that_ends_within_a_tag_says_the_same_however_it_is_cut() {
    let body = [&b"\x17\x01\0\0\0"[..], &frame(&[unregistered(ALIBABA)])].concat();
    let tags = [tag(9, 0, CONFIGURATION), tag(9, 0, &body)].concat();
    let stream = [&b"FLV\x01\x01\0\0\0\x09\0\0\0\0"[..], &tags].concat();
    for end in 0..stream.len() {
        let mut whole = Tracker::new(1);
        let count = whole.flv(&stream[..end]).messages;
        let mut pieces = Tracker::new(1);
        let bytes = stream[..end].iter().map(core::slice::from_ref);
        assert_eq!(bytes.map(|byte| pieces.flv(byte).messages).sum::<usize>(), count, "{end}");
    }
}

#[test]
fn video_alone_has_a_zero_when_it_is_known_to_be_alone() {
    let stream = |flags: u8| {
        let header = [b"FLV\x01", &[flags][..], b"\0\0\0\x09\0\0\0\0"].concat();
        let frame = [&b"\x17\x01\0\0\0"[..], &frame(&[])].concat();
        [header, tag(9, 5, CONFIGURATION), tag(9, 40, &frame), tag(9, 2_040, &frame)].concat()
    };
    let base = |bytes: &[u8]| {
        let mut tracker = Tracker::new(1);
        tracker.flv(bytes);
        tracker.base()
    };
    let end = stream(1).len();
    let last = tag(9, 0, &[&b"\x17\x01\0\0\0"[..], &frame(&[])].concat()).len();
    assert_eq!(base(&stream(1)[..end - last]), Some(40_000));
    // The header promises sound: two seconds are enough to wait for it.
    assert_eq!((base(&stream(5)[..end - last]), base(&stream(5))), (None, Some(40_000)));
}

#[test]
fn pictures_of_av1_are_not_read_and_have_a_time_all_the_same() {
    // Enhanced RTMP: a sequence start is no picture; coded frames of AV1 have no composition time.
    let start = tag(9, 10, b"\x90av01config");
    let frame = tag(9, 40, b"\x91av01obu");
    let sound = |ms| tag(8, ms, b"\xAF\x01abc");
    let base = |flags: u8, tags: &[Vec<u8>]| {
        let mut tracker = Tracker::new(1);
        tracker.flv(&[b"FLV\x01", &[flags][..], b"\0\0\0\x09\0\0\0\0", &tags.concat()].concat());
        (tracker.base(), tracker.base_of_video())
    };
    let alone = base(1, &[start.clone(), frame.clone()]);
    assert_eq!(alone, (Some(40_000), Some(40_000)));
    let before = base(5, &[start.clone(), sound(20), frame.clone()]);
    assert_eq!(before, (Some(20_000), Some(40_000)));
    let after = base(5, &[start.clone(), frame.clone(), sound(60)]);
    assert_eq!(after, (Some(40_000), Some(40_000)));
    // No sound yet, and no picture yet.
    assert_eq!(base(5, &[start.clone(), frame]), (None, Some(40_000)));
    assert_eq!(base(5, &[start, sound(20)]), (None, None));
}

#[test]
fn behind_a_jump_of_a_streams_times_its_layouts_count_when_the_player_is_there() {
    let picture = |ms, uid: &str| {
        let text = ["{\"stream\":[{\"uid\":\"", uid, "\"}]}"].concat();
        tag(9, ms, &[&b"\x17\x01\0\0\0"[..], &frame(&[unregistered(&text)])].concat())
    };
    let head = [b"FLV\x01\x01\0\0\0\x09\0\0\0\0", &tag(9, 0, CONFIGURATION)[..]].concat();
    let shown = |tracker: &mut Tracker, ms: i64| {
        let id = tracker.at(ms * 1_000)?;
        layout(tracker, id)["panes"][0]["uid"].as_str().map(ToString::to_string)
    };
    // Of frames a second apart; then from a time on again.
    let jumped = |to: u32| {
        let mut tracker = Tracker::new(10_000_000);
        tracker.flv(&head);
        for s in 0..=3 {
            tracker.flv(&picture(s * 1_000, "before"));
        }
        assert_eq!(shown(&mut tracker, 2_000).as_deref(), Some("before"));
        for s in 0..=3 {
            tracker.flv(&picture(to + s * 1_000, "after"));
        }
        tracker
    };
    let mut tracker = jumped(1_000);
    let all = [2_500, 3_000, 3_500, 2_500].map(|ms| shown(&mut tracker, ms));
    assert_eq!(
        all.each_ref().map(|uid| uid.as_deref().unwrap()),
        ["before", "before", "after", "after"]
    );
    // A frame that is a little too early is no jump.
    assert_eq!(shown(&mut jumped(2_900), 2_950).as_deref(), Some("after"));
    // Single tags come in any order: of one time the last one counts.
    let mut tracker = Tracker::new(10_000_000);
    for tag in [tag(9, 0, CONFIGURATION), picture(3_000, "before")] {
        let _ = tracker.flv_tag(&tag, tag.len(), None);
    }
    assert_eq!(shown(&mut tracker, 3_000).as_deref(), Some("before"));
    for tag in [picture(1_000, "after"), picture(3_000, "after")] {
        let _ = tracker.flv_tag(&tag, tag.len(), None);
    }
    assert_eq!(shown(&mut tracker, 3_000).as_deref(), Some("after"));
}

#[test]
fn fragments_of_mp4_say_their_times() {
    let samples = [frame(&[unregistered(ALIBABA)]), frame(&[unregistered(AGORA)])];
    // 12,800 units a second: decoded at 10 s and 10.04 s, the first one shown 80 ms later.
    let fragment = made::fragment(128_000, &[(&samples[0], 1024), (&samples[1], 0)]);
    let mut tracker = Tracker::new(1_000_000);
    let two = Found { messages: 2, is_warned: false };
    assert_eq!(tracker.mp4(&[made::avc(), fragment.clone()].concat(), 10_000_000), two);
    let times: Vec<_> = told(&mut tracker).iter().map(|told| told["time"].clone()).collect();
    assert_eq!(times, [json!(0.08), json!(0.04)]);
    assert_eq!((tracker.at(79_999), tracker.at(80_000)), (Some(2), Some(1)));
    assert_eq!(tracker.base(), None);
    // Another part needs no movie; another stream does.
    tracker.reset(Scope::Readers);
    assert_eq!(tracker.mp4(&fragment, 0), two);
    tracker.reset(Scope::All);
    assert_eq!(tracker.mp4(&fragment, 0), Found { messages: 0, is_warned: true });
    assert_eq!(told(&mut tracker)[0]["warnings"], json!(["player.not_configured"]));
    let codes = |bytes: &[u8]| {
        let mut tracker = Tracker::new(1);
        tracker.mp4(bytes, 0);
        told(&mut tracker).iter().map(|told| told["warnings"][0].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(codes(b"\0\0\0\x04moov"), [r#""mp4.no_box""#]);
    let large = made::boxed("moov", &[&std::vec![0; 1024 * 1024 + 1]]);
    assert_eq!(codes(&large), [r#""mp4.too_large""#]);
    let encrypted = made::movie(&[made::entry("encv", "avcC", made::AVC)], b"");
    assert_eq!(codes(&[encrypted, fragment.clone()].concat()), [r#""mp4.encrypted""#]);
    let cut = [made::avc(), fragment[..fragment.len() - 400].to_vec(), fragment].concat();
    // What follows lies where samples would have been.
    assert!(codes(&cut).contains(&r#""sei.sample_broken""#.to_string()), "{:?}", codes(&cut));
}

#[test]
fn of_more_messages_than_a_frame_may_have_the_first_are_read() {
    let mut tracker = tracker();
    let many: Vec<Vec<u8>> = (0..1_000)
        .map(|index: u32| {
            unregistered(&["{\"stream\":[],\"n\":", &index.to_string(), "}"].concat())
        })
        .collect();
    let told = push(&mut tracker, &many, 0);
    assert_eq!(told.len(), 65);
    assert_eq!(told[64]["warnings"], json!(["player.too_many_messages"]));
    let id = tracker.at(0).unwrap();
    assert_eq!(layout(&mut tracker, id)["data"], json!({"n": 63}));
    // The next frame has its own, also of the same time.
    assert_eq!(push(&mut tracker, &many[64..66], 0).len(), 2);
    let id = tracker.at(0).unwrap();
    assert_eq!(layout(&mut tracker, id)["data"], json!({"n": 65}));
}

#[test]
fn many_messages_of_many_frames_are_told_up_to_a_bound() {
    let frame = frame(&(0..64).map(|n: u32| unregistered(&n.to_string())).collect::<Vec<_>>());
    let body = [&b"\x17\x01\0\0\0"[..], &frame].concat();
    let tags = (0..100).map(|ms| tag(9, ms, &body)).collect::<Vec<_>>().concat();
    let stream = [b"FLV\x01\x01\0\0\0\x09\0\0\0\0", &tag(9, 0, CONFIGURATION)[..], &tags].concat();
    let mut tracker = Tracker::new(1);
    assert_eq!(tracker.flv(&stream), Found { messages: 4_096, is_warned: true });
    assert_eq!(told(&mut tracker)[4_096]["warnings"], json!(["player.too_many_messages"]));
}

#[test]
fn a_players_own_word_of_a_message_is_compared_with_what_was_read() {
    let mut tracker = tracker();
    push(&mut tracker, &[unregistered(ALIBABA)], 100_000_000);
    tracker.shift(99_940_000);
    assert_eq!(tracker.time_of(ALIBABA.as_bytes(), 0), Some(100_000_000));
    assert_eq!(tracker.time_of(&ALIBABA.as_bytes()[1..], 0), None);
    // Said again soon after, it could be either.
    push(&mut tracker, &[unregistered(ALIBABA)], 100_040_000);
    assert_eq!(tracker.time_of(ALIBABA.as_bytes(), 0), None);
}
