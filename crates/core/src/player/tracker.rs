//! Everything that a page's player asks, in one place.

use alloc::string::String;
use alloc::vec::Vec;

use super::book::Book;
use super::warning::Warning;
use super::{flv, ts};
use crate::flv::config::{Configuration, ConfigurationError};
use crate::flv::header::TagHeader;
use crate::flv::video::NeedMore;
use crate::layout::Size;
use crate::layout::hit::{BoxRect, Showing};
use crate::sei::codec::Codec;
use crate::sei::frame::{FrameFormat, Framing, Step};
use crate::sei::sample::{Reach, SampleError};

/// Reads the layouts of a stream and says which one counts when.
///
/// Times are in microseconds. What bytes say is on the *stream's* clock; what is asked and told is on
/// the *player's*, which is less by [`Tracker::shift`].
#[derive(Clone, Debug)]
pub struct Tracker {
    format: Option<FrameFormat>,
    tags: flv::Tags,
    flv: flv::Stream,
    ts: ts::Stream,
    base: Base,
    book: Book,
    shift: i64,
    rects: Vec<BoxRect>,
}

/// What became of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// So many bytes from the first are needed; nothing was read yet.
    More(usize),
    /// All was read: so many messages and warnings were in it.
    Done(usize),
}

/// How much is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What is under way: other bytes come next.
    Readers,
    /// The layouts, too.
    All,
}

impl Tracker {
    /// One that knows nothing. A layout counts for `max_age` microseconds.
    pub fn new(max_age: i64) -> Self {
        Self {
            format: None,
            tags: flv::Tags::default(),
            flv: flv::Stream::default(),
            ts: ts::Stream::default(),
            base: Base::default(),
            book: Book::new(max_age),
            shift: 0,
            rects: Vec::new(),
        }
    }

    /// Says how the frames of [`Self::push`] are written.
    pub const fn configure(&mut self, format: FrameFormat) {
        self.format = Some(format);
    }

    /// The same, by a decoder configuration record.
    ///
    /// # Errors
    /// [`ConfigurationError`]: it cannot be read. How frames are written is unknown then.
    pub fn configure_record(
        &mut self,
        codec: Codec,
        record: &[u8],
    ) -> Result<(), ConfigurationError> {
        self.format = None;
        let read = Configuration::parse(codec, record)?;
        self.format = Some(FrameFormat { codec, framing: Framing::Lengths(read.length_size) });
        Ok(())
    }

    /// Takes a frame of `len` bytes that begins with `shown` and is shown at a time of the stream.
    pub fn push(&mut self, shown: &[u8], len: usize, time: i64) -> Pushed {
        self.book.begin();
        let read = if let Some(format) = self.format {
            frame(format, shown, len, Reach::Picture, time, &mut self.book)
        } else {
            self.book.warn(time, Warning::NotConfigured);
            Ok(())
        };
        self.pushed(read)
    }

    /// Takes a tag of FLV of `len` bytes, with its header, that begins with `shown`. It is shown at a
    /// time of the stream; without, at its own.
    pub fn flv_tag(&mut self, shown: &[u8], len: usize, time: Option<i64>) -> Pushed {
        self.book.begin();
        let Some((head, body)) = shown.split_first_chunk::<{ TagHeader::LEN }>() else {
            if len >= TagHeader::LEN {
                return Pushed::More(len.min(TagHeader::LEN.saturating_mul(4)));
            }
            self.book.warn(time.unwrap_or(0), Warning::Frame(SampleError::Broken { at: 0 }));
            return self.pushed(Ok(()));
        };
        let mut header = match TagHeader::parse(*head, 0) {
            Ok(header) => header,
            Err(error) => {
                self.book.warn(time.unwrap_or(0), Warning::Flv(error));
                return self.pushed(Ok(()));
            }
        };
        // A tag that was cut short has what it has; behind it may be its size.
        let there = u32::try_from(len.saturating_sub(TagHeader::LEN)).unwrap_or(u32::MAX);
        header.body_len = header.body_len.min(there);
        let whole = usize::try_from(header.body_len).unwrap_or(usize::MAX);
        let body = body.get(..whole).unwrap_or(body);
        let read =
            self.tags.body(&header, body, time, Reach::Picture, &mut self.base, &mut self.book);
        self.pushed(read.map_err(|NeedMore { bytes }| bytes.saturating_add(TagHeader::LEN)))
    }

    /// Takes bytes of an FLV stream as they come.
    pub fn flv(&mut self, bytes: &[u8]) -> usize {
        self.book.begin();
        self.flv.push(bytes, &mut self.base, &mut self.book);
        self.book.count()
    }

    /// Takes bytes of an MPEG transport stream as they come. Its times count `shift` less.
    pub fn ts(&mut self, bytes: &[u8], shift: i64) -> usize {
        self.book.begin();
        self.ts.push(bytes, shift, &mut self.base, &mut self.book);
        self.book.count()
    }

    fn pushed(&self, read: Result<(), usize>) -> Pushed {
        read.err().map_or_else(|| Pushed::Done(self.book.count()), Pushed::More)
    }

    /// Where players of MSE have their zero: the first time of decoding, of sound or video. `None`
    /// until both are known, or one of them and that there is no other.
    pub fn base(&self) -> Option<i64> {
        self.base.time()
    }

    /// The same for a player that was told to leave the sound out: the first time of video.
    pub const fn base_of_video(&self) -> Option<i64> {
        self.base.first_video
    }

    /// Says by how much the stream's times are more than the player's.
    pub const fn shift(&mut self, micros: i64) {
        self.shift = micros;
    }

    /// Another stream comes next, or another part of this one.
    pub fn reset(&mut self, scope: Scope) {
        self.flv.part();
        self.ts = ts::Stream::default();
        self.book.begin();
        if scope == Scope::All {
            self.tags = flv::Tags::default();
            self.flv = flv::Stream::default();
            self.base = Base::default();
            self.book.clear();
        }
    }

    /// The number of the layout that counts at a time of the player's.
    pub fn at(&mut self, time: i64) -> Option<u32> {
        self.book.at(time.saturating_add(self.shift))
    }

    /// A layout as JSON.
    pub fn layout(&mut self, id: u32) -> Option<String> {
        let (time, scene) = self.book.layout(id)?;
        let mut out = String::new();
        scene.write(id, time.saturating_sub(self.shift), &mut out);
        Some(out)
    }

    /// What the last push had, as JSON.
    pub fn messages(&mut self) -> String {
        self.book.write(self.shift)
    }

    /// Where the panes of a layout are in a box, in their order.
    pub fn place(&mut self, id: u32, picture: Size, showing: &Showing) -> &[BoxRect] {
        self.rects.clear();
        if let Some((_, scene)) = self.book.layout(id) {
            scene.place(picture, showing, &mut |rect| self.rects.push(rect));
        }
        &self.rects
    }

    /// The number of a layout's uppermost pane at a point of the box.
    pub fn hit(
        &mut self,
        id: u32,
        picture: Size,
        showing: &Showing,
        at: (i64, i64),
    ) -> Option<usize> {
        let (_, scene) = self.book.layout(id)?;
        scene.hit(picture, showing, at.0, at.1)
    }
}

/// Reads a frame of `len` bytes that begins with `shown`.
///
/// # Errors
/// So many bytes are needed. Nothing was read then: first it is seen whether all is there.
pub(super) fn frame(
    format: FrameFormat,
    shown: &[u8],
    len: usize,
    reach: Reach,
    time: i64,
    book: &mut Book,
) -> Result<(), usize> {
    let mut units = format.units(shown, len, reach);
    let mut has_sei = false;
    let end = loop {
        match units.step() {
            Step::Sei(_) => has_sei = true,
            Step::More { bytes } => return Err(bytes),
            Step::End(end) => break end,
        }
    };
    if let Some(warning) = Warning::of(end) {
        book.warn(time, warning);
    }
    if has_sei {
        let mut units = format.units(shown, len, reach);
        while let Step::Sei(nal) = units.step() {
            book.nal(format.codec, nal, time);
        }
    }
    Ok(())
}

/// Where a stream's times begin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base {
    first_audio: Option<i64>,
    first_video: Option<i64>,
    /// The greatest time of either.
    latest: i64,
    has_no_audio: bool,
    has_no_video: bool,
}

impl Base {
    /// How long one of sound and video is waited for.
    const PATIENCE: i64 = 2_000_000;

    /// What the stream says of itself.
    pub(super) const fn says(&mut self, audio: bool, video: bool) {
        (self.has_no_audio, self.has_no_video) = (!audio, !video);
    }

    pub(super) fn audio(&mut self, time: i64) {
        self.first_audio.get_or_insert(time);
        self.latest = self.latest.max(time);
    }

    pub(super) fn video(&mut self, time: i64) {
        self.first_video.get_or_insert(time);
        self.latest = self.latest.max(time);
    }

    fn time(&self) -> Option<i64> {
        let is_late = |first: i64| self.latest.saturating_sub(first) >= Self::PATIENCE;
        match (self.first_audio, self.first_video) {
            (Some(audio), Some(video)) => Some(audio.min(video)),
            (Some(audio), None) => Some(audio).filter(|_| self.has_no_video || is_late(audio)),
            (None, Some(video)) => Some(video).filter(|_| self.has_no_audio || is_late(video)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pushed, Scope, Tracker};
    use crate::layout::Size;
    use crate::layout::hit::{ObjectFit, Showing};
    use crate::sei::codec::Codec;
    use crate::sei::frame::{FrameFormat, Framing};
    use crate::sei::length::LengthSize;
    use crate::sei::uuid::Uuid;
    use crate::sei::write::{Payload, SeiNal};
    use alloc::string::{String, ToString};
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
        serde_json::from_str(&tracker.messages()).unwrap()
    }

    fn push(tracker: &mut Tracker, units: &[Vec<u8>], time: i64) -> Vec<Value> {
        let frame = frame(units);
        let pushed = tracker.push(&frame, frame.len(), time);
        let told = told(tracker);
        assert_eq!(pushed, Pushed::Done(told.len()));
        told
    }

    fn layout(tracker: &mut Tracker, id: u32) -> Value {
        serde_json::from_str(&tracker.layout(id).unwrap()).unwrap()
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
                {"uid": "222", "source": "camera", "x": 0.501_838_2, "y": 0.25, "width": 0.498_161_8,
                 "height": 0.5, "z": 1, "alpha": 1, "volume": 0, "speaking": false},
                {"uid": "111", "source": "camera", "x": 0, "y": 0.25, "width": 0.5, "height": 0.5,
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
                "uid": "1", "source": "camera", "x": 0.25, "y": 0, "width": 0.5, "height": 1, "z": 1,
                "alpha": 0.5, "volume": 1, "speaking": null,
            }],
            "data": {"app_data": "hi"},
        });
        assert_eq!(layout(&mut tracker, 1), expected);
    }

    #[test]
    fn panes_are_placed_and_hit_as_they_are_painted() {
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
        let at = |x: i64, y: i64| (x * 64, y * 64);
        assert_eq!(tracker.hit(1, picture, &showing, at(160, 140)), Some(0));
        assert_eq!(tracker.hit(1, picture, &showing, at(159, 140)), None);
        assert_eq!(tracker.hit(1, picture, &showing, at(160, 139)), None);
        // Covered, 1138 wide: the pane reaches from 35 to 604, and nothing is beyond the box.
        let showing = Showing { fit: ObjectFit::Cover, ..showing };
        assert_eq!(tracker.hit(1, picture, &showing, at(320, -1)), None);
        assert_eq!(tracker.hit(1, picture, &showing, at(320, 0)), Some(0));
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
        let row =
            |told: &Value| (told["form"].clone(), told["text"].clone(), told["warnings"].clone());
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
        assert_eq!(tracker.layout(1), None);
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
            if tracker.flv(core::slice::from_ref(byte)) > 0 {
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
            let count = whole.flv(&stream[..end]);
            let mut pieces = Tracker::new(1);
            let bytes = stream[..end].iter().map(core::slice::from_ref);
            assert_eq!(bytes.map(|byte| pieces.flv(byte)).sum::<usize>(), count, "{end}");
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
    fn more_messages_than_are_told_still_count() {
        let mut tracker = tracker();
        let many: Vec<Vec<u8>> = (0..5_000)
            .map(|index: u32| {
                unregistered(&["{\"stream\":[],\"n\":", &index.to_string(), "}"].concat())
            })
            .collect();
        let told = push(&mut tracker, &many, 0);
        assert_eq!(told.len(), 4_097);
        assert_eq!(told[4_096]["warnings"], json!(["player.too_many_messages"]));
        let id = tracker.at(0).unwrap();
        assert_eq!(layout(&mut tracker, id)["data"], json!({"n": 4_999}));
        let _: String = tracker.messages();
    }
}
