//! The tracks of a movie (8.1): which one is the video, and what holds for all of its samples.

use alloc::vec::Vec;

use super::boxes::{Fields, Kind, boxes};
use crate::flv::config::{Configuration, ConfigurationError};
use crate::sei::codec::Codec;
use crate::sei::frame::{FrameFormat, Framing};

/// Fields of a visual sample entry before its boxes (8.5.2.2, 12.1.3.2).
const VISUAL: usize = 8 + 70;

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// NAL units behind lengths.
    Frames(FrameFormat),
    /// A decoder configuration record that cannot be read.
    Unread(ConfigurationError),
    /// Encrypted (8.12.1).
    Encrypted,
    /// No H.264 or H.265.
    Other,
}

/// What holds for samples of which nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Which sample entry, from 1 on.
    pub entry: u32,
    /// In units of the track's clock.
    pub duration: u32,
    /// In bytes.
    pub size: u32,
}

/// The first track of video.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Its number.
    pub id: u32,
    /// Units of its clock in a second.
    pub timescale: u32,
    /// What its times are more than those that count (8.6.6).
    pub ahead: i64,
    /// Its sample entries: boxes.
    entries: Vec<u8>,
    /// What holds for its samples (8.8.3).
    pub defaults: Defaults,
}

impl Track {
    /// Reads what is in a `moov` box. `None` if it has no track of H.264 or H.265, or none that has a
    /// clock.
    pub fn parse(moov: &[u8]) -> Option<Self> {
        let mut track = Self::default();
        for (kind, body) in boxes(moov) {
            match &kind {
                b"trak" if track.is_video() => break,
                b"trak" => track = Self::default(),
                b"tkhd" => track.id = behind_times(body).unwrap_or(0),
                b"mdhd" => track.timescale = behind_times(body).unwrap_or(0),
                b"elst" => track.ahead = ahead(body).unwrap_or(0),
                // Version and flags, and how many entries there are.
                b"stsd" => track.entries = body.get(8..).unwrap_or_default().to_vec(),
                _ => {}
            }
        }
        let extends = boxes(moov).filter(|(kind, _)| kind == b"trex");
        let mut defaults = extends.filter_map(|(_, trex)| defaults(trex, track.id));
        track.defaults = defaults.next().unwrap_or_default();
        Some(track).filter(Self::is_video)
    }

    fn is_video(&self) -> bool {
        let mut entries = boxes(&self.entries);
        self.timescale > 0 && entries.any(|(kind, entry)| read(kind, entry) != Entry::Other)
    }

    /// How the samples of an entry are written. Where there is none of this number, as the first says:
    /// so browsers have it.
    pub fn entry(&self, number: u32) -> Entry {
        let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
        let found = boxes(&self.entries).nth(index).or_else(|| boxes(&self.entries).next());
        found.map_or(Entry::Other, |(kind, entry)| read(kind, entry))
    }

    /// Microseconds of a time on its clock.
    pub fn micros(&self, time: i64) -> i64 {
        const SECOND: i64 = 1_000_000;
        let scale = i64::from(self.timescale.max(1));
        let time = time.saturating_sub(self.ahead);
        // The parts of a second are less than 2^32 · 10^6.
        let parts = time.rem_euclid(scale).saturating_mul(SECOND).div_euclid(scale);
        time.div_euclid(scale).saturating_mul(SECOND).saturating_add(parts)
    }
}

/// What stands behind two times, of creation and of modification: in `tkhd` the track's number (8.3.2),
/// in `mdhd` the units of its clock (8.4.2).
fn behind_times(body: &[u8]) -> Option<u32> {
    let mut fields = Fields(body);
    let (version, _) = fields.version()?;
    fields.of_version(version)?;
    fields.of_version(version)?;
    fields.u32()
}

fn read(kind: Kind, entry: &[u8]) -> Entry {
    if kind == *b"encv" {
        return Entry::Encrypted;
    }
    // Which record there is says the codec: avc1, avc3, hvc1, hev1 and others have the same.
    let boxes = boxes(entry.get(VISUAL..).unwrap_or_default());
    let mut records = boxes.filter_map(|(kind, record)| match &kind {
        b"avcC" => Some((Codec::H264, record)),
        b"hvcC" => Some((Codec::H265, record)),
        _ => None,
    });
    let Some((codec, record)) = records.next() else { return Entry::Other };
    match Configuration::parse(codec, record) {
        Ok(read) => {
            Entry::Frames(FrameFormat { codec, framing: Framing::Lengths(read.length_size) })
        }
        Err(error) => Entry::Unread(error),
    }
}

/// What holds for the samples of a track, if that is said here (8.8.3).
fn defaults(trex: &[u8], track: u32) -> Option<Defaults> {
    let mut fields = Fields(trex);
    fields.skip(4)?;
    if fields.u32()? != track {
        return None;
    }
    Some(Defaults { entry: fields.u32()?, duration: fields.u32()?, size: fields.u32()? })
}

/// Where in the track the movie begins, by its first edit (8.6.6). Browsers do no more of it: with
/// B-frames it brings the first picture to the time at which it is decoded.
fn ahead(elst: &[u8]) -> Option<i64> {
    let mut fields = Fields(elst);
    let (version, _) = fields.version()?;
    fields.skip(4)?;
    fields.of_version(version)?;
    let time = if version == 0 {
        i64::from(fields.u32()?.cast_signed())
    } else {
        fields.u64()?.cast_signed()
    };
    // Below 0 the edit is empty.
    Some(time).filter(|time| *time >= 0)
}

#[cfg(test)]
mod tests {
    use super::{Defaults, Entry, Track};
    use crate::mp4::made::{AVC, SCALE, VIDEO, avc, boxed, entry, full, movie, track};
    use crate::sei::codec::Codec;
    use crate::sei::frame::{FrameFormat, Framing};
    use crate::sei::length::LengthSize;

    fn edited(version: u8, fields: &[u32]) -> i64 {
        let edits = boxed("edts", &[&full("elst", version, 0, fields)]);
        Track::parse(&movie(&[entry("avc1", "avcC", AVC)], &edits)[8..]).unwrap().ahead
    }

    #[test]
    fn the_first_track_of_video_is_read() {
        let read = Track::parse(&avc()[8..]).unwrap();
        let framing = Framing::Lengths(LengthSize::Four);
        let format = FrameFormat { codec: Codec::H264, framing };
        assert_eq!((read.id, read.timescale, read.ahead), (VIDEO, SCALE, 0));
        assert_eq!([1, 2, 0].map(|entry| read.entry(entry)), [Entry::Frames(format); 3]);
        assert_eq!(read.defaults, Defaults { entry: 1, duration: 512, size: 0 });
        // None of video; none with a clock; none at all; cut anywhere.
        assert_eq!(Track::parse(&movie(&[entry("vp09", "vpcC", b"")], b"")[8..]), None);
        let mut still = avc();
        let at = still.windows(4).rposition(|four| four == SCALE.to_be_bytes()).unwrap();
        still[at..at + 4].fill(0);
        assert_eq!(Track::parse(&still[8..]), None);
        for len in 0..avc().len() - 8 {
            let _ = Track::parse(&avc()[8..8 + len]);
        }
        // Another version has times of 64 bits.
        let trak = track(7, &[entry("hev1", "hvcC", &[1; 23])], b"");
        let mdia = trak.windows(4).position(|kind| kind == b"mdia").unwrap() - 4;
        let header = full("tkhd", 1, 3, &[0, 0, 0, 0, 9, 0]);
        let newer = boxed("trak", &[&header, &trak[mdia..]]);
        assert_eq!(Track::parse(&[newer, trak].concat()).unwrap().id, 9);
    }

    #[test]
    fn the_first_edit_brings_times_to_the_players() {
        // A duration, a time in the track, a rate; of version 1 the first two have 64 bits.
        assert_eq!(edited(0, &[1, 0, 1024, 0x1_0000]), 1024);
        assert_eq!(edited(1, &[1, 0, 0, 1, 2, 0x1_0000]), (1 << 32) + 2);
        // An empty one, and another behind it: Chromium looks at no more than that.
        assert_eq!(edited(0, &[2, 500, u32::MAX, 0x1_0000, 0, 1024, 0x1_0000]), 0);
        assert_eq!(edited(0, &[]), 0);
        let track = Track { ahead: 1024, ..Track::parse(&avc()[8..]).unwrap() };
        assert_eq!(track.micros(1024), 0);
        assert_eq!(track.micros(1024 + 12_800 * 3 + 1), 3_000_078);
        assert_eq!(track.micros(1023), -79);
        assert!(track.micros(i64::MAX) == i64::MAX && track.micros(i64::MIN) < 0);
    }
}
