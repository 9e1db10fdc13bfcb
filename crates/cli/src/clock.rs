//! The one place where the command reads the clock and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use livegate_core::time::UnixMillis;

use crate::failure::Failure;

/// The time.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// The time of day in UTC, as log lines begin with it.
pub(crate) fn time_of_day(now: UnixMillis) -> String {
    let text = now.to_string();
    text.get(11..23).unwrap_or(&text).to_owned()
}
