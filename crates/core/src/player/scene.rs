//! A layout as a player draws it: panes in parts of the picture, from the lowest to the uppermost,
//! and where they are in a box.

use alloc::string::String;
use alloc::vec::Vec;

use super::json::{self, Object};
use crate::layout::hit::{BoxRect, ObjectFit, PlayerBox, Showing};
use crate::layout::{Area, Canvas, MAX_SIDE, MIN_SIDE, Share, Size};
use crate::sei::payload::{Content, Form, LayoutMessage, Stream};

/// A `vad` from here on is a voice: half a second after it ends, [`VOICE`] has sunk to about that.
///
/// [`VOICE`]: crate::relay::loudness::Loudness::VOICE
const SPEAKING: u8 = 100;

/// Who is where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    form: Form,
    message: LayoutMessage,
    /// Indices of the streams that have a place, from the lowest to the uppermost.
    order: Vec<usize>,
}

impl Scene {
    /// The layout that a message says; `None` if its places cannot be known: pixels of a canvas that
    /// it does not have.
    pub fn new(form: Form, message: LayoutMessage) -> Option<Self> {
        let in_pixels = |stream: &Stream| matches!(stream.area, Some(Area::Pixels(_)));
        if message.canvas.is_none() && message.streams.iter().any(in_pixels) {
            return None;
        }
        // One streamer alone has the whole canvas; of several, those without a place are left out.
        let alone = message.streams.len() == 1;
        let streams = message.streams.iter().enumerate();
        let mut order: Vec<usize> = streams
            .filter(|(_, stream)| alone || stream.area.is_some())
            .map(|(index, _)| index)
            .collect();
        // A stable sort: of equal ones the later is above.
        order.sort_by_key(|index| message.streams.get(*index).map(|stream| stream.z));
        Some(Self { form, message, order })
    }

    /// The streams that have a place, from the lowest to the uppermost.
    pub fn panes(&self) -> impl DoubleEndedIterator<Item = &Stream> {
        self.order.iter().filter_map(|index| self.message.streams.get(*index))
    }

    /// The canvas: the message's own, or the picture's.
    fn canvas(&self, picture: Size) -> Option<Canvas> {
        self.message.canvas.or_else(|| {
            let side = |side: u32| side.clamp(MIN_SIDE, MAX_SIDE) & !1;
            Canvas::new(side(picture.width), side(picture.height)).ok()
        })
    }

    /// Where its panes are in a box, in their order, in 64ths of a pixel.
    pub fn place(&self, picture: Size, showing: &Showing, out: &mut dyn FnMut(BoxRect)) {
        let Some(canvas) = self.canvas(picture) else { return };
        let room = PlayerBox::showing(&canvas, picture, showing);
        for stream in self.panes() {
            let rect = stream.area.map_or_else(|| canvas.rect(), |area| area.clipped_to(&canvas));
            out(room.place(&rect));
        }
    }

    /// Left, top, width and height in parts of the picture, cut off at its edges.
    fn parts(&self, stream: &Stream) -> [Share; 4] {
        let whole = [Share::default(), Share::default(), Share::WHOLE, Share::WHOLE];
        let share = |billionths: u32| Share::from_billionths(billionths).unwrap_or(Share::WHOLE);
        let [x, y, w, h] = match (stream.area, self.message.canvas) {
            (Some(Area::Shares(shares)), _) => shares.map(Share::billionths),
            (Some(Area::Pixels([x, y, w, h])), Some(canvas)) => {
                let of = |pixels: u32, side: u32| {
                    Share::ratio(pixels.min(side), side).unwrap_or_default().billionths()
                };
                let (across, down) = (canvas.width().get(), canvas.height().get());
                [of(x, across), of(y, down), of(w, across), of(h, down)]
            }
            _ => return whole,
        };
        let rest = |from: u32, len: u32| len.min(Share::WHOLE.billionths().saturating_sub(from));
        [x, y, rest(x, w), rest(y, h)].map(share)
    }

    /// As JSON: docs/spec/player.md §6.
    pub fn write(&self, id: u32, time_us: i64, out: &mut String) {
        let mut object = Object::open(out);
        json::push_number(object.member("id"), id.into());
        json::push_seconds(object.member("time"), time_us);
        object.text("form", self.form.as_str());
        match self.message.canvas {
            Some(canvas) => {
                let mut inner = Object::open(object.member("canvas"));
                json::push_number(inner.member("width"), canvas.width().get().into());
                json::push_number(inner.member("height"), canvas.height().get().into());
                inner.close();
            }
            None => object.member("canvas").push_str("null"),
        }
        let panes = object.member("panes");
        panes.push('[');
        for (index, stream) in self.panes().enumerate() {
            if index > 0 {
                panes.push(',');
            }
            self.write_pane(stream, panes);
        }
        panes.push(']');
        let mut data = Object::open(object.member("data"));
        for extra in &self.message.extras {
            match &extra.content {
                Content::Text(text) => data.text(&extra.key, text),
                Content::Json(text) => data.member(&extra.key).push_str(text),
            }
        }
        data.close();
        object.close();
    }

    fn write_pane(&self, stream: &Stream, out: &mut String) {
        let mut pane = Object::open(out);
        pane.text("uid", &stream.user);
        let [x, y, width, height] = self.parts(stream);
        for (name, share) in [("x", x), ("y", y), ("width", width), ("height", height)] {
            json::push_share(pane.member(name), share);
        }
        json::push_number(pane.member("z"), stream.z.into());
        json::push_share(pane.member("alpha"), stream.alpha);
        let volume = Share::ratio(stream.sound.volume.into(), u8::MAX.into()).unwrap_or_default();
        json::push_share(pane.member("volume"), volume);
        pane.member("speaking").push_str(match self.form {
            Form::Alibaba if stream.sound.voice >= SPEAKING => "true",
            Form::Alibaba => "false",
            _ => "null",
        });
        pane.close();
    }
}

/// How `object-fit` is numbered where only numbers pass.
pub const fn object_fit(number: u32) -> ObjectFit {
    match number {
        1 => ObjectFit::Cover,
        2 => ObjectFit::Fill,
        3 => ObjectFit::None,
        4 => ObjectFit::ScaleDown,
        _ => ObjectFit::Contain,
    }
}
