use super::{
    Expired, Hold, Lane, LaneConfig, MAX_OVERTAKEN, MAX_WAITING, PERSIST_EVERY, READ_LIMIT,
    ReplayError, Row, RowState, Snapshot, Step, Verdict, Why,
};
use crate::delivery::outcome::Outcome;
use crate::delivery::schedule::Schedule;
use crate::error::Coded;
use crate::id::Seq;
use crate::time::{Millis, UnixMillis};
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

pub(super) const OK: Outcome = Outcome::Delivered { status: 200 };
pub(super) const BAD: Outcome = Outcome::Failed { status: 500 };
pub(super) const T0: UnixMillis = UnixMillis(1_000_000_000_000);
const IDLE: Step = Step::Sleep { until: None };

fn after(secs: u64) -> UnixMillis {
    T0.plus(Millis::from_secs(secs))
}

fn first(seq: u64) -> Step {
    Step::Send { seq: Seq(seq), attempt: 1, why: Why::First }
}

fn retry(seq: u64, attempt: u32) -> Step {
    Step::Send { seq: Seq(seq), attempt, why: Why::Retry }
}

fn replay(seq: u64, attempt: u32) -> Step {
    Step::Send { seq: Seq(seq), attempt, why: Why::Replay }
}

fn sleep(until: UnixMillis) -> Step {
    Step::Sleep { until: Some(until) }
}

pub(super) fn ordered(delays: &[u32], max_block_secs: u64) -> LaneConfig {
    let schedule = Schedule::from_secs(delays, 0).unwrap();
    LaneConfig::ordered(schedule, Millis::from_secs(max_block_secs)).unwrap()
}

pub(super) fn unordered(delays: &[u32], in_flight: u8) -> LaneConfig {
    LaneConfig::unordered(Schedule::from_secs(delays, 0).unwrap(), in_flight).unwrap()
}

/// A lane over a log of `count` events, all for it and all read.
fn lane(config: LaneConfig, count: u64) -> Lane {
    let mut lane = Lane::restore(config, Snapshot::default());
    lane.appended(Seq(count));
    let all: Vec<_> = (1..=count).map(Seq).collect();
    lane.feed(Seq(count), &all);
    lane
}

/// What a shell keeps.
#[derive(Default)]
pub(super) struct Store {
    cursor: Seq,
    removed_up_to: Seq,
    rows: BTreeMap<Seq, Row>,
}

impl Store {
    pub(super) fn persist(&mut self, lane: &mut Lane) {
        let changes = lane.changes();
        self.cursor = changes.cursor.unwrap_or(self.cursor);
        if let Some(expired) = changes.expired {
            self.removed_up_to = expired.up_to;
            for row in self.rows.values_mut().filter(|row| row.seq <= expired.up_to) {
                row.state = RowState::Expired;
            }
        }
        for seq in changes.deletes {
            self.rows.remove(&seq);
        }
        for row in changes.upserts {
            self.rows.insert(row.seq, row);
        }
    }

    pub(super) fn restore(&self, config: LaneConfig, log_end: u64) -> Lane {
        let rows = self.rows.values().copied().collect();
        let snapshot = Snapshot {
            cursor: self.cursor,
            removed_up_to: self.removed_up_to,
            log_end: Seq(log_end),
            rows,
        };
        Lane::restore(config, snapshot)
    }

    pub(super) fn state(&self, seq: u64) -> Option<RowState> {
        self.rows.get(&Seq(seq)).map(|row| row.state)
    }
}

fn end(lane: &mut Lane, seq: u64, outcome: Outcome, now: UnixMillis) -> Verdict {
    lane.completed(Seq(seq), outcome, now, 0)
}

/// Drives a lane at one moment until it sleeps; everything is answered with `outcome`.
fn drain(lane: &mut Lane, store: &mut Store, now: UnixMillis, outcome: Outcome) -> Vec<u64> {
    let mut sent = Vec::new();
    loop {
        match lane.poll(now) {
            Step::Send { seq, .. } => {
                sent.push(seq.0);
                let _ = lane.completed(seq, outcome, now, 0);
            }
            Step::Persist => store.persist(lane),
            Step::Sleep { .. } => return sent,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_idle_lane_neither_reads_nor_wakes() {
    let mut lane = Lane::restore(LaneConfig::default(), Snapshot::default());
    assert_eq!(lane.poll(T0), IDLE);
    assert_eq!(lane.ready(T0), 0);
    assert!(lane.changes().is_empty());
}

#[test]
fn reads_what_was_appended_and_only_that() {
    let snapshot = Snapshot { cursor: Seq(5), log_end: Seq(5), ..Snapshot::default() };
    let mut lane = Lane::restore(LaneConfig::default(), snapshot);
    assert_eq!(lane.poll(T0), IDLE);
    lane.appended(Seq(7));
    assert_eq!(lane.poll(T0), Step::Read { after: Seq(5), limit: READ_LIMIT });
    // Of what is fed, the old, the future and the doubled are left out.
    lane.feed(Seq(7), &[Seq(5), Seq(6), Seq(6), Seq(8)]);
    assert_eq!(lane.poll(T0), first(6));
    assert_eq!(end(&mut lane, 6, OK, T0), Verdict::Delivered);
    assert_eq!(lane.cursor(), Seq(7));
    assert_eq!(lane.poll(T0), Step::Persist);
    assert_eq!(lane.changes().cursor, Some(Seq(7)));
    assert_eq!(lane.poll(T0), IDLE);
}

#[test]
fn a_read_that_finds_nothing_is_not_repeated() {
    let mut lane = Lane::restore(LaneConfig::default(), Snapshot::default());
    lane.appended(Seq(3));
    assert_eq!(lane.poll(T0), Step::Read { after: Seq(0), limit: READ_LIMIT });
    lane.feed(Seq(0), &[]);
    assert_eq!(lane.poll(T0), IDLE);
    lane.appended(Seq(4));
    assert_eq!(lane.poll(T0), Step::Read { after: Seq(0), limit: READ_LIMIT });
}

#[test]
fn events_of_others_alone_are_not_worth_a_write_each() {
    let mut lane = Lane::restore(LaneConfig::default(), Snapshot::default());
    for end in [100, 255] {
        lane.appended(Seq(end));
        lane.feed(Seq(end), &[]);
        assert_eq!(lane.poll(T0), IDLE);
    }
    lane.appended(Seq(256));
    lane.feed(Seq(256), &[]);
    assert_eq!(lane.poll(T0), Step::Persist);
    assert_eq!(lane.changes().cursor, Some(Seq(256)));
}

#[test]
fn an_ordered_lane_sends_one_after_the_other() {
    let mut lane = lane(LaneConfig::default(), 2);
    assert_eq!(lane.ready(T0), 1);
    assert_eq!(lane.poll(T0), first(1));
    assert_eq!((lane.poll(T0), lane.ready(T0)), (IDLE, 0));
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Delivered);
    assert_eq!(lane.poll(T0), first(2));
    assert_eq!((lane.cursor(), lane.lag()), (Seq(1), 1));
}

#[test]
fn a_batch_is_persisted_once() {
    let count = u64::from(PERSIST_EVERY) + 1;
    let mut lane = lane(LaneConfig::default(), count);
    for seq in 1..count {
        assert_eq!(lane.poll(T0), first(seq));
        assert_eq!(end(&mut lane, seq, OK, T0), Verdict::Delivered);
    }
    assert_eq!((lane.poll(T0), lane.ready(T0)), (Step::Persist, 0));
    let changes = lane.changes();
    assert_eq!(changes.cursor, Some(Seq(count - 1)));
    assert!(changes.upserts.is_empty() && changes.deletes.is_empty());
    assert_eq!(lane.poll(T0), first(count));
}

#[test]
fn an_ordered_event_is_retried_in_place_until_its_block_ends() {
    // The default schedule without jitter, 15 min: attempts at 0 s, 5 s, 305 s, and 900 s at last.
    let delays = [0, 5, 300, 1_800, 7_200];
    let (mut lane, mut store) = (lane(ordered(&delays, 900), 2), Store::default());
    for (attempt, at, next) in [(1, 0, 5), (2, 5, 305), (3, 305, 900)] {
        let send = if attempt == 1 { first(1) } else { retry(1, attempt) };
        assert_eq!(lane.poll(after(at)), send);
        assert_eq!(end(&mut lane, 1, BAD, after(at)), Verdict::RetryAt(after(next)));
        assert_eq!(lane.poll(after(at)), Step::Persist);
        store.persist(&mut lane);
        assert_eq!(store.state(1), Some(RowState::Retrying));
        assert_eq!(lane.poll(after(at)), sleep(after(next)));
        assert_eq!(lane.ready(UnixMillis(after(next).0 - 1)), 0);
    }
    assert_eq!(lane.poll(after(900)), retry(1, 4));
    assert_eq!(end(&mut lane, 1, BAD, after(901)), Verdict::Parked);
    // The gap is on record before anything that follows it is sent.
    assert_eq!((lane.poll(after(901)), lane.ready(after(901))), (Step::Persist, 0));
    store.persist(&mut lane);
    assert_eq!(lane.poll(after(901)), first(2));
    let parked = store.rows[&Seq(1)];
    assert_eq!((parked.state, parked.attempt), (RowState::Parked, 4));
    assert_eq!((parked.first_failed_at, parked.code), (Some(T0), Some(BAD.code())));
    assert_eq!(store.cursor, Seq(1));
}

#[test]
fn attempts_used_up_or_no_block_at_all_park_sooner() {
    let mut short = lane(ordered(&[0, 1], 900), 1);
    assert_eq!(short.poll(T0), first(1));
    assert_eq!(end(&mut short, 1, BAD, T0), Verdict::RetryAt(after(1)));
    assert_eq!(short.poll(T0), Step::Persist);
    let _ = short.changes();
    assert_eq!(short.poll(after(1)), retry(1, 2));
    assert_eq!(end(&mut short, 1, BAD, after(1)), Verdict::Parked);

    let mut once = lane(ordered(&[0, 1], 0), 1);
    assert_eq!(once.poll(T0), first(1));
    assert_eq!(end(&mut once, 1, BAD, T0), Verdict::Parked);

    let config = LaneConfig::default().with_attempts(1).unwrap();
    let mut limited = lane(config, 1);
    assert_eq!(limited.poll(T0), first(1));
    assert_eq!(end(&mut limited, 1, BAD, T0), Verdict::Parked);
}

#[test]
fn a_retry_after_silences_the_lane_and_outlasts_the_block() {
    let mut lane = lane(ordered(&[0, 5, 5], 10), 2);
    assert_eq!(lane.poll(T0), first(1));
    let retry_after = Some(Millis::from_secs(60));
    let throttled = Outcome::Throttled { status: 429, retry_after };
    assert_eq!(end(&mut lane, 1, throttled, T0), Verdict::RetryAt(after(60)));
    let _ = lane.changes();
    assert_eq!(lane.poll(after(10)), sleep(after(60)));
    // The one last attempt, since the block has ended meanwhile.
    assert_eq!(lane.poll(after(60)), retry(1, 2));
    assert_eq!(end(&mut lane, 1, BAD, after(60)), Verdict::Parked);
}

#[test]
fn an_unordered_event_that_fails_steps_aside() {
    let (mut lane, mut store) = (lane(unordered(&[0, 5, 5], 2), 3), Store::default());
    assert_eq!(lane.ready(T0), 2);
    assert_eq!((lane.poll(T0), lane.poll(T0)), (first(1), first(2)));
    assert_eq!(end(&mut lane, 1, BAD, T0), Verdict::RetryAt(after(5)));
    assert_eq!(lane.cursor(), Seq(1));
    assert_eq!(lane.poll(T0), first(3));
    assert_eq!(end(&mut lane, 2, OK, T0), Verdict::Delivered);
    assert_eq!(end(&mut lane, 3, OK, T0), Verdict::Delivered);
    assert_eq!(lane.poll(T0), Step::Persist);
    store.persist(&mut lane);
    assert_eq!((store.cursor, store.state(1)), (Seq(3), Some(RowState::Retrying)));
    assert_eq!(lane.poll(T0), sleep(after(5)));
    assert_eq!(lane.poll(after(5)), retry(1, 2));
    assert_eq!(end(&mut lane, 1, OK, after(5)), Verdict::Delivered);
    store.persist(&mut lane);
    assert_eq!(store.state(1), None);
    // Attempts used up.
    let mut lane = store.restore(unordered(&[0], 2), 4);
    lane.feed(Seq(4), &[Seq(4)]);
    assert_eq!(lane.poll(T0), first(4));
    assert_eq!(end(&mut lane, 4, BAD, T0), Verdict::Parked);
}

#[test]
fn retries_and_fresh_events_leave_each_other_their_share() {
    // 20 events fail at once and are due again in the same moment as 20 fresh ones arrive.
    let (mut lane, mut store) = (lane(unordered(&[0, 5, 5], 4), 20), Store::default());
    assert_eq!(drain(&mut lane, &mut store, T0, BAD).len(), 20);
    lane.appended(Seq(40));
    lane.feed(Seq(40), &(21..=40).map(Seq).collect::<Vec<_>>());
    let mut steps: Vec<_> = (0..4).map(|_| lane.poll(after(5))).collect();
    assert_eq!(steps, [retry(1, 2), retry(2, 2), first(21), first(22)]);
    // The retries stall; fresh ones go on, two at a time.
    for seq in 21..=30 {
        assert_eq!(end(&mut lane, seq, OK, after(6)), Verdict::Delivered);
        assert_eq!(lane.poll(after(6)), first(seq + 2));
    }
    // The fresh ones stall; retries go on as theirs end.
    assert_eq!(end(&mut lane, 1, OK, after(7)), Verdict::Delivered);
    steps = (0..2).map(|_| lane.poll(after(7))).collect();
    assert_eq!(steps, [retry(3, 2), IDLE]);
}

#[test]
fn with_one_send_at_a_time_the_two_take_turns() {
    let (mut lane, mut store) = (lane(unordered(&[0, 5, 5], 1), 3), Store::default());
    assert_eq!(drain(&mut lane, &mut store, T0, BAD), [1, 2, 3]);
    lane.appended(Seq(6));
    lane.feed(Seq(6), &[Seq(4), Seq(5), Seq(6)]);
    assert_eq!(drain(&mut lane, &mut store, after(5), OK), [1, 4, 2, 5, 3, 6]);
}

#[test]
fn a_slow_send_does_not_hold_the_cursor_for_ever() {
    let (mut lane, mut store) = (lane(unordered(&[0, 5], 2), 60), Store::default());
    assert_eq!(lane.poll(T0), first(1));
    let last = 1 + MAX_OVERTAKEN as u64;
    for seq in 2..=last {
        assert_eq!(lane.poll(T0), first(seq));
        assert_eq!(lane.cursor(), Seq(0));
        assert_eq!(end(&mut lane, seq, OK, T0), Verdict::Delivered);
    }
    assert_eq!(lane.cursor(), Seq(last));
    store.persist(&mut lane);
    assert_eq!(store.state(1), Some(RowState::Retrying));
    // Killed here, it is sent again, as the first attempt that it still is.
    let mut restored = store.restore(unordered(&[0, 5], 2), 60);
    assert_eq!(restored.poll(T0), first(1));
    // Not killed, the row goes when the send ends well.
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Delivered);
    store.persist(&mut lane);
    assert_eq!(store.state(1), None);
}

#[test]
fn too_many_waiting_park_the_most_tried_rather_than_stop_the_fresh() {
    let count = MAX_WAITING as u64 + 1;
    let (mut lane, mut store) = (lane(unordered(&[0, 5, 60, 60], 6), count), Store::default());
    let _ = drain(&mut lane, &mut store, T0, BAD);
    // All have one attempt behind them: the oldest gave way to the newest.
    assert_eq!((store.state(1), lane.waiting()), (Some(RowState::Parked), MAX_WAITING));
    assert_eq!(store.state(2), Some(RowState::Retrying));
    let Err(full) = lane.replay(Seq(1)) else { panic!("the lane is full") };
    assert_eq!(full, ReplayError::Full { limit: MAX_WAITING });
    assert!(full.code().is_well_formed());
}

#[test]
fn gone_disables_the_endpoint_and_keeps_everything() {
    let (mut lane, mut store) = (lane(LaneConfig::default(), 2), Store::default());
    assert_eq!(lane.poll(T0), first(1));
    assert_eq!(end(&mut lane, 1, Outcome::Gone, T0), Verdict::Held);
    assert_eq!(lane.poll(T0), Step::DisableEndpoint);
    assert_eq!(lane.poll(T0), Step::Persist);
    store.persist(&mut lane);
    assert_eq!((lane.poll(after(99_999)), lane.ready(after(99_999))), (IDLE, 0));
    assert_eq!((lane.cursor(), lane.in_flight()), (Seq(0), 0));
    lane.release();
    assert_eq!(drain(&mut lane, &mut store, after(99_999), OK), [1, 2]);
}

#[test]
fn gone_in_the_middle_of_an_unordered_batch_loses_nothing() {
    let (mut lane, mut store) = (lane(unordered(&[0, 5, 5], 3), 4), Store::default());
    assert_eq!([lane.poll(T0), lane.poll(T0), lane.poll(T0)], [first(1), first(2), first(3)]);
    assert_eq!(end(&mut lane, 2, Outcome::Gone, T0), Verdict::Held);
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Delivered);
    assert_eq!(end(&mut lane, 3, Outcome::Gone, T0), Verdict::Held);
    assert_eq!(lane.poll(T0), Step::DisableEndpoint);
    lane.release();
    assert_eq!(drain(&mut lane, &mut store, T0, OK), [2, 3, 4]);
    assert_eq!(store.cursor, Seq(4));
}

#[test]
fn a_hold_ends_at_its_time() {
    let mut lane = lane(LaneConfig::default(), 1);
    lane.hold(Hold::Until(after(30)));
    assert_eq!((lane.poll(T0), lane.ready(T0)), (sleep(after(30)), 0));
    assert_eq!(lane.poll(after(30)), first(1));
    let mut idle = Lane::restore(LaneConfig::default(), Snapshot::default());
    idle.hold(Hold::Until(after(30)));
    assert_eq!(idle.poll(T0), IDLE);
}

#[test]
fn a_block_that_ends_in_a_hold_gets_its_last_attempt_afterwards() {
    let mut lane = lane(ordered(&[0, 5, 5, 5], 12), 1);
    assert_eq!(lane.poll(T0), first(1));
    assert_eq!(end(&mut lane, 1, BAD, T0), Verdict::RetryAt(after(5)));
    let _ = lane.changes();
    lane.hold(Hold::Until(after(60)));
    assert_eq!(lane.poll(after(5)), sleep(after(60)));
    assert_eq!(lane.poll(after(60)), retry(1, 2));
    assert_eq!(end(&mut lane, 1, BAD, after(60)), Verdict::Parked);
}

#[test]
fn a_replay_is_sent_beside_the_cursor() {
    let (mut lane, mut store) = (lane(ordered(&[0, 5], 0), 3), Store::default());
    assert_eq!(lane.poll(T0), first(1));
    assert_eq!(end(&mut lane, 1, BAD, T0), Verdict::Parked);
    assert_eq!(lane.replay(Seq(1)), Ok(()));
    store.persist(&mut lane);
    assert_eq!(lane.cursor(), Seq(1));
    assert_eq!(lane.poll(T0), replay(1, 1));
    // The lane sends one at a time, replays included.
    assert_eq!((lane.poll(T0), lane.cursor()), (IDLE, Seq(1)));
    assert_eq!(end(&mut lane, 1, BAD, T0), Verdict::RetryAt(after(5)));
    // A replay that fails blocks nobody.
    assert_eq!(drain(&mut lane, &mut store, T0, OK), [2, 3]);
    assert_eq!(store.state(1), Some(RowState::Replay));
    assert_eq!(lane.poll(after(5)), replay(1, 2));
    assert_eq!(end(&mut lane, 1, BAD, after(5)), Verdict::Parked);
    assert_eq!(lane.replay(Seq(1)), Ok(()));
    assert_eq!(lane.poll(after(5)), replay(1, 1));
    assert_eq!(end(&mut lane, 1, OK, after(5)), Verdict::Delivered);
    store.persist(&mut lane);
    assert_eq!((store.state(1), store.cursor), (None, Seq(3)));
}

#[test]
fn a_delivered_event_can_be_replayed_and_a_replay_survives_a_restart() {
    let (mut lane, mut store) = (lane(LaneConfig::default(), 2), Store::default());
    assert_eq!(drain(&mut lane, &mut store, T0, OK), [1, 2]);
    assert_eq!(lane.replay(Seq(1)), Ok(()));
    store.persist(&mut lane);
    let mut lane = store.restore(LaneConfig::default(), 2);
    assert_eq!(drain(&mut lane, &mut store, T0, OK), [1]);
    assert_eq!((store.cursor, store.rows.len()), (Seq(2), 0));
}

#[test]
fn a_replay_of_what_waits_for_a_retry_brings_it_forward() {
    let (mut lane, mut store) = (lane(unordered(&[0, 60, 60], 2), 1), Store::default());
    assert_eq!(drain(&mut lane, &mut store, T0, BAD), [1]);
    assert_eq!(lane.poll(after(1)), sleep(after(60)));
    assert_eq!(lane.replay(Seq(1)), Ok(()));
    assert_eq!(lane.poll(after(1)), retry(1, 2));
}

#[test]
fn refuses_to_replay_what_is_on_its_way_or_gone() {
    let mut lane = lane(LaneConfig::default(), 3);
    assert_eq!(lane.poll(T0), first(1));
    for seq in [1, 2, 3, 4] {
        let refused = ReplayError::OnItsWay { seq: Seq(seq) };
        assert!(refused.code().is_well_formed());
        assert_eq!(lane.replay(Seq(seq)), Err(refused));
    }
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Delivered);
    lane.expired(Seq(1));
    let expired = ReplayError::Expired { seq: Seq(1) };
    assert_eq!(lane.replay(Seq(1)), Err(expired));
    let mut store = Store::default();
    store.persist(&mut lane);
    let mut restored = store.restore(LaneConfig::default(), 3);
    assert_eq!(restored.replay(Seq(1)), Err(expired));
}

#[test]
fn what_retention_takes_undelivered_is_recorded() {
    // 1 parked, 2 fails at the head, 3 and 4 are read, up to 6 unread.
    let (mut lane, mut store) = (lane(ordered(&[0, 60], 60), 4), Store::default());
    assert_eq!(lane.poll(T0), first(1));
    assert_eq!(end(&mut lane, 1, BAD, T0), Verdict::RetryAt(after(60)));
    let _ = lane.changes();
    assert_eq!(lane.poll(after(60)), retry(1, 2));
    assert_eq!(end(&mut lane, 1, BAD, after(60)), Verdict::Parked);
    store.persist(&mut lane);
    assert_eq!(lane.poll(after(60)), first(2));
    assert_eq!(end(&mut lane, 2, BAD, after(60)), Verdict::RetryAt(after(120)));
    store.persist(&mut lane);
    lane.appended(Seq(8));
    lane.expired(Seq(6));
    let changes = lane.changes();
    assert_eq!(changes.expired, Some(Expired { up_to: Seq(6), read_up_to: Seq(4) }));
    assert_eq!(changes.cursor, Some(Seq(6)));
    let states: Vec<_> = changes.upserts.iter().map(|row| (row.seq.0, row.state)).collect();
    let expired = RowState::Expired;
    assert_eq!(states, [(2, expired), (3, expired), (4, expired)]);
    assert_eq!(changes.upserts[0].attempt, 1);
    assert_eq!(lane.poll(after(60)), Step::Read { after: Seq(6), limit: READ_LIMIT });
}

#[test]
fn what_retention_takes_in_flight_is_delivered_or_recorded() {
    let mut lane = lane(unordered(&[0, 5], 3), 3);
    assert_eq!([lane.poll(T0), lane.poll(T0), lane.poll(T0)], [first(1), first(2), first(3)]);
    lane.expired(Seq(2));
    // On record both are expired, should the lane be killed here.
    let changes = lane.changes();
    assert_eq!(changes.cursor, Some(Seq(2)));
    let states: Vec<_> = changes.upserts.iter().map(|row| (row.seq.0, row.state)).collect();
    assert_eq!(states, [(1, RowState::Expired), (2, RowState::Expired)]);
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Delivered);
    assert_eq!(end(&mut lane, 2, BAD, T0), Verdict::Expired);
    assert_eq!(end(&mut lane, 3, BAD, T0), Verdict::RetryAt(after(5)));
    let changes = lane.changes();
    let states: Vec<_> = changes.upserts.iter().map(|row| (row.seq.0, row.state)).collect();
    assert_eq!(states, [(2, RowState::Expired), (3, RowState::Retrying)]);
    assert_eq!((changes.cursor, changes.deletes), (Some(Seq(3)), vec![Seq(1)]));
}

#[test]
fn what_retention_took_in_its_absence_is_recorded_once() {
    let mut row = Row::new(Seq(2), RowState::Retrying);
    row.attempt = 3;
    let (cursor, removed_up_to, log_end) = (Seq(4), Seq(6), Seq(8));
    let rows = vec![row];
    let snapshot = Snapshot { cursor, removed_up_to, log_end, rows };
    let mut lane = Lane::restore(LaneConfig::default(), snapshot);
    let changes = lane.changes();
    assert_eq!(changes.expired, Some(Expired { up_to: Seq(6), read_up_to: Seq(4) }));
    assert_eq!(changes.cursor, Some(Seq(6)));
    row.state = RowState::Expired;
    assert_eq!(changes.upserts, [row]);
    let snapshot = Snapshot { cursor: Seq(6), removed_up_to, log_end, rows: vec![] };
    let mut lane = Lane::restore(LaneConfig::default(), snapshot);
    assert!(lane.changes().is_empty());
    assert_eq!(lane.poll(T0), Step::Read { after: Seq(6), limit: READ_LIMIT });
}

#[test]
fn a_head_that_no_longer_matches_is_passed() {
    let (mut first_life, mut store) = (lane(ordered(&[0, 60], 60), 2), Store::default());
    assert_eq!(drain(&mut first_life, &mut store, T0, BAD), [1]);
    let mut lane = store.restore(ordered(&[0, 60], 60), 2);
    assert_eq!(lane.poll(T0), Step::Read { after: Seq(0), limit: READ_LIMIT });
    lane.feed(Seq(2), &[Seq(2)]);
    assert_eq!(drain(&mut lane, &mut store, T0, OK), [2]);
    assert_eq!((store.cursor, store.rows.len()), (Seq(2), 0));
}

#[test]
fn the_head_goes_on_from_its_row_after_a_restart() {
    let (mut first_life, mut store) = (lane(ordered(&[0, 5, 5], 60), 2), Store::default());
    assert_eq!(drain(&mut first_life, &mut store, T0, BAD), [1]);
    let mut lane = store.restore(ordered(&[0, 5, 5], 60), 2);
    lane.feed(Seq(2), &[Seq(1), Seq(2)]);
    assert_eq!(lane.poll(after(4)), sleep(after(5)));
    assert_eq!(lane.poll(after(5)), retry(1, 2));
}

#[test]
fn an_outcome_that_nobody_waits_for_changes_nothing() {
    let mut lane = lane(LaneConfig::default(), 1);
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Unknown);
    assert_eq!(lane.poll(T0), first(1));
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Delivered);
    assert_eq!(end(&mut lane, 1, OK, T0), Verdict::Unknown);
}

#[test]
fn a_lane_may_change_its_order_between_two_lives() {
    // Unordered: 1 waits, 2 is delivered. Ordered from then on: 1 is retried outside the cursor.
    let (mut loose, mut store) = (lane(unordered(&[0, 5, 5], 2), 2), Store::default());
    assert_eq!((loose.poll(T0), loose.poll(T0)), (first(1), first(2)));
    assert_eq!(end(&mut loose, 1, BAD, T0), Verdict::RetryAt(after(5)));
    assert_eq!(end(&mut loose, 2, OK, T0), Verdict::Delivered);
    store.persist(&mut loose);
    let mut strict = store.restore(ordered(&[0, 5, 5], 60), 3);
    strict.feed(Seq(3), &[Seq(3)]);
    assert_eq!(drain(&mut strict, &mut store, T0, BAD), [3]);
    // Back again: 3 waits, though it is ahead of the cursor.
    let mut loose = store.restore(unordered(&[0, 5, 5], 2), 4);
    loose.feed(Seq(4), &[Seq(3), Seq(4)]);
    assert_eq!(drain(&mut loose, &mut store, after(5), OK), [1, 3, 4]);
    assert_eq!((store.cursor, store.rows.len()), (Seq(4), 0));
}
