//! What a task writes into its stream, frame by frame.

use livegate_core::error::Coded;
use livegate_core::flv::edit::{Frame, Messages};
use livegate_core::flv::video::FrameKind;
use livegate_core::layout::Size;
use livegate_core::relay::sei::{Sei, Timing};
use livegate_core::relay::writer::{Refusal, Writer};
use livegate_core::relay::{Origin, Source, Task, mpu};
use livegate_core::sei::codec::Codec;
use livegate_core::sei::message::messages;
use livegate_core::sei::payload::PayloadError;
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::SeiNal;
use livegate_core::time::{Millis, UnixMillis};

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

fn frame(dts: u32, key: bool) -> Frame {
    let kind = if key { FrameKind::Key } else { FrameKind::Inter };
    Frame { dts, composition_time: 0, codec: Codec::H264, kind }
}

/// The message on a frame that can carry it: its type, and what it says.
fn on(writer: &mut Writer, dts: u32, key: bool) -> Option<(u32, String)> {
    let frame = frame(dts, key);
    let mut at = writer.at(UnixMillis(1_725_928_200_000));
    let nal = at.message(&frame).map(|payload| SeiNal::new(Codec::H264, payload).to_vec())?;
    at.written(&frame);
    let message = messages(Codec::H264, &nal).next().unwrap();
    let text = match message.payload_type {
        5 => {
            assert_eq!(message.uuid(), Some(Uuid::LIVEGATE));
            message.user_data().unwrap()
        }
        _ => message.payload,
    };
    Some((message.payload_type, String::from_utf8(text.to_cow().into_owned()).unwrap()))
}

/// Which of frames 40 ms apart carry which message, with a key frame every 1,600 ms.
fn written(writer: &mut Writer, from: u32, to: u32) -> Vec<(u32, String)> {
    let frames = (from..to).step_by(40);
    frames
        .filter_map(|dts| on(writer, dts, dts % 1_600 == 0).map(|(_, text)| (dts, text)))
        .collect()
}

fn times(writer: &mut Writer, from: u32, to: u32) -> Vec<u32> {
    written(writer, from, to).into_iter().map(|(dts, _)| dts).collect()
}

/// As in Alibaba's example of one streamer alone, silent.
const ANNA: &str = concat!(
    r#"{"stream":[{"uid":"anna","paneid":-1,"zorder":0,"x":0,"y":0,"w":0,"h":0,"type":0,"ms":0,"#,
    r#""vol":0,"vad":0}]}"#
);

#[test]
fn a_task_that_asks_for_nothing_writes_nothing() {
    let mut task = task("{}");
    let mut writer = Writer::new(&task);
    assert!(writer.is_idle() && writer.meter().is_none());
    assert!(times(&mut writer, 0, 5_000).is_empty());
    // Until it asks for something: from the next frame on.
    task.sei.layout_volume = Some(Timing::default());
    writer.configure(&task);
    assert!(!writer.is_idle() && writer.meter().is_some());
    assert_eq!(times(&mut writer, 5_000, 7_000), [5_000, 6_000]);
    task.sei = Sei::default();
    writer.configure(&task);
    assert!(writer.is_idle());
    assert!(times(&mut writer, 7_000, 9_000).is_empty());
}

#[test]
fn the_layout_is_written_at_its_interval() {
    let mut own = task(r#"{"LayoutVolume":{"Interval":"2000"}}"#);
    let mut writer = Writer::new(&own);
    assert_eq!(on(&mut writer, 0, true), Some((5, ANNA.to_owned())));
    assert_eq!(times(&mut writer, 40, 6_000), [2_000, 4_000]);
    // Key frames of 6,400, 8,000 and 9,600 besides.
    let own_timing = own.sei.layout_volume.as_mut().unwrap();
    own_timing.follow_idr = true;
    writer.configure(&own);
    assert_eq!(times(&mut writer, 6_000, 10_000), [6_000, 6_400, 8_000, 9_600]);
    // An empty LayoutVolume is one each second; key frames alone are asked for without an interval.
    let mut writer = Writer::new(&task(r#"{"LayoutVolume":{}}"#));
    assert_eq!(times(&mut writer, 0, 2_500), [0, 1_000, 2_000]);
    let mut writer = Writer::new(&task(r#"{"LayoutVolume":{"FollowIdr":"1"}}"#));
    assert_eq!(times(&mut writer, 0, 5_000), [0, 1_600, 3_200, 4_800]);
}

#[test]
fn an_interval_beyond_its_bounds_is_the_nearest() {
    let mut own = task("{}");
    for (span, expected) in [(0, vec![0, 1_000, 2_000]), (u64::MAX, vec![0, 5_000])] {
        let mut timing = Timing::default();
        timing.interval = Some(Millis(span));
        own.sei.layout_volume = Some(timing);
        let end = expected.last().unwrap() + 500;
        assert_eq!(times(&mut Writer::new(&own), 0, end), expected);
    }
}

#[test]
fn a_passed_message_has_its_own_interval_and_key() {
    let own = task(
        r#"{"LayoutVolume":{"Interval":"1000"},"PassThrough":{"Interval":"1500",
        "PayloadContent":"say \"hi\"","PayloadContentKey":"own"},"PayloadType":"200"}"#,
    );
    let mut writer = Writer::new(&own);
    let passed = r#""own":"say \"hi\"""#;
    let both = format!("{},{passed}}}", &ANNA[..ANNA.len() - 1]);
    assert_eq!(on(&mut writer, 0, true), Some((200, both.clone())));
    let alone = format!("{{{passed}}}");
    let layout = ANNA.to_owned();
    let expected = [(1_000, layout.clone()), (1_520, alone), (2_000, layout), (3_000, both)];
    assert_eq!(written(&mut writer, 40, 3_040), expected);
}

#[test]
fn what_changed_is_written_at_once() {
    let mut own = task(
        r#"{"LayoutVolume":{"Interval":"5000"},"PassThrough":{"Interval":"5000",
        "PayloadContent":"a"}}"#,
    );
    let mut writer = Writer::new(&own);
    assert_eq!(times(&mut writer, 0, 800), [0]);
    // Nothing changed but where it is pushed to.
    own.targets.clear();
    writer.configure(&own);
    assert!(times(&mut writer, 800, 1_200).is_empty());
    own.sei.pass_through.as_mut().unwrap().content = "b".to_owned();
    writer.configure(&own);
    assert_eq!(written(&mut writer, 1_200, 1_600), [(1_200, r#"{"udd":"b"}"#.to_owned())]);
    let Source::Single(one) = &mut own.source else { panic!() };
    one.user = "ben".to_owned();
    writer.configure(&own);
    let ben = ANNA.replace("anna", "ben");
    assert_eq!(written(&mut writer, 1_600, 2_000), [(1_600, ben)]);
    // The phase is what it was.
    assert_eq!(times(&mut writer, 2_000, 6_000), [5_000]);
    // Another size is another layout, and the same one is none.
    writer.set_size(Size { width: 1280, height: 720 });
    writer.set_size(Size { width: 1280, height: 720 });
    assert_eq!(times(&mut writer, 6_000, 6_400), [6_000]);
    writer.set_size(Size { width: 1280, height: 720 });
    assert!(times(&mut writer, 6_400, 6_800).is_empty());
}

#[test]
fn a_custom_message_is_written_once_and_nothing_is_lost_by_it() {
    let mut own = task(r#"{"LayoutVolume":{"Interval":"1000"}}"#);
    let mut writer = Writer::new(&own);
    own.sei.custom = Some(r#"{"a": 1}"#.to_owned());
    writer.configure(&own);
    let custom = (0, r#"{"a": 1}"#.to_owned());
    let layout = |dts| (dts, ANNA.to_owned());
    let expected = [custom.clone(), layout(40), layout(1_000)];
    assert_eq!(written(&mut writer, 0, 1_500), expected);
    // The same again is no other one; asked for, it is repeated.
    writer.configure(&own);
    assert!(times(&mut writer, 1_500, 1_900).is_empty());
    writer.repeat_custom();
    assert_eq!(written(&mut writer, 1_900, 1_960), [(1_900, custom.1)]);
    // After a gap the layout is written again, a custom message is not.
    writer.reconnect();
    assert_eq!(written(&mut writer, 2_400, 2_600), [layout(2_400)]);
    // One that was taken back is not owed any more.
    own.sei.custom = Some("[]".to_owned());
    writer.configure(&own);
    own.sei.custom = None;
    writer.configure(&own);
    assert!(times(&mut writer, 2_600, 3_000).is_empty());
}

#[test]
fn a_custom_message_alone_is_a_task() {
    let mut own = task("{}");
    own.sei.custom = Some("[1]".to_owned());
    let mut writer = Writer::new(&own);
    assert!(!writer.is_idle());
    // One that a frame cannot carry stays due.
    let first = frame(0, true);
    assert!(writer.at(UnixMillis(0)).message(&first).is_some());
    assert_eq!(written(&mut writer, 40, 4_000), [(40, "[1]".to_owned())]);
}

#[test]
fn agoras_format_says_all_at_once_and_needs_the_size() {
    let mut own = task(r#"{"LayoutVolume":{"Interval":"1000"},"PayloadType":"100"}"#);
    own.origin = Origin::Livegate;
    let pass = task(r#"{"PassThrough":{"Interval":"1500","PayloadContent":"x"}}"#);
    own.sei.pass_through = pass.sei.pass_through;
    let mut writer = Writer::new(&own);
    // Without a size nothing can be written, and that is told; the next one is tried in its turn.
    assert!(times(&mut writer, 0, 400).is_empty());
    let refusal = writer.take_refusal().unwrap();
    assert_eq!(refusal, Refusal::Payload(PayloadError::CanvasMissing));
    assert_eq!(refusal.code().as_str(), "payload.canvas_missing");
    assert_eq!(writer.take_refusal(), None);
    // An odd side loses its last pixel.
    writer.set_size(Size { width: 641, height: 360 });
    let expected = concat!(
        r##"{"canvas":{"w":640,"h":360,"bgnd":"#000000"},"regions":[{"uid":0,"suid":"anna","##,
        r#""alpha":1.0,"zorder":0,"volume":0,"x":0,"y":0,"w":640,"h":360}],"ver":"20190611","#,
        r#""ts":1725928200000,"app_data":"x"}"#
    );
    assert_eq!(on(&mut writer, 400, false), Some((100, expected.to_owned())));
    let all = written(&mut writer, 440, 3_040);
    let times: Vec<u32> = all.iter().map(|(dts, _)| *dts).collect();
    assert_eq!(times, [1_000, 1_520, 2_000, 3_000]);
    assert!(all.iter().all(|(_, text)| text == expected));
}

#[test]
fn messages_say_how_loud_it_is() {
    let mut writer = Writer::new(&task(r#"{"LayoutVolume":{"Interval":"1000"}}"#));
    // A sine of half the full scale: -9.03 dB, 255 * 50.97 / 60 = 217; a voice by its level.
    for dts in (0..1_000).step_by(20) {
        writer.meter().unwrap().add(dts, 1_000 * 8_192 * 16_384, 1_000);
    }
    let (_, text) = on(&mut writer, 990, false).unwrap();
    assert!(text.ends_with(r#""vol":217,"vad":150}]}"#), "{text}");
}

#[test]
fn who_publishes_is_named_where_the_task_names_nobody() {
    let mut own = task(r#"{"LayoutVolume":{}}"#);
    let mut writer = Writer::new(&own);
    writer.set_publisher("carl");
    assert_eq!(on(&mut writer, 0, true).unwrap().1, ANNA);
    let Source::Single(one) = &mut own.source else { panic!() };
    one.user.clear();
    writer.configure(&own);
    assert_eq!(on(&mut writer, 40, false).unwrap().1, ANNA.replace("anna", "carl"));
    // Nobody at all: no reader would take the name.
    let mut writer = Writer::new(&own);
    assert_eq!(on(&mut writer, 0, true), None);
    assert_eq!(writer.take_refusal(), Some(Refusal::Payload(PayloadError::UserName)));
}

#[test]
fn what_cannot_be_said_is_told_and_tried_again() {
    let mut own = task(r#"{"LayoutVolume":{},"PassThrough":{"PayloadContent":"x"}}"#);
    own.sei.pass_through.as_mut().unwrap().key = "stream".to_owned();
    let mut writer = Writer::new(&own);
    let mut refused = Vec::new();
    for dts in (0..2_100).step_by(100) {
        assert_eq!(on(&mut writer, dts, false), None);
        refused.extend(writer.take_refusal().map(|_| dts));
    }
    assert_eq!(refused, [0, 1_000, 2_000]);
    // A payload type that is none.
    let mut own = task(r#"{"LayoutVolume":{}}"#);
    own.sei.payload_type = 50;
    let mut writer = Writer::new(&own);
    assert_eq!(on(&mut writer, 0, true), None);
    assert_eq!(writer.take_refusal().unwrap().code().as_str(), "sei.payload_type");
    // No JSON: it is not owed any longer.
    let mut own = task("{}");
    own.sei.custom = Some("{".to_owned());
    let mut writer = Writer::new(&own);
    assert!(times(&mut writer, 0, 400).is_empty());
    assert_eq!(writer.take_refusal(), Some(Refusal::Payload(PayloadError::NotJson)));
}
