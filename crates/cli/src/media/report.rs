//! What a person is told while a stream passes, and afterwards.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use livegate_core::error::Coded;

use super::source::Source;
use crate::failure::Failure;
use crate::output;

/// How many things that went wrong are told one by one.
const TOLD: u64 = 5;

/// How often progress is shown; what takes less shows none.
const STEP: Duration = Duration::from_millis(500);

/// Tells on standard error how far it is and what did not work.
pub(crate) struct Report {
    /// When progress was shown last; never where nobody sees it.
    shown_at: Option<Instant>,
    has_line: bool,
    /// How many NAL units lost messages of ours.
    pub(crate) stripped: u64,
    /// How many frames passed untouched although a message was due or ours were in it.
    pub(crate) untouched: u64,
    last: Option<Failure>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let shown_at = io::stderr().is_terminal().then(Instant::now);
        Self { shown_at, has_line: false, stripped: 0, untouched: 0, last: None }
    }

    /// Shows how much was read, on a terminal and now and then.
    pub(crate) fn progress(&mut self, source: &Source) {
        let Some(shown_at) = self.shown_at.filter(|shown_at| shown_at.elapsed() >= STEP) else {
            return;
        };
        self.shown_at = Some(shown_at + STEP);
        let read = source.offset() / 1_000_000;
        let text = match source.size().filter(|size| *size > 0) {
            Some(size) => format!("{read} MB, {} %", source.offset() * 100 / size),
            None => format!("{read} MB"),
        };
        let _ = write!(io::stderr().lock(), "\r{}: {text} ", output::clean(source.shown()));
        self.has_line = true;
    }

    /// A tag passed as it is.
    pub(crate) fn untouched(&mut self, offset: u64, error: &dyn Coded) {
        self.untouched += 1;
        if self.untouched <= TOLD {
            self.tell(&format!("the tag at byte {offset} passes as it is: {error}"));
        } else if self.untouched == TOLD + 1 {
            self.tell("more of them are counted and not told");
        }
        self.last = Some(Failure::coded(error));
    }

    /// The stream ended within something.
    pub(crate) fn truncated(&mut self, offset: u64, missing: u32) {
        self.tell(&format!("the input ends at byte {offset}, {missing} bytes too early"));
    }

    /// Why frames passed untouched, if any did: the last reason.
    pub(crate) fn refusal(&mut self) -> Option<Failure> {
        self.last.take()
    }

    /// Ends the line of progress.
    pub(crate) fn end(mut self) {
        self.line_end();
    }

    /// What follows is no FLV; it passes as it is, or is not read.
    pub(crate) fn no_longer(&mut self, offset: u64, error: &dyn Coded) {
        self.tell(&format!("no FLV from byte {offset} on: {error}"));
    }

    /// A line on standard error.
    pub(crate) fn tell(&mut self, text: &str) {
        self.line_end();
        output::note(&format!("livegate: {text}"));
    }

    fn line_end(&mut self) {
        if core::mem::take(&mut self.has_line) {
            let _ = writeln!(io::stderr().lock());
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.line_end();
    }
}
