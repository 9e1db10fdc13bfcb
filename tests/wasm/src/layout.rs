//! Layouts, players' boxes and payloads.

use livegate_core::error::Coded;
use livegate_core::layout::hit::{ObjectFit, PlayerBox};
use livegate_core::layout::{Area, Canvas, Document, Even, Placed, Rect};
use livegate_core::sei::payload::{Content, Form, Profile, Stream, read};
use serde_json::{Map, Value, json};

pub(crate) fn resolve(vector: &Value) -> Value {
    let row = |pane: &Placed| {
        let [x, y, width, height] = pane.rect.numbers();
        let user = pane.user.as_ref();
        let (name, picture) = (user.map(|own| &*own.user), user.map(|own| own.picture.as_str()));
        json!([pane.id, name, picture, x, y, width, height, pane.z, pane.fit.as_str()])
    };
    match Document::from_json(vector["document"].to_string().as_bytes()) {
        Ok(document) => {
            let resolved = document.resolve().unwrap();
            json!({ "panes": resolved.panes().iter().map(row).collect::<Value>() })
        }
        Err(violations) => {
            let wrong = violations.iter();
            let wrong = wrong.map(|own| json!({"path": own.path, "code": own.code().as_str()}));
            json!({ "violations": wrong.collect::<Value>() })
        }
    }
}

pub(crate) fn in_box(vector: &Value) -> Value {
    let side = |of: &str, at: usize| u32::try_from(vector[of][at].as_u64().unwrap()).unwrap();
    let canvas = Canvas::new(side("canvas", 0), side("canvas", 1)).unwrap();
    let object_fit = ObjectFit::from_name(vector["object_fit"].as_str().unwrap()).unwrap();
    let player = PlayerBox::new(&canvas, side("box", 0) * 64, side("box", 1) * 64, object_fit);
    let place = |pair: &Value| {
        let four: [u32; 4] = serde_json::from_value(pair["canvas"].clone()).unwrap();
        let [x, y, width, height] = four.map(|side| Even::new(side).unwrap());
        let shown = player.place(&Rect { x, y, width, height });
        json!([shown.x, shown.y, shown.width, shown.height])
    };
    vector["rects"].as_array().unwrap().iter().map(place).collect()
}

pub(crate) fn payload(vector: &Value) -> Value {
    let reading = read(vector["payload"].as_str().unwrap().as_bytes());
    let message = &reading.message;
    let place = |area: &Area| match area {
        Area::Shares(four) => json!(four.map(|share| share.to_string())),
        Area::Pixels(four) => json!(four),
        _ => Value::Null,
    };
    let stream = |own: &Stream| {
        json!({
            "user": own.user, "pane": own.pane, "place": own.area.as_ref().map(place), "z": own.z,
            "volume": own.sound.volume, "voice": own.sound.voice, "alpha": own.alpha.to_string(),
        })
    };
    let remarks = reading.remarks.iter();
    let remarks = remarks.map(|own| json!([own.stream, own.member, own.defect.code().as_str()]));
    let extras = message.extras.iter().map(|own| match &own.content {
        Content::Text(text) => (own.key.clone(), text.as_str().into()),
        _ => (own.key.clone(), Value::Null),
    });
    let written = vector["written"].as_object().into_iter().flatten().map(|(format, _)| {
        let profile = if format == "agora" { Profile::Agora } else { Profile::Alibaba };
        let text = profile.write(message).unwrap_or_else(|error| error.code().as_str().into());
        (format.clone(), text.into())
    });
    json!({
        "form": reading.form.map(Form::as_str),
        "streams": message.streams.iter().map(stream).collect::<Value>(),
        "remarks": remarks.collect::<Value>(),
        "canvas": message.canvas.map(|own| {
            json!([own.width().get(), own.height().get(), own.background.to_string()])
        }),
        "sent_at": message.sent_at.map(|at| at.0),
        "extras": extras.collect::<Map<_, _>>(),
        "written": written.collect::<Map<_, _>>(),
    })
}
