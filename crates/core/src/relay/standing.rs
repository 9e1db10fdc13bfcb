//! Where a task stands between what was asked for and what is on disk: when it begins, what is written
//! of it, and what its callers are answered.
//!
//! Whoever drives it takes every output after each call, in order, and writes in that order too. A row
//! has all of a task as it is when it is written, so that one at a time is enough, however much is asked
//! meanwhile. docs/spec/relay.md §3.1 has it as a table; `tests/relay_standing.rs` shows what it promises.

use alloc::collections::VecDeque;

use super::push::Cause;

/// One thing that was asked of a task: counted from 1, which is its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish(pub u64);

/// One write, for its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket(u64);

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is new and on no disk yet: it does nothing.
    Held,
    /// It was stopped while it was held: it does nothing, and is nothing to anybody.
    Withdrawn(Cause),
    /// It runs.
    Runs,
    /// The host leaves. The task goes on at its next start.
    Left,
    /// It has ended.
    Over,
    /// There never was anything of it.
    Never,
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk.
    Kept,
    /// It is done, and not on disk yet: that is tried again, and a crash before undoes it.
    Unkept,
    /// The task never was: nothing was begun, and what was to be stopped is not there.
    Never,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Output {
    /// Write its row as it is now, once.
    Write(Ticket),
    /// Come back after a pause: [`Standing::again`].
    Pause,
    /// Write its row as it is now, however often that has to be tried.
    Keep,
    /// Ask whether all that was written before is on disk.
    Ask(Ticket),
    /// It begins.
    Begin,
    /// It is to stop; its end is told by [`Standing::ended`].
    Stop(Cause),
    /// It ended before it began, and its row is on disk: write its end, however often that has to be
    /// tried. It needs its addresses no more, and they no rest.
    End(Cause),
    /// It never was: it needs its addresses no more, and they no rest.
    Fall,
    /// All that was asked for up to this one, and was not answered yet, is answered so.
    Answer(Wish, Outcome),
}

/// Where a task stands. See the [module](self).
#[derive(Clone, Debug)]
pub struct Standing {
    phase: Phase,
    /// The host leaves, and the task is held still.
    is_leaving: bool,
    /// The newest wish, the newest that its row has to have, the newest that the one on disk has, and the
    /// newest that was answered.
    wished: Wish,
    changed: Wish,
    on_disk: Wish,
    answered: Wish,
    /// What is under way, and the newest wish that it has.
    under_way: Option<(Ticket, Wish)>,
    is_pausing: bool,
    last: Ticket,
    outputs: VecDeque<Output>,
}

impl Standing {
    /// A task that is to start: that is its first wish.
    pub fn new() -> Self {
        let mut new = Self::restored();
        new.phase = Phase::Held;
        new.wish();
        new.changed = new.wished;
        new.write();
        new
    }

    /// A task that was on disk when the host started: it runs.
    pub const fn restored() -> Self {
        Self {
            phase: Phase::Runs,
            is_leaving: false,
            wished: Wish(0),
            changed: Wish(0),
            on_disk: Wish(0),
            answered: Wish(0),
            under_way: None,
            is_pausing: false,
            last: Ticket(0),
            outputs: VecDeque::new(),
        }
    }

    /// The task is another one now. One that was withdrawn is wanted again. None: it can be none any
    /// more.
    pub fn change(&mut self) -> Option<Wish> {
        match self.phase {
            Phase::Held | Phase::Withdrawn(_) | Phase::Runs if !self.is_leaving => {}
            _ => return None,
        }
        self.wish();
        self.changed = self.wished;
        if let Phase::Withdrawn(_) = self.phase {
            self.phase = Phase::Held;
        }
        if self.under_way.is_none() && !self.is_pausing {
            self.write();
        }
        Some(self.wished)
    }

    /// The task is to stop. None: there is nothing to stop.
    pub fn stop(&mut self, cause: Cause) -> Option<Wish> {
        if self.is_leaving {
            return None;
        }
        match self.phase {
            Phase::Held => {
                self.wish();
                self.phase = Phase::Withdrawn(cause);
            }
            Phase::Runs => {
                self.wish();
                self.outputs.push_back(Output::Stop(cause));
            }
            _ => return None,
        }
        Some(self.wished)
    }

    /// It has ended, and its end is written behind all that was written before.
    pub fn ended(&mut self) {
        self.phase = Phase::Over;
        self.ask();
    }

    /// The host leaves: what is not on disk is written for its next start, and nothing is done any more.
    pub fn leave(&mut self) {
        match self.phase {
            Phase::Held | Phase::Withdrawn(_) => self.is_leaving = true,
            Phase::Runs => self.left(),
            Phase::Left | Phase::Over | Phase::Never => {}
        }
    }

    /// The pause is over.
    pub fn again(&mut self) {
        if core::mem::take(&mut self.is_pausing) && self.phase == Phase::Runs {
            self.write();
        }
    }

    /// What came of a write.
    pub fn settled(&mut self, ticket: Ticket, is_on_disk: bool) {
        // What was overtaken says nothing any more.
        let Some((_, covers)) = self.under_way.take_if(|(own, _)| *own == ticket) else { return };
        match (self.phase, is_on_disk) {
            (Phase::Held | Phase::Withdrawn(_), false) => {
                self.phase = Phase::Never;
                self.outputs.push_back(Output::Fall);
                self.answer(self.wished, Outcome::Never);
            }
            (Phase::Held, true) => {
                self.on_disk = covers;
                self.answer(covers, Outcome::Kept);
                if self.is_leaving {
                    self.left();
                } else {
                    self.phase = Phase::Runs;
                    self.outputs.push_back(Output::Begin);
                    self.write_if_due();
                }
            }
            (Phase::Withdrawn(cause), true) => {
                self.answer(covers, Outcome::Kept);
                self.phase = Phase::Over;
                self.outputs.push_back(Output::End(cause));
                self.ask();
            }
            (Phase::Runs, true) => {
                self.on_disk = covers;
                self.answer(covers, Outcome::Kept);
                self.write_if_due();
            }
            (Phase::Runs, false) => {
                self.answer(covers, Outcome::Unkept);
                self.is_pausing = true;
                self.outputs.push_back(Output::Pause);
            }
            (Phase::Left | Phase::Over, true) => self.answer(covers, Outcome::Kept),
            (Phase::Left | Phase::Over, false) => self.answer(covers, Outcome::Unkept),
            (Phase::Never, _) => {}
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether its row on disk is what it is now.
    pub fn is_on_disk(&self) -> bool {
        self.on_disk >= self.changed
    }

    fn wish(&mut self) {
        self.wished = Wish(self.wished.0.saturating_add(1));
    }

    fn left(&mut self) {
        self.phase = Phase::Left;
        if !self.is_on_disk() {
            self.outputs.push_back(Output::Keep);
        }
        self.ask();
    }

    fn ticket(&mut self) -> Ticket {
        self.last = Ticket(self.last.0.saturating_add(1));
        self.under_way = Some((self.last, self.wished));
        self.last
    }

    fn write(&mut self) {
        let ticket = self.ticket();
        self.outputs.push_back(Output::Write(ticket));
    }

    fn write_if_due(&mut self) {
        if !self.is_on_disk() {
            self.write();
        }
    }

    /// Asks, if somebody waits; for all that wait.
    fn ask(&mut self) {
        if self.answered < self.wished {
            let ticket = self.ticket();
            self.outputs.push_back(Output::Ask(ticket));
        }
    }

    fn answer(&mut self, up_to: Wish, outcome: Outcome) {
        if self.answered < up_to {
            self.answered = up_to;
            self.outputs.push_back(Output::Answer(up_to, outcome));
        }
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self::new()
    }
}
