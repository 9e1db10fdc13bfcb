//! The host's ticks: all that is gathered goes on at the same moments, so that the host wakes once for
//! all of it.
//!
//! They are a timer of the kernel's own, which goes off by itself again and again: the runtime's timers
//! wake more often than they go off, and each has to be set anew.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Notify;
use tokio::task::spawn_local;

/// What everybody waits for who gathers. Cloning it gives another handle.
#[derive(Clone)]
pub(crate) struct Ticker(Rc<Inner>);

struct Inner {
    timer: OwnedFd,
    every: Timespec,
    /// Whether the timer goes off.
    is_on: Cell<bool>,
    /// Whether anybody has waited since the last tick.
    is_wanted: Cell<bool>,
    tick: Notify,
}

impl Ticker {
    /// A tick each `every`, as long as somebody waits for the next. Nothing for no time: then nothing is
    /// gathered.
    ///
    /// # Errors
    /// The system has no timer left.
    pub(crate) fn new(every: Duration) -> io::Result<Option<Self>> {
        if every.is_zero() {
            return Ok(None);
        }
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // The runtime reads any descriptor that can be waited for; the call is named after pipes.
        let goes_off = Receiver::from_owned_fd_unchecked(timer.try_clone()?)?;
        let inner = Rc::new(Inner {
            timer,
            every: Timespec::try_from(every).map_err(io::Error::other)?,
            is_on: Cell::new(false),
            is_wanted: Cell::new(false),
            tick: Notify::new(),
        });
        spawn_local(Rc::clone(&inner).go_on(goes_off));
        Ok(Some(Self(inner)))
    }

    /// Waits for the next tick.
    pub(crate) async fn next(&self) {
        let tick = self.0.tick.notified();
        self.0.is_wanted.set(true);
        if !self.0.is_on.get() {
            self.0.set(self.0.every);
        }
        tick.await;
    }
}

impl Inner {
    async fn go_on(self: Rc<Self>, mut goes_off: Receiver) {
        // How often it went off is told in 8 bytes. Room for more shows the runtime that these are all.
        while goes_off.read(&mut [0; 16]).await.is_ok() {
            if self.is_wanted.replace(false) {
                self.tick.notify_waiters();
            } else {
                self.set(Timespec::default());
            }
        }
    }

    /// Goes off again and again from now on, or not at all.
    fn set(&self, every: Timespec) {
        let new = Itimerspec { it_interval: every, it_value: every };
        // It refuses no time that is one.
        let set = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &new);
        self.is_on.set(set.is_ok() && every != Timespec::default());
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").field("every", &self.0.every).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Ticker;
    use std::time::{Duration, Instant};
    use tokio::runtime::{Builder, LocalOptions};
    use tokio::task::{spawn_local, yield_now};

    const EVERY: Duration = Duration::from_millis(5);

    fn run(test: impl Future<Output = ()>) {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        runtime.unwrap().block_on(test);
    }

    #[test]
    fn all_are_woken_by_the_same_tick_and_it_stops_when_nobody_waits() {
        run(async {
            let ticker = Ticker::new(EVERY).unwrap().unwrap();
            let began = Instant::now();
            let other = ticker.clone();
            let other = spawn_local(async move { other.next().await });
            ticker.next().await;
            assert!(began.elapsed() >= EVERY);
            yield_now().await;
            assert!(other.is_finished() && ticker.0.is_on.get());
            while ticker.0.is_on.get() {
                tokio::time::sleep(EVERY).await;
            }
            ticker.next().await;
            assert!(ticker.0.is_on.get());
        });
    }

    #[test]
    fn without_a_time_there_is_none() {
        run(async { assert!(Ticker::new(Duration::ZERO).unwrap().is_none()) });
    }
}
