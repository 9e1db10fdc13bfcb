//! How many file descriptors the process may have, and what of them is for whom.

use livegate_core::relay::door::DoorSettings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Config;

/// The doors of RTMP and of HTTP, as wide as the process may have file descriptors for: as many as it
/// can have are asked for first.
pub(super) fn doors(config: &Config) -> (DoorSettings, DoorSettings) {
    let wanted = config.settings.door;
    let (rtmp, http) = wanted.within(descriptors());
    let has_rtmp = config.rtmp.is_some() || config.rtmps.is_some();
    for (protocol, is_there, door) in
        [("rtmp", has_rtmp, rtmp), ("http", config.http.is_some(), http)]
    {
        if is_there && door.connections() < wanted.connections() {
            tracing::warn!(
                protocol,
                connections = door.connections(),
                wanted = wanted.connections(),
                "the process may have too few file descriptors (RLIMIT_NOFILE)"
            );
        }
    }
    (rtmp, http)
}

/// Raises what the process may have to what it could have; how many that is.
fn descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current.unwrap_or(u64::MAX);
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(error) => {
            tracing::warn!("the limit of file descriptors stays as it is: {error}");
            limit.current.unwrap_or(u64::MAX)
        }
    }
}
