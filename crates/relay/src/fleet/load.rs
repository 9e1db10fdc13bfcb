//! How much the machine does, by what its kernel counts (proc(5), `/proc/stat`).

use std::fs;

/// How much of the processors was in use between two questions.
#[derive(Debug, Default)]
pub(super) struct Processors {
    last: Option<Times>,
}

/// What all processors have done since the start, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    busy: u64,
    all: u64,
}

impl Times {
    /// The first line: `cpu user nice system idle iowait irq softirq steal …`.
    fn read(stat: &str) -> Option<Self> {
        let mut fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let mut next = || fields.next()?.parse::<u64>().ok();
        let (user, nice, system) = (next()?, next()?, next()?);
        let (idle, waiting) = (next()?, next()?);
        let rest: u64 = std::iter::from_fn(next).take(3).sum();
        let busy = user + nice + system + rest;
        Some(Self { busy, all: busy + idle + waiting })
    }
}

impl Processors {
    /// In thousandths since the last question; 0 where the kernel does not say.
    pub(super) fn permille(&mut self) -> u64 {
        let now = fs::read_to_string("/proc/stat").ok().and_then(|stat| Times::read(&stat));
        self.since(now)
    }

    fn since(&mut self, now: Option<Times>) -> u64 {
        let last = std::mem::replace(&mut self.last, now).unwrap_or_default();
        let Some(now) = now else { return 0 };
        let busy = now.busy.saturating_sub(last.busy);
        (busy * 1_000).checked_div(now.all.saturating_sub(last.all)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Processors, Times};

    #[test]
    fn it_is_the_share_since_the_last_question() {
        // Busy: user 10, nice 1, system 4, irq 1, softirq 2, steal 2, in all 20; idle 70, waiting 10.
        let first = Times::read("cpu  10 1 4 70 10 1 2 2 9 9\ncpu0 1 2 3\n").unwrap();
        assert_eq!(first, Times { busy: 20, all: 100 });
        let mut processors = Processors::default();
        assert_eq!(processors.since(Some(first)), 200);
        // 30 of 60 more.
        assert_eq!(processors.since(Some(Times { busy: 50, all: 160 })), 500);
        assert_eq!(processors.since(Some(Times { busy: 50, all: 160 })), 0);
        assert_eq!(processors.since(None), 0);
    }

    #[test]
    fn what_is_no_such_line_says_nothing() {
        assert_eq!(Times::read("intr 1 2 3"), None);
        assert_eq!(Times::read("cpu  1 2"), None);
    }
}
