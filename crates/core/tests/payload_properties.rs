//! What holds of every payload of a layout: what is written reads back, and nothing stops the reader.

use livegate_core::layout::{Area, Canvas, Share};
use livegate_core::sei::payload::{
    Alone, Content, Extra, LayoutMessage, MAX_CONTENT, MAX_EXTRAS, MAX_STREAMS, Sound, Stream,
    agora, alibaba, read,
};
use livegate_core::time::UnixMillis;
use proptest::collection::vec;
use proptest::prelude::*;

fn share() -> impl Strategy<Value = Share> {
    (0_u32..=1_000_000_000).prop_map(|billionths| Share::from_billionths(billionths).unwrap())
}

/// With something in it: a place of nothing is none.
fn length() -> impl Strategy<Value = Share> {
    (1_u32..=1_000_000_000).prop_map(|billionths| Share::from_billionths(billionths).unwrap())
}

fn streams() -> impl Strategy<Value = Stream> {
    let place = (share(), share(), length(), length());
    ("\\PC{0,8}", place, 0_u8..=99, 0_u8..=255, 0_u8..=150, 0_u32..9).prop_map(
        |(user, (x, y, w, h), z, volume, voice, kind)| {
            let mut own = Stream::new(user);
            own.area = Some(Area::Shares([x, y, w, h]));
            own.z = z;
            own.sound = Sound { volume, voice };
            (own.kind, own.ms) = (kind, kind * 1000);
            own
        },
    )
}

fn extras() -> impl Strategy<Value = Extra> {
    ("[a-d]", "\\PC{0,12}").prop_map(|(key, text)| Extra::text(key, text))
}

fn numbered(mut streams: Vec<Stream>) -> Vec<Stream> {
    for (index, stream) in streams.iter_mut().enumerate() {
        stream.pane = u8::try_from(index).ok();
    }
    streams
}

proptest! {
    #[test]
    fn alibabas_read_back(streams in vec(streams(), 0..=9), extra in prop::option::of(extras())) {
        let mut message = LayoutMessage::default();
        message.streams = numbered(streams);
        message.extras.extend(extra);
        let text = alibaba::write(&message).unwrap();
        // It is JSON for others, too.
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let count = value["stream"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(count, message.streams.len());
        let reading = read(text.as_bytes());
        prop_assert_eq!(&reading.remarks, &[]);
        prop_assert_eq!(reading.message, message);
    }

    #[test]
    fn agoras_read_back(
        streams in vec((streams(), [0_u32..4000, 0_u32..4000, 1_u32..4000, 1_u32..4000]), 0..20),
        sent_at in 0_u64..=u64::MAX / 2, app_data in "\\PC{0,20}",
    ) {
        let mut message = LayoutMessage::default();
        message.canvas = Some(Canvas::new(1920, 1080).unwrap());
        message.sent_at = Some(UnixMillis(sent_at));
        for (mut stream, pixels) in streams {
            stream.area = Some(Area::Pixels(pixels));
            stream.sound.voice = 0;
            (stream.kind, stream.ms) = (0, 0);
            // A name of nothing is none; a number alone is one.
            if stream.user.is_empty() {
                stream.user.push('u');
            }
            if stream.user.parse::<u32>().is_err() {
                stream.number = Some(7);
            }
            message.streams.push(stream);
        }
        if !app_data.is_empty() {
            message.extras.push(Extra::text(agora::APP_DATA, app_data));
        }
        if let Ok(text) = agora::write(&message) {
            let reading = read(text.as_bytes());
            prop_assert_eq!(&reading.remarks, &[]);
            for stream in &mut message.streams {
                if stream.user.parse::<u32>().is_ok_and(|number| number.to_string() == stream.user) {
                    stream.number = None;
                } else {
                    stream.number = stream.number.or(Some(0));
                }
            }
            prop_assert_eq!(reading.message, message);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let reading = read(&bytes);
        prop_assert!(reading.form.is_some() || !reading.remarks.is_empty());
    }

    /// Damage to one byte, and every end of a text, at worst leave nothing to read.
    #[test]
    fn damaged_payloads_are_read_without_a_panic(at in 0_usize..400, with in any::<u8>(), len in 0_usize..400) {
        let text = br##"{"canvas":{"w":640,"h":360,"bgnd":"#00ff00"},"regions":[{"uid":1,"alpha":1.0,"zOrder":"1","volume":50,"x":nan,"y":0.5e1,"w":320,"h":360}],"ver":"20190611","ts":1535385600000,"app_data":"\u00e9"}"##;
        let mut bytes = text.to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = with;
        }
        bytes.truncate(len);
        let reading = read(&bytes);
        reading.message.to_resolved(Canvas::new(1280, 720).unwrap());
    }

    /// Numbers are never read as others than their nearest within range.
    #[test]
    fn numbers_are_clamped(number in prop_oneof![
        any::<f64>().prop_filter("JSON has it", |number| number.is_finite()),
        (-2.0..2.0),
    ]) {
        let text = format!(
            r#"{{"stream":[{{"uid":"a","paneid":0,"zorder":0,"x":{number:e},"y":0,"w":1,"h":1}}]}}"#
        );
        let reading = read(text.as_bytes());
        let Some(Area::Shares([x, ..])) = reading.message.streams[0].area else { panic!() };
        let expected = number.clamp(0.0, 1.0);
        prop_assert!((f64::from(x.billionths()) / 1e9 - expected).abs() < 2e-9);
        let outside = !(-1e-9..1.0 + 1e-9).contains(&number);
        if outside {
            prop_assert!(!reading.remarks.is_empty());
        }
    }
}

#[test]
fn a_reader_keeps_no_more_than_it_may() {
    let stream = r#"{"uid":"a","x":0,"y":0,"w":1,"h":1}"#;
    let many = format!("{{\"stream\":[{}]}}", vec![stream; MAX_STREAMS + 1].join(","));
    let reading = read(many.as_bytes());
    assert_eq!(reading.message.streams.len(), MAX_STREAMS);
    assert_eq!(reading.remarks.last().unwrap().defect.code().as_str(), "payload.too_many");

    let members: Vec<String> = (0..100).map(|index| format!("\"k{index}\":{index}")).collect();
    let reading = read(format!("{{{}}}", members.join(",")).as_bytes());
    assert_eq!(reading.message.extras.len(), MAX_EXTRAS);
    assert_eq!(reading.remarks.len(), 1);

    let deep = format!("{{\"stream\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    assert_eq!(read(deep.as_bytes()).form, None);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(65_536));
    assert_eq!(read(large.as_bytes()).remarks[0].defect.code().as_str(), "payload.too_large");
}

#[test]
fn no_message_is_larger_than_a_sei_message_may_be() {
    let mut message = LayoutMessage::default();
    // {"udd":"…"} has ten bytes besides the content.
    message.extras = vec![Extra::text("udd", "x".repeat(MAX_CONTENT - 10))];
    assert_eq!(alibaba::write(&message).unwrap().len(), 4096);
    message.extras = vec![Extra::text("udd", "x".repeat(MAX_CONTENT - 9))];
    assert!(alibaba::write(&message).is_err());
}

#[test]
fn one_streamer_alone_is_everywhere() {
    let canvas = Canvas::new(1280, 720).unwrap();
    let text = br#"{"stream":[{"uid":"111","paneid":-1,"zorder":0,"x":0,"y":0,"w":0,"h":0,"type":0,"ms":0,"vol":0,"vad":0}]}"#;
    let resolved = read(text).message.to_resolved(canvas);
    assert_eq!(resolved.panes()[0].rect, canvas.rect());
    let silent = |_: &_| Sound::default();
    let again = LayoutMessage::from_resolved(&resolved, Alone::Placeless, &silent);
    assert_eq!(alibaba::write(&again).unwrap().as_bytes(), text);
    let placed = LayoutMessage::from_resolved(&resolved, Alone::Placed, &silent);
    let expected = r#"{"stream":[{"uid":"111","paneid":0,"zorder":0,"x":0,"y":0,"w":1,"h":1,"type":0,"ms":0,"vol":0,"vad":0}]}"#;
    assert_eq!(alibaba::write(&placed).unwrap(), expected);
}

#[test]
fn members_that_are_passed_through_keep_their_json() {
    let text = r#"{"stream":[],"udd":{"scene":[1,2.50,"x"]},"n":1e3}"#;
    let message = read(text.as_bytes()).message;
    let nested = Content::Json(r#"{"scene":[1,2.50,"x"]}"#.into());
    assert_eq!(message.extras[0].content, nested);
    assert_eq!(alibaba::write(&message).unwrap(), r#"{"udd":{"scene":[1,2.50,"x"]},"n":1e3}"#);
}
