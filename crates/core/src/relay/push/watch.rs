//! Whether bytes move: what the kernel says of a connection, and what the destination acknowledges.
//!
//! A destination that stops reading is not seen by writing: the kernels of both ends take megabytes
//! first. It is seen by what is not acknowledged. TCP says it in the kernel's counters (`SIOCOUTQ`
//! and `SIOCOUTQNSD` on Linux), RTMP by the message Acknowledgement (RTMP 1.0 §5.4.3), which counts
//! what the destination's program has read, not its kernel.

use crate::time::{Millis, UnixMillis};

/// What a shell reads of a connection, once a second or oftener while a stream is sent. Where a
/// system does not count what is unacknowledged, `unacked` is 0, and what the kernel took counts as
/// sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that the kernel has taken of this connection's stream, from its beginning.
    pub handed: u64,
    /// Where in them the last of the queue's messages ends: what follows are answers to pings and
    /// the like, which say nothing of the stream.
    pub media_end: u64,
    /// Of these, how many the destination's kernel has not acknowledged, unsent ones included.
    pub unacked: u64,
    /// Of these, how many were not sent yet, because the window is closed.
    pub unsent: u64,
    /// Bytes that wait before the kernel, in the destination's queue.
    pub queued: u64,
}

impl Progress {
    /// Bytes that arrived.
    pub const fn arrived(&self) -> u64 {
        self.handed.saturating_sub(self.unacked)
    }

    /// How far the stream itself arrived.
    pub fn media_arrived(&self) -> u64 {
        self.arrived().min(self.media_end)
    }

    /// Whether there is something that should arrive.
    const fn is_owed(&self) -> bool {
        self.unacked > 0 || self.queued > 0
    }
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Bytes moved within the time.
    Moving,
    /// Bytes wait and none move.
    Stuck,
    /// There is nothing to move.
    Silent,
}

/// Watches one connection from the moment that its stream may be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    last: Progress,
    moved_at: UnixMillis,
    /// Since when bytes have been owed without a pause in it, if they are.
    owed_since: Option<UnixMillis>,
    has_moved: bool,
    acknowledged: Option<Acknowledged>,
}

/// RTMP's own acknowledgements; there are destinations that never send one.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    /// Bytes in all, from the 32 bits that are sent.
    total: u64,
    /// The most that lay between two: there are destinations with a window of their own.
    step: u64,
    /// Since when the next one has been overdue, if it is.
    overdue_since: Option<UnixMillis>,
}

impl Watch {
    /// From `now` on, of a destination that is known to acknowledge after so many bytes, or not.
    pub(super) fn new(acknowledges: Option<u64>, now: UnixMillis) -> Self {
        Self {
            last: Progress::default(),
            moved_at: now,
            owed_since: None,
            has_moved: false,
            acknowledged: acknowledges.map(|step| Acknowledged {
                total: 0,
                step,
                overdue_since: None,
            }),
        }
    }

    /// Takes a report. Whether some of the stream has arrived since the last one.
    pub(super) fn progress(&mut self, next: Progress, window: u64, now: UnixMillis) -> bool {
        // A report of an earlier moment changes nothing: counters only grow.
        if next.handed < self.last.handed {
            return false;
        }
        let moved = next.media_arrived() > self.last.media_arrived();
        if moved {
            self.moved_at = now;
            self.has_moved = true;
        }
        let reads = next.arrived() > self.last.arrived();
        self.owed_since = match self.owed_since {
            _ if !next.is_owed() => None,
            Some(since) if !reads => Some(since),
            _ => Some(now),
        };
        self.last = next;
        self.judge_acknowledged(window, now);
        moved
    }

    /// Takes an Acknowledgement: the low 32 bits of what the destination has read (RTMP 1.0 §5.4.3).
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what is sent")]
    pub(super) fn acknowledged(&mut self, sequence: u32, window: u64, now: UnixMillis) {
        let before = self.acknowledged.map_or(0, |known| known.total);
        // The next total that ends with these bits. One that is far ahead is an older one.
        let more = sequence.wrapping_sub(before as u32);
        let total =
            if more <= u32::MAX / 2 { before.saturating_add(u64::from(more)) } else { before };
        let is_news = total > before || self.acknowledged.is_none();
        let overdue_since = self.acknowledged.and_then(|known| known.overdue_since);
        let overdue_since = if is_news { None } else { overdue_since };
        let step =
            self.acknowledged.map_or(0, |known| known.step).max(total.saturating_sub(before));
        self.acknowledged = Some(Acknowledged { total, step, overdue_since });
        self.judge_acknowledged(window, now);
    }

    /// An Acknowledgement is due with every window (§5.4.4). It counts once two are owed: what is on
    /// its way, and servers that round.
    fn judge_acknowledged(&mut self, window: u64, now: UnixMillis) {
        let handed = self.last.handed;
        if let Some(known) = &mut self.acknowledged {
            let owed = handed.saturating_sub(known.total);
            let is_due = window > 0 && owed >= window.max(known.step).saturating_mul(2);
            known.overdue_since = if is_due { known.overdue_since.or(Some(now)) } else { None };
        }
    }

    /// How it is doing, if `limit` may pass without movement.
    pub(super) fn flow(&self, limit: Millis, now: UnixMillis) -> Flow {
        if let Some(since) = self.overdue_since()
            && now.since(since) >= limit
        {
            return Flow::Stuck;
        }
        match self.owed_since {
            Some(since) if now.since(since) >= limit => Flow::Stuck,
            _ if now.since(self.moved_at) >= limit => Flow::Silent,
            _ => Flow::Moving,
        }
    }

    /// When the answer of [`Self::flow`] changes if nothing moves: a time that may be past.
    pub(super) fn changes_at(&self, limit: Millis) -> UnixMillis {
        let stuck = [self.owed_since, self.overdue_since()].into_iter().flatten().min();
        stuck.map_or(self.moved_at, |since| since.min(self.moved_at)).plus(limit)
    }

    /// When it turns [`Flow::Stuck`] if nothing moves.
    pub(super) fn stuck_at(&self, limit: Millis) -> Option<UnixMillis> {
        let since = [self.owed_since, self.overdue_since()].into_iter().flatten().min();
        since.map(|since| since.plus(limit))
    }

    fn overdue_since(&self) -> Option<UnixMillis> {
        self.acknowledged.and_then(|known| known.overdue_since)
    }

    /// After how many bytes it acknowledges, if it has on this connection.
    pub(super) fn acknowledges(&self) -> Option<u64> {
        self.acknowledged.filter(|known| known.total > 0).map(|known| known.step)
    }

    pub(super) const fn has_moved(&self) -> bool {
        self.has_moved
    }

    pub(super) const fn moved_at(&self) -> UnixMillis {
        self.moved_at
    }

    pub(super) const fn last(&self) -> Progress {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, Progress, Watch};
    use crate::time::{Millis, UnixMillis};

    const LIMIT: Millis = Millis(8_000);
    const WINDOW: u64 = 1_000;

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(1_000_000 + ms)
    }

    fn of(handed: u64, unacked: u64) -> Progress {
        Progress { handed, media_end: handed, unacked, unsent: 0, queued: 0 }
    }

    #[test]
    fn what_is_acknowledged_moves_and_what_is_only_taken_does_not() {
        let mut watch = Watch::new(None, at(0));
        assert!(!watch.progress(of(400, 400), WINDOW, at(1_000)));
        assert!(!watch.has_moved());
        assert!(watch.progress(of(1_200, 400), WINDOW, at(2_000)));
        assert!(watch.has_moved());
        assert_eq!(watch.flow(LIMIT, at(9_999)), Flow::Moving);
        // 400 bytes owed since 2,000.
        assert_eq!(watch.flow(LIMIT, at(10_000)), Flow::Stuck);
        assert_eq!(watch.stuck_at(LIMIT), Some(at(10_000)));
    }

    #[test]
    fn nothing_to_send_is_silence() {
        let mut watch = Watch::new(None, at(0));
        assert!(watch.progress(of(100, 0), WINDOW, at(500)));
        assert_eq!(watch.flow(LIMIT, at(8_499)), Flow::Moving);
        assert_eq!(watch.flow(LIMIT, at(8_500)), Flow::Silent);
        assert_eq!(watch.stuck_at(LIMIT), None);
        assert_eq!(watch.changes_at(LIMIT), at(8_500));
    }

    #[test]
    fn what_is_owed_after_a_silence_has_its_own_time() {
        let mut watch = Watch::new(None, at(0));
        watch.progress(of(100, 0), WINDOW, at(0));
        watch.progress(of(200, 100), WINDOW, at(7_000));
        assert_eq!(watch.flow(LIMIT, at(8_000)), Flow::Silent);
        assert_eq!(watch.flow(LIMIT, at(15_000)), Flow::Stuck);
    }

    #[test]
    fn answers_to_pings_are_no_stream() {
        let mut watch = Watch::new(None, at(0));
        watch.progress(of(100, 0), WINDOW, at(0));
        for second in 1..9 {
            let pong = Progress { media_end: 100, ..of(100 + second * 18, 0) };
            assert!(!watch.progress(pong, WINDOW, at(second * 1_000)));
        }
        assert_eq!(watch.flow(LIMIT, at(8_000)), Flow::Silent);
    }

    #[test]
    fn bytes_in_the_queue_are_owed_too() {
        let mut watch = Watch::new(None, at(0));
        let queued = Progress { queued: 1, ..of(0, 0) };
        watch.progress(queued, WINDOW, at(100));
        assert_eq!(watch.flow(LIMIT, at(8_100)), Flow::Stuck);
    }

    #[test]
    fn a_report_that_comes_late_changes_nothing() {
        let mut watch = Watch::new(None, at(0));
        watch.progress(of(1_000, 0), WINDOW, at(100));
        assert!(!watch.progress(of(900, 900), WINDOW, at(200)));
        assert_eq!(watch.last(), of(1_000, 0));
    }

    #[test]
    fn an_acknowledgement_that_stays_away_is_noticed_behind_a_kernel_that_takes_all() {
        let mut watch = Watch::new(None, at(0));
        for second in 1..=20 {
            watch.progress(of(second * 500, 0), WINDOW, at(second * 1_000));
            if second == 2 {
                watch.acknowledged(1_000, WINDOW, at(2_000));
            }
        }
        // Two windows are owed from 3,000 bytes on, at 6,000.
        assert_eq!(watch.flow(LIMIT, at(13_999)), Flow::Moving);
        assert_eq!(watch.flow(LIMIT, at(14_000)), Flow::Stuck);
        watch.acknowledged(9_000, WINDOW, at(20_500));
        assert_eq!(watch.flow(LIMIT, at(20_500)), Flow::Moving);
    }

    #[test]
    fn a_destination_with_a_wider_window_of_its_own_is_waited_for() {
        let mut watch = Watch::new(None, at(0));
        // It acknowledges every 5,000 bytes, whatever it is asked for: after 10 s.
        for second in 1..=60 {
            watch.progress(of(second * 500, 0), WINDOW, at(second * 1_000));
            if second % 10 == 0 {
                watch.acknowledged(
                    u32::try_from(second * 500).unwrap(),
                    WINDOW,
                    at(second * 1_000),
                );
            }
            assert_eq!(watch.flow(LIMIT, at(second * 1_000)), Flow::Moving, "{second}");
        }
        assert_eq!(watch.acknowledges(), Some(5_000));
        // On its next connection too.
        let mut again = Watch::new(watch.acknowledges(), at(0));
        for second in 1..=17 {
            again.progress(of(second * 500, 0), WINDOW, at(second * 1_000));
        }
        assert_eq!(again.flow(LIMIT, at(17_000)), Flow::Moving);
    }

    #[test]
    fn a_destination_that_never_acknowledges_is_not_asked_to() {
        let mut watch = Watch::new(None, at(0));
        for second in 1..=60 {
            watch.progress(of(second * 5_000, 0), WINDOW, at(second * 1_000));
        }
        assert_eq!(watch.flow(LIMIT, at(60_000)), Flow::Moving);
    }

    #[test]
    fn one_that_is_known_to_acknowledge_is_asked_to_from_the_beginning() {
        let mut watch = Watch::new(Some(WINDOW), at(0));
        watch.progress(of(2_000, 0), WINDOW, at(1_000));
        watch.progress(of(9_000, 0), WINDOW, at(8_000));
        assert_eq!(watch.flow(LIMIT, at(9_000)), Flow::Stuck);
        assert_eq!(watch.acknowledges(), None);
    }

    #[test]
    fn acknowledgements_count_on_past_32_bits_and_never_back() {
        let mut watch = Watch::new(None, at(0));
        let near = u64::from(u32::MAX) - 10;
        watch.progress(of(near, 0), WINDOW, at(0));
        watch.acknowledged((1 << 31) - 1, WINDOW, at(0));
        watch.acknowledged(u32::MAX - 10, WINDOW, at(0));
        // 2^32 + 89 in 32 bits.
        watch.progress(of(near + 100, 0), WINDOW, at(1));
        watch.acknowledged(89, WINDOW, at(1));
        assert_eq!(watch.acknowledged.map(|known| known.total), Some(near + 100));
        watch.acknowledged(u32::MAX - 10, WINDOW, at(2));
        assert_eq!(watch.acknowledged.map(|known| known.total), Some(near + 100));
        assert_eq!(watch.flow(LIMIT, at(2)), Flow::Moving);
    }
}
