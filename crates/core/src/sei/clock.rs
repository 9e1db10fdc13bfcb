//! The time of a stream, whose timestamps wrap.

/// Timestamps of 32 bits, in milliseconds, as time that goes on behind 2³² (49.7 days).
///
/// Each is taken to be the one of its number that is nearest to the one before: less than 2³¹ ms
/// ahead or behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamClock {
    /// The latest timestamp, and what time it was.
    last: Option<(u32, i64)>,
}

impl StreamClock {
    /// A clock that has seen nothing: the first timestamp stands for itself.
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// The time of a frame with this decoding timestamp, in milliseconds. Frames are given in the
    /// order in which they are sent.
    pub fn time(&mut self, timestamp: u32) -> i64 {
        let time = match self.last {
            None => i64::from(timestamp),
            Some((last, time)) => {
                // As a signed number the difference is the shorter way around.
                let step = timestamp.wrapping_sub(last).cast_signed();
                time.saturating_add(i64::from(step))
            }
        };
        self.last = Some((timestamp, time));
        time
    }
}

#[cfg(test)]
mod tests {
    use super::StreamClock;

    #[test]
    fn goes_on_behind_the_wrap() {
        let mut clock = StreamClock::new();
        // 2^32 = 4,294,967,296.
        for (timestamp, time) in [
            (4_294_967_200, 4_294_967_200),
            (4_294_967_290, 4_294_967_290),
            (34, 4_294_967_330),
            (4_294_967_295, 4_294_967_295),
            (5, 4_294_967_301),
            (2_147_483_652, 6_442_450_948),
            (3, 8_589_934_595),
        ] {
            assert_eq!(clock.time(timestamp), time, "{timestamp}");
        }
    }

    #[test]
    fn goes_back_with_the_stream() {
        let mut clock = StreamClock::new();
        assert_eq!(clock.time(5_000), 5_000);
        assert_eq!(clock.time(0), 0);
        assert_eq!(clock.time(4_294_967_295), -1);
    }
}
