//! Who is told, what waits, what is under way, and what is not written down yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use livegate_core::delivery::outcome::{Cause, Outcome};
use livegate_core::error::Code;
use livegate_core::relay::outbox::{Failure, OutboxKey, OutboxSettings, Outboxes};
use livegate_core::time::UnixMillis;
use tokio::task::AbortHandle;

use super::FLUSH;
use crate::callback::receiver::Untold;
use crate::callback::{Figures, Gateway, Receiver};
use crate::log;
use crate::store::{Arrived, KeptLine, MailRow, PutAside, Settled};

/// The gateway's number.
const GATEWAY: u32 = 0;

/// The most rows that are held because they were read with others.
const READ_AHEAD: usize = 4_096;

/// What came of a request.
#[derive(Clone, Copy)]
pub(in crate::callback) enum Told {
    /// It was made.
    Outcome(Outcome),
    /// It was not, and cannot be.
    Untold(Untold),
    /// The row is not there any more.
    Gone,
    /// The row cannot be read now.
    Unread(Code),
    /// There is no address any more.
    NoAddress,
}

/// A receiver, and how it goes with it.
struct Slot {
    /// By which its cursors are kept.
    name: &'static str,
    receiver: Option<Receiver>,
    figures: Figures,
}

/// One channel's rows.
struct Line {
    app: String,
    channel: String,
    first: u64,
    last: u64,
    /// As they were kept; for receivers that come later.
    cursors: BTreeMap<String, u64>,
}

/// See the [module](self).
pub(in crate::callback) struct State {
    pub(in crate::callback) outboxes: Outboxes,
    pub(in crate::callback) is_closed: bool,
    gateway: Gateway,
    slots: BTreeMap<u32, Slot>,
    /// The receiver of each application.
    of_app: BTreeMap<String, u32>,
    next_number: u32,
    lines: BTreeMap<u64, Line>,
    under_way: BTreeMap<OutboxKey, (u64, AbortHandle)>,
    turn: u64,
    /// What a receiver said last of a row that it refused.
    refused: BTreeMap<OutboxKey, Code>,
    read: BTreeMap<u64, VecDeque<MailRow>>,
    read_rows: usize,
    /// Lines of which something is to be written down.
    dirty: BTreeSet<u64>,
    aside: Vec<PutAside>,
    flush_at: Option<UnixMillis>,
    is_flushing: bool,
}

impl State {
    pub(in crate::callback) fn new(settings: OutboxSettings, gateway: Gateway) -> Self {
        let mut state = Self {
            outboxes: Outboxes::new(settings),
            is_closed: false,
            gateway,
            slots: BTreeMap::new(),
            of_app: BTreeMap::new(),
            next_number: GATEWAY + 1,
            lines: BTreeMap::new(),
            under_way: BTreeMap::new(),
            turn: 0,
            refused: BTreeMap::new(),
            read: BTreeMap::new(),
            read_rows: 0,
            dirty: BTreeSet::new(),
            aside: Vec::new(),
            flush_at: None,
            is_flushing: false,
        };
        if gateway == Gateway::Told {
            let slot = Slot { name: "gateway", receiver: None, figures: Figures::default() };
            state.slots.insert(GATEWAY, slot);
        }
        state
    }

    /// The numbers of those who are told of an application.
    pub(in crate::callback) fn receivers_of(&self, app: &str) -> impl Iterator<Item = u32> + use<> {
        let gateway = (self.gateway == Gateway::Told).then_some(GATEWAY);
        gateway.into_iter().chain(self.of_app.get(app).copied())
    }

    pub(super) fn receiver(&self, number: u32) -> Option<Receiver> {
        self.slots.get(&number)?.receiver.clone()
    }

    /// Applications have these receivers from now on.
    pub(in crate::callback) fn set(&mut self, mut receivers: BTreeMap<String, Receiver>) {
        let gone: Vec<_> =
            self.of_app.keys().filter(|app| !receivers.contains_key(*app)).cloned().collect();
        for app in gone {
            let Some(number) = self.of_app.remove(&app) else { continue };
            self.slots.remove(&number);
            let lines: Vec<_> = self.lines_of(&app);
            for line in lines {
                self.drop_outbox(OutboxKey { receiver: number, line });
                self.mark(line, UnixMillis(0));
            }
        }
        while let Some((app, receiver)) = receivers.pop_first() {
            let number = self.of_app.get(&app).copied().unwrap_or(self.next_number);
            if number == self.next_number {
                self.next_number += 1;
                self.of_app.insert(app.clone(), number);
            }
            let figures = Figures { app: Some(app.clone()), ..Figures::default() };
            let slot = self.slots.entry(number).or_insert(Slot {
                name: "callback",
                receiver: None,
                figures,
            });
            slot.receiver = Some(receiver);
            self.outboxes.open(number, true);
            for line in self.lines_of(&app) {
                self.begin(OutboxKey { receiver: number, line });
            }
        }
    }

    pub(in crate::callback) fn set_gateway(&mut self, receiver: Option<Receiver>) {
        if let Some(slot) = self.slots.get_mut(&GATEWAY) {
            self.outboxes.open(GATEWAY, receiver.is_some());
            slot.receiver = receiver;
        }
    }

    pub(in crate::callback) fn restore(&mut self, kept: &KeptLine) {
        let line = Line {
            app: kept.app.clone(),
            channel: kept.channel.clone(),
            first: kept.first,
            last: kept.last,
            cursors: kept.cursors.iter().cloned().collect(),
        };
        self.lines.insert(kept.line, line);
        self.take_up(kept.line, UnixMillis(0));
    }

    pub(super) fn extend(&mut self, arrived: Arrived, now: UnixMillis) {
        let Arrived { line, app, channel, last } = arrived;
        let cursors = BTreeMap::new();
        let known =
            self.lines.entry(line).or_insert(Line { app, channel, first: 1, last, cursors });
        known.last = known.last.max(last);
        self.take_up(line, now);
    }

    pub(super) fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    pub(super) fn under_way(&mut self, key: OutboxKey, turn: u64, handle: AbortHandle) {
        self.under_way.insert(key, (turn, handle));
    }

    /// Takes what came of a request; one that was given up says nothing.
    pub(super) fn told(
        &mut self,
        key: OutboxKey,
        row: u64,
        turn: u64,
        told: Told,
        now: UnixMillis,
        random: u64,
    ) {
        if self.under_way.get(&key).is_none_or(|(newest, _)| *newest != turn) {
            return;
        }
        self.under_way.remove(&key);
        let passing = Failure::Passing { retry_after: None };
        let (failure, code) = match told {
            Told::Outcome(outcome) => (Failure::of(outcome), outcome.code()),
            Told::Unread(code) => (Some(passing), code),
            Told::NoAddress => (Some(passing), Cause::Other.code()),
            Told::Untold(_) | Told::Gone => (None, Cause::Other.code()),
        };
        if let Some(slot) = self.slots.get_mut(&key.receiver) {
            match told {
                Told::Outcome(_) if failure.is_none() => slot.delivered(),
                Told::Untold(untold) => slot.skipped(untold),
                Told::Gone | Told::NoAddress => {}
                Told::Outcome(_) | Told::Unread(_) => slot.failed(code, now),
            }
        }
        match failure {
            None => {
                self.outboxes.acknowledged(key, row);
                self.refused.remove(&key);
                self.mark(key.line, now);
            }
            Some(failure) => {
                if failure == Failure::Refused {
                    self.refused.insert(key, code);
                }
                self.forget_read(key.line);
                self.outboxes.failed(key, row, failure, now, random);
            }
        }
    }

    /// There was no answer in time.
    pub(super) fn abandon(&mut self, key: OutboxKey, now: UnixMillis) {
        self.abort(key);
        self.forget_read(key.line);
        if let Some(slot) = self.slots.get_mut(&key.receiver) {
            slot.failed(Cause::Timeout.code(), now);
            if let Some(receiver) = &slot.receiver {
                receiver.client().forget();
            }
        }
    }

    pub(super) fn put_aside(&mut self, key: OutboxKey, number: u64, now: UnixMillis) {
        let Some(slot) = self.slots.get_mut(&key.receiver) else { return };
        slot.figures.put_aside += 1;
        let code = self.refused.remove(&key).unwrap_or(Cause::Other.code()).as_str();
        let channel = self.lines.get(&key.line).map(|line| &*line.channel);
        if log::admits(code) {
            tracing::warn!(app = slot.figures.app, channel, code, "an event was refused for good");
        }
        let receiver = slot.name.to_owned();
        self.aside.push(PutAside { receiver, line: key.line, number, at: now, code });
        self.mark(key.line, now);
    }

    /// Rows of a line up to this one are too old.
    pub(super) fn expire(&mut self, number: u64, last: u64, now: UnixMillis) {
        let Some(line) = self.lines.get(&number) else { return };
        for receiver in self.receivers_of(&line.app) {
            let key = OutboxKey { receiver, line: number };
            let (expired, is_cut) = self.outboxes.expire(key, last);
            if is_cut {
                self.abort(key);
            }
            if let Some(slot) = self.slots.get_mut(&receiver).filter(|_| expired > 0) {
                slot.figures.expired += expired;
                tracing::warn!(app = slot.figures.app, expired, "events went undelivered");
            }
        }
        self.forget_read(number);
        self.mark(number, now);
    }

    pub(super) fn read_before(&mut self, line: u64, number: u64) -> Option<MailRow> {
        let rows = self.read.get_mut(&line)?;
        if rows.front()?.number == number {
            self.read_rows -= 1;
            let row = rows.pop_front();
            if rows.is_empty() {
                self.read.remove(&line);
            }
            return row;
        }
        self.forget_read(line);
        None
    }

    pub(super) fn keep_read(&mut self, line: u64, rows: VecDeque<MailRow>) {
        self.forget_read(line);
        if !rows.is_empty() && self.read_rows + rows.len() <= READ_AHEAD {
            self.read_rows += rows.len();
            self.read.insert(line, rows);
        }
    }

    /// Whether something is to be written down now; then it is begun.
    pub(super) fn begins_to_flush(&mut self, now: UnixMillis) -> bool {
        let is_due = self.flush_at.is_some_and(|at| now >= at) && !self.is_flushing;
        if is_due {
            self.is_flushing = true;
            self.flush_at = None;
        }
        is_due
    }

    /// What is to be written down. A cursor is only kept where one receiver is ahead of another.
    pub(super) fn settled(&mut self) -> Settled {
        let aside = std::mem::take(&mut self.aside);
        let mut settled = Settled { aside, ..Settled::default() };
        for number in std::mem::take(&mut self.dirty) {
            let Some(line) = self.lines.get(&number) else { continue };
            let positions: Vec<_> = self
                .receivers_of(&line.app)
                .filter_map(|receiver| {
                    let key = OutboxKey { receiver, line: number };
                    let name = self.slots.get(&receiver)?.name;
                    Some((name, self.outboxes.show(key)?.settled()))
                })
                .collect();
            let free = positions.iter().map(|(_, row)| *row).min().unwrap_or(line.last);
            settled.free.push((number, free));
            if let Some(line) = self.lines.get_mut(&number) {
                line.first = free.saturating_add(1);
            }
            for (name, row) in positions.into_iter().filter(|(_, row)| *row > free) {
                settled.cursors.push((name.to_owned(), number, row));
            }
        }
        settled
    }

    pub(super) fn flushed(&mut self, gone: &[u64]) {
        self.is_flushing = false;
        for number in gone {
            let Some(line) = self.lines.remove(number) else { continue };
            for receiver in self.receivers_of(&line.app) {
                self.drop_outbox(OutboxKey { receiver, line: *number });
            }
        }
    }

    /// The disk failed: it is tried again.
    pub(super) fn not_flushed(&mut self, settled: Settled) {
        self.is_flushing = false;
        self.aside.splice(..0, settled.aside);
        let now = crate::clock::now();
        for (line, _) in settled.free {
            self.mark(line, now);
        }
        self.flush_at = self.flush_at.map(|_| now.plus(FLUSH).plus(FLUSH));
    }

    pub(super) fn wake_at(&self) -> Option<UnixMillis> {
        let flush = self.flush_at.filter(|_| !self.is_flushing);
        [self.outboxes.wake_at(), flush].into_iter().flatten().min()
    }

    pub(in crate::callback) fn close(&mut self) {
        self.is_closed = true;
        for (_, handle) in std::mem::take(&mut self.under_way).into_values() {
            handle.abort();
        }
    }

    pub(in crate::callback) fn figures(&self) -> Vec<Figures> {
        let mut waiting = BTreeMap::<u32, u64>::new();
        for (key, outbox) in self.outboxes.all() {
            *waiting.entry(key.receiver).or_default() += outbox.waiting();
        }
        let with = |(number, slot): (&u32, &Slot)| Figures {
            waiting: waiting.get(number).copied().unwrap_or(0),
            ..slot.figures.clone()
        };
        self.slots.iter().map(with).collect()
    }

    fn lines_of(&self, app: &str) -> Vec<u64> {
        let of_app = self.lines.iter().filter(|(_, line)| line.app == app);
        of_app.map(|(number, _)| *number).collect()
    }

    /// Has all receivers of a line told what is there. Of what nobody is told nothing is kept.
    fn take_up(&mut self, number: u64, now: UnixMillis) {
        let Some(line) = self.lines.get(&number) else { return };
        let receivers: Vec<_> = self.receivers_of(&line.app).collect();
        if receivers.is_empty() {
            self.mark(number, now);
        }
        for receiver in receivers {
            self.begin(OutboxKey { receiver, line: number });
        }
    }

    fn begin(&mut self, key: OutboxKey) {
        let Some(line) = self.lines.get(&key.line) else { return };
        let name = self.slots.get(&key.receiver).map_or("", |slot| slot.name);
        let before = line.first.saturating_sub(1);
        let settled = line.cursors.get(name).copied().unwrap_or(before).max(before);
        self.outboxes.extend(key, settled, line.last);
    }

    fn mark(&mut self, line: u64, now: UnixMillis) {
        self.dirty.insert(line);
        self.flush_at = self.flush_at.or_else(|| Some(now.plus(FLUSH)));
    }

    fn abort(&mut self, key: OutboxKey) {
        if let Some((_, handle)) = self.under_way.remove(&key) {
            handle.abort();
        }
    }

    fn drop_outbox(&mut self, key: OutboxKey) {
        self.outboxes.remove(key);
        self.abort(key);
        self.refused.remove(&key);
        self.forget_read(key.line);
    }

    fn forget_read(&mut self, line: u64) {
        if let Some(rows) = self.read.remove(&line) {
            self.read_rows -= rows.len();
        }
    }
}

impl Slot {
    fn delivered(&mut self) {
        self.figures.delivered += 1;
        if self.figures.failing.take().is_some() {
            tracing::info!(app = self.figures.app, "callbacks are taken again");
        }
    }

    fn skipped(&mut self, untold: Untold) {
        self.figures.skipped += 1;
        if untold == Untold::Unsigned {
            tracing::error!(app = self.figures.app, "an event cannot be signed");
        }
    }

    fn failed(&mut self, code: Code, now: UnixMillis) {
        self.figures.failed += 1;
        if self.figures.failing.replace((code, now)).is_none() {
            tracing::warn!(app = self.figures.app, code = code.as_str(), "callbacks fail");
        }
    }
}
