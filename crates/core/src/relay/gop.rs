//! What was sent since the last key frame: whoever comes in between begins with it, so that nothing
//! is lost at the start of a push and nobody waits for the next key frame. Of sound alone it is the
//! last second.

use alloc::collections::VecDeque;

use super::class::Class;
use super::queue::{OVERHEAD, Payload};
use super::settings::settings;

/// How much is kept of sound without pictures.
const SOUND_MS: u32 = 1_000;

settings! {
    /// The bounds of what is kept.
    pub struct GopSettings {
        /// The most bytes of a stream that are kept, 64 for each message included; 0 for none. A group
        /// of pictures that is longer is not kept at all: its beginning alone would be of no use.
        gop_bytes = 4_194_304 in 0..=67_108_864,
    }
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept<P> {
    /// What it is.
    pub class: Class,
    /// Its timestamp.
    pub timestamp: u32,
    /// It.
    pub payload: P,
}

/// The messages from the last key frame on, headers left out: they are kept by whoever sends them.
#[derive(Clone, Debug)]
pub struct Gop<P> {
    settings: GopSettings,
    kept: VecDeque<Kept<P>>,
    size: u64,
    /// Whether there were any.
    has_pictures: bool,
}

impl<P: Payload> Gop<P> {
    /// Nothing yet.
    pub const fn new(settings: GopSettings) -> Self {
        Self { settings, kept: VecDeque::new(), size: 0, has_pictures: false }
    }

    /// Takes the stream's next message.
    pub fn push(&mut self, class: Class, timestamp: u32, payload: P) {
        match class {
            // What follows a new header cannot be decoded with what was before it.
            Class::VideoHeader => {
                self.drop_all();
                self.has_pictures = true;
                return;
            }
            Class::KeyFrame => self.drop_all(),
            Class::Metadata | Class::AudioHeader => return,
            Class::Video | Class::Audio => {}
        }
        self.has_pictures |= class != Class::Audio;
        if self.has_pictures && self.kept.is_empty() && class != Class::KeyFrame {
            return;
        }
        self.size = self.size.saturating_add(cost(&payload));
        self.kept.push_back(Kept { class, timestamp, payload });
        if self.has_pictures {
            if self.size > self.settings.gop_bytes() {
                self.drop_all();
            }
        } else {
            self.shorten(timestamp);
        }
    }

    /// Keeps the newest sound.
    fn shorten(&mut self, newest: u32) {
        while let Some(first) = self.kept.front()
            && (self.size > self.settings.gop_bytes()
                || newest.wrapping_sub(first.timestamp) > SOUND_MS)
        {
            self.size = self.size.saturating_sub(cost(&first.payload));
            self.kept.pop_front();
        }
    }

    fn drop_all(&mut self) {
        self.kept.clear();
        self.size = 0;
    }

    /// Forgets all: the stream has ended.
    pub fn clear(&mut self) {
        self.drop_all();
        self.has_pictures = false;
    }

    /// What is kept, the key frame first if there are pictures; empty where there is none.
    pub fn iter(&self) -> impl Iterator<Item = &Kept<P>> {
        self.kept.iter()
    }
}

fn cost(payload: &impl Payload) -> u64 {
    u64::try_from(payload.size().saturating_add(OVERHEAD)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Class, Gop, GopSettings, Payload};
    use std::vec::Vec;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Bytes(usize);

    impl Payload for Bytes {
        fn size(&self) -> usize {
            self.0
        }
    }

    fn gop(limit: u64) -> Gop<Bytes> {
        let mut settings = GopSettings::default();
        settings.set("gop_bytes", limit).unwrap();
        Gop::new(settings)
    }

    fn times(gop: &Gop<Bytes>) -> Vec<u32> {
        gop.iter().map(|kept| kept.timestamp).collect()
    }

    #[test]
    fn it_begins_with_the_last_key_frame() {
        let mut gop = gop(1_000);
        gop.push(Class::Video, 1, Bytes(1));
        gop.push(Class::Audio, 2, Bytes(1));
        assert!(times(&gop).is_empty());
        gop.push(Class::KeyFrame, 3, Bytes(1));
        gop.push(Class::Metadata, 4, Bytes(1));
        gop.push(Class::AudioHeader, 4, Bytes(1));
        gop.push(Class::Audio, 4, Bytes(1));
        gop.push(Class::Video, 5, Bytes(1));
        assert_eq!(times(&gop), [3, 4, 5]);
        gop.push(Class::KeyFrame, 6, Bytes(1));
        assert_eq!(times(&gop), [6]);
        gop.push(Class::VideoHeader, 7, Bytes(1));
        assert!(times(&gop).is_empty());
    }

    #[test]
    fn a_long_one_is_not_kept_until_the_next_key_frame() {
        let mut gop = gop(138);
        gop.push(Class::KeyFrame, 1, Bytes(6));
        gop.push(Class::Video, 2, Bytes(4));
        assert_eq!(times(&gop), [1, 2]);
        gop.push(Class::Audio, 3, Bytes(1));
        gop.push(Class::Video, 4, Bytes(1));
        assert!(times(&gop).is_empty());
        gop.push(Class::KeyFrame, 5, Bytes(74));
        assert_eq!(times(&gop), [5]);
    }

    #[test]
    fn many_small_ones_have_their_bound_too() {
        let mut gop = gop(4_194_304);
        gop.push(Class::KeyFrame, 0, Bytes(1));
        for time in 1..=64_527 {
            gop.push(Class::Audio, time, Bytes(1));
            assert!(times_count(&gop) <= 64_527);
        }
        // 4 MiB are 64,527 messages of 65 bytes, and 49 bytes.
        assert_eq!(times_count(&gop), 0);
    }

    #[test]
    fn of_sound_alone_it_is_the_last_second() {
        let mut gop = gop(1_000_000);
        gop.push(Class::AudioHeader, 0, Bytes(1));
        let start = u32::MAX - 1_500;
        for count in 0..150 {
            gop.push(Class::Audio, start.wrapping_add(count * 20), Bytes(1));
        }
        let kept = times(&gop);
        assert_eq!(kept.len(), 51);
        assert_eq!((kept.first(), kept.last()), (Some(&479), Some(&1_479)));
        // Where there are pictures it waits for one that needs no other.
        gop.push(Class::VideoHeader, 1_490, Bytes(1));
        gop.push(Class::Audio, 1_500, Bytes(1));
        assert!(times(&gop).is_empty());
        gop.push(Class::KeyFrame, 1_510, Bytes(1));
        gop.push(Class::Audio, 1_520, Bytes(1));
        assert_eq!(times(&gop), [1_510, 1_520]);
    }

    fn times_count(gop: &Gop<Bytes>) -> usize {
        gop.kept.len()
    }

    #[test]
    fn nothing_is_kept_where_nothing_may_be() {
        let mut gop = gop(0);
        gop.push(Class::KeyFrame, 1, Bytes(1));
        assert!(times(&gop).is_empty());
    }
}
