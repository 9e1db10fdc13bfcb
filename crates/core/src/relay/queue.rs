//! What waits for one destination: a bounded queue that skips to a key frame rather than grow.
//!
//! One destination that reads slowly must cost nobody else, neither time nor memory. Its queue has a
//! bound in bytes and one in time; beyond either, everything up to the next key frame goes. What a
//! decoder needs before it (metadata and sequence headers) is kept and sent first. Messages are
//! shared between destinations: here they are only held.

use alloc::collections::VecDeque;

pub use super::class::Class;
use super::settings::settings;
use crate::time::{Millis, UnixMillis};

/// A message that is shared: to clone it is cheap.
pub trait Payload: Clone {
    /// Its size in bytes.
    fn size(&self) -> usize;
}

settings! {
    /// The bounds of a queue.
    pub struct QueueSettings {
        /// The most bytes.
        queue_bytes = 8_388_608 in 65_536..=268_435_456,
        /// The longest that a message may wait.
        queue_ms = 5_000 in 500..=60_000,
    }
}

/// What is counted for each message beside its bytes, so that many small ones have their bound too.
pub const OVERHEAD: usize = 64;

/// A message to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Next<P> {
    /// The message.
    pub payload: P,
    /// What it is.
    pub class: Class,
    /// Its timestamp.
    pub timestamp: u32,
    /// Whether it is sent at another time than its own: it has to be written with this timestamp,
    /// or the destination's time goes back.
    pub is_repeated: bool,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// How often the queue skipped.
    pub skips: u64,
    /// Messages of video.
    pub video: u64,
    /// Messages of sound.
    pub audio: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Dropped {
    /// What both say together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            skips: self.skips.saturating_add(other.skips),
            video: self.video.saturating_add(other.video),
            audio: self.audio.saturating_add(other.audio),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

#[derive(Clone, Debug)]
struct Waiting<P> {
    payload: P,
    class: Class,
    timestamp: u32,
    since: UnixMillis,
}

/// The newest header of a kind.
#[derive(Clone, Debug)]
struct Header<P> {
    payload: P,
    /// Whether the present connection has it.
    is_sent: bool,
}

/// A destination's queue. See the [module](self).
#[derive(Clone, Debug)]
pub struct Queue<P> {
    settings: QueueSettings,
    waiting: VecDeque<Waiting<P>>,
    /// Bytes that wait, [`OVERHEAD`] included.
    size: usize,
    /// Of what has left the queue or was skipped: what comes later is in the queue.
    headers: [Option<Header<P>>; Class::HEADERS],
    /// The timestamp of the message that was pushed last.
    timestamp: u32,
    is_open: bool,
    /// Pictures are passed over until one needs no other.
    awaits_key_frame: bool,
    dropped: Dropped,
}

impl<P: Payload> Queue<P> {
    /// An empty queue without a connection.
    pub const fn new(settings: QueueSettings) -> Self {
        Self {
            settings,
            waiting: VecDeque::new(),
            size: 0,
            headers: [const { None }; Class::HEADERS],
            timestamp: 0,
            is_open: false,
            awaits_key_frame: true,
            dropped: Dropped { skips: 0, video: 0, audio: 0, bytes: 0 },
        }
    }

    /// There is a connection: it gets the headers first, then what follows from a key frame on.
    pub fn open(&mut self) {
        self.close();
        self.is_open = true;
    }

    /// There is no connection: nothing but headers is kept. What waited was not dropped for being
    /// slow, and is not counted.
    pub fn close(&mut self) {
        while let Some(waiting) = self.take() {
            self.keep_header(&waiting, false);
        }
        for header in self.headers.iter_mut().flatten() {
            header.is_sent = false;
        }
        self.is_open = false;
        self.awaits_key_frame = true;
    }

    /// Puts a message at the end; what has no place, goes.
    pub fn push(&mut self, class: Class, timestamp: u32, payload: P, now: UnixMillis) {
        self.timestamp = timestamp;
        let waiting = Waiting { payload, class, timestamp, since: now };
        if !self.is_open {
            self.keep_header(&waiting, false);
            return;
        }
        self.awaits_key_frame &= class != Class::KeyFrame;
        if class == Class::Video && self.awaits_key_frame {
            self.count(&waiting);
        } else {
            self.size = self.size.saturating_add(cost(&waiting.payload));
            self.waiting.push_back(waiting);
        }
        if self.is_full(now) {
            self.dropped.skips = self.dropped.skips.saturating_add(1);
            while self.is_full(now) && self.skip() {}
        }
    }

    /// Drops what waits up to the next key frame, or all of it. For a gap in the source.
    pub fn skip_to_key_frame(&mut self) {
        self.awaits_key_frame = true;
        self.skip();
    }

    /// The next message to write.
    pub fn pop(&mut self) -> Option<Next<P>> {
        if let Some(kept) = self.next_header() {
            return Some(kept);
        }
        let waiting = self.take()?;
        self.keep_header(&waiting, true);
        let Waiting { payload, class, timestamp, .. } = waiting;
        Some(Next { payload, class, timestamp, is_repeated: false })
    }

    /// Whether the next message may go out past it: there is a connection, nothing waits, and pictures
    /// follow the one before. Then [`Self::passed`] says that one did.
    pub fn is_flowing(&self) -> bool {
        self.is_open && self.is_empty() && !self.awaits_key_frame
    }

    /// Media went out past it, up to this timestamp.
    pub const fn passed(&mut self, timestamp: u32) {
        self.timestamp = timestamp;
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !(self.is_open && self.owes_header())
    }

    /// How many bytes wait, headers that are to be repeated left out.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// How long the first message has waited.
    pub fn age(&self, now: UnixMillis) -> Millis {
        self.waiting.front().map_or(Millis(0), |first| now.since(first.since))
    }

    /// What was left out since the beginning.
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    fn is_full(&self, now: UnixMillis) -> bool {
        let size = u64::try_from(self.size).unwrap_or(u64::MAX);
        size > self.settings.queue_bytes() || self.age(now).0 > self.settings.queue_ms()
    }

    /// Drops the first message and what follows up to a key frame; whether anything was dropped. In
    /// sound alone every message is as good as a key frame.
    fn skip(&mut self) -> bool {
        let mut has_dropped = false;
        let mut has_video = false;
        while let Some(first) = self.waiting.front() {
            let is_key_frame = first.class == Class::KeyFrame;
            if has_dropped && (is_key_frame || (!has_video && first.class == Class::Audio)) {
                return true;
            }
            has_video |= is_key_frame || first.class == Class::Video;
            let Some(first) = self.take() else { break };
            has_dropped = true;
            self.keep_header(&first, false);
            if !first.class.is_header() {
                self.count(&first);
            }
        }
        // Nothing that waited can be decoded without what was dropped, and what comes neither.
        self.awaits_key_frame |= has_video;
        has_dropped
    }

    fn take(&mut self) -> Option<Waiting<P>> {
        let first = self.waiting.pop_front()?;
        self.size = self.size.saturating_sub(cost(&first.payload));
        Some(first)
    }

    fn keep_header(&mut self, waiting: &Waiting<P>, is_sent: bool) {
        let index = waiting.class.header();
        if let Some(kept) = index.and_then(|index| self.headers.get_mut(index)) {
            *kept = Some(Header { payload: waiting.payload.clone(), is_sent });
        }
    }

    fn owes_header(&self) -> bool {
        self.headers.iter().flatten().any(|header| !header.is_sent)
    }

    fn next_header(&mut self) -> Option<Next<P>> {
        if !self.is_open {
            return None;
        }
        let timestamp = self.waiting.front().map_or(self.timestamp, |first| first.timestamp);
        let classes = [Class::Metadata, Class::VideoHeader, Class::AudioHeader];
        let mut kept = self.headers.iter_mut().zip(classes);
        let (header, class) = kept.find_map(|(header, class)| {
            let header = header.as_mut().filter(|header| !header.is_sent)?;
            Some((header, class))
        })?;
        header.is_sent = true;
        Some(Next { payload: header.payload.clone(), class, timestamp, is_repeated: true })
    }

    fn count(&mut self, waiting: &Waiting<P>) {
        let kind = match waiting.class {
            Class::Audio => &mut self.dropped.audio,
            _ => &mut self.dropped.video,
        };
        *kind = kind.saturating_add(1);
        let size = u64::try_from(waiting.payload.size()).unwrap_or(u64::MAX);
        self.dropped.bytes = self.dropped.bytes.saturating_add(size);
    }
}

fn cost<P: Payload>(payload: &P) -> usize {
    payload.size().saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use super::{Class, Dropped, Next, OVERHEAD, Payload, Queue, QueueSettings};
    use crate::time::{Millis, UnixMillis};
    use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use std::vec::Vec;

    /// A message: its number and its size.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Message(u32, usize);

    impl Payload for Message {
        fn size(&self) -> usize {
            self.1
        }
    }

    fn settings(bytes: u64, ms: u64) -> QueueSettings {
        let mut settings = QueueSettings::default();
        settings.set("queue_bytes", bytes).unwrap();
        settings.set("queue_ms", ms).unwrap();
        settings
    }

    /// An open queue that has got headers 1 (metadata), 2 (video) and 3 (sound).
    fn open() -> Queue<Message> {
        let mut queue = Queue::new(settings(65_536, 5_000));
        let headers = [Class::Metadata, Class::VideoHeader, Class::AudioHeader];
        for (number, class) in (1..).zip(headers) {
            queue.push(class, 0, Message(number, 100), UnixMillis(0));
        }
        queue.open();
        queue
    }

    fn drain(queue: &mut Queue<Message>) -> Vec<(u32, u32, bool)> {
        core::iter::from_fn(|| queue.pop())
            .map(|Next { payload, timestamp, is_repeated, .. }| (payload.0, timestamp, is_repeated))
            .collect()
    }

    fn push(queue: &mut Queue<Message>, class: Class, number: u32, size: usize) {
        queue.push(class, number, Message(number, size), UnixMillis(u64::from(number)));
    }

    #[test]
    fn a_connection_gets_headers_then_sound_and_pictures_from_a_key_frame_on() {
        let mut queue = open();
        push(&mut queue, Class::Video, 10, 5);
        push(&mut queue, Class::Audio, 11, 5);
        push(&mut queue, Class::KeyFrame, 12, 5);
        push(&mut queue, Class::Video, 13, 5);
        let all = [(1, 11, true), (2, 11, true), (3, 11, true), (11, 11, false), (12, 12, false)];
        assert_eq!(drain(&mut queue), [&all[..], &[(13, 13, false)]].concat());
        assert!(queue.is_empty());
        assert_eq!(queue.dropped(), Dropped { skips: 0, video: 1, audio: 0, bytes: 5 });
    }

    #[test]
    fn skips_to_the_next_key_frame_that_fits() {
        let mut queue = open();
        assert_eq!(drain(&mut queue).len(), 3);
        let size = 20_000 - OVERHEAD;
        push(&mut queue, Class::KeyFrame, 10, size);
        push(&mut queue, Class::Audio, 11, 10);
        push(&mut queue, Class::Video, 12, size);
        push(&mut queue, Class::KeyFrame, 13, size);
        // 60,074 bytes wait; 20,000 more are too many. 40,074 go.
        push(&mut queue, Class::Video, 14, size);
        assert_eq!(queue.size(), 40_000);
        assert_eq!(drain(&mut queue), [(13, 13, false), (14, 14, false)]);
        let bytes = 2 * (20_000 - 64) + 10;
        assert_eq!(queue.dropped(), Dropped { skips: 1, video: 2, audio: 1, bytes });
    }

    #[test]
    fn without_a_key_frame_that_waits_pictures_wait_for_one_and_sound_goes_on() {
        let mut queue = open();
        assert_eq!(drain(&mut queue).len(), 3);
        push(&mut queue, Class::KeyFrame, 10, 60_000);
        push(&mut queue, Class::Video, 11, 60_000);
        assert_eq!(queue.size(), 0);
        push(&mut queue, Class::Video, 12, 5);
        push(&mut queue, Class::Audio, 13, 5);
        push(&mut queue, Class::KeyFrame, 14, 5);
        assert_eq!(drain(&mut queue), [(13, 13, false), (14, 14, false)]);
        assert_eq!(queue.dropped().video, 3);
    }

    #[test]
    fn a_header_that_was_skipped_is_sent_before_what_needs_it() {
        let mut queue = open();
        assert_eq!(drain(&mut queue).len(), 3);
        push(&mut queue, Class::KeyFrame, 10, 40_000);
        push(&mut queue, Class::VideoHeader, 11, 50);
        push(&mut queue, Class::KeyFrame, 12, 10_000);
        push(&mut queue, Class::VideoHeader, 13, 50);
        push(&mut queue, Class::KeyFrame, 14, 20_000);
        // The one of 13 stands where it was.
        let sent = [(11, 12, true), (12, 12, false), (13, 13, false), (14, 14, false)];
        assert_eq!(drain(&mut queue), sent);
    }

    #[test]
    fn sound_alone_loses_its_oldest_and_waits_for_nothing() {
        let mut queue = Queue::new(settings(65_536, 5_000));
        queue.open();
        for number in 0..7 {
            push(&mut queue, Class::Audio, number, 10_000 - OVERHEAD);
        }
        assert_eq!(queue.size(), 60_000);
        assert_eq!(drain(&mut queue)[0].0, 1);
        assert_eq!(queue.dropped().audio, 1);
    }

    #[test]
    fn nothing_waits_longer_than_it_may() {
        let mut queue = open();
        assert_eq!(drain(&mut queue).len(), 3);
        push(&mut queue, Class::KeyFrame, 1_000, 5);
        push(&mut queue, Class::KeyFrame, 3_000, 5);
        push(&mut queue, Class::Audio, 6_000, 5);
        assert_eq!(queue.age(UnixMillis(6_000)), Millis(5_000));
        push(&mut queue, Class::Audio, 6_001, 5);
        assert_eq!(queue.age(UnixMillis(6_001)), Millis(3_001));
        assert_eq!(queue.dropped().skips, 1);
    }

    #[test]
    fn a_new_connection_gets_everything_anew_and_a_closed_queue_keeps_headers_alone() {
        let mut queue = open();
        push(&mut queue, Class::KeyFrame, 10, 5);
        assert_eq!(drain(&mut queue).len(), 4);
        push(&mut queue, Class::VideoHeader, 11, 5);
        push(&mut queue, Class::KeyFrame, 12, 5);
        queue.close();
        push(&mut queue, Class::KeyFrame, 13, 5);
        assert!(queue.is_empty());
        assert_eq!(queue.pop(), None);
        queue.open();
        assert!(!queue.is_empty());
        // The picture of 12 was of a connection that is no more.
        assert_eq!(drain(&mut queue), [(1, 13, true), (11, 13, true), (3, 13, true)]);
        assert_eq!(queue.dropped(), Dropped::default());
    }

    #[test]
    fn a_gap_is_skipped() {
        let mut queue = open();
        assert_eq!(drain(&mut queue).len(), 3);
        push(&mut queue, Class::KeyFrame, 10, 5);
        push(&mut queue, Class::Video, 11, 5);
        queue.skip_to_key_frame();
        push(&mut queue, Class::Video, 12, 5);
        push(&mut queue, Class::KeyFrame, 13, 5);
        assert_eq!(drain(&mut queue), [(13, 13, false)]);
    }

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Push(Class, usize),
        Next,
        Reopen,
        Skip,
    }

    fn act() -> impl Strategy<Value = Act> {
        let class = prop_oneof![
            1 => Just(Class::Metadata),
            1 => Just(Class::VideoHeader),
            1 => Just(Class::AudioHeader),
            3 => Just(Class::KeyFrame),
            9 => Just(Class::Video),
            9 => Just(Class::Audio),
        ];
        prop_oneof![
            20 => (class, 0usize..20_000).prop_map(|(class, size)| Act::Push(class, size)),
            12 => Just(Act::Next),
            1 => Just(Act::Reopen),
            1 => Just(Act::Skip),
        ]
    }

    proptest! {
        /// What a decoder sees is decodable: no picture without its key frame and its header, no
        /// message twice or out of order, and no more waits than may.
        #[test]
        fn what_is_sent_can_be_decoded(
            acts in proptest::collection::vec((act(), 0u64..300), 0..300),
        ) {
            let bound = settings(65_536, 2_000);
            let mut queue = Queue::new(bound);
            queue.open();
            let mut now = UnixMillis(0);
            // Per video message: which header and which key frame it needs, and what preceded it.
            let mut needs = Vec::new();
            let (mut header, mut previous) = (None, None);
            let (mut has_header, mut has_previous, mut newest) = (None, None, None);
            for (number, (act, step)) in (0u32..).zip(acts) {
                now = now.plus(Millis(step));
                match act {
                    Act::Push(class, size) => {
                        match class {
                            Class::VideoHeader => header = Some(number),
                            Class::KeyFrame => previous = None,
                            _ => {}
                        }
                        needs.push((number, header, previous));
                        if matches!(class, Class::KeyFrame | Class::Video) {
                            previous = Some(number);
                        }
                        queue.push(class, number, Message(number, size), now);
                        prop_assert!(queue.size() <= 65_536);
                        prop_assert!(queue.age(now) <= Millis(2_000));
                    }
                    Act::Next => {
                        let Some(next) = queue.pop() else { continue };
                        let Message(sent, _) = next.payload;
                        if !next.is_repeated {
                            prop_assert!(newest < Some(sent));
                            newest = Some(sent);
                        }
                        match next.class {
                            Class::VideoHeader => has_header = Some(sent),
                            Class::KeyFrame | Class::Video => {
                                let (_, header, previous) =
                                    *needs.iter().find(|need| need.0 == sent).unwrap();
                                prop_assert_eq!(has_header, header);
                                if next.class == Class::Video {
                                    prop_assert_eq!(has_previous, previous);
                                    prop_assert!(previous.is_some());
                                }
                                has_previous = Some(sent);
                            }
                            _ => {}
                        }
                    }
                    Act::Reopen => {
                        queue.open();
                        (has_header, has_previous) = (None, None);
                    }
                    Act::Skip => queue.skip_to_key_frame(),
                }
            }
        }
    }
}
