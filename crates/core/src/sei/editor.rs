//! Messages put into an Annex B stream, and ours taken out of it, as it passes.
//!
//! What passes unchanged is handed on as it came, in pieces as large as the chunks: only what is not
//! yet understood is held, which is the beginning of a NAL unit, or the whole of a SEI NAL unit.
//! What comes out does not depend on how the stream was cut.

use alloc::vec::Vec;

use memchr::memmem::Finder;

use super::access_unit::{Picture, Pictures, Step, VCL_HEAD};
use super::annexb::{PREFIX, trimmed, zeros_at_end};
use super::codec::{Codec, Unit};
use super::ours::{Marker, Without, without_ours};
use super::write::{Payload, SeiNal};

/// A SEI NAL unit longer than this passes unread: ours are at most 6 KiB.
pub const MAX_SEI: usize = 1 << 20;
/// What is read of a parameter set. Those in use are far shorter; the longest have slice groups that
/// nobody has.
pub const MAX_PARAMETER_SET: usize = 1 << 16;
/// If what stands right before the first slice and belongs to it (H.264 14 and 20) is longer than
/// this, a message goes behind it.
pub const MAX_PREFIX: usize = 1 << 16;
/// How much of a chunk is joined at a time with what was held.
const STEP: usize = 4096;

/// Puts messages into a stream and takes ours out of it.
///
/// A message goes right before the first VCL NAL unit of its picture, or before the prefix NAL unit
/// that belongs to that, behind a start code of four bytes. Taking exactly these bytes out restores
/// the stream.
#[derive(Clone, Debug)]
pub struct Editor {
    codec: Codec,
    marker: Option<Marker>,
    finder: Finder<'static>,
    pictures: Pictures,
    /// What came and was not handed on.
    held: Vec<u8>,
    place: Place,
    counts: Counts,
}

/// What an editor did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How many frames passed.
    pub frames: u64,
    /// How many messages were put in.
    pub inserted: u64,
    /// How many SEI NAL units lost messages of ours.
    pub stripped: u64,
}

/// Where the editor is, in bytes from the first one that was not handed on.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// From where on start codes are looked for.
    scan: usize,
    /// The NAL unit under way.
    open: Option<Open>,
    prefix: Prefix,
}

/// The NAL units right before the one under way that belong to the slice that follows.
#[derive(Clone, Copy, Debug)]
enum Prefix {
    /// There are none.
    None,
    /// They are held; the first one's start code is there.
    From(usize),
    /// They were too long and passed.
    Passed,
}

/// A NAL unit.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Where its start code begins.
    start: usize,
    /// Where it begins itself.
    nal: usize,
    /// Whether it is understood: the rest of it passes.
    passes: bool,
}

/// Takes the messages for a frame.
#[derive(Debug)]
pub struct Inserts<'a> {
    codec: Codec,
    temporal_id_plus1: u8,
    out: &'a mut Vec<u8>,
    count: u64,
}

impl Inserts<'_> {
    /// Adds a message; the first one comes first.
    pub fn push(&mut self, payload: Payload<'_>) {
        self.out.extend_from_slice(&[0, 0, 0, 1]);
        SeiNal::new(self.codec, payload)
            .with_temporal_id_plus1(self.temporal_id_plus1)
            .append_to(self.out);
        self.count += 1;
    }
}

/// Is asked once a frame what goes into it: not for the second field of a frame.
pub type PerFrame<'a> = dyn FnMut(&Picture, &mut Inserts<'_>) + 'a;
/// Gets what is handed on, in order.
pub type Sink<'a> = dyn FnMut(&[u8]) + 'a;

/// What is handed on of one buffer.
struct Out<'a, 'b> {
    buffer: &'a [u8],
    /// Up to where it was handed on or left out.
    done: usize,
    sink: &'a mut Sink<'b>,
}

impl Out<'_, '_> {
    fn pass(&mut self, until: usize) {
        let piece = self.buffer.get(self.done..until).unwrap_or_default();
        if !piece.is_empty() {
            (self.sink)(piece);
            self.done = until;
        }
    }

    fn replace(&mut self, from: usize, until: usize, with: &[u8]) {
        self.pass(from);
        if !with.is_empty() {
            (self.sink)(with);
        }
        self.done = self.done.max(until);
    }
}

impl Editor {
    /// An editor that takes out what `marker` knows, if it is given.
    pub fn new(codec: Codec, marker: Option<Marker>) -> Self {
        Self {
            codec,
            marker,
            finder: Finder::new(PREFIX),
            pictures: Pictures::new(codec),
            held: Vec::new(),
            place: Place { scan: 0, open: None, prefix: Prefix::None },
            counts: Counts::default(),
        }
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        Counts { frames: self.pictures.frames(), ..self.counts }
    }

    /// Takes more of the stream.
    pub fn push(&mut self, chunk: &[u8], per_frame: &mut PerFrame<'_>, sink: &mut Sink<'_>) {
        let mut rest = chunk;
        // What is held is short: it is joined with as much of the chunk as it takes to understand it.
        while !self.held.is_empty() && !rest.is_empty() {
            let (joined, after) = rest.split_at_checked(STEP).unwrap_or((rest, &[]));
            let mut held = core::mem::take(&mut self.held);
            held.extend_from_slice(joined);
            let done = self.run(&held, false, per_frame, sink);
            let left = held.len().saturating_sub(done);
            if left <= joined.len() {
                // All that is still held is in the chunk as well.
                rest = rest.get(joined.len() - left..).unwrap_or_default();
                if after.is_empty() {
                    held.drain(..done);
                    self.held = held;
                    return;
                }
                held.clear();
                let done = self.run(rest, false, per_frame, sink);
                held.extend_from_slice(rest.get(done..).unwrap_or_default());
                self.held = held;
                return;
            }
            held.drain(..done);
            self.held = held;
            rest = after;
        }
        if !rest.is_empty() {
            let done = self.run(rest, false, per_frame, sink);
            self.held.extend_from_slice(rest.get(done..).unwrap_or_default());
        }
    }

    /// The stream is over. The editor is as new then.
    pub fn finish(&mut self, per_frame: &mut PerFrame<'_>, sink: &mut Sink<'_>) -> Counts {
        let held = core::mem::take(&mut self.held);
        self.run(&held, true, per_frame, sink);
        let counts = self.counts();
        *self = Self::new(self.codec, self.marker.take());
        counts
    }

    /// Understands what it can of `buffer`, which begins with what was held, and returns how much of
    /// it was handed on or left out.
    fn run(
        &mut self,
        buffer: &[u8],
        last: bool,
        per_frame: &mut PerFrame<'_>,
        sink: &mut Sink<'_>,
    ) -> usize {
        let mut out = Out { buffer, done: 0, sink };
        loop {
            let rest = buffer.get(self.place.scan..).unwrap_or_default();
            let next = self.finder.find(rest).map(|at| self.place.scan + at);
            if let Some(open) = self.place.open
                && !open.passes
            {
                let end = if last { next.or(Some(buffer.len())) } else { next };
                self.understand(open, end, next.is_some(), per_frame, &mut out);
            }
            let Some(code) = next else { break };
            // Of the zeros before it, one belongs to the start code.
            let fourth = code > 0 && buffer.get(code - 1) == Some(&0);
            let nal = code + PREFIX.len();
            let open = Open { start: code - usize::from(fourth), nal, passes: false };
            self.place.open = Some(open);
            self.place.scan = nal;
        }
        let hold = if last { buffer.len() } else { self.hold(buffer) };
        out.pass(hold);
        let done = out.done;
        let place = &mut self.place;
        place.scan = place.scan.max(buffer.len().saturating_sub(PREFIX.len() - 1));
        place.scan = place.scan.saturating_sub(done);
        if let Some(open) = &mut place.open {
            open.start = open.start.saturating_sub(done);
            open.nal = open.nal.saturating_sub(done);
        }
        if let Prefix::From(at) = &mut place.prefix {
            *at = at.saturating_sub(done);
        }
        done
    }

    /// From where on nothing can be handed on yet.
    fn hold(&mut self, buffer: &[u8]) -> usize {
        // The most of a start code that can be there without its end.
        let last = buffer.len().saturating_sub(PREFIX.len());
        let mut hold = buffer.len() - zeros_at_end(buffer.get(last..).unwrap_or_default());
        // No NAL unit that follows begins before that.
        let mut next = last;
        if let Some(open) = self.place.open.filter(|open| !open.passes) {
            hold = hold.min(open.start);
            next = open.start;
        }
        if let Prefix::From(at) = self.place.prefix {
            if next.saturating_sub(at) > MAX_PREFIX {
                self.place.prefix = Prefix::Passed;
            } else {
                hold = hold.min(at);
            }
        }
        hold
    }

    /// Looks at the NAL unit under way, which ends at `end`, before zeros, if that is known.
    /// `more` says that a start code follows.
    fn understand(
        &mut self,
        open: Open,
        end: Option<usize>,
        more: bool,
        per_frame: &mut PerFrame<'_>,
        out: &mut Out<'_, '_>,
    ) {
        let there = out.buffer.get(open.nal..end.unwrap_or(out.buffer.len())).unwrap_or_default();
        // How much of it there was at most before its end was known: what is too long must be so
        // however the stream is cut.
        let seen = there.len() + if more { PREFIX.len() - 1 } else { 0 };
        let enough = |len: usize| end.is_some() || seen >= len;
        let head = |len: usize| trimmed(there.get(..len).unwrap_or(there));
        let Some(unit) = Unit::parse(self.codec, there) else {
            if enough(self.codec.header_len()) {
                self.passes(Prefix::None);
            }
            return;
        };
        let mut prefix = Prefix::None;
        if unit.is_vcl() {
            if !enough(VCL_HEAD) {
                return;
            }
            if let Step::Picture(picture) = self.pictures.push(unit, head(VCL_HEAD))
                && !picture.second_field
            {
                let at = match self.place.prefix {
                    Prefix::From(at) if open.start - at <= MAX_PREFIX => at,
                    _ => open.start,
                };
                self.insert(at, &picture, per_frame, out);
            }
        } else if unit.is_sei() {
            if end.is_none() && seen <= MAX_SEI {
                return;
            }
            let nal = if seen > MAX_SEI { &[] } else { trimmed(there) };
            let _ = self.pictures.push(unit, nal);
            self.strip(open, nal, out);
        } else if unit.is_parameter_set() {
            if !enough(MAX_PARAMETER_SET) {
                return;
            }
            let _ = self.pictures.push(unit, head(MAX_PARAMETER_SET));
        } else if self.pictures.push(unit, &[]) == Step::Prefix {
            prefix = match self.place.prefix {
                Prefix::None => Prefix::From(open.start),
                known => known,
            };
        }
        self.passes(prefix);
    }

    /// The NAL unit under way is understood.
    fn passes(&mut self, prefix: Prefix) {
        self.place.prefix = prefix;
        if let Some(open) = &mut self.place.open {
            open.passes = true;
        }
    }

    fn insert(
        &mut self,
        at: usize,
        picture: &Picture,
        per_frame: &mut PerFrame<'_>,
        out: &mut Out<'_, '_>,
    ) {
        let mut bytes = Vec::new();
        let mut inserts = Inserts {
            codec: self.codec,
            temporal_id_plus1: picture.temporal_id_plus1,
            out: &mut bytes,
            count: 0,
        };
        per_frame(picture, &mut inserts);
        self.counts.inserted += inserts.count;
        if !bytes.is_empty() {
            out.replace(at, at, &bytes);
        }
    }

    fn strip(&mut self, open: Open, nal: &[u8], out: &mut Out<'_, '_>) {
        let Some(marker) = &self.marker else { return };
        match without_ours(self.codec, nal, marker) {
            Without::Same => return,
            Without::Rest(rest) => out.replace(open.nal, open.nal + nal.len(), &rest),
            Without::Nothing => out.replace(open.start, open.nal + nal.len(), &[]),
        }
        self.counts.stripped += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Editor, MAX_PREFIX, MAX_SEI};
    use crate::sei::annexb::{Nal, units};
    use crate::sei::codec::Codec;
    use crate::sei::made::{PPS, SLICE, SPS, Slice, Sps, h265_slice};
    use crate::sei::message::messages;
    use crate::sei::ours::Marker;
    use crate::sei::uuid::Uuid;
    use crate::sei::write::{Payload, SeiNal};
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    const OURS: Marker = Marker::Uuid(Uuid::LIVEGATE);

    fn payload(data: &[u8]) -> Payload<'_> {
        Payload::unregistered(Uuid::LIVEGATE, data).unwrap()
    }

    /// Puts the number of each frame into it that `wanted` names, and takes ours out.
    fn edit(codec: Codec, chunks: &[&[u8]], wanted: &dyn Fn(u64) -> bool) -> (Vec<u8>, Counts) {
        let mut editor = Editor::new(codec, Some(OURS));
        let mut out = Vec::new();
        let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
        let mut next = 0;
        let mut per_frame = |picture: &super::Picture, inserts: &mut super::Inserts<'_>| {
            assert_eq!(picture.frame, next, "each frame is asked for once");
            next += 1;
            if wanted(picture.frame) {
                inserts.push(payload(format!("{}", picture.frame).as_bytes()));
            }
        };
        for chunk in chunks {
            editor.push(chunk, &mut per_frame, &mut sink);
        }
        let counts = editor.finish(&mut per_frame, &mut sink);
        assert_eq!(counts.frames, next);
        (out, counts)
    }

    fn insert(codec: Codec, stream: &[u8]) -> Vec<u8> {
        edit(codec, &[stream], &|_| true).0
    }

    fn strip(codec: Codec, stream: &[u8]) -> Vec<u8> {
        edit(codec, &[stream], &|_| false).0
    }

    /// Behind start codes of four bytes.
    fn joined(nals: &[Vec<u8>]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 0, 1][..], nal].concat()).collect()
    }

    fn ours(codec: Codec, temporal_id_plus1: u8, frame: u64) -> Vec<u8> {
        let text = format!("{frame}");
        let nal = SeiNal::new(codec, payload(text.as_bytes()));
        nal.with_temporal_id_plus1(temporal_id_plus1).to_vec()
    }

    /// The stream of these NAL units, edited, as NAL units; `None` stands for the next message.
    fn holds(codec: Codec, temporal_id_plus1: u8, expected: &[Option<Vec<u8>>]) {
        let mut frame = 0;
        let mut with = Vec::new();
        for nal in expected {
            with.push(nal.clone().unwrap_or_else(|| {
                frame += 1;
                ours(codec, temporal_id_plus1, frame - 1)
            }));
        }
        let without: Vec<Vec<u8>> = expected.iter().flatten().cloned().collect();
        assert_eq!(insert(codec, &joined(&without)), joined(&with));
        assert_eq!(strip(codec, &joined(&with)), joined(&without));
    }

    fn sei() -> Vec<u8> {
        [6, 1, 1, 0x12, 0x80].to_vec()
    }

    #[test]
    fn a_message_goes_right_before_the_first_slice() {
        let idr = Slice { unit_type: 5, frame_num: 0, ..SLICE };
        let delimiter = Some([9, 0xF0].to_vec());
        holds(
            Codec::H264,
            1,
            &[
                delimiter.clone(),
                Some(SPS.nal()),
                Some(PPS.nal()),
                Some(sei()),
                None,
                Some(idr.nal()),
                Some(Slice { first_mb: 9, ..idr }.nal()),
                delimiter.clone(),
                Some(sei()),
                None,
                Some(Slice { first_mb: 9, ..SLICE }.nal()),
                Some(SLICE.nal()),
                None,
                Some(Slice { frame_num: 4, ..SLICE }.nal()),
                delimiter,
            ],
        );
    }

    #[test]
    fn it_goes_before_the_prefix_of_the_slice() {
        let prefix = Some([14, 0x80, 0, 7].to_vec());
        let view = Some([20, 0x80, 0, 7, 0x88].to_vec());
        holds(
            Codec::H264,
            1,
            &[
                Some(SPS.nal()),
                Some(PPS.nal()),
                None,
                prefix.clone(),
                Some(SLICE.nal()),
                prefix.clone(),
                Some(Slice { first_mb: 9, ..SLICE }.nal()),
                view.clone(),
                None,
                prefix,
                Some(Slice { frame_num: 4, ..SLICE }.nal()),
                Some(sei()),
                None,
                view,
                Some(Slice { frame_num: 5, ..SLICE }.nal()),
            ],
        );
    }

    #[test]
    fn in_h265_it_has_the_temporal_id_of_the_picture() {
        let sets = [32, 33, 34, 39].map(|unit_type| Some([unit_type << 1, 3, 4, 0, 0x80].to_vec()));
        let mut expected = [Some([35 << 1, 3, 0x50].to_vec())].to_vec();
        expected.extend(sets);
        expected.extend([
            None,
            Some(h265_slice(1, 0, 3, true)),
            Some(h265_slice(1, 0, 3, false)),
            Some([40 << 1, 3, 4, 0, 0x80].to_vec()),
            None,
            Some(h265_slice(1, 0, 3, true)),
            Some(h265_slice(1, 1, 3, true)),
        ]);
        holds(Codec::H265, 3, &expected);
    }

    #[test]
    fn the_second_field_of_a_frame_gets_none() {
        let sps = Sps { frames_only: false, ..SPS };
        let field = |field, frame_num| Some(Slice { sps, frame_num, field, ..SLICE }.nal());
        holds(
            Codec::H264,
            1,
            &[
                Some(sps.nal()),
                Some(PPS.nal()),
                None,
                field(1, 3),
                Some(sei()),
                field(2, 3),
                None,
                field(1, 4),
                field(2, 4),
            ],
        );
    }

    #[test]
    fn an_access_unit_without_a_slice_is_left_as_it_is() {
        let delimiter = Some([9, 0xF0].to_vec());
        holds(
            Codec::H264,
            1,
            &[delimiter.clone(), Some(sei()), delimiter, Some(sei()), None, Some(SLICE.nal())],
        );
        let stream = joined(&[[9, 0xF0].to_vec(), sei()]);
        assert_eq!(insert(Codec::H264, &stream), stream);
    }

    #[test]
    fn what_is_no_stream_passes() {
        for stream in [&b""[..], b"\0", b"\0\0\0", b"abc", b"\0\0\x01", b"ab\0\0\x01\0\0\x01\xFF\0"]
        {
            assert_eq!(insert(Codec::H264, stream), stream);
            assert_eq!(insert(Codec::H265, stream), stream);
        }
    }

    #[test]
    fn start_codes_and_zeros_stay_as_they_are() {
        let slice = |frame_num| Slice { frame_num, ..SLICE }.nal();
        // Three zeros more behind the first slice, a start code of three bytes before the second.
        let message = |frame| [&[0, 0, 0, 1][..], &ours(Codec::H264, 1, frame)].concat();
        let stream = [&[0, 0, 1][..], &slice(1), &[0, 0, 0, 0, 0, 0, 1], &slice(2), &[0, 0, 1]];
        let stream = [&stream.concat()[..], &slice(3), &[0, 0]].concat();
        let expected = [
            &message(0)[..],
            &[0, 0, 1],
            &slice(1),
            &[0, 0, 0],
            &message(1),
            &[0, 0, 0, 1],
            &slice(2),
            &message(2),
            &[0, 0, 1],
            &slice(3),
            &[0, 0],
        ];
        assert_eq!(insert(Codec::H264, &stream), expected.concat());
        assert_eq!(strip(Codec::H264, &expected.concat()), stream);
    }

    #[test]
    fn ours_are_taken_out_of_every_frame() {
        let other = |frame_num| Slice { frame_num, ..SLICE }.nal();
        let message = ours(Codec::H264, 1, 77);
        let mixed = [&message[..message.len() - 1], &[1, 1, 0x12, 0x80]].concat();
        let stream = joined(&[message.clone(), other(1), mixed, other(2), message, other(3)]);
        let (out, counts) = edit(Codec::H264, &[&stream], &|frame| frame == 1);
        let expected = [other(1), sei(), ours(Codec::H264, 1, 1), other(2), other(3)];
        assert_eq!(out, joined(&expected));
        assert_eq!((counts.frames, counts.inserted, counts.stripped), (3, 1, 3));
        // Without a marker nothing is taken out.
        let mut out = Vec::new();
        let mut editor = Editor::new(Codec::H264, None);
        editor.push(&stream, &mut |_, _| (), &mut |piece| out.extend_from_slice(piece));
        editor.finish(&mut |_, _| (), &mut |piece| out.extend_from_slice(piece));
        assert_eq!(out, stream);
    }

    #[test]
    fn several_messages_keep_their_order() {
        let mut editor = Editor::new(Codec::H264, None);
        let mut out = Vec::new();
        let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
        editor.push(&joined(&[SLICE.nal()]), &mut |_, _| (), &mut sink);
        editor.finish(
            &mut |_, inserts| {
                inserts.push(payload(b"1"));
                inserts.push(payload(b"2"));
            },
            &mut sink,
        );
        let texts: Vec<String> = units(&out)
            .flat_map(|nal| messages(Codec::H264, nal.bytes).collect::<Vec<_>>())
            .filter_map(|message| String::from_utf8(message.user_data()?.to_cow().to_vec()).ok())
            .collect();
        assert_eq!(texts, ["1", "2"]);
    }

    /// The stream, in chunks of as many bytes.
    fn cut(stream: &[u8], len: usize) -> Vec<&[u8]> {
        stream.chunks(len).collect()
    }

    #[test]
    fn what_is_too_long_passes_however_it_is_cut() {
        let long = |head: &[u8], len: usize| [head, &[0x55].repeat(len - head.len())].concat();
        let message = ours(Codec::H264, 1, 9);
        let sets = [SPS.nal(), PPS.nal()];
        for extra in [0, 1, 2, 3, 4] {
            // A SEI NAL unit about as long as is read, with a message of ours in it.
            let sei = long(&message[..message.len() - 1], MAX_SEI - 3 + extra);
            // And a prefix about as long as is held.
            let prefix = long(&[14, 0x80, 0, 7], MAX_PREFIX - 6 + extra);
            let stream =
                joined(&[&sets[..], &[sei, prefix, SLICE.nal(), [12, 0x80].to_vec()]].concat());
            let expected = insert(Codec::H264, &stream);
            // Three zeros may follow the SEI before its end is known; four bytes of start code count
            // with the prefix.
            let types: Vec<u8> = units(&expected).map(|nal| nal.bytes[0] & 0x1F).collect();
            assert_eq!(types[..3], [7, 8, 6], "{extra}");
            let put = if extra <= 2 { [6, 14, 1, 12] } else { [14, 6, 1, 12] };
            assert_eq!(types[3..], put, "{extra}");
            let with_ours = |nal: &Nal<'_>| nal.bytes.windows(16).any(|w| w == Uuid::LIVEGATE.0);
            let ours = units(&expected).filter(with_ours).count();
            assert_eq!(ours, if extra == 0 { 1 } else { 2 }, "{extra}");
            // Once more, cut in two about where each of them ends, and in many.
            let ends: Vec<usize> = units(&stream)
                .filter(|nal| nal.len > 1000)
                .map(|nal| usize::try_from(nal.offset + nal.len).unwrap())
                .collect();
            assert_eq!(ends.len(), 2);
            for at in ends.iter().flat_map(|end| end - 5..end + 9) {
                let (one, two) = stream.split_at(at);
                let out = edit(Codec::H264, &[one, two], &|_| true).0;
                assert!(out == expected, "{extra}, cut at {at}");
            }
            for len in [4096, 65_537] {
                let out = edit(Codec::H264, &cut(&stream, len), &|_| true).0;
                assert!(out == expected, "{extra}, by {len}");
            }
        }
    }

    #[test]
    fn what_is_held_is_short() {
        // A slice of 3 MB in chunks of 64 KiB: it passes as it comes.
        let slice = [SLICE.nal(), [0x55].repeat(3 << 20)].concat();
        let stream = joined(&[SPS.nal(), PPS.nal(), slice]);
        let mut editor = Editor::new(Codec::H264, Some(OURS));
        let (mut given, mut came) = (0, 0);
        for chunk in stream.chunks(1 << 16) {
            editor.push(chunk, &mut |_, _| (), &mut |piece| given += piece.len());
            came += chunk.len();
            assert_eq!(given, came);
            assert!(editor.held.capacity() < 1 << 10);
        }
    }

    /// Streams of NAL units that mean something, with zeros and start codes as they may be.
    fn streams(codec: Codec) -> impl Strategy<Value = Vec<u8>> {
        let h264 = prop_oneof![
            1 => Just(SPS.nal()),
            1 => Just(PPS.nal()),
            1 => Just([9, 0xF0].to_vec()),
            1 => Just([14, 0x80, 0, 7].to_vec()),
            1 => Just([20, 0x80, 0, 7].to_vec()),
            6 => (0..3_u32, 0..2_u32, 0..2_u8).prop_map(|(frame_num, first_mb, idr)| {
                Slice { frame_num, first_mb, unit_type: 1 + 4 * idr, ..SLICE }.nal()
            }),
        ];
        let h265 = prop_oneof![
            1 => (32..64_u8).prop_map(|unit_type| [unit_type << 1, 1, 0x50].to_vec()),
            2 => (any::<bool>(), 1..8_u8).prop_map(|(first, temporal_id_plus1)| {
                h265_slice(1, 0, temporal_id_plus1, first)
            }),
        ];
        let unit = match codec {
            Codec::H264 => h264.boxed(),
            Codec::H265 => h265.boxed(),
        };
        let message = ours(codec, 1, 9);
        let header = codec.header_len();
        let mixed = [&message[..message.len() - 1], &message[header..message.len() - 1]].concat();
        let others = [&message[..header], &[4, 1, 9], &message[header..]].concat();
        let piece = prop_oneof![
            8 => unit,
            1 => Just(message),
            1 => Just(mixed),
            1 => Just(others),
            1 => prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..6),
            1 => prop::collection::vec(any::<u8>(), 100..200),
        ];
        let framed = (0..5_usize, piece)
            .prop_map(|(zeros, nal)| [&[0].repeat(zeros)[..], &[0, 0, 1], &nal].concat());
        prop::collection::vec(framed, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn any_stream() -> impl Strategy<Value = (Codec, Vec<u8>)> {
        prop_oneof![
            streams(Codec::H264).prop_map(|stream| (Codec::H264, stream)),
            streams(Codec::H265).prop_map(|stream| (Codec::H265, stream)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out((codec, stream) in any_stream()) {
            let without = strip(codec, &stream);
            let (with, counts) = edit(codec, &[&stream], &|_| true);
            prop_assert_eq!(counts.inserted, counts.frames);
            prop_assert_eq!(&strip(codec, &with), &without);
            // A second time changes nothing more.
            prop_assert_eq!(&strip(codec, &without), &without);
            prop_assert_eq!(insert(codec, &with), with);
            let left = units(&without)
                .filter(|nal| super::Unit::parse(codec, nal.bytes).is_some_and(super::Unit::is_sei))
                .flat_map(|nal| messages(codec, nal.bytes).collect::<Vec<_>>())
                .filter(|message| OURS.is_ours(message));
            prop_assert_eq!(left.count(), 0);
        }

        #[test]
        fn a_stream_without_ours_is_restored((codec, stream) in any_stream()) {
            let stream = strip(codec, &stream);
            prop_assert_eq!(&strip(codec, &insert(codec, &stream)), &stream);
        }

        #[test]
        fn what_comes_out_does_not_depend_on_the_cuts(
            (codec, stream) in any_stream(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            odd in any::<bool>(),
        ) {
            let wanted = |frame: u64| !odd || frame % 2 == 1;
            let expected = edit(codec, &[&stream], &wanted);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(&edit(codec, &chunks, &wanted), &expected);
            prop_assert_eq!(&edit(codec, &cut(&stream, 1), &wanted), &expected);
        }
    }
}
