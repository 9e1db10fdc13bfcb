//! The samples of one movie fragment (8.8.4): where they are, and when they are shown.

use alloc::vec::Vec;

use super::boxes::{Boxes, Fields};
use super::movie::{Defaults, Entry, Track};
use crate::sei::frame::FrameFormat;

/// A sample of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How it is written.
    pub format: FrameFormat,
    /// Where it begins: how many bytes of the stream are before it.
    pub at: u64,
    /// Its length in bytes.
    pub len: u32,
    /// When it is shown, in microseconds.
    pub time: i64,
}

/// What comes next of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A sample.
    Sample(Sample),
    /// Samples that cannot be read, as this is how they are written.
    Unread(Entry),
}

/// The samples of a fragment, one after another. There may be many more than bytes that say so: they
/// are made as they are asked for.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// What is in its `moof` box.
    moof: Vec<u8>,
    boxes: Boxes,
    /// Where in the stream that begins.
    from: u64,
    /// What holds for the part of it that was read last; `None` for another track's.
    format: Option<FrameFormat>,
    base: u64,
    defaults: Defaults,
    /// How many samples are left of a run, which fields each has in its table, and where that goes on.
    left: u32,
    flags: u32,
    table: usize,
    /// Where the next sample is.
    at: u64,
    /// When it is decoded.
    decoded: i64,
}

impl Samples {
    /// Those of another fragment come next: of what is in its `moof` box, which begins at a place of the
    /// stream. When its first one is decoded need not be said there.
    pub fn begin(&mut self, moof: &[u8], from: u64) {
        self.end();
        self.moof.extend_from_slice(moof);
        self.from = from;
    }

    /// There are no more.
    pub fn end(&mut self) {
        self.moof.clear();
        self.boxes = Boxes::default();
        (self.left, self.format) = (0, None);
    }

    /// The next one. Samples without a byte are none.
    pub fn next(&mut self, track: &Track) -> Option<Step> {
        loop {
            if self.left > 0 {
                if let Some(sample) = self.sample(track).filter(|sample| sample.len > 0) {
                    return Some(Step::Sample(sample));
                }
                continue;
            }
            let (kind, body) = self.boxes.next(&self.moof)?;
            match &kind {
                b"traf" => self.format = None,
                b"tfhd" => {
                    let Some((base, defaults)) = header(body, self.from, track) else { continue };
                    (self.base, self.at, self.defaults) = (base, base, defaults);
                    match track.entry(defaults.entry) {
                        Entry::Frames(format) => self.format = Some(format),
                        entry => return Some(Step::Unread(entry)),
                    }
                }
                b"tfdt" if self.format.is_some() => {
                    self.decoded = decode_time(body).unwrap_or(self.decoded);
                }
                b"trun" if self.format.is_some() => {
                    let mut fields = Fields(body);
                    let (Some((_, flags)), Some(left)) = (fields.version(), fields.u32()) else {
                        continue;
                    };
                    (self.flags, self.left) = (flags, left);
                    if flags & 0x1 != 0 {
                        let offset = fields.u32().unwrap_or(0).cast_signed();
                        self.at = self.base.saturating_add_signed(offset.into());
                    }
                    if flags & 0x4 != 0 {
                        let _ = fields.skip(4);
                    }
                    self.table = self.boxes.at.saturating_sub(fields.0.len());
                }
                _ => {}
            }
        }
    }

    /// The next one of a run (8.8.8); of those that have nothing, not even a place in the table, all at
    /// once. Where the table ends too soon the run does.
    fn sample(&mut self, track: &Track) -> Option<Sample> {
        let left = core::mem::take(&mut self.left);
        let mut fields = Fields(self.moof.get(self.table..self.boxes.at)?);
        let Self { flags, defaults, .. } = *self;
        let mut field = |flag: u32, default: u32| {
            if flags & flag == 0 { Some(default) } else { fields.u32() }
        };
        let duration = i64::from(field(0x100, defaults.duration)?);
        let len = field(0x200, defaults.size)?;
        field(0x400, 0)?;
        // Of version 0 it has no sign, but writers use one, and browsers read it.
        let shift = field(0x800, 0)?.cast_signed();
        self.table = self.boxes.at.saturating_sub(fields.0.len());
        let taken = if flags & 0xF00 == 0 && len == 0 { left } else { 1 };
        self.left = left.saturating_sub(taken);
        let (at, decoded) = (self.at, self.decoded);
        self.at = at.saturating_add(len.into());
        self.decoded = decoded.saturating_add(duration.saturating_mul(taken.into()));
        let time = track.micros(decoded.saturating_add(shift.into()));
        Some(Sample { format: self.format?, at, len, time })
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
