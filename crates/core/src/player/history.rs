//! Layouts by time: which one counts at a moment of the stream.
//!
//! Messages come in the order of decoding, again after a seek, and for as long as somebody sends
//! them. What is kept is bounded, in number and in bytes; what goes first is what lies farthest behind
//! the player, since it may stand still while more comes, and then what is farthest ahead.
//!
//! Whether a message is a layout at all is asked only when it would count: reading it takes longer than
//! keeping it, and of most nobody ever asks.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// The most layouts that are kept: over two minutes of one on every frame, 30 a second.
pub const MAX_LAYOUTS: usize = 4096;

/// The most layouts of one time that are kept. So no time costs more than that to look through.
pub const MAX_AT_ONCE: usize = 64;

/// The most bytes of messages that are kept.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// How many bytes an entry counts besides its message.
const OVERHEAD: usize = 64;

/// How long the last frame before a jump is shown at least: of 120 a second.
const FRAME: i64 = 8_000;

/// Layouts by time, in microseconds on the stream's own clock.
#[derive(Clone, Debug)]
pub struct History {
    /// By time; of equal ones the later one counts.
    entries: VecDeque<Entry>,
    bytes: usize,
    max_age: i64,
    last_id: u32,
    /// Where the player is: what it asked for last, or else the latest that was put in.
    here: Option<i64>,
    asked: bool,
    /// Where times jumped back, until the player is behind that.
    jump: Option<Jump>,
    /// How many entries were compared with what was put in.
    #[cfg(test)]
    compared: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    time: i64,
    id: u32,
    /// Of the message, once it was compared with another: most never are.
    digest: Option<u32>,
    /// Whether it is known to be a layout.
    is_layout: bool,
    /// Whether it came after a jump that the player is not behind yet.
    is_ahead: bool,
    message: Box<[u8]>,
}

impl Entry {
    /// Whether its message is this one, of which the digest is given.
    fn is(&mut self, message: &[u8], own: u32) -> bool {
        *self.digest.get_or_insert_with(|| digest(&self.message)) == own
            && *self.message == *message
    }
}

/// A stream's times went back.
#[derive(Clone, Copy, Debug)]
struct Jump {
    /// The first time after it.
    to: i64,
    /// The latest time before it.
    from: i64,
}

impl History {
    /// An empty one. A layout counts for `max_age` microseconds.
    pub const fn new(max_age: i64) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            max_age,
            last_id: 0,
            here: None,
            asked: false,
            jump: None,
            #[cfg(test)]
            compared: 0,
        }
    }

    /// Keeps a message that may be a layout's from a time on and gives its number, never 0; the number that it
    /// has, if the same one is there at that time.
    ///
    /// If there are too many now some go, the one put in, even; of too many at one time the earliest.
    pub fn insert(&mut self, time: i64, message: &[u8]) -> u32 {
        let is_ahead = self.jump.is_some();
        let mut at = self.end_of(time);
        let mut first = at;
        let mut own = None;
        while let Some(before) = first.checked_sub(1)
            && let Some(entry) = self.entries.get_mut(before).filter(|entry| entry.time == time)
        {
            #[cfg(test)]
            {
                self.compared += 1;
            }
            if entry.is_ahead == is_ahead
                && entry.is(message, *own.get_or_insert_with(|| digest(message)))
            {
                return entry.id;
            }
            first = before;
        }
        if at.saturating_sub(first) >= MAX_AT_ONCE {
            self.drop_at(first);
            at = at.saturating_sub(1);
        }
        // Beyond all numbers they begin again; none of the first is left by then.
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let id = self.last_id;
        self.bytes = self.bytes.saturating_add(message.len()).saturating_add(OVERHEAD);
        let message = message.into();
        // Once and for all: where no memory is given back, each size before the last is a hole.
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(MAX_LAYOUTS.saturating_add(1));
        }
        self.entries
            .insert(at, Entry { time, id, digest: own, is_layout: false, is_ahead, message });
        if !self.asked {
            self.here = Some(time);
        }
        while self.entries.len() > MAX_LAYOUTS || self.bytes > MAX_BYTES {
            if self.jump.is_some() {
                // A player that stands there for so long goes on behind it, if at all.
                self.land();
                (self.here, self.asked) = (Some(time), false);
            } else {
                self.evict();
            }
        }
        id
    }

    /// Where what is after a time begins.
    fn end_of(&self, time: i64) -> usize {
        self.entries.partition_point(|entry| entry.time <= time)
    }

    /// Drops the first, if another one counts where the player is; else the last.
    fn evict(&mut self) {
        let here = self.here.unwrap_or(0);
        let is_past = self.entries.get(1).is_some_and(|second| second.time <= here);
        self.drop_at(if is_past { 0 } else { self.entries.len().saturating_sub(1) });
    }

    fn drop_at(&mut self, at: usize) {
        if let Some(gone) = self.entries.remove(at) {
            self.bytes = self.bytes.saturating_sub(gone.message.len()).saturating_sub(OVERHEAD);
        }
    }

    /// The number of the layout that counts at a time: the latest that is not after it, unless that
    /// is too old. The player is there now.
    ///
    /// `judge` says of a number and a message whether it is a layout; it is asked once. What is none
    /// is dropped.
    pub fn at(&mut self, time: i64, judge: &mut dyn FnMut(u32, &[u8]) -> bool) -> Option<u32> {
        if let Some(jump) = self.jump {
            let goes_on = self.asked && self.here.is_some_and(|here| here <= time);
            if !goes_on || time.saturating_sub(jump.from) > FRAME {
                self.land();
            }
        }
        (self.here, self.asked) = (Some(time), true);
        let mut at = self.end_of(time);
        loop {
            at = at.checked_sub(1)?;
            let entry = self.entries.get_mut(at)?;
            if time.saturating_sub(entry.time) > self.max_age {
                return None;
            }
            if entry.is_ahead {
                continue;
            }
            entry.is_layout = entry.is_layout || judge(entry.id, &entry.message);
            if entry.is_layout {
                return Some(entry.id);
            }
            self.drop_at(at);
        }
    }

    /// The stream goes on at `to`, which is before the latest time of its frames so far, `from`. What
    /// is put in now counts when the player is behind that or has sought back; what was there from
    /// `to` on counts until then.
    pub fn jump(&mut self, to: i64, from: i64) {
        self.land();
        self.jump = Some(Jump { to, from });
    }

    /// The player is behind the jump: players have put the frames that came after it in the place of
    /// those that were there.
    #[cold]
    #[inline(never)]
    pub fn land(&mut self) {
        let Some(Jump { to, .. }) = self.jump.take() else { return };
        let mut at = 0;
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.is_ahead || entry.time < to {
                entry.is_ahead = false;
                at = at.saturating_add(1);
            } else {
                self.drop_at(at);
            }
        }
    }

    /// Says that a message of a time is no layout.
    pub fn remove(&mut self, time: i64, id: u32) {
        let mut at = self.end_of(time);
        while let Some(before) = at.checked_sub(1)
            && let Some(entry) = self.entries.get(before).filter(|entry| entry.time == time)
        {
            if entry.id == id {
                return self.drop_at(before);
            }
            at = before;
        }
    }

    /// When the message of this content is that is within `reach` of a time; `None` if there are
    /// several, of which it could be any.
    pub fn time_of(&mut self, message: &[u8], time: i64, reach: i64) -> Option<i64> {
        let own = digest(message);
        let last = time.saturating_add(reach);
        let mut at = self.end_of(time.saturating_sub(reach).saturating_sub(1));
        let mut found = None;
        while let Some(entry) = self.entries.get_mut(at).filter(|entry| entry.time <= last) {
            if entry.is(message, own) && found.replace(entry.time).is_some() {
                return None;
            }
            at = at.saturating_add(1);
        }
        found
    }

    /// The time and the message of a layout, if it is still there.
    pub fn get(&self, id: u32) -> Option<(i64, &[u8])> {
        let found = self.entries.iter().rev().find(|entry| entry.id == id)?;
        Some((found.time, &found.message))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all. Numbers go on.
    pub fn clear(&mut self) {
        *self = Self { last_id: self.last_id, ..Self::new(self.max_age) };
    }
}

/// Tells nearly all messages apart, eight bytes at a time; whoever makes equal ones makes us compare a few.
fn digest(message: &[u8]) -> u32 {
    let mix = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    let mut sum = 0;
    let mut rest = message;
    while let Some((word, after)) = rest.split_first_chunk() {
        sum = mix(sum, u64::from_le_bytes(*word));
        rest = after;
    }
    let sum = rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)));
    u32::try_from(sum >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{History, MAX_AT_ONCE, MAX_BYTES, MAX_LAYOUTS, OVERHEAD};
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Asks a history in which everything is a layout.
    fn ask(history: &mut History, time: i64) -> Option<u32> {
        history.at(time, &mut |_, _| true)
    }

    #[test]
    fn what_is_no_layout_is_asked_about_once_and_dropped() {
        let mut history = History::new(100);
        let [a, _, c, d] = [(1, "layout a"), (2, "other"), (3, "layout c"), (4, "other")]
            .map(|(time, text)| history.insert(time, text.as_bytes()));
        let mut asked = Vec::new();
        let mut at = |history: &mut History, time| {
            history.at(time, &mut |id, message| {
                asked.push(id);
                message.starts_with(b"layout")
            })
        };
        assert_eq!([9, 9, 2, 2].map(|time| at(&mut history, time)), [c, c, a, a].map(Some));
        assert_eq!(asked, [d, c, 2, a]);
        assert_eq!(history.len(), 2);
        history.remove(1, c);
        assert_eq!(history.len(), 2, "none of that time has that number");
        history.remove(1, a);
        assert_eq!(history.bytes, OVERHEAD + "layout c".len());
    }

    #[test]
    fn the_latest_one_not_after_the_time_counts_until_it_is_too_old() {
        let mut history = History::new(10);
        assert_eq!(ask(&mut history, 0), None);
        let a = history.insert(100, b"a");
        let b = history.insert(105, b"b");
        let all: Vec<_> = [99, 100, 104, 105, 115, 116].map(|time| ask(&mut history, time)).into();
        assert_eq!(all, [None, Some(a), Some(a), Some(b), Some(b), None]);
        assert_eq!(history.get(a), Some((100, &b"a"[..])));
    }

    #[test]
    fn of_two_at_one_time_the_later_counts_and_the_same_is_kept_once() {
        let mut history = History::new(10);
        let a = history.insert(5, b"a");
        let b = history.insert(5, b"b");
        assert_eq!(ask(&mut history, 5), Some(b));
        // As a seek loads the same part again.
        assert_eq!((history.insert(5, b"a"), history.insert(5, b"b")), (a, b));
        assert_eq!(ask(&mut history, 5), Some(b));
        assert_eq!(history.len(), 2);
    }

    #[test]
    fn what_is_behind_the_player_goes_first_and_then_what_is_farthest_ahead() {
        let mut history = History::new(i64::MAX);
        let at = |index: usize| i64::try_from(index).unwrap();
        // Nobody asked: the oldest goes.
        for index in 0..=MAX_LAYOUTS {
            history.insert(at(index), b"");
        }
        assert_eq!(history.len(), MAX_LAYOUTS);
        assert_eq!(ask(&mut history, 0), None);
        // The player is near the beginning now: what lies far ahead goes, the new one even.
        assert_eq!(ask(&mut history, 1), Some(2));
        let far = history.insert(at(MAX_LAYOUTS) + 1, b"");
        assert_eq!(history.get(far), None);
        assert_eq!(ask(&mut history, 1), Some(2));
        // It goes on a little, and much lies ahead: what is behind goes, but not what counts.
        assert_eq!(ask(&mut history, 3), Some(4));
        let [b, c, d] = [1, 2, 3].map(|more| history.insert(at(MAX_LAYOUTS) + more, b""));
        assert_eq!([b, c, d].map(|id| history.get(id).is_some()), [true, true, false]);
        assert_eq!([2, 3].map(|time| ask(&mut history, time)), [None, Some(4)]);
    }

    /// Every second from 10 s to 15 s, then from 12 s on; the player is at 13 s.
    fn jumped() -> (History, Vec<u32>, Vec<u32>) {
        let mut history = History::new(10);
        let before = (10..=15).map(|time| history.insert(time * 1_000_000, b"before")).collect();
        assert!(history.at(13_000_000, &mut |_, _| true).is_some());
        history.jump(12_000_000, 15_000_000);
        let after = (12..=16).map(|time| history.insert(time * 1_000_000, b"after")).collect();
        (history, before, after)
    }

    #[test]
    fn what_came_before_a_jump_counts_until_the_player_is_behind_it() {
        let (mut history, before, after) = jumped();
        assert_eq!(history.len(), 11);
        let mut at = |seconds: i64| ask(&mut history, seconds * 1_000_000);
        assert_eq!([13, 14, 15].map(&mut at), [3, 4, 5].map(|index| Some(before[index])));
        // Behind it, and back: in between all is of what came after it.
        let all: Vec<_> = [16, 15, 12, 11].map(&mut at).into();
        assert_eq!(all, [after[4], after[3], after[0], before[1]].map(Some));
        assert_eq!(history.len(), 7);
        assert_eq!(history.bytes, 7 * OVERHEAD + 2 * 6 + 5 * 5);
    }

    #[test]
    fn who_seeks_back_is_behind_a_jump() {
        let (mut history, before, after) = jumped();
        let mut at = |seconds: i64| ask(&mut history, seconds * 1_000_000);
        assert_eq!([14, 12, 13].map(&mut at), [before[4], after[0], after[1]].map(Some));
        // So is who had not begun, and of two jumps the first is over.
        let (mut history, _, after) = jumped();
        history.jump(13_000_000, 16_000_000);
        let again = history.insert(13_000_000, b"again");
        let mut at = |seconds: i64| ask(&mut history, seconds * 1_000_000);
        assert_eq!([14, 13].map(&mut at), [after[2], again].map(Some));
        let mut history = History::new(10);
        history.insert(5, b"before");
        history.jump(3, 6);
        let after = history.insert(3, b"after");
        assert_eq!(ask(&mut history, 5), Some(after));
    }

    #[test]
    fn the_same_message_behind_a_jump_is_another_one() {
        let mut history = History::new(10);
        let before = history.insert(7, b"a");
        ask(&mut history, 7);
        history.jump(7, 9);
        let after = history.insert(7, b"a");
        assert_ne!(before, after);
        assert_eq!(history.insert(7, b"a"), after);
        assert_eq!(ask(&mut history, 8), Some(before));
        assert_eq!(ask(&mut history, 7), Some(after));
    }

    #[test]
    fn of_a_player_that_stands_before_a_jump_the_latest_is_kept() {
        let mut history = History::new(i64::MAX);
        let at = |index: usize| i64::try_from(index).unwrap() * 1_000;
        let old: Vec<_> = (0..10).map(|index| history.insert(at(index), b"")).collect();
        ask(&mut history, at(5));
        history.jump(0, at(9));
        let put = |history: &mut History, count| {
            (0..count).map(|index| history.insert(at(index), b"")).last()
        };
        put(&mut history, MAX_LAYOUTS - old.len());
        assert_eq!(ask(&mut history, at(8)), Some(old[8]));
        let last = put(&mut history, 2 * MAX_LAYOUTS);
        assert_eq!(history.len(), MAX_LAYOUTS);
        assert_eq!(ask(&mut history, i64::MAX), last);
    }

    #[test]
    fn however_many_come_at_one_time_each_is_compared_with_few() {
        let mut history = History::new(10);
        for count in [1_000_usize, 10_000] {
            history.compared = 0;
            for index in 0..count {
                history.insert(7, &index.to_be_bytes());
            }
            assert!(history.compared <= count * MAX_AT_ONCE, "{} of {count}", history.compared);
            assert_eq!(history.len(), MAX_AT_ONCE);
            // The last ones are there.
            let last = history.insert(7, &(count - 1).to_be_bytes());
            assert_eq!(ask(&mut history, 7), Some(last));
        }
    }

    #[test]
    fn a_message_is_found_where_there_is_one_alone() {
        let mut history = History::new(10);
        for (time, text) in [(100, "a"), (140, "b"), (180, "a"), (220, "c")] {
            history.insert(time, text.as_bytes());
        }
        let mut find = |text: &str, time, reach| history.time_of(text.as_bytes(), time, reach);
        assert_eq!(
            [find("b", 100, 40), find("b", 180, 40), find("b", 100, 39)],
            [Some(140), Some(140), None]
        );
        assert_eq!(
            [find("a", 140, 40), find("a", 140, 39), find("a", 100, 79)],
            [None, None, Some(100)]
        );
        assert_eq!([find("", 140, 99), find("d", 140, i64::MAX)], [None, None]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut history = History::new(i64::MAX);
        let large = std::vec![b' '; 65_536];
        for time in 0..100 {
            history.insert(time, &large);
        }
        assert_eq!(history.len(), MAX_BYTES / (large.len() + OVERHEAD));
        history.clear();
        assert!(history.is_empty());
        assert_eq!(history.insert(0, b""), 101);
    }

    proptest! {
        /// Against a plain list, of which the greatest time not beyond the one asked for is
        /// searched.
        #[test]
        fn is_as_a_plain_list_says(
            steps in prop::collection::vec((any::<bool>(), 0_i64..40, 0_u8..3), 0..80),
            max_age in 0_i64..50,
        ) {
            let mut history = History::new(max_age);
            let mut plain: Vec<(i64, String, u32)> = Vec::new();
            for (is_put, time, text) in steps {
                if is_put {
                    let text = text.to_string();
                    let id = history.insert(time, text.as_bytes());
                    match plain.iter().find(|(at, own, _)| (*at, own) == (time, &text)) {
                        Some((_, _, known)) => prop_assert_eq!(*known, id),
                        None => plain.push((time, text, id)),
                    }
                } else {
                    let not_after = plain.iter().filter(|(at, ..)| *at <= time);
                    // `max_by_key` gives the last of equal ones.
                    let latest = not_after.max_by_key(|(at, ..)| *at);
                    let expected = latest.filter(|(at, ..)| time - at <= max_age).map(|(.., id)| *id);
                    prop_assert_eq!(ask(&mut history, time), expected);
                }
                prop_assert_eq!(history.len(), plain.len());
            }
        }
    }
}
