//! Layouts, players' boxes and payloads against `vectors/layout`, which `make_layout.py` computes
//! from the specification with fractions.

use livegate_core::error::Coded;
use livegate_core::layout::hit::{ObjectFit, PlayerBox};
use livegate_core::layout::{Area, Canvas, Document, Even, Member, Rect};
use livegate_core::sei::payload::{Content, Form, LayoutMessage, Profile, read};
use serde_json::{Value, json};

fn vectors(json: &str, at_least: usize) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    assert!(vectors.len() >= at_least);
    vectors
}

fn four(value: &Value) -> [u32; 4] {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn every_layout_is_resolved_as_computed() {
    for vector in vectors(include_str!("../../../vectors/layout/resolve.json"), 140) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let body = vector["document"].to_string();
        match Document::from_json(body.as_bytes()) {
            Ok(document) => {
                let resolved = document.resolve().unwrap();
                let row = |pane: &livegate_core::layout::Placed| {
                    let [x, y, width, height] = pane.rect.numbers();
                    let user = pane.user.as_ref();
                    let picture = user.map(|user| user.picture.as_str());
                    let name = user.map(|user| &*user.user);
                    json!([pane.id, name, picture, x, y, width, height, pane.z, pane.fit.as_str()])
                };
                let panes: Vec<Value> = resolved.panes().iter().map(row).collect();
                assert_eq!(Value::from(panes), vector["panes"], "{about}");
            }
            Err(violations) => {
                let found: Vec<Value> = violations
                    .iter()
                    .map(|wrong| json!({"path": wrong.path, "code": wrong.code().as_str()}))
                    .collect();
                assert_eq!(Value::from(found), vector["violations"], "{about}");
            }
        }
    }
}

#[test]
fn every_rectangle_is_placed_in_its_box_as_computed() {
    for vector in vectors(include_str!("../../../vectors/layout/box.json"), 36) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let side = |of: &str, at: usize| u32::try_from(vector[of][at].as_u64().unwrap()).unwrap();
        let canvas = Canvas::new(side("canvas", 0), side("canvas", 1)).unwrap();
        let object_fit = ObjectFit::from_name(vector["object_fit"].as_str().unwrap()).unwrap();
        let player = PlayerBox::new(&canvas, side("box", 0) * 64, side("box", 1) * 64, object_fit);
        for pair in vector["rects"].as_array().unwrap() {
            let [x, y, width, height] = four(&pair["canvas"]).map(|side| Even::new(side).unwrap());
            let shown = player.place(&Rect { x, y, width, height });
            let shown = json!([shown.x, shown.y, shown.width, shown.height]);
            assert_eq!(shown, pair["box"], "{about}");
        }
    }
}

/// A message in the vectors' form.
fn streams(message: &LayoutMessage) -> Value {
    let place = |area: &Area| match area {
        Area::Shares(four) => json!(four.map(|share| share.to_string())),
        Area::Pixels(four) => json!(four),
        _ => Value::Null,
    };
    let stream = |own: &livegate_core::sei::payload::Stream| {
        json!({
            "user": own.user, "pane": own.pane, "place": own.area.as_ref().map(place), "z": own.z,
            "volume": own.sound.volume, "voice": own.sound.voice, "alpha": own.alpha.to_string(),
        })
    };
    message.streams.iter().map(stream).collect()
}

#[test]
fn every_payload_is_read_and_written_as_its_vendor_has_it() {
    for vector in vectors(include_str!("../../../vectors/layout/payload.json"), 25) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let reading = read(vector["payload"].as_str().unwrap().as_bytes());
        let message = &reading.message;
        assert_eq!(json!(reading.form.map(Form::as_str)), vector["form"], "{about}");
        assert_eq!(streams(message), vector["streams"], "{about}");
        let remarks: Vec<Value> = reading
            .remarks
            .iter()
            .map(|remark| json!([remark.stream, remark.member, remark.defect.code().as_str()]))
            .collect();
        assert_eq!(Value::from(remarks), vector["remarks"], "{about}");
        let canvas = message
            .canvas
            .map(|own| json!([own.width().get(), own.height().get(), own.background.to_string()]));
        assert_eq!(json!(canvas), vector["canvas"], "{about}");
        assert_eq!(json!(message.sent_at.map(|at| at.0)), vector["sent_at"], "{about}");
        let mut extras = serde_json::Map::new();
        for extra in &message.extras {
            let Content::Text(text) = &extra.content else { panic!("{about}") };
            extras.insert(extra.key.clone(), text.as_str().into());
        }
        let expected = vector.get("extras").cloned().unwrap_or_else(|| json!({}));
        assert_eq!(Value::from(extras), expected, "{about}");
        for (format, expected) in
            vector.get("written").and_then(Value::as_object).into_iter().flatten()
        {
            let profile = if format == "agora" { Profile::Agora } else { Profile::Alibaba };
            let written = match profile.write(message) {
                Ok(text) => text,
                Err(error) => error.code().as_str().to_owned(),
            };
            assert_eq!(&Value::from(written), expected, "{about}");
        }
    }
}

#[test]
fn users_are_told_apart_by_channel_and_picture() {
    let [one, other] = [Member::new("a"), Member::new("a").of_channel("b")];
    assert!(one != other && one != Member::new("a").screen() && one == Member::new("a"));
}
