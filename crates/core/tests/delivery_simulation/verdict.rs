//! What became of everything, checked from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use livegate_core::delivery::lane::{Order, RowState};
use livegate_core::id::Seq;

use crate::receivers::{NATURES, Nature};
use crate::{CHANNELS, START, STEADY_LAG, World};

#[derive(Default)]
struct Tally {
    events: usize,
    delivered: usize,
    repeated: usize,
    parked: usize,
    held: usize,
    expired: usize,
    sends: u32,
    lag: u64,
}

impl World {
    /// Checks what became of everything, and shows it as a table.
    pub(crate) fn verdict(&mut self) -> String {
        let mut table = String::from(
            "receiver        events delivered repeated parked held expired  sends  lag ms\n",
        );
        for lane in 0..NATURES.len() {
            let mut sum = Tally::default();
            for index in 0..CHANNELS {
                self.tally(index, lane, &mut sum);
            }
            let nature = self.endpoints[lane].nature;
            if nature == Nature::Steady && sum.lag > STEADY_LAG {
                self.wrong(0, lane, &format!("kept waiting for {} ms", sum.lag));
            }
            let live = matches!(nature, Nature::Steady | Nature::Slow | Nature::GoneForAWhile);
            if live && sum.parked + sum.held > 0 {
                self.wrong(0, lane, "did not get all that it would have taken");
            }
            let name = format!("{nature:?}");
            let Tally { events, delivered, repeated, parked, held, expired, sends, lag } = sum;
            write!(table, "{name:14}{events:8}{delivered:10}{repeated:9}{parked:7}").unwrap();
            writeln!(table, "{held:5}{expired:8}{sends:7}{lag:8}").unwrap();
        }
        let hours = self.now.since(START).0 / 3_600_000;
        writeln!(table, "{} crashes, {hours} h", self.crashes).unwrap();
        table
    }

    /// Adds up what became of one subscription's events, and checks it.
    fn tally(&mut self, index: usize, lane: usize, sum: &mut Tally) {
        let mut wrong = Vec::new();
        let disabled = self.endpoints[lane].breaker.health().disabled.is_some();
        let channel = &self.channels[index];
        let of = &channel.subscriptions[lane];
        let count = |map: &BTreeMap<Seq, u32>, seq| map.get(&seq).copied().unwrap_or_default();
        for seq in (1..=channel.log_end().0).map(Seq).filter(|seq| of.wants(*seq)) {
            sum.events += 1;
            let taken = of.seen.taken.iter().filter(|other| **other == seq).count();
            let state = of.rows.get(&seq).map(|row| row.state);
            let unread = of.taken_unread.iter().any(|(from, to)| seq > *from && seq <= *to);
            if taken > 0 {
                sum.delivered += 1;
                sum.repeated += taken - 1;
            } else if state == Some(RowState::Parked) {
                sum.parked += 1;
            } else if state == Some(RowState::Expired) || unread {
                sum.expired += 1;
            } else if disabled && (seq > of.cursor || state.is_some()) {
                sum.held += 1;
            } else {
                wrong.push(format!("{} is lost", seq.0));
            }
            if taken > 1 + count(&of.seen.more_taken, seq) as usize {
                wrong.push(format!("{} came {taken} times", seq.0));
            }
            let sends = count(&of.seen.sends, seq);
            sum.sends += sends;
            if sends > of.config.attempts() + count(&of.seen.more_sends, seq) {
                wrong.push(format!("{} was sent {sends} times", seq.0));
            }
        }
        sum.lag = sum.lag.max(of.seen.worst_lag);
        if matches!(of.config.order(), Order::Ordered { .. }) {
            let mut known: BTreeSet<Seq> = BTreeSet::new();
            for &seq in of.seen.taken.iter().filter(|seq| !of.seen.parked.contains(seq)) {
                if let Some(last) = known.last().filter(|last| **last > seq)
                    && !known.contains(&seq)
                {
                    wrong.push(format!("{} came after {}", seq.0, last.0));
                }
                known.insert(seq);
            }
        }
        if !disabled && of.rows.values().any(|row| row.state.is_active()) {
            wrong.push("something is left to be sent".into());
        }
        for what in wrong {
            self.wrong(index, lane, &what);
        }
    }
}
