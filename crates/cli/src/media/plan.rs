//! Which frames of a stream carry which message.

use livegate_core::flv::edit::{Frame, Messages};
use livegate_core::sei::schedule::{Due, Rhythm, Schedule};
use livegate_core::sei::timeline::Timeline;
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::Payload;

use crate::failure::Failure;

/// What our messages are marked with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// Type 5 with this UUID.
    Uuid(Uuid),
    /// Another type, 100 to 254.
    Type(u8),
}

/// What is written into a stream, and when.
#[derive(Debug)]
pub(crate) struct Plan {
    mark: Mark,
    /// The message of each entry of the timeline.
    texts: Vec<Vec<u8>>,
    timeline: Timeline,
    /// Whether an entry is due at its time, besides when the schedule says.
    has_times: bool,
    schedule: Schedule,
    /// The time at which the frame that was asked about last is shown.
    shown: i64,
    /// How many frames could carry a message.
    pub(crate) frames: u64,
    /// How many do.
    pub(crate) messages: u64,
}

/// One entry of a timeline: when it begins, in milliseconds, and the message.
pub(crate) type Entry = (i64, Vec<u8>);

impl Plan {
    /// A plan, if every message can be written and the entries are in order.
    ///
    /// A message before all times is an entry at `i64::MIN`.
    pub(crate) fn new(mark: Mark, entries: Vec<Entry>, rhythm: Rhythm) -> Result<Self, Failure> {
        let has_times = entries.iter().any(|(time, _)| *time > i64::MIN);
        let (times, texts): (Vec<i64>, Vec<Vec<u8>>) = entries.into_iter().unzip();
        let timeline = Timeline::new(times).map_err(|error| Failure::coded(&error))?;
        for text in &texts {
            mark.payload(text)?;
        }
        let schedule = Schedule::new(rhythm);
        let (shown, frames, messages) = (0, 0, 0);
        Ok(Self { mark, texts, timeline, has_times, schedule, shown, frames, messages })
    }

    /// The entries that no frame carries, counted from 0.
    pub(crate) fn unused(&self) -> Vec<usize> {
        self.timeline.unused().collect()
    }
}

impl Mark {
    fn payload(self, text: &[u8]) -> Result<Payload<'_>, Failure> {
        let payload = match self {
            Self::Uuid(uuid) => Payload::unregistered(uuid, text),
            Self::Type(payload_type) => Payload::typed(payload_type, text),
        };
        payload.map_err(|error| Failure::coded(&error))
    }
}

impl Messages for Plan {
    fn message(&mut self, frame: &Frame) -> Option<Payload<'_>> {
        self.frames += 1;
        let due = self.schedule.frame(frame.dts, frame.kind.is_key());
        if self.schedule.began_anew() {
            self.timeline.reconnect();
        }
        self.shown = self.schedule.time() + i64::from(frame.composition_time);
        let entry = self.timeline.frame(self.shown)?;
        if due == Due::NotYet && !(self.has_times && entry.due) {
            return None;
        }
        // Every text was written as a payload when the plan was made.
        self.mark.payload(self.texts.get(entry.index)?).ok()
    }

    fn written(&mut self, _: &Frame) {
        self.messages += 1;
        self.timeline.written(self.shown);
        self.schedule.written();
    }
}
