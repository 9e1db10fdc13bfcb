//! A stream of boxes in pieces of any size.

use super::boxes::{Head, MAX_HEAD};
use super::fragment::{Sample, Samples, Step};
use super::movie::{Entry, Track};
use crate::flv::config::ConfigurationError;
use crate::prefix::Prefix;

/// The longest `moov` and `moof` that are read. A fragment has some KiB: 16 bytes for a sample.
pub const MAX_BOX: usize = 1024 * 1024;

/// How much of a sample is looked at first: a delimiter and the head of its first slice or message.
const FIRST: usize = 32;

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A sample of the video, and its first bytes. Whoever wants more of them asks for so many, counted
    /// from the first.
    Sample(Sample, &'a [u8]),
    /// Something is passed over.
    Passed(Defect),
}

/// Why something is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// What stands where a box has to is none. So is all that follows.
    NoBox,
    /// A `moov` or `moof` box is longer than [`MAX_BOX`].
    TooLarge,
    /// A fragment came before it was said how samples are written.
    NoMovie,
    /// The video is encrypted.
    Encrypted,
    /// Its decoder configuration record cannot be read.
    Configuration(ConfigurationError),
    /// Samples are not where the fragment says.
    Missing,
}

/// Takes events; see [`Event::Sample`] for what it gives.
pub type Sink<'a> = dyn FnMut(Event<'_>) -> Result<(), usize> + 'a;

/// Reads one stream. What it gives does not depend on how the stream was cut.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    movie: Movie,
    samples: Samples,
    /// The sample that is under way, or comes next.
    sample: Option<Sample>,
    state: State,
    /// Where the next byte is in the stream.
    at: u64,
    /// Bytes left of the box under way.
    left: u64,
    /// Where it begins.
    from: u64,
    /// What of it, or of the sample, was looked at.
    prefix: Prefix,
}

#[derive(Clone, Debug, Default)]
enum Movie {
    /// None came.
    #[default]
    Unknown,
    /// Without a video that could be read.
    Other,
    Video(Track),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a box.
    #[default]
    Between,
    /// In a box's head.
    Head,
    Movie,
    Fragment,
    /// In `mdat`, before a sample.
    Media,
    /// In a sample.
    Sample,
    /// In a sample of which enough was seen.
    Seen,
    /// In another box.
    Other,
    /// Behind what was no box.
    Over,
}

impl Reader {
    /// A reader of a stream that begins with a box.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other boxes come next, as of another segment; how samples are written stays known.
    pub fn part(&mut self) {
        let movie = core::mem::take(&mut self.movie);
        *self = Self { movie, ..Self::default() };
    }

    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        let mut rest = bytes;
        while let (Some(first), false) = (rest.first(), self.state == State::Over) {
            let taken = match self.state {
                State::Between | State::Head => self.head(*first, sink),
                _ => self.body(rest, sink),
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Takes a byte of a head.
    fn head(&mut self, byte: u8, sink: &mut Sink<'_>) -> usize {
        if self.state == State::Between {
            (self.state, self.from) = (State::Head, self.at);
            self.prefix.begin(Head::LEN);
        }
        self.at = self.at.saturating_add(1);
        let mut found = None;
        self.prefix.push(&[byte], &mut |shown| match Head::parse(shown) {
            Ok(None) => Err(MAX_HEAD),
            read => {
                found = Some(read.ok().flatten());
                Ok(())
            }
        });
        match found {
            Some(Some(head)) if head.kind.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                self.open(head, sink);
            }
            Some(_) => {
                self.state = State::Over;
                pass(Defect::NoBox, sink);
            }
            None => {}
        }
        1
    }

    /// A box begins.
    fn open(&mut self, head: Head, sink: &mut Sink<'_>) {
        self.left = head.body.unwrap_or(u64::MAX);
        self.state = match &head.kind {
            _ if self.left == 0 => State::Between,
            b"moov" => State::Movie,
            b"moof" => State::Fragment,
            b"mdat" => State::Media,
            _ => State::Other,
        };
        if let State::Movie | State::Fragment = self.state {
            let len = usize::try_from(self.left).ok().filter(|len| *len <= MAX_BOX);
            if let Some(len) = len {
                self.prefix.begin(len);
            } else {
                self.state = State::Other;
                pass(Defect::TooLarge, sink);
            }
        }
    }

    /// Takes what there is of a box, or a part of that.
    fn body(&mut self, rest: &[u8], sink: &mut Sink<'_>) -> usize {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX);
        let piece = rest.get(..len).unwrap_or(rest);
        let taken = match self.state {
            State::Movie => {
                let movie = &mut self.movie;
                self.prefix.push(piece, &mut |moov| {
                    *movie = Track::parse(moov).map_or(Movie::Other, Movie::Video);
                    Ok(())
                });
                piece.len()
            }
            State::Fragment => {
                self.fragment(piece, sink);
                piece.len()
            }
            State::Media | State::Sample | State::Seen => self.media(piece, sink),
            _ => piece.len(),
        };
        self.at = self.at.saturating_add(wide(taken));
        self.left = self.left.saturating_sub(wide(taken));
        if self.left == 0 {
            if let State::Sample | State::Seen = self.state {
                self.sample = None;
            }
            if self.state == State::Sample {
                pass(Defect::Missing, sink);
            }
            self.state = State::Between;
        }
        taken
    }

    fn fragment(&mut self, piece: &[u8], sink: &mut Sink<'_>) {
        let (mut prefix, from) = (core::mem::take(&mut self.prefix), self.from);
        prefix.push(piece, &mut |moof| {
            if self.next(sink).is_some() {
                pass(Defect::Missing, sink);
            }
            self.sample = None;
            self.samples.begin(moof, from);
            if let Movie::Unknown = self.movie {
                pass(Defect::NoMovie, sink);
            }
            Ok(())
        });
        self.prefix = prefix;
    }

    /// The sample that is under way, or the next one.
    fn next(&mut self, sink: &mut Sink<'_>) -> Option<Sample> {
        let Movie::Video(track) = &self.movie else { return None };
        while self.sample.is_none() {
            match self.samples.next(track)? {
                Step::Sample(sample) => self.sample = Some(sample),
                Step::Unread(Entry::Encrypted) => pass(Defect::Encrypted, sink),
                Step::Unread(Entry::Unread(error)) => pass(Defect::Configuration(error), sink),
                Step::Unread(_) => {}
            }
        }
        self.sample
    }

    /// Takes what lies in `mdat` before a sample, or of a sample.
    fn media(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> usize {
        let Some(sample) = self.next(sink) else { return piece.len() };
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(piece.len());
        if self.state == State::Media {
            if sample.at > self.at {
                return bytes(sample.at.saturating_sub(self.at));
            }
            if sample.at < self.at {
                self.sample = None;
                self.samples.end();
                pass(Defect::Missing, sink);
                return piece.len();
            }
            self.state = State::Sample;
            self.prefix.begin(usize::try_from(sample.len).unwrap_or(FIRST).min(FIRST));
        }
        let left = sample.at.saturating_add(sample.len.into()).saturating_sub(self.at);
        let taken = bytes(left);
        if self.state == State::Sample {
            let read = &mut |shown: &[u8]| sink(Event::Sample(sample, shown));
            if self.prefix.push(piece.get(..taken).unwrap_or(piece), read) {
                self.state = State::Seen;
            }
        }
        if wide(taken) == left {
            (self.sample, self.state) = (None, State::Media);
        }
        taken
    }
}

fn pass(defect: Defect, sink: &mut Sink<'_>) {
    // There is nothing to ask for.
    let _ = sink(Event::Passed(defect));
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Defect, Event, MAX_BOX, Reader};
    use crate::flv::config::ConfigurationError;
    use crate::mp4::made::{AVC, VIDEO, avc, boxed, entry, fragment, full, movie};
    use crate::sei::codec::Codec;
    use alloc::vec::Vec;
    use std::format;
    use std::string::String;

    /// Events as text: samples as their first `wanted` bytes at their time.
    fn read(pieces: &[&[u8]], wanted: usize) -> Vec<String> {
        let mut reader = Reader::new();
        let mut all = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut |event| {
                match event {
                    Event::Sample(sample, shown) => {
                        let enough = wanted.min(usize::try_from(sample.len).unwrap());
                        if shown.len() < enough {
                            return Err(enough);
                        }
                        let text = String::from_utf8_lossy(&shown[..enough]);
                        all.push(format!("{} {text}", sample.time));
                    }
                    Event::Passed(defect) => all.push(format!("{defect:?}")),
                }
                Ok(())
            });
        }
        all
    }

    /// Two fragments of two samples, whose lengths are beyond what is looked at first.
    fn stream() -> Vec<u8> {
        let long = ["first ", &"x".repeat(60)].concat();
        let first = fragment(12_800, &[(long.as_bytes(), 1024), (b"second", 0)]);
        let second = fragment(13_824, &[(b"third", 512), (b"fourth", -512)]);
        let styp = boxed("styp", &[b"msdh\0\0\0\0msdhmsix"]);
        [boxed("ftyp", &[b"isom\0\0\x02\0"]), avc(), styp.clone(), first, styp, second].concat()
    }

    /// 512 units of 12,800 in a second are 40 ms.
    const EXPECTED: [&str; 4] =
        ["1080000 first x", "1040000 second", "1120000 third", "1080000 fourth"];

    #[test]
    fn gives_the_videos_samples_and_times_however_it_is_cut() {
        let stream = stream();
        assert_eq!(read(&[&stream], 7), EXPECTED);
        assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>(), 7), EXPECTED);
        let whole = read(&[&stream], 50);
        assert_eq!(whole[0].len(), "1080000 ".len() + 50);
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(read(&[head, tail], 50), whole, "cut at {cut}");
        }
    }

    #[test]
    fn another_part_is_read_by_what_the_movie_said() {
        let stream = stream();
        let mut reader = Reader::new();
        let mut times = Vec::new();
        let mut sink = |event: Event<'_>| {
            let Event::Sample(sample, _) = event else { panic!("{event:?}") };
            times.push(sample.time);
            Ok(())
        };
        // Cut within the first fragment, and the second one again.
        reader.push(&stream[..stream.len() - 100], &mut sink);
        reader.part();
        reader.push(&fragment(25_600, &[(b"again", 0)]), &mut sink);
        assert_eq!(times.last(), Some(&2_000_000));
    }

    #[test]
    fn boxes_may_say_their_size_in_64_bits_or_not_at_all() {
        let mut stream = [avc(), fragment(0, &[(b"first", 0)])].concat();
        let mdat = stream.len() - 21;
        let long = [&b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x1D"[..], &stream[mdat + 8..]].concat();
        assert_eq!(&stream[mdat..mdat + 8], b"\0\0\0\x15mdat");
        // The samples lie eight bytes behind where they would have been.
        let at = stream[..mdat].windows(4).rposition(|kind| kind == b"trun").unwrap() + 12;
        let open = [&stream[..mdat], b"\0\0\0\0", &stream[mdat + 4..], b"more"].concat();
        assert_eq!(read(&[&open], 7), ["0 first"]);
        stream[at + 3] += 8;
        assert_eq!(read(&[&stream[..mdat], &long], 7), ["0 first"]);
        let over =
            [&b"\0\0\0\x01mdat\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..], &stream[mdat + 8..]].concat();
        assert_eq!(read(&[&stream[..mdat], &over], 7), ["0 first"]);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_told() {
        let good = fragment(0, &[(b"first", 0)]);
        let of = |entries: &[Vec<u8>]| [movie(entries, b""), good.clone()].concat();
        let passed = |stream: &[u8]| read(&[stream], 7);
        assert_eq!(passed(&good), [format!("{:?}", Defect::NoMovie)]);
        // The one record is in an encrypted sample entry, too.
        assert_eq!(passed(&of(&[entry("encv", "avcC", AVC)])), ["Encrypted"]);
        let unread = Defect::Configuration(ConfigurationError::Short { bytes: 2, needed: 23 });
        assert_eq!(passed(&of(&[entry("hev1", "hvcC", b"\x01\0")])), [format!("{unread:?}")]);
        assert_eq!(passed(&of(&[entry("av01", "av1C", b"\x81")])), [""; 0]);
        assert_eq!(passed(b"\x47\x40\x11\x10\0\x42\xF0\x25"), ["NoBox"]);
        assert_eq!(passed(b"\0\0\0\x07free"), ["NoBox"]);
        let large = boxed("moof", &[&std::vec![0; MAX_BOX + 1]]);
        assert_eq!(passed(&[avc(), large, good].concat()), ["TooLarge", "0 first"]);
    }

    #[test]
    fn samples_that_are_not_there_are_missing() {
        // Without its last bytes, the next fragment behind it.
        let second = ["second ", &"x".repeat(40)].concat();
        let fragments = |cut: usize| {
            let first = fragment(0, &[(b"first", 0), (second.as_bytes(), 0)]);
            let mdat = first.len() - 8 - 8 - 52;
            let data = boxed("mdat", &[&first[mdat + 8..first.len() - cut]]);
            [avc(), first[..mdat].to_vec(), data, fragment(512, &[(b"third", 0)])].concat()
        };
        let of = |cut, wanted| read(&[&fragments(cut)], wanted);
        assert_eq!(of(0, 6), ["0 first", "40000 second", "40000 third"]);
        // Of a sample that lacks its end enough may have been seen.
        assert_eq!(of(1, 6), ["0 first", "40000 second", "40000 third"]);
        assert_eq!(of(1, 47), ["0 first", "Missing", "40000 third"]);
        assert_eq!(of(47, 6), ["0 first", "Missing", "40000 third"]);
        assert_eq!(of(49, 6), ["Missing", "Missing", "40000 third"]);
        // They are said to be before the fragment.
        let trun = full("trun", 0, 0x201, &[1, (-9_i32).cast_unsigned(), 5]);
        let traf = [full("tfhd", 0, 0, &[VIDEO]), trun].concat();
        let moof = boxed("moof", &[&boxed("traf", &[&traf])]);
        let stream = [avc(), moof, boxed("mdat", &[b"first"])].concat();
        assert_eq!(read(&[&stream], 7), ["Missing"]);
    }

    #[test]
    fn millions_of_samples_cost_no_more_than_their_bytes() {
        // Four fields of none: 2^32 - 1 samples, of no bytes each, and of one byte.
        for (size, expected) in [(0, 0), (1, 6)] {
            let trun = full("trun", 0, 0, &[u32::MAX]);
            let traf = [full("tfhd", 0, 0x10, &[VIDEO, size]), trun].concat();
            let moof = boxed("moof", &[&boxed("traf", &[&traf])]);
            // They begin where the fragment does: in front of the data, which is none of theirs.
            let stream = [avc(), moof.clone(), boxed("mdat", &[b"123456"])].concat();
            let missing = usize::from(size > 0);
            assert_eq!(read(&[&stream], 1).len(), missing);
            let offset = u32::try_from(moof.len() + 4 + 8).unwrap();
            let trun = full("trun", 0, 1, &[u32::MAX, offset]);
            let traf = [full("tfhd", 0, 0x10, &[VIDEO, size]), trun].concat();
            let moof = boxed("moof", &[&boxed("traf", &[&traf])]);
            let stream = [avc(), moof, boxed("mdat", &[b"123456"])].concat();
            assert_eq!(read(&[&stream], 1).len(), expected);
        }
    }

    #[test]
    fn a_fragment_says_which_sample_entry_is_its() {
        let entries = [
            entry("encv", "avcC", AVC),
            entry("hvc1", "hvcC", &{
                let mut record = [0; 23];
                (record[0], record[21]) = (1, 1);
                record
            }),
        ];
        let trun = full("trun", 0, 0x201, &[1, 0, 5]);
        let mut formats = Vec::new();
        for index in [2, 1, 3] {
            let traf = [full("tfhd", 0, 2, &[VIDEO, index]), trun.clone()].concat();
            let mut moof = boxed("moof", &[&boxed("traf", &[&traf])]);
            let len = u8::try_from(moof.len() + 8).unwrap();
            let at = moof.len() - 5;
            moof[at] = len;
            let stream = [movie(&entries, b""), moof, boxed("mdat", &[b"first"])].concat();
            Reader::new().push(&stream, &mut |event| {
                formats.push(match event {
                    Event::Sample(sample, ..) => Some(sample.format.codec),
                    Event::Passed(_) => None,
                });
                Ok(())
            });
        }
        assert_eq!(formats, [Some(Codec::H265), None, None]);
    }
}
