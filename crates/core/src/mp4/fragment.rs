//! The samples of one movie fragment (8.8.4): where they are, and when they are shown.

use alloc::vec::Vec;

use super::boxes::{Fields, children, find};
use super::movie::{Defaults, Entry, Track};
use crate::sei::frame::FrameFormat;

/// Runs of samples of one fragment that are read. Writers make one, or one for each piece of what
/// they interleave.
const MAX_RUNS: usize = 4096;

/// A sample of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How it is written.
    pub format: FrameFormat,
    /// Where it begins: how many bytes of the stream are before it.
    pub at: u64,
    /// Its length in bytes.
    pub len: u32,
    /// When it is shown, on the track's clock.
    pub time: i64,
}

/// The samples of a fragment, one after another. There may be many more than bytes that say so: they
/// are made as they are asked for.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// The last one first.
    runs: Vec<Run>,
    at: u64,
    /// When the next one is decoded.
    pub decoded: i64,
    /// Why those of a part of it are not among them.
    pub unread: Option<Entry>,
}

/// A track run (8.8.8).
#[derive(Clone, Debug)]
struct Run {
    format: FrameFormat,
    /// Where its samples begin, if not behind those of the one before it.
    at: Option<u64>,
    /// When its first one is decoded, likewise.
    decoded: Option<i64>,
    /// How many samples are left.
    left: u32,
    /// Which fields each has in the table.
    flags: u32,
    table: Vec<u8>,
    /// How much of the table was read.
    read: usize,
    defaults: Defaults,
}

impl Samples {
    /// Those of another fragment come next: of what is in its `moof` box, which begins at a place of the
    /// stream. When its first one is decoded need not be said there.
    pub fn read(&mut self, moof: &[u8], at: u64, track: &Track) {
        self.clear();
        for (_, traf) in children(moof).filter(|(kind, _)| kind == b"traf") {
            // What is missing of a part of the fragment leaves out that part.
            let _ = self.add(traf, at, track);
        }
        self.runs.reverse();
    }

    /// There are no more.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.unread = None;
    }

    fn add(&mut self, traf: &[u8], moof: u64, track: &Track) -> Option<()> {
        let (base, defaults) = header(find(traf, &[b"tfhd"])?, moof, track)?;
        let format = match track.entry(defaults.entry)? {
            Entry::Frames(format) => format,
            entry => {
                self.unread = Some(entry);
                return None;
            }
        };
        let mut decoded = find(traf, &[b"tfdt"]).and_then(decode_time);
        let mut follows = false;
        for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
            if self.runs.len() >= MAX_RUNS {
                return None;
            }
            let mut fields = Fields(trun);
            let (_, flags) = fields.version()?;
            let left = fields.u32()?;
            let at = if flags & 0x1 != 0 {
                Some(base.saturating_add_signed(fields.u32()?.cast_signed().into()))
            } else {
                Some(base).filter(|_| !follows)
            };
            follows = true;
            if flags & 0x4 != 0 {
                fields.skip(4)?;
            }
            let (decoded, table) = (decoded.take(), fields.0.to_vec());
            self.runs.push(Run { format, at, decoded, left, flags, table, read: 0, defaults });
        }
        Some(())
    }
}

impl Iterator for Samples {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        while let Some(run) = self.runs.last_mut() {
            self.at = run.at.take().unwrap_or(self.at);
            self.decoded = run.decoded.take().unwrap_or(self.decoded);
            if let Some((duration, len, shift)) = run.next() {
                let (at, time) = (self.at, self.decoded.saturating_add(shift.into()));
                self.at = at.saturating_add(len.into());
                self.decoded = self.decoded.saturating_add(duration);
                if len > 0 {
                    return Some(Sample { format: run.format, at, len, time });
                }
            } else {
                self.runs.pop();
            }
        }
        None
    }
}

impl Run {
    /// The next sample's duration, its length, and by how much it is shown later than decoded. Of
    /// samples that have nothing, not even a place in the table, all of them at once.
    fn next(&mut self) -> Option<(i64, u32, i32)> {
        self.left = self.left.checked_sub(1)?;
        let mut fields = Fields(self.table.get(self.read..)?);
        let flags = self.flags;
        let mut field = |flag: u32, default: u32| {
            if flags & flag == 0 { Some(default) } else { fields.u32() }
        };
        let duration = field(0x100, self.defaults.duration)?;
        let len = field(0x200, self.defaults.size)?;
        field(0x400, 0)?;
        // Of version 0 it has no sign, but writers use one, and browsers read it.
        let shift = field(0x800, 0)?.cast_signed();
        let (is_bare, rest) = (flags & 0xF00 == 0, fields.0.len());
        self.read = self.table.len().saturating_sub(rest);
        let mut duration = i64::from(duration);
        if is_bare && len == 0 {
            let all = i64::from(core::mem::take(&mut self.left)).saturating_add(1);
            duration = duration.saturating_mul(all);
        }
        Some((duration, len, shift))
    }
}

/// Where a track's samples in a fragment count from, and what holds for them (8.8.7). `None` if it is
/// another track's.
fn header(tfhd: &[u8], moof: u64, track: &Track) -> Option<(u64, Defaults)> {
    let mut fields = Fields(tfhd);
    let (_, flags) = fields.version()?;
    if fields.u32()? != track.id {
        return None;
    }
    // Without it they count from the fragment, as `default-base-is-moof` says; browsers need not be
    // told so.
    let base = if flags & 0x1 == 0 { moof } else { fields.u64()? };
    let mut field = |flag: u32, default: u32| {
        if flags & flag == 0 { Some(default) } else { fields.u32() }
    };
    let Defaults { entry, duration, size } = track.defaults;
    let (entry, duration, size) = (field(0x2, entry)?, field(0x8, duration)?, field(0x10, size)?);
    Some((base, Defaults { entry, duration, size }))
}

/// When the first sample is decoded (8.8.12). It has no sign, but some write one.
fn decode_time(tfdt: &[u8]) -> Option<i64> {
    let mut fields = Fields(tfdt);
    let (version, _) = fields.version()?;
    fields.of_version(version).map(u64::cast_signed)
}
