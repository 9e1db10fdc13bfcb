//! The host's clock and its dice: the only places that read either.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use livegate_core::time::UnixMillis;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;
use tokio::time::sleep;

/// Unix time at the first question, and what the other clock showed then.
static BEGAN: OnceLock<(u64, u64)> = OnceLock::new();

/// Milliseconds of a clock that counts while the machine sleeps and that nobody sets.
fn counted() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds * 1_000 + nanos / 1_000_000
}

/// Unix time as it was at the start, with what has passed since: it is never set while the host runs.
pub(crate) fn now() -> UnixMillis {
    let (unix, counter) = *BEGAN.get_or_init(|| (wall().0, counted()));
    UnixMillis(unix.saturating_add(counted().saturating_sub(counter)))
}

/// Unix time as the system has it now: for what others compare with their own clocks.
pub(crate) fn wall() -> UnixMillis {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(unix.as_millis()).unwrap_or(u64::MAX))
}

/// Uniform bits. Without a source of them the host cannot make a nonce: it is said and given up.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Uniform 64 bits for pauses, which nobody gains by guessing. They ask the system once for a thread:
/// a hash of nothing, by the standard library's keys, which are others each time.
pub(crate) fn dice() -> u64 {
    RandomState::new().hash_one(())
}

/// Waits until then, or until it is told that the time may be another one; whether the time has come.
pub(crate) async fn until(at: Option<UnixMillis>, turned: &Notify) -> bool {
    let Some(at) = at else {
        turned.notified().await;
        return false;
    };
    let left = Duration::from_millis(at.since(now()).0);
    tokio::select! {
        () = turned.notified() => false,
        () = sleep(left) => true,
    }
}
