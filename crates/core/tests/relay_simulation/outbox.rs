//! The receiver of state events, and the rows that go to it.

use std::collections::BTreeMap;

use livegate_core::relay::lifecycle::TargetId;
use livegate_core::relay::outbox::{Failure, Outbox, OutboxSettings, Receiver, Step};
use livegate_core::time::UnixMillis;

use crate::random::Random;

/// What comes back of a request.
#[derive(Clone, Copy)]
enum Answer {
    Taken,
    Failed,
}

/// Rows, their outbox and their receiver.
pub(crate) struct Mail {
    random: Random,
    kind: Receiver,
    outbox: Outbox,
    rows: Vec<(TargetId, u64)>,
    /// As it was last written; it may lag.
    settled: u64,
    /// Answers on their way: when, to which row.
    answers: Vec<(u64, u64, Answer)>,
    /// What the receiver took, in its order.
    taken: Vec<u64>,
    cut_until: u64,
    is_connected: bool,
    violations: Vec<String>,
}

impl Mail {
    pub(crate) fn new(seed: u64) -> Self {
        let kind = if seed.is_multiple_of(2) { Receiver::Gateway } else { Receiver::Callback };
        Self {
            random: Random(seed ^ 0xa5a5),
            kind,
            outbox: Outbox::restore(OutboxSettings::default(), kind, 0, 0),
            rows: Vec::new(),
            settled: 0,
            answers: Vec::new(),
            taken: Vec::new(),
            cut_until: 0,
            is_connected: false,
            violations: Vec::new(),
        }
    }

    /// A row, on disk before anything else happens.
    pub(crate) fn write(&mut self, target: TargetId, number: u64) {
        let row = self.outbox.append();
        self.rows.push((target, number));
        if row != self.rows.len() as u64 {
            self.violations.push(format!("row {row} of {}", self.rows.len()));
        }
    }

    pub(crate) fn crash(&mut self, now: u64, loses: bool) {
        if loses {
            self.rows.pop();
        }
        let (settings, last) = (OutboxSettings::default(), self.rows.len() as u64);
        self.outbox = Outbox::restore(settings, self.kind, self.settled.min(last), last);
        self.answers.clear();
        self.is_connected = false;
        self.cut_until = now + self.random.below(3_000);
    }

    pub(crate) fn step(&mut self, now: u64) {
        let time = UnixMillis(now);
        if self.kind == Receiver::Gateway {
            self.link(now);
        }
        let due: Vec<_> = self.answers.iter().filter(|(at, ..)| *at <= now).copied().collect();
        self.answers.retain(|(at, ..)| *at > now);
        for (_, row, answer) in due {
            match answer {
                Answer::Taken => self.outbox.acknowledged(row, time),
                Answer::Failed => {
                    let failure = Failure::Passing { retry_after: None };
                    self.outbox.failed(failure, time, self.random.bits());
                }
            }
        }
        while let Some(step) = self.outbox.poll(time, self.random.bits()) {
            if let Step::Send(row) = step {
                self.send(row, now);
            } else {
                self.answers.clear();
                self.is_connected = false;
                self.cut_until = now + 1_000;
            }
        }
        // Not every time: what is not written is sent again after a crash.
        if self.random.one_in(50) {
            self.settled = self.outbox.settled();
        }
    }

    /// The connection to the gateway comes and goes; once the gateway is away for a minute.
    fn link(&mut self, now: u64) {
        if now == 300_000 {
            self.cut_until = 360_000;
        }
        if self.is_connected && (self.cut_until > now || self.random.one_in(600)) {
            self.is_connected = false;
            self.cut_until = self.cut_until.max(now + 500);
            self.answers.clear();
            self.outbox.disconnected();
        } else if !self.is_connected && now >= self.cut_until {
            self.is_connected = true;
            // What the gateway has it says itself.
            self.outbox.connected(self.newest(), UnixMillis(now));
        }
    }

    fn newest(&self) -> u64 {
        self.taken.iter().copied().max().unwrap_or(0)
    }

    fn send(&mut self, row: u64, now: u64) {
        let at = now + 100 * (1 + self.random.below(5));
        let is_gateway = self.kind == Receiver::Gateway;
        if is_gateway && !self.is_connected {
            self.violations.push(format!("row {row} is sent without a connection"));
        }
        match self.random.below(if is_gateway { 4 } else { 10 }) {
            // Taken, but the answer is lost.
            8 => self.taken.push(row),
            // Lost on its way there.
            9 => {}
            6 | 7 => self.answers.push((at, row, Answer::Failed)),
            _ => {
                self.taken.push(row);
                self.answers.push((at, row, Answer::Taken));
            }
        }
    }

    /// Delivers what is left.
    pub(crate) fn finish(&mut self, from: u64) {
        let mut now = from;
        while self.outbox.waiting() > 0 && now < from + 3_600_000 {
            now += 100;
            self.step(now);
        }
    }

    /// Every row arrived, and first arrivals were in order.
    pub(crate) fn verdict(&self) -> Vec<String> {
        let mut wrong = self.violations.clone();
        let mut newest = 0;
        for &row in &self.taken {
            if row > newest + 1 {
                wrong.push(format!("row {row} came after row {newest}"));
            }
            newest = newest.max(row);
        }
        let mut reports = BTreeMap::new();
        for &(target, number) in &self.rows {
            if number != reports.insert(target, number).unwrap_or(0) + 1 {
                wrong.push(format!("report {number} of {target:?} follows another"));
            }
        }
        if newest != self.rows.len() as u64 {
            wrong.push(format!("{newest} of {} rows came", self.rows.len()));
        }
        wrong
    }
}
