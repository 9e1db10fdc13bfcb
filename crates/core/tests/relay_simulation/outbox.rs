//! The receiver of state events, and the rows that go to it: each target stands for a channel.

use std::collections::BTreeMap;

use livegate_core::relay::lifecycle::TargetId;
use livegate_core::relay::outbox::{Failure, Outbox, OutboxKey, OutboxSettings, Outboxes, Step};
use livegate_core::time::UnixMillis;

use crate::random::Random;

/// What comes back of a request.
#[derive(Clone, Copy)]
enum Answer {
    Taken,
    Failed,
}

/// One channel's rows.
#[derive(Default)]
struct Line {
    /// The report that each row is of.
    rows: Vec<u64>,
    /// The last row that needs nothing, as it was last written; it may lag.
    settled: u64,
    /// What the receiver took, in its order.
    taken: Vec<u64>,
}

/// Rows, their outboxes and their receiver.
pub(crate) struct Mail {
    random: Random,
    outboxes: Outboxes,
    lines: BTreeMap<TargetId, Line>,
    /// Answers on their way: when, and to which row.
    answers: Vec<(u64, OutboxKey, u64, Answer)>,
}

fn key(target: TargetId) -> OutboxKey {
    OutboxKey { receiver: 1, line: u64::from(target.0) }
}

fn empty() -> Outboxes {
    let mut outboxes = Outboxes::new(OutboxSettings::default());
    outboxes.open(1, true);
    outboxes
}

impl Mail {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random(seed ^ 0xa5a5),
            outboxes: empty(),
            lines: BTreeMap::new(),
            answers: Vec::new(),
        }
    }

    /// A row, on disk before anything else happens.
    pub(crate) fn write(&mut self, target: TargetId, number: u64) {
        let line = self.lines.entry(target).or_default();
        line.rows.push(number);
        self.outboxes.extend(key(target), 0, line.rows.len() as u64);
    }

    pub(crate) fn crash(&mut self, loses: bool) {
        if loses {
            for line in self.lines.values_mut() {
                line.rows.pop();
            }
        }
        self.outboxes = empty();
        for (target, line) in &self.lines {
            let last = line.rows.len() as u64;
            self.outboxes.extend(key(*target), line.settled.min(last), last);
        }
        self.answers.clear();
    }

    pub(crate) fn step(&mut self, now: u64) {
        let time = UnixMillis(now);
        let due: Vec<_> = self.answers.iter().filter(|answer| answer.0 <= now).copied().collect();
        self.answers.retain(|answer| answer.0 > now);
        for (_, key, row, answer) in due {
            match answer {
                Answer::Taken => self.outboxes.acknowledged(key, row),
                Answer::Failed => {
                    let failure = Failure::Passing { retry_after: None };
                    self.outboxes.failed(key, row, failure, time, self.random.bits());
                }
            }
        }
        // Once the receiver is away for a minute, and another minute it has no address.
        match now {
            300_000 => self.outboxes.open(1, false),
            360_000 => self.outboxes.open(1, true),
            _ => {}
        }
        let is_away = (420_000..480_000).contains(&now);
        while let Some((key, step)) = self.outboxes.poll(time, self.random.bits()) {
            if let Step::Send(row) = step {
                self.send(key, row, now, is_away);
            }
        }
        // Not every time: what is not written is sent again after a crash.
        if self.random.one_in(50) {
            for (target, line) in &mut self.lines {
                line.settled = self.outboxes.show(key(*target)).map_or(0, Outbox::settled);
            }
        }
    }

    fn send(&mut self, key: OutboxKey, row: u64, now: u64, is_away: bool) {
        let at = now + 100 * (1 + self.random.below(5));
        let target = TargetId(u32::try_from(key.line).expect("it was one"));
        let Some(line) = self.lines.get_mut(&target) else { return };
        match self.random.below(10) {
            _ if is_away => {}
            // Taken, but the answer is lost.
            8 => line.taken.push(row),
            // Lost on its way there.
            9 => {}
            6 | 7 => self.answers.push((at, key, row, Answer::Failed)),
            _ => {
                line.taken.push(row);
                self.answers.push((at, key, row, Answer::Taken));
            }
        }
    }

    /// Delivers what is left.
    pub(crate) fn finish(&mut self, from: u64) {
        let mut now = from;
        while self.outboxes.all().any(|(_, one)| one.waiting() > 0) && now < from + 3_600_000 {
            now += 100;
            self.step(now);
        }
    }

    /// Every row arrived, and first arrivals of a channel were in order.
    pub(crate) fn verdict(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (target, line) in &self.lines {
            let mut newest = 0;
            for &row in &line.taken {
                if row > newest + 1 {
                    wrong.push(format!("row {row} of {target:?} came after row {newest}"));
                }
                newest = newest.max(row);
            }
            for (number, &report) in (1..).zip(&line.rows) {
                if report != number {
                    wrong.push(format!("row {number} of {target:?} is report {report}"));
                }
            }
            if newest != line.rows.len() as u64 {
                wrong.push(format!("{newest} of {} rows of {target:?} came", line.rows.len()));
            }
        }
        wrong
    }
}
