//! One subscription's way through one channel's log.
//!
//! # Ordered
//! One send at a time. An event that fails stays at the head and is tried again by its schedule,
//! but no longer than `max_block` from its first failure: if the schedule reaches beyond that, one
//! last attempt is made then. After that, or when its attempts are used up, it is parked, its row
//! marks the gap, and once that is persisted the cursor goes on. A hold is the endpoint's matter, not the event's, and is
//! kept: if the end of the block falls into one, the last attempt is made when the hold ends. That
//! includes a `Retry-After`, so a receiver can ask for a longer pause, 24 h at most, and gets it.
//!
//! # Unordered
//! An event that fails leaves the cursor at once and waits in a row of its own. What waits is sent
//! as soon as it is due, but holds at most half of the sends under way (at least one; where only
//! one is allowed, the two take turns). So retries always get their share and leave the rest to
//! fresh events. At most [`MAX_WAITING`] events wait; at that bound the one with the most attempts
//! behind it is parked, rather than that fresh events stop.
//!
//! # Replays
//! A replay is a send outside the cursor, which does not move for it. It has attempts of its own by
//! the same schedule, and is parked if they are used up.

mod config;
#[cfg(test)]
mod promises;
mod row;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cmp::Reverse;

pub use self::config::{LaneConfig, LaneConfigError, Order};
pub use self::row::{
    Changes, Expired, Hold, ReplayError, Row, RowState, Snapshot, Step, Verdict, Why,
};
use super::outcome::Outcome;
use super::schedule::obeyed;
use crate::id::Seq;
use crate::sorted::{Map, Set};
use crate::time::UnixMillis;

/// How many events one [`Step::Read`] asks for: a row is up to 256 KiB, so not many.
pub const READ_LIMIT: u32 = 64;
/// After how many finished sends the lane wants to be persisted: what a restart repeats at most,
/// beside what is in flight.
pub const PERSIST_EVERY: u32 = 32;
/// How many later events may be delivered past a slow one before that one gets a row and the
/// cursor passes it.
pub const MAX_OVERTAKEN: usize = 16;
/// How many events may wait for another attempt or a replay. About 100 bytes each in memory.
pub const MAX_WAITING: usize = 1_000;
/// How far a cursor moves over events of others before that alone is worth a write.
const WORTH_A_WRITE: u64 = 256;

/// One subscription's way through one channel's log. See the [module](self).
#[derive(Clone, Debug)]
pub struct Lane {
    config: LaneConfig,
    /// The cursor that the last [`Changes`] held.
    saved: Seq,
    /// The log has been read up to here.
    read_up_to: Seq,
    log_end: Seq,
    /// Read, to be sent by the cursor, ascending. In an ordered lane the first one may have a row.
    fresh: VecDeque<Seq>,
    flights: Map<Seq, Flight>,
    /// Every active row.
    rows: Map<Seq, Row>,
    /// The same, by when they are due.
    due: Set<(UnixMillis, Seq)>,
    /// Delivered beyond the cursor (unordered lanes).
    overtook: Set<Seq>,
    /// Rows that changed since the last [`Changes`]; `None` for a deletion.
    dirty: Map<Seq, Option<Row>>,
    /// Sends that ended since then.
    finished: u32,
    /// The cursor has passed a parked event, and the gap must be on record before what follows.
    gap: bool,
    expired: Option<Expired>,
    /// Retention has taken everything up to here.
    floor: Seq,
    hold: Option<Hold>,
    /// A receiver asked for quiet until then.
    quiet_until: UnixMillis,
    disable: bool,
    /// Whether the last send was of something that waited.
    waiting_had_its_turn: bool,
}

/// A send under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    attempt: u32,
    lane: By,
}

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Cursor,
    Row,
}

impl Lane {
    /// The lane as it was persisted, or a new one. Nothing is in flight: what was, is sent again.
    /// What retention took in its absence is recorded as expired.
    pub fn restore(config: LaneConfig, snapshot: Snapshot) -> Self {
        let mut rows = Map::new();
        let mut due = Set::new();
        for row in snapshot.rows.into_iter().filter(|row| row.state.is_active()) {
            if let Some(twin) = rows.insert(row.seq, row) {
                due.remove(&(twin.next_at, twin.seq));
            }
            due.insert((row.next_at, row.seq), ());
        }
        let mut lane = Self {
            config,
            saved: snapshot.cursor,
            read_up_to: snapshot.cursor,
            log_end: snapshot.log_end.max(snapshot.cursor),
            fresh: VecDeque::new(),
            flights: Map::new(),
            rows,
            due,
            overtook: Set::new(),
            dirty: Map::new(),
            finished: 0,
            gap: false,
            expired: None,
            floor: Seq(0),
            hold: None,
            quiet_until: UnixMillis(0),
            disable: false,
            waiting_had_its_turn: false,
        };
        let removed = snapshot.removed_up_to;
        if removed > snapshot.cursor || !lane.rows.range(..=removed).is_empty() {
            // Retention went on without this lane.
            lane.expired(removed);
        }
        lane.floor = removed;
        lane
    }

    /// The log now reaches up to `log_end`.
    pub fn appended(&mut self, log_end: Seq) {
        self.log_end = self.log_end.max(log_end);
    }

    /// The log was read up to `read_up_to`, and of what was new these events are for this
    /// subscription.
    ///
    /// `matching` is ascending; what is not, or lies outside the new part, is left out. If nothing
    /// new was read, the lane takes the log to end there until [`appended`](Self::appended) says
    /// otherwise.
    pub fn feed(&mut self, read_up_to: Seq, matching: &[Seq]) {
        let before = self.read_up_to;
        if read_up_to <= before {
            self.log_end = before;
            return;
        }
        let mut last = before;
        for &seq in matching {
            if seq <= last || seq > read_up_to {
                continue;
            }
            last = seq;
            // An unordered lane sends what has a row by that row.
            if self.config.is_ordered() || !self.rows.contains_key(&seq) {
                self.fresh.push_back(seq);
            }
        }
        self.read_up_to = read_up_to;
        self.log_end = self.log_end.max(read_up_to);
        self.drop_rows_that_no_longer_match(before, matching);
    }

    /// A subscription's filter may have changed while its head was failing.
    fn drop_rows_that_no_longer_match(&mut self, before: Seq, matching: &[Seq]) {
        let mut gone = Vec::new();
        for (seq, row) in self.rows.range(before.next()..=self.read_up_to) {
            if row.state == RowState::Retrying && matching.binary_search(seq).is_err() {
                gone.push(*seq);
            }
        }
        for seq in gone {
            self.remove_row(seq);
        }
    }

    /// A send ended. `random` is any uniform 64 bits, for jitter.
    pub fn completed(
        &mut self,
        seq: Seq,
        outcome: Outcome,
        now: UnixMillis,
        random: u64,
    ) -> Verdict {
        let Some(flight) = self.flights.remove(&seq) else {
            return Verdict::Unknown;
        };
        self.finished = self.finished.saturating_add(1);
        let verdict = match outcome {
            Outcome::Delivered { .. } => {
                self.remove_row(seq);
                if seq <= self.floor {
                    self.dirty.insert(seq, None);
                }
                if flight.lane == By::Cursor && !self.config.is_ordered() {
                    self.overtook.insert(seq, ());
                }
                Verdict::Delivered
            }
            _ if seq <= self.floor => {
                let code = Some(outcome.code());
                let attempt = flight.attempt;
                self.note(Row { attempt, code, ..Row::new(seq, RowState::Expired) });
                Verdict::Expired
            }
            Outcome::Gone => {
                self.hold = Some(Hold::Disabled);
                self.disable = true;
                if flight.lane == By::Cursor {
                    self.put_back(seq);
                }
                Verdict::Held
            }
            failure => self.failed(seq, flight, failure, now, random),
        };
        self.let_the_cursor_pass();
        verdict
    }

    fn failed(
        &mut self,
        seq: Seq,
        flight: Flight,
        failure: Outcome,
        now: UnixMillis,
        random: u64,
    ) -> Verdict {
        let before = self.rows.get(&seq).copied();
        let first_failed_at = before.and_then(|row| row.first_failed_at).unwrap_or(now);
        let row = Row {
            attempt: flight.attempt,
            first_failed_at: Some(first_failed_at),
            code: Some(failure.code()),
            ..before.unwrap_or_else(|| Row::new(seq, RowState::Retrying))
        };
        let schedule = self.config.schedule();
        let scheduled = match failure {
            Outcome::Throttled { retry_after, .. } => {
                self.quiet_until = self.quiet_until.max(now.plus(obeyed(retry_after)));
                schedule.delay_when_throttled(row.attempt, retry_after, random)
            }
            _ => schedule.delay_after(row.attempt, random),
        };
        let in_place = flight.lane == By::Cursor && self.config.is_ordered();
        let mut next_at =
            scheduled.filter(|_| row.attempt < self.config.attempts()).map(|delay| now.plus(delay));
        if let (Order::Ordered { max_block }, true) = (self.config.order(), in_place) {
            let end = first_failed_at.plus(max_block);
            next_at = next_at.filter(|_| now < end).map(|at| at.min(end));
        }
        let Some(next_at) = next_at else {
            self.gap |= in_place;
            self.remove_row(seq);
            self.note(Row { state: RowState::Parked, ..row });
            return Verdict::Parked;
        };
        // The pause that a receiver asked for is kept across a restart by being in the row.
        let next_at = next_at.max(self.quiet_until);
        self.put_row(Row { next_at, ..row });
        if in_place {
            self.put_back(seq);
        } else {
            self.make_room();
        }
        if self.rows.contains_key(&seq) { Verdict::RetryAt(next_at) } else { Verdict::Parked }
    }

    /// Parks the one with the most attempts behind it, the oldest of those, if too many wait.
    fn make_room(&mut self) {
        while self.rows.len() > MAX_WAITING {
            let idle = self.rows.values().filter(|row| !self.flights.contains_key(&row.seq));
            let retrying = idle.filter(|row| row.state == RowState::Retrying);
            let victim = retrying.max_by_key(|row| (row.attempt, Reverse(row.seq))).copied();
            let Some(row) = victim else { return };
            self.remove_row(row.seq);
            self.note(Row { state: RowState::Parked, ..row });
        }
    }

    /// Sends an event once more, whatever became of it. One that waits for a retry is due at once.
    /// Persist the [`changes`](Self::changes) before promising it to anyone.
    ///
    /// # Errors
    /// [`ReplayError`], if it is on its way as it is, no longer kept, or too many wait already.
    pub fn replay(&mut self, seq: Seq) -> Result<(), ReplayError> {
        if seq <= self.floor {
            return Err(ReplayError::Expired { seq });
        }
        let ahead = seq > self.read_up_to || self.fresh.binary_search(&seq).is_ok();
        if ahead || self.flights.contains_key(&seq) {
            return Err(ReplayError::OnItsWay { seq });
        }
        if let Some(&row) = self.rows.get(&seq) {
            self.put_row(Row { next_at: UnixMillis(0), ..row });
            return Ok(());
        }
        if self.rows.len() >= MAX_WAITING {
            return Err(ReplayError::Full { limit: MAX_WAITING });
        }
        self.put_row(Row::new(seq, RowState::Replay));
        Ok(())
    }

    /// Sends nothing more until then, or until [`release`](Self::release). Takes the place of an
    /// earlier hold. Sends under way are not touched.
    pub fn hold(&mut self, hold: Hold) {
        self.hold = Some(hold);
    }

    /// Takes every hold away, a receiver's own wish for quiet included: its endpoint was enabled,
    /// or its breaker closed.
    pub fn release(&mut self) {
        self.hold = None;
        self.quiet_until = UnixMillis(0);
        self.disable = false;
    }

    /// Retention is about to take everything up to there from the log; what was not delivered is
    /// recorded as expired. Persist the [`changes`](Self::changes) in the same transaction.
    pub fn expired(&mut self, up_to: Seq) {
        if up_to <= self.floor {
            return;
        }
        self.floor = up_to;
        let read_up_to = self.expired.map_or(self.read_up_to, |earlier| earlier.read_up_to);
        self.expired = Some(Expired { up_to, read_up_to: read_up_to.min(up_to) });
        let kept = self.fresh.partition_point(|&seq| seq <= up_to);
        for seq in self.fresh.drain(..kept).collect::<Vec<_>>() {
            if !self.rows.contains_key(&seq) {
                self.note(Row::new(seq, RowState::Expired));
            }
        }
        // The log no longer has what is in flight either: on record it is expired until it ends
        // well, and the cursor does not wait for it.
        for (seq, flight) in self.flights.range_mut(..=up_to) {
            if flight.lane == By::Cursor && !self.rows.contains_key(seq) {
                let attempt = flight.attempt.saturating_sub(1);
                let row = Row { attempt, ..Row::new(*seq, RowState::Expired) };
                self.dirty.insert(*seq, Some(row));
            }
            flight.lane = By::Row;
        }
        let taken: Vec<Seq> = self.rows.range(..=up_to).iter().map(|(seq, _)| *seq).collect();
        for seq in taken {
            if let Some(row) = self.remove_row(seq) {
                self.note(Row { state: RowState::Expired, ..row });
            }
        }
        self.read_up_to = self.read_up_to.max(up_to);
        self.log_end = self.log_end.max(up_to);
        self.let_the_cursor_pass();
    }

    /// What to do next. See [`Step`]; poll again after each until it is [`Step::Sleep`].
    pub fn poll(&mut self, now: UnixMillis) -> Step {
        if self.disable {
            self.disable = false;
            return Step::DisableEndpoint;
        }
        if self.must_persist() {
            return Step::Persist;
        }
        if let Some((seq, lane)) = self.next(now) {
            return self.send(seq, lane);
        }
        if self.wants_to_read(now) {
            return Step::Read { after: self.read_up_to, limit: READ_LIMIT };
        }
        if self.flights.is_empty() && self.has_something_worth_a_write() {
            return Step::Persist;
        }
        Step::Sleep { until: self.wake_at(now) }
    }

    /// About how many sends the lane could start now: zero exactly if [`poll`](Self::poll) would not
    /// say [`Step::Send`], because there is nothing, or it must be read or persisted first.
    pub fn ready(&self, now: UnixMillis) -> usize {
        if self.must_persist() || self.disable || self.next(now).is_none() {
            return 0;
        }
        let free = self.config.in_flight().saturating_sub(self.flights.len());
        let waiting = self.due.range(..=(now, Seq(u64::MAX))).len().min(free);
        free.min(self.fresh.len().saturating_add(waiting))
    }

    /// What is to be persisted now. From here on the lane takes it for persisted: if that fails,
    /// drop the lane and restore it.
    pub fn changes(&mut self) -> Changes {
        let cursor = self.cursor();
        let mut changes = Changes {
            cursor: (cursor != self.saved).then_some(cursor),
            expired: self.expired.take(),
            ..Changes::default()
        };
        for (seq, row) in core::mem::take(&mut self.dirty).into_entries() {
            match row {
                Some(row) => changes.upserts.push(row),
                None => changes.deletes.push(seq),
            }
        }
        self.saved = cursor;
        self.finished = 0;
        self.gap = false;
        changes
    }

    /// Everything up to here is delivered, or has a row, or was not for this subscription.
    pub fn cursor(&self) -> Seq {
        let sending = self.flights.iter().find(|(_, flight)| flight.lane == By::Cursor);
        let first = self.fresh.front().into_iter().chain(sending.map(|(seq, _)| seq)).min();
        first.map_or(self.read_up_to, |seq| Seq(seq.0.saturating_sub(1)))
    }

    /// How many sends are under way.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// How many events wait for another attempt or a replay.
    pub fn waiting(&self) -> usize {
        self.rows.len()
    }

    /// How far the cursor is behind the log, in events (of any subscription).
    pub fn lag(&self) -> u64 {
        self.log_end.0.saturating_sub(self.cursor().0)
    }

    fn send(&mut self, seq: Seq, lane: By) -> Step {
        let row = self.rows.get(&seq);
        let attempt = row.map_or(0, |row| row.attempt).saturating_add(1);
        let why = match row {
            Some(row) if row.state == RowState::Replay => Why::Replay,
            _ if attempt == 1 => Why::First,
            _ => Why::Retry,
        };
        if lane == By::Cursor {
            self.fresh.pop_front();
        }
        self.waiting_had_its_turn = lane == By::Row;
        self.flights.insert(seq, Flight { attempt, lane });
        Step::Send { seq, attempt, why }
    }

    /// What may be sent now.
    fn next(&self, now: UnixMillis) -> Option<(Seq, By)> {
        let limit = self.config.in_flight();
        if self.gate() > now || self.flights.len() >= limit {
            return None;
        }
        let fresh = self.fresh.front().copied().filter(|&seq| self.due_at(seq) <= now);
        let rows = self.flights.values().filter(|flight| flight.lane == By::Row).count();
        let waiting = (rows < (limit / 2).max(1)).then(|| self.first_waiting(now)).flatten();
        let row_goes_first = limit > 1 || !self.waiting_had_its_turn;
        match (fresh, waiting) {
            (Some(_), Some(seq)) if row_goes_first => Some((seq, By::Row)),
            (Some(seq), _) => Some((seq, By::Cursor)),
            (None, Some(seq)) => Some((seq, By::Row)),
            (None, None) => None,
        }
    }

    /// Before when nothing is sent at all.
    fn gate(&self) -> UnixMillis {
        match self.hold {
            Some(Hold::Disabled) => UnixMillis(u64::MAX),
            Some(Hold::Until(until)) => until.max(self.quiet_until),
            None => self.quiet_until,
        }
    }

    /// When the event at the cursor may be sent: at once, unless it failed before.
    fn due_at(&self, seq: Seq) -> UnixMillis {
        self.rows.get(&seq).map_or(UnixMillis(0), |row| row.next_at)
    }

    fn first_waiting(&self, now: UnixMillis) -> Option<Seq> {
        let due = self.due.range(..=(now, Seq(u64::MAX)));
        due.iter().map(|((_, seq), ())| *seq).find(|&seq| self.is_outside_the_cursor(seq))
    }

    /// Whether a row is sent by itself: neither under way nor the cursor's own, now or later.
    fn is_outside_the_cursor(&self, seq: Seq) -> bool {
        let passed = if self.config.is_ordered() { self.cursor() } else { self.read_up_to };
        seq <= passed && !self.flights.contains_key(&seq)
    }

    fn wants_to_read(&self, now: UnixMillis) -> bool {
        self.fresh.is_empty()
            && self.read_up_to < self.log_end
            && self.flights.len() < self.config.in_flight()
            && self.gate() <= now
    }

    fn must_persist(&self) -> bool {
        self.gap || self.finished >= PERSIST_EVERY
    }

    fn has_something_worth_a_write(&self) -> bool {
        let moved = self.cursor().0.saturating_sub(self.saved.0);
        self.finished > 0
            || !self.dirty.is_empty()
            || self.expired.is_some()
            || moved >= WORTH_A_WRITE
    }

    /// When something will be due that is not due now. What is due and was not sent waits for a
    /// send to end.
    fn wake_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        if self.hold == Some(Hold::Disabled) {
            return None;
        }
        let gate = self.gate();
        if gate > now {
            let head = self.fresh.front().map(|&seq| self.due_at(seq));
            let unread = (self.read_up_to < self.log_end).then_some(gate);
            let row = self.due.iter().find(|((_, seq), ())| !self.flights.contains_key(seq));
            let first = head.into_iter().chain(unread).chain(row.map(|((at, _), ())| *at)).min();
            return first.map(|at| at.max(gate));
        }
        let later = self.due.range((now, Seq(u64::MAX))..);
        later
            .iter()
            .find(|((at, seq), ())| *at > now && !self.flights.contains_key(seq))
            .map(|((at, _), ())| *at)
    }

    /// The cursor may pass a slow send once enough others have overtaken it: it gets a row.
    fn let_the_cursor_pass(&mut self) {
        loop {
            let cursor = self.cursor();
            self.overtook.cut_before(&cursor.next());
            if self.overtook.len() < MAX_OVERTAKEN {
                return;
            }
            let slow = self.flights.iter_mut().find(|(_, flight)| flight.lane == By::Cursor);
            let Some((&seq, flight)) = slow else { return };
            if self.fresh.front().is_some_and(|&first| first < seq) {
                return;
            }
            flight.lane = By::Row;
            let attempt = flight.attempt.saturating_sub(1);
            self.put_row(Row { attempt, ..Row::new(seq, RowState::Retrying) });
        }
    }

    /// Gives an event back to the cursor.
    fn put_back(&mut self, seq: Seq) {
        if let Err(place) = self.fresh.binary_search(&seq) {
            self.fresh.insert(place, seq);
        }
    }

    fn put_row(&mut self, row: Row) {
        self.due.insert((row.next_at, row.seq), ());
        if let Some(before) = self.rows.insert(row.seq, row)
            && before.next_at != row.next_at
        {
            self.due.remove(&(before.next_at, before.seq));
        }
        self.note(row);
    }

    fn remove_row(&mut self, seq: Seq) -> Option<Row> {
        let row = self.rows.remove(&seq)?;
        self.due.remove(&(row.next_at, row.seq));
        self.dirty.insert(seq, None);
        Some(row)
    }

    fn note(&mut self, row: Row) {
        self.dirty.insert(row.seq, Some(row));
    }
}
