//! What a lane says to its shell, and what the shell keeps for it.

use alloc::vec::Vec;
use core::fmt;

use crate::error::{Code, Coded, Fault};
use crate::id::Seq;
use crate::time::UnixMillis;

/// One event of one subscription that is not simply delivered or still ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The event's place in the log; with the subscription, the row's key.
    pub seq: Seq,
    /// What is to become of it.
    pub state: RowState,
    /// Attempts that were made and have ended: since the event was first sent, or, for a replay,
    /// since the replay was asked for.
    pub attempt: u32,
    /// When the next attempt is due. Means nothing for parked and expired rows.
    pub next_at: UnixMillis,
    /// When the first of these attempts failed.
    pub first_failed_at: Option<UnixMillis>,
    /// How the last one ended ([`Outcome::code`](crate::delivery::outcome::Outcome::code)).
    pub code: Option<Code>,
}

/// What is to become of an event that has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowState {
    /// It will be sent again (`retrying`).
    Retrying,
    /// A replay was asked for, and waits or goes on (`replay`).
    Replay,
    /// Given up; kept, visible, and sent again only if a replay is asked for (`parked`).
    Parked,
    /// Its retention ended before it was delivered (`expired`).
    Expired,
}

/// A lane as it was persisted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Everything up to here is delivered, or has a row, or was not for this subscription. A new
    /// subscription starts at the log's end, or at 0 to get what is already there.
    pub cursor: Seq,
    /// The newest event that retention has taken from the log; 0 if it has taken none.
    pub removed_up_to: Seq,
    /// The newest event in the log.
    pub log_end: Seq,
    /// The rows of this subscription that are [`RowState::Retrying`] or [`RowState::Replay`].
    /// Others may be there and are left alone.
    pub rows: Vec<Row>,
}

/// What is to be persisted, in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Changes {
    /// The cursor, if it moved.
    pub cursor: Option<Seq>,
    /// Rows to insert or replace, ascending.
    pub upserts: Vec<Row>,
    /// Rows to delete, ascending; some may never have been written.
    pub deletes: Vec<Seq>,
    /// What retention took, if it took anything.
    pub expired: Option<Expired>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.cursor.is_none()
            && self.upserts.is_empty()
            && self.deletes.is_empty()
            && self.expired.is_none()
    }
}

/// What retention took from a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expired {
    /// Parked rows up to here are to become [`RowState::Expired`]: the lane does not hold them, so
    /// it cannot list them. (Those it holds are among the upserts.)
    pub up_to: Seq,
    /// The lane had read up to here. What lies beyond, up to `up_to`, it never saw: whether it
    /// would have matched the subscription, only the shell can still tell.
    pub read_up_to: Seq,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Step {
    /// Persist [`Lane::changes`](super::Lane::changes), then poll again. Comes until it is done.
    Persist,
    /// Read the log after `after`, at most `limit` events, filter them, and hand the result to
    /// [`Lane::feed`](super::Lane::feed). Comes until it is done.
    Read {
        /// The last event that was read.
        after: Seq,
        /// How many to read at most.
        limit: u32,
    },
    /// Send this event now, and report to [`Lane::completed`](super::Lane::completed).
    Send {
        /// Which event.
        seq: Seq,
        /// Which attempt this is, from 1.
        attempt: u32,
        /// What it is sent for.
        why: Why,
    },
    /// Disable the endpoint: it answered 410. Comes once; the lane is held from then on.
    DisableEndpoint,
    /// There is nothing to do before `until`, or, without one, before the next input.
    Sleep {
        /// When to poll again, if nothing else happens.
        until: Option<UnixMillis>,
    },
}

/// What a send is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The first attempt.
    First,
    /// A later one.
    Retry,
    /// A replay, or an attempt after one that failed.
    Replay,
}

/// What became of an event after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// It is delivered.
    Delivered,
    /// It is tried again then, at the earliest.
    RetryAt(UnixMillis),
    /// It is given up, and kept.
    Parked,
    /// It waits until its endpoint is enabled again.
    Held,
    /// It failed, and retention has already taken it.
    Expired,
    /// The lane has no such send under way: a report that came twice, or from before a restart.
    Unknown,
}

/// Why a lane sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// The endpoint's breaker is open, or its rate is used up, until then.
    Until(UnixMillis),
    /// The endpoint is disabled.
    Disabled,
}

/// Why an event is not replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is still ahead of the cursor, or just being sent: it is on its way as it is.
    OnItsWay {
        /// Which one.
        seq: Seq,
    },
    /// Retention has taken it.
    Expired {
        /// Which one.
        seq: Seq,
    },
    /// As many events wait in this lane as it holds; come back when some are delivered.
    Full {
        /// How many that is.
        limit: usize,
    },
}

impl Row {
    /// A row as it is read back from storage.
    pub const fn new(seq: Seq, state: RowState) -> Self {
        Self { seq, state, attempt: 0, next_at: UnixMillis(0), first_failed_at: None, code: None }
    }
}

impl RowState {
    const ALL: [Self; 4] = [Self::Retrying, Self::Replay, Self::Parked, Self::Expired];

    /// The state as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::Replay => "replay",
            Self::Parked => "parked",
            Self::Expired => "expired",
        }
    }

    /// The state that is written so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the lane will send it by itself.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Retrying | Self::Replay)
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnItsWay { seq } => write!(f, "event {} is on its way as it is", seq.0),
            Self::Expired { seq } => write!(f, "event {} is no longer kept", seq.0),
            Self::Full { limit } => write!(f, "{limit} events wait already"),
        }
    }
}

impl core::error::Error for ReplayError {}

impl Coded for ReplayError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::OnItsWay { .. } => "delivery.replay_on_its_way",
            Self::Expired { .. } => "delivery.replay_expired",
            Self::Full { .. } => "delivery.replay_full",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::OnItsWay { .. } | Self::Expired { .. } => Fault::Caller,
            Self::Full { .. } => Fault::Limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RowState;

    #[test]
    fn a_state_reads_back_as_it_is_written() {
        for state in RowState::ALL {
            assert_eq!(RowState::from_name(state.as_str()), Some(state));
        }
        assert_eq!(RowState::from_name("Parked"), None);
    }
}
