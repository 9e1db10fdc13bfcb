//! What a lane promises whatever happens to it, checked over random histories.

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::tests::{BAD, OK, Store, T0, ordered, unordered};
use super::{Hold, Lane, LaneConfig, RowState, Snapshot, Step, Verdict};
use crate::delivery::outcome::{Cause, Outcome};
use crate::id::Seq;
use crate::time::Millis;

/// One of everything that can happen to a lane.
#[derive(Clone, Debug)]
enum Move {
    Pass(u64),
    Append(u64),
    Finish(usize, Outcome),
    Replay(u64),
    Hold(Option<u64>),
    Release,
    Expire(u64),
    Crash,
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let wish = any::<Option<u16>>().prop_map(|secs| secs.map(|s| Millis::from_secs(s.into())));
    prop_oneof![
        4 => Just(OK),
        2 => Just(BAD),
        1 => Just(Outcome::Gone),
        1 => Just(Outcome::Unreachable(Cause::Timeout)),
        1 => wish.prop_map(|retry_after| Outcome::Throttled { status: 429, retry_after }),
    ]
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0u64..200_000).prop_map(Move::Pass),
        4 => (1u64..40).prop_map(Move::Append),
        12 => (0usize..6, outcomes()).prop_map(|(n, outcome)| Move::Finish(n, outcome)),
        1 => (0u64..200).prop_map(Move::Replay),
        1 => proptest::option::of(0u64..100).prop_map(Move::Hold),
        2 => Just(Move::Release),
        1 => (0u64..100).prop_map(Move::Expire),
        1 => Just(Move::Crash),
    ]
}

fn configs() -> impl Strategy<Value = LaneConfig> {
    prop_oneof![
        (0u64..100).prop_map(|block| ordered(&[0, 1, 5, 60], block)),
        (1u8..=6).prop_map(|in_flight| unordered(&[0, 1, 5, 60], in_flight)),
    ]
}

proptest! {
    /// Whatever happens in whatever order: polling ends, the cursor never goes back, limits are
    /// kept, `ready` tells the truth, and at last every event has been sent or has a row.
    #[test]
    fn holds_its_promises_whatever_happens(
        config in configs(), moves in proptest::collection::vec(moves(), 1..120),
    ) {
        let mut store = Store::default();
        let mut lane = Lane::restore(config.clone(), Snapshot::default());
        let (mut now, mut log_end, mut floor) = (T0, 0u64, 0u64);
        let mut flying: Vec<Seq> = vec![];
        let mut delivered = BTreeSet::new();
        let mut rounds = 0;
        // At last the receiver recovers, and time passes until all is done.
        let recovery = [Move::Finish(0, OK), Move::Release, Move::Pass(61_000)];
        let mut to_come = moves.len();
        for step in moves.into_iter().chain(recovery.into_iter().cycle()) {
            let done = lane.cursor() == Seq(log_end) && lane.waiting() == 0 && flying.is_empty();
            if to_come == 0 && done {
                break;
            }
            to_come = to_come.saturating_sub(1);
            rounds += 1;
            prop_assert!(rounds < 50_000, "the lane does not come to an end");
            let cursor = lane.cursor();
            let crash = matches!(step, Move::Crash);
            match step {
                Move::Pass(millis) => now = now.plus(Millis(millis)),
                Move::Append(count) => {
                    log_end += count;
                    lane.appended(Seq(log_end));
                }
                Move::Finish(n, outcome) if n < flying.len() => {
                    let seq = flying.remove(n);
                    let verdict = lane.completed(seq, outcome, now, now.0);
                    prop_assert!(verdict != Verdict::Unknown);
                    prop_assert_eq!(verdict == Verdict::Delivered, outcome.is_delivered());
                    if let Verdict::RetryAt(at) = verdict {
                        prop_assert!(at >= now);
                    }
                    if outcome.is_delivered() {
                        delivered.insert(seq);
                    }
                }
                Move::Finish(..) => {}
                Move::Replay(seq) => {
                    if seq > 0 && lane.replay(Seq(seq)).is_ok() {
                        prop_assert!(seq <= log_end);
                        store.persist(&mut lane);
                    }
                }
                Move::Hold(None) => lane.hold(Hold::Disabled),
                Move::Hold(Some(secs)) => lane.hold(Hold::Until(now.plus(Millis::from_secs(secs)))),
                Move::Release => lane.release(),
                Move::Expire(count) => {
                    floor = (floor + count).min(log_end);
                    lane.expired(Seq(floor));
                    store.persist(&mut lane);
                }
                Move::Crash => {
                    flying.clear();
                    lane = store.restore(config.clone(), log_end);
                }
            }
            prop_assert!(crash || lane.cursor() >= cursor);
            let mut sends = 0;
            for polls in 0.. {
                prop_assert!(polls < 200, "poll does not come to an end");
                let ready = lane.ready(now);
                let step = lane.poll(now);
                prop_assert_eq!(ready > 0, matches!(step, Step::Send { .. }));
                match step {
                    Step::Send { seq, attempt, .. } => {
                        sends += 1;
                        prop_assert!(seq.0 > 0 && seq.0 <= log_end && attempt <= 4);
                        prop_assert!(!flying.contains(&seq));
                        flying.push(seq);
                    }
                    Step::Read { after, limit } => {
                        let to = (after.0 + u64::from(limit)).min(log_end);
                        // Every seventh event is for somebody else.
                        let of_us = (after.0 + 1..=to).filter(|seq| seq % 7 != 0);
                        lane.feed(Seq(to), &of_us.map(Seq).collect::<Vec<_>>());
                    }
                    Step::Persist => store.persist(&mut lane),
                    Step::DisableEndpoint => {}
                    Step::Sleep { until } => {
                        prop_assert!(until.is_none_or(|until| until > now));
                        break;
                    }
                }
            }
            prop_assert!(sends <= 6 && flying.len() <= config.in_flight());
            prop_assert_eq!(lane.in_flight(), flying.len());
        }
        for seq in (1..=log_end).filter(|seq| seq % 7 != 0 && *seq > floor) {
            let seen = delivered.contains(&Seq(seq));
            let parked = store.state(seq) == Some(RowState::Parked);
            prop_assert!(seen || parked, "{seq} is lost");
        }
    }
}
