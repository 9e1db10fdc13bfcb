//! What holds of every payload of a layout: what is written reads back, and nothing stops the reader.

use livegate_core::error::Coded as _;
use livegate_core::layout::{Area, Canvas, Document, Resolved, Share};
use livegate_core::sei::payload::{
    Alone, Content, Extra, LayoutMessage, MAX_CONTENT, MAX_EXTRAS, MAX_STREAMS, Sound, Stream,
    agora, alibaba, read,
};
use livegate_core::time::UnixMillis;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

fn share() -> impl Strategy<Value = Share> {
    (0_u32..=1_000_000_000).prop_map(|billionths| Share::from_billionths(billionths).unwrap())
}

/// With something in it: a place of nothing is none.
fn length() -> impl Strategy<Value = Share> {
    (1_u32..=1_000_000_000).prop_map(|billionths| Share::from_billionths(billionths).unwrap())
}

fn streams() -> impl Strategy<Value = Stream> {
    let place = (share(), share(), length(), length());
    ("\\PC{1,8}", place, 0_u8..=99, 0_u8..=255, 0_u8..=150, 0_u32..9).prop_map(
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

/// Payloads as they come: any numbers, any names, any count of streams.
fn payloads() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just(String::new()),
        "[a-c]",
        "\\PC{1,300}",
        "[\u{1}-\u{20}\u{4e00}-\u{4e20}]{250,260}",
    ];
    let number = || prop_oneof![-2_i64..12, 90_i64..300, any::<i64>()];
    let place = || prop_oneof![(-2_i32..2_000).prop_map(f64::from), -0.5..1.5];
    let stream = (name, number(), number(), [place(), place(), place(), place()], place()).prop_map(
        |(user, pane, z, [x, y, w, h], alpha)| {
            json!({
                "uid": user, "paneid": pane, "zorder": z, "x": x, "y": y, "w": w, "h": h, "alpha": alpha,
            })
        },
    );
    let streams = prop_oneof![9 => vec(stream.clone(), 0..8), 1 => vec(stream, 62..67)];
    (streams, prop::option::of([60_u32..9_000, 60..9_000])).prop_map(|(streams, sides)| match sides
    {
        Some([w, h]) => json!({"canvas": {"w": w, "h": h}, "regions": streams}).to_string(),
        None => json!({"stream": streams}).to_string(),
    })
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
            // A number alone is a name.
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

    /// Whatever was read is a document, too, and nothing is lost on the way.
    #[test]
    fn every_layout_that_is_read_becomes_a_document(payload in payloads()) {
        let resolved = read(payload.as_bytes()).message.to_resolved(Canvas::new(1280, 720).unwrap());
        let body = resolved.to_document().to_string();
        let document = Document::from_json(body.as_bytes());
        prop_assert!(document.is_ok(), "{:?}", document.unwrap_err());
        let again = document.unwrap().resolve().unwrap();
        // A document's panes are counted from 0; what is read may leave numbers out.
        let mut numbers: Vec<u16> = resolved.panes().iter().map(|pane| pane.id).collect();
        numbers.sort_unstable();
        let renumbered = resolved.panes().iter().cloned().map(|mut pane| {
            pane.id = numbers.binary_search(&pane.id).unwrap().try_into().unwrap();
            pane
        });
        prop_assert_eq!(again, Resolved::new(resolved.canvas, renumbered));
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
    let reading = read(deep.as_bytes());
    assert!(reading.message.streams.is_empty());
    assert_eq!(reading.remarks[0].defect.code().as_str(), "payload.too_deep");
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
fn a_stream_without_a_name_that_can_be_read_is_not_written() {
    let mut message = LayoutMessage::default();
    message.canvas = Some(Canvas::new(1280, 720).unwrap());
    message.sent_at = Some(UnixMillis(0));
    for (name, fits) in
        [(String::new(), false), ("\u{4e3b}".repeat(256), true), ("x".repeat(257), false)]
    {
        message.streams = vec![Stream::new(name)];
        for written in [alibaba::write(&message), agora::write(&message)] {
            let code = written.err().map(|error| error.code().as_str().to_owned());
            assert_eq!(code.as_deref(), (!fits).then_some("payload.user_name"));
        }
    }
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
