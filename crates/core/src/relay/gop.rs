//! What was sent since the last key frame: whoever comes in between begins with it, so that nothing
//! is lost at the start of a push and nobody waits for the next key frame.

use alloc::vec::Vec;

use super::class::Class;
use super::queue::{OVERHEAD, Payload};
use super::settings::settings;

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
    kept: Vec<Kept<P>>,
    size: u64,
}

impl<P: Payload> Gop<P> {
    /// Nothing yet.
    pub const fn new(settings: GopSettings) -> Self {
        Self { settings, kept: Vec::new(), size: 0 }
    }

    /// Takes the stream's next message.
    pub fn push(&mut self, class: Class, timestamp: u32, payload: P) {
        match class {
            // What follows a new header cannot be decoded with what was before it.
            Class::KeyFrame | Class::VideoHeader => self.clear(),
            Class::Metadata | Class::AudioHeader => return,
            Class::Video | Class::Audio if self.kept.is_empty() => return,
            Class::Video | Class::Audio => {}
        }
        if class == Class::VideoHeader {
            return;
        }
        let bytes = u64::try_from(payload.size().saturating_add(OVERHEAD)).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(bytes);
        if self.size > self.settings.gop_bytes() {
            self.clear();
        } else {
            self.kept.push(Kept { class, timestamp, payload });
        }
    }

    /// Forgets all: the stream has ended.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.size = 0;
    }

    /// What is kept, the key frame first; empty where there is none.
    pub fn iter(&self) -> impl Iterator<Item = &Kept<P>> {
        self.kept.iter()
    }
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
