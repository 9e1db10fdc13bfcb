//! Destinations that fail in every way, and the two kernels between.

use livegate_core::relay::push::{Cause, Connection, Input, Progress, Step};
use livegate_core::relay::queue::{Payload, Queue};

use crate::random::Random;

/// How a destination behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    Healthy,
    /// Nobody listens.
    Refusing,
    /// Nothing comes back at all.
    BlackHole,
    /// TLS fails.
    TlsBroken,
    /// It takes the connection and says nothing.
    Mute,
    /// It refuses the key.
    AuthRefusing,
    /// It refuses `publish`, but only after 8 s.
    RefusingLate,
    /// It takes the stream, and closes 8 s later.
    ClosingSoon,
    /// It stops reading after a while; its kernel takes a megabyte more.
    Wedging,
    /// Its kernel takes everything, but its program hangs and acknowledges nothing any more.
    Hanging,
    /// The connection breaks now and then.
    Flaky,
    /// It is down for two minutes.
    AwayForAWhile,
}

pub(crate) const NATURES: [Nature; 12] = [
    Nature::Healthy,
    Nature::Refusing,
    Nature::BlackHole,
    Nature::TlsBroken,
    Nature::Mute,
    Nature::AuthRefusing,
    Nature::RefusingLate,
    Nature::ClosingSoon,
    Nature::Wedging,
    Nature::Hanging,
    Nature::Flaky,
    Nature::AwayForAWhile,
];

/// A message: its size.
#[derive(Clone)]
pub(crate) struct Frame(pub(crate) usize);

impl Payload for Frame {
    fn size(&self) -> usize {
        self.0
    }
}

/// What the sender's kernel holds, capped, and the receiver's.
const SEND_BUFFER: u64 = 262_144;
const RECEIVE_BUFFER: u64 = 1_048_576;
/// After how many bytes a destination acknowledges.
const WINDOW: u64 = 500_000;

/// One connection.
pub(crate) struct Link {
    pub(crate) connection: Connection,
    nature: Nature,
    /// What is to come, by when.
    script: Vec<(u64, Input)>,
    pub(crate) is_open: bool,
    handed: u64,
    media_end: u64,
    /// What the receiver's kernel has, and its program.
    arrived: u64,
    read: u64,
    acknowledged: u64,
    stops_reading_at: u64,
    overdue_since: Option<u64>,
    /// When some of the stream last arrived.
    pub(crate) moved_at: Option<u64>,
}

impl Link {
    pub(crate) fn new(
        connection: Connection,
        nature: Nature,
        is_secure: bool,
        now: u64,
        random: &mut Random,
    ) -> Self {
        let closed = |at, cause| (now + at, Input::Closed(connection, cause));
        let reached = |at, step| (now + at, Input::Reached(connection, step));
        let away = nature == Nature::AwayForAWhile && (120_000..240_000).contains(&now);
        let mut script = Vec::new();
        let ways = [Step::Tcp, Step::Tls, Step::Handshake, Step::Connect, Step::Publish];
        let until = match nature {
            _ if away => 0,
            Nature::Refusing | Nature::BlackHole => 0,
            Nature::TlsBroken | Nature::Mute => 1,
            Nature::AuthRefusing => 3,
            Nature::RefusingLate => 4,
            _ => 5,
        };
        for (index, &step) in (1..).zip(&ways[..until]) {
            if is_secure || step != Step::Tls {
                script.push(reached(index * 60, step));
            }
        }
        let lasts = 1_000 + random.below(90_000);
        script.extend(match nature {
            _ if away => Some(closed(100, Cause::Refused)),
            Nature::Refusing => Some(closed(100, Cause::Refused)),
            Nature::TlsBroken => Some(closed(200, Cause::TlsFailed)),
            Nature::AuthRefusing => Some(closed(300, Cause::AuthRefused)),
            Nature::RefusingLate => Some(closed(8_400, Cause::PublishRefused)),
            Nature::ClosingSoon => Some(closed(8_400, Cause::ClosedByPeer)),
            Nature::Flaky => Some(closed(lasts, Cause::ConnectionLost)),
            _ => None,
        });
        let stops = matches!(nature, Nature::Wedging | Nature::Hanging);
        Self {
            connection,
            nature,
            script,
            is_open: false,
            handed: 0,
            media_end: 0,
            arrived: 0,
            read: 0,
            acknowledged: 0,
            stops_reading_at: if stops { now + 5_000 + random.below(60_000) } else { u64::MAX },
            overdue_since: None,
            moved_at: None,
        }
    }

    /// What the connection says by now.
    pub(crate) fn says(&mut self, now: u64) -> Option<Input> {
        let went_away = self.nature == Nature::AwayForAWhile && (120_000..120_100).contains(&now);
        if went_away && self.is_open {
            self.is_open = false;
            return Some(Input::Closed(self.connection, Cause::ConnectionLost));
        }
        let index = self.script.iter().position(|(at, _)| *at <= now)?;
        let (_, input) = self.script.remove(index);
        if matches!(input, Input::Reached(_, Step::Publish)) {
            self.is_open = true;
        }
        Some(input)
    }

    /// Moves bytes from the queue through both kernels.
    pub(crate) fn flow(&mut self, queue: &mut Queue<Frame>, now: u64) -> Option<Input> {
        if !self.is_open {
            return None;
        }
        while self.handed - self.arrived < SEND_BUFFER
            && let Some(next) = queue.pop()
        {
            self.handed += next.payload.0 as u64;
            self.media_end = self.handed;
        }
        // An answer to a ping, now and then: it is no part of the stream.
        if now.is_multiple_of(5_000) {
            self.handed += 18;
        }
        let reads = now < self.stops_reading_at;
        if reads {
            self.read = self.arrived;
        }
        let room = match self.nature {
            Nature::Hanging => u64::MAX,
            _ => RECEIVE_BUFFER,
        };
        let before = self.arrived.min(self.media_end);
        self.arrived = self.handed.min(self.read.saturating_add(room));
        if self.arrived.min(self.media_end) > before {
            self.moved_at = Some(now);
        }
        let is_owed = self.handed >= self.acknowledged + 2 * WINDOW;
        self.overdue_since = if is_owed { self.overdue_since.or(Some(now)) } else { None };
        (reads && self.read >= self.acknowledged + WINDOW).then(|| {
            self.acknowledged = self.read;
            let low = u32::try_from(self.read).expect("no connection here carries 4 GB");
            Input::Acknowledged(self.connection, low)
        })
    }

    pub(crate) fn progress(&self, queue: &Queue<Frame>) -> Progress {
        let unacked = self.handed - self.arrived;
        Progress {
            handed: self.handed,
            media_end: self.media_end,
            unacked,
            unsent: unacked,
            queued: queue.size() as u64,
        }
    }

    /// Since when two acknowledgements have been owed by one that sent some before.
    pub(crate) fn overdue_since(&self) -> Option<u64> {
        self.overdue_since.filter(|_| self.acknowledged > 0)
    }
}
