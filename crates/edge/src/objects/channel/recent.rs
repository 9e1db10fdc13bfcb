//! The newest events in memory, so that what is delivered at once is not read back first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use livegate_core::id::Seq;

use super::store::Stored;

/// How many events are held, and how many bytes of bodies.
const MAX_EVENTS: usize = 256;
const MAX_BYTES: usize = 1 << 19;

/// An event, and what was found out about it under one version of the plan.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) stored: Stored,
    /// The lines that it is for, by their place in the plan of that version.
    pub(super) lines: RefCell<Option<(u64, Vec<usize>)>>,
    /// The event as a `CloudEvent`, once anybody wanted it so.
    pub(super) cloud_event: RefCell<Option<Rc<[u8]>>>,
}

impl Known {
    pub(super) fn new(stored: Stored) -> Self {
        Self { stored, lines: RefCell::new(None), cloud_event: RefCell::new(None) }
    }
}

/// A stretch of the log's end, without gaps.
#[derive(Debug, Default)]
pub(super) struct Recent {
    events: VecDeque<Rc<Known>>,
    bytes: usize,
}

impl Recent {
    pub(super) fn push(&mut self, stored: Stored) {
        if self.events.back().is_some_and(|last| last.stored.seq.next() != stored.seq) {
            self.events.clear();
            self.bytes = 0;
        }
        self.bytes += stored.body.len();
        self.events.push_back(Rc::new(Known::new(stored)));
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.stored.body.len();
        }
    }

    /// Up to `limit` events after a place, if all of them are here.
    pub(super) fn after(&self, after: Seq, limit: usize) -> Option<Vec<Rc<Known>>> {
        let first = self.events.front()?.stored.seq;
        let skip = usize::try_from(after.next().0.checked_sub(first.0)?).ok()?;
        Some(self.events.iter().skip(skip).take(limit).cloned().collect())
    }

    pub(super) fn one(&self, seq: Seq) -> Option<Rc<Known>> {
        let first = self.events.front()?.stored.seq;
        let at = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        self.events.get(at).cloned()
    }
}
