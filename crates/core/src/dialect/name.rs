//! The dialects' names, and what is fixed about each.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::event::Kind;

/// A dialect's name, as settings and events carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[non_exhaustive]
pub enum DialectName {
    /// Huawei `MetaStudio` (`metastudio`).
    MetaStudio,
    /// Alibaba ARTC's channel and user events (`artc`).
    Artc,
    /// Alibaba ARTC's mixed-stream relay events (`artc-mpu`).
    ArtcMpu,
    /// Alibaba `ApsaraVideo` Live's ingest, record and snapshot callbacks (`alibaba-live`).
    AlibabaLive,
    /// Alibaba ARTC's cloud recording (`artc-recording`).
    ArtcRecording,
    /// Alibaba `DingRTC` (`dingrtc`).
    DingRtc,
    /// Jocloud's push status (`jocloud`).
    Jocloud,
    /// Agora's notifications (`agora`).
    Agora,
    /// Tencent TRTC (`trtc`).
    Trtc,
    /// ZEGO (`zego`).
    Zego,
    /// Volcengine RTC (`volcengine-rtc`).
    VolcengineRtc,
    /// `LiveKit` (`livekit`).
    LiveKit,
    /// livegate's own relay hosts (`livegate-relay`).
    LivegateRelay,
    /// Any JSON object (`generic`).
    Generic,
}

/// What is fixed about a dialect.
struct Row {
    name: &'static str,
    /// What its bodies are read as.
    kinds: &'static [Kind],
    /// Which of other dialects' events can be written in it.
    written: &'static [Kind],
    /// The body of the answer to an accepted call.
    answer: &'static str,
}

/// What most vendors expect, or take where they expect nothing.
const CODE_0: &str = "{\"code\":0}";

/// One table for what a vendor's bodies are and what can be said in them; docs/spec/events.md.
static ROWS: &[Row] = &[
    Row {
        name: "metastudio",
        kinds: &[Kind::ScriptSegment, Kind::RelayState, Kind::ReplyFinished, Kind::Unknown],
        written: &[Kind::RelayState],
        answer: CODE_0,
    },
    Row { name: "artc", kinds: ARTC_AND_UNKNOWN, written: ARTC, answer: CODE_0 },
    Row {
        name: "artc-mpu",
        kinds: &[Kind::RelayState],
        written: &[Kind::RelayState],
        answer: CODE_0,
    },
    Row {
        name: "alibaba-live",
        kinds: &[
            Kind::StreamStart,
            Kind::StreamEnd,
            Kind::RecordingState,
            Kind::SnapshotTaken,
            Kind::Unknown,
        ],
        written: &[],
        answer: CODE_0,
    },
    Row {
        name: "artc-recording",
        kinds: &[Kind::RecordingState],
        written: &[],
        answer: "{\"Code\":0,\"Msg\":\"Success\"}",
    },
    Row {
        name: "dingrtc",
        kinds: &[Kind::RecordingState, Kind::SourceCheck, Kind::Unknown],
        written: &[],
        answer: CODE_0,
    },
    Row { name: "jocloud", kinds: &[Kind::RelayState], written: &[], answer: CODE_0 },
    Row {
        name: "agora",
        kinds: &[
            Kind::ChannelStart,
            Kind::ChannelEnd,
            Kind::UserJoin,
            Kind::UserLeave,
            Kind::UserRole,
            Kind::RelayState,
            Kind::SourceCheck,
            Kind::Unknown,
        ],
        written: &[
            Kind::ChannelStart,
            Kind::ChannelEnd,
            Kind::UserJoin,
            Kind::UserLeave,
            Kind::RelayState,
        ],
        answer: CODE_0,
    },
    Row {
        name: "trtc",
        kinds: &[
            Kind::ChannelStart,
            Kind::ChannelEnd,
            Kind::UserJoin,
            Kind::UserLeave,
            Kind::UserRole,
            Kind::VideoStart,
            Kind::VideoStop,
            Kind::AudioStart,
            Kind::AudioStop,
            Kind::ScreenStart,
            Kind::ScreenStop,
            Kind::RelayState,
            Kind::Unknown,
        ],
        // A user's new role is all that its callback of a role says, and no event has it.
        written: &[
            Kind::ChannelStart,
            Kind::ChannelEnd,
            Kind::UserJoin,
            Kind::UserLeave,
            Kind::VideoStart,
            Kind::VideoStop,
            Kind::AudioStart,
            Kind::AudioStop,
            Kind::ScreenStart,
            Kind::ScreenStop,
            Kind::RelayState,
        ],
        answer: CODE_0,
    },
    Row { name: "zego", kinds: &[Kind::RelayState, Kind::Unknown], written: &[], answer: CODE_0 },
    Row {
        name: "volcengine-rtc",
        kinds: &[
            Kind::ChannelEnd,
            Kind::UserJoin,
            Kind::UserLeave,
            Kind::UserRole,
            Kind::RelayState,
            Kind::RecordingState,
            Kind::SnapshotTaken,
            Kind::Unknown,
        ],
        written: &[],
        answer: CODE_0,
    },
    Row {
        name: "livekit",
        kinds: &[
            Kind::ChannelStart,
            Kind::ChannelEnd,
            Kind::UserJoin,
            Kind::UserLeave,
            Kind::UserPublish,
            Kind::UserUnpublish,
            Kind::VideoStart,
            Kind::VideoStop,
            Kind::AudioStart,
            Kind::AudioStop,
            Kind::ScreenStart,
            Kind::ScreenStop,
            Kind::StreamStart,
            Kind::StreamEnd,
            Kind::RelayState,
            Kind::RecordingState,
            Kind::Unknown,
        ],
        written: &[],
        answer: CODE_0,
    },
    Row { name: "livegate-relay", kinds: RELAY_AND_UNKNOWN, written: RELAY, answer: CODE_0 },
    Row { name: "generic", kinds: Kind::ALL, written: &[], answer: CODE_0 },
];

/// ARTC's own, and unknown last.
const ARTC_AND_UNKNOWN: &[Kind] = &[
    Kind::ChannelStart,
    Kind::ChannelEnd,
    Kind::UserJoin,
    Kind::UserLeave,
    Kind::UserPublish,
    Kind::UserUnpublish,
    Kind::UserRole,
    Kind::VideoStart,
    Kind::VideoStop,
    Kind::AudioStart,
    Kind::AudioStop,
    Kind::ScreenStart,
    Kind::ScreenStop,
    Kind::Unknown,
];

/// Without the last.
const ARTC: &[Kind] = without_last(ARTC_AND_UNKNOWN);

/// What our relay hosts tell, and unknown last.
const RELAY_AND_UNKNOWN: &[Kind] = &[
    Kind::RelayState,
    Kind::ChannelStart,
    Kind::ChannelEnd,
    Kind::UserJoin,
    Kind::UserLeave,
    Kind::UserPublish,
    Kind::UserUnpublish,
    Kind::UserRole,
    Kind::VideoStart,
    Kind::VideoStop,
    Kind::AudioStart,
    Kind::AudioStop,
    Kind::ScreenStart,
    Kind::ScreenStop,
    Kind::StreamStart,
    Kind::StreamEnd,
    Kind::LiveAutoExit,
    Kind::Unknown,
];

/// Without the last.
const RELAY: &[Kind] = without_last(RELAY_AND_UNKNOWN);

const fn without_last(kinds: &[Kind]) -> &[Kind] {
    match kinds.split_last() {
        Some((_, rest)) => rest,
        None => kinds,
    }
}

impl DialectName {
    /// Every name, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::MetaStudio,
        Self::Artc,
        Self::ArtcMpu,
        Self::AlibabaLive,
        Self::ArtcRecording,
        Self::DingRtc,
        Self::Jocloud,
        Self::Agora,
        Self::Trtc,
        Self::Zego,
        Self::VolcengineRtc,
        Self::LiveKit,
        Self::LivegateRelay,
        Self::Generic,
    ];

    /// The table has a row for each, in the order of declaration: a test holds that true.
    const fn row(self) -> &'static Row {
        let rows = ROWS;
        &rows[self as usize]
    }

    /// The name as it is written.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The dialect of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.as_str() == name)
    }

    /// The kinds that this dialect's bodies are read as.
    pub const fn kinds(self) -> &'static [Kind] {
        self.row().kinds
    }

    /// The kinds of other dialects' events that this one has words for.
    pub const fn written(self) -> &'static [Kind] {
        self.row().written
    }

    /// Whether an event of that kind, read `from` that dialect, can be written in this one: its own
    /// can, others by [`Self::written`]. An event may lack what the words need all the same (a state
    /// that is not known); [`Dialect::write`](super::Dialect::write) says so then.
    pub fn carries(self, kind: Kind, from: Self) -> bool {
        // Any object may call itself `relay.state`, but none says which state.
        let says_enough = kind != Kind::RelayState || from != Self::Generic;
        self == from || says_enough && self.written().contains(&kind)
    }

    /// Whether the vendor sends callbacks by GET too. The query, without its question mark, is the
    /// body then.
    pub const fn takes_get(self) -> bool {
        matches!(self, Self::AlibabaLive)
    }

    /// What the vendor expects to hear when its callback was accepted. Where it says no more than
    /// the status, a small JSON object is sent with it: its siblings expect that.
    pub const fn answer(self) -> Answer {
        Answer { status: 200, content_type: "application/json", body: self.row().answer }
    }
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<DialectName> for &'static str {
    fn from(name: DialectName) -> Self {
        name.as_str()
    }
}

impl TryFrom<String> for DialectName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::from_name(&name).ok_or("there is no dialect of this name")
    }
}

#[cfg(test)]
mod tests {
    use super::{DialectName, ROWS};

    #[test]
    fn every_name_has_its_row() {
        assert_eq!(ROWS.len(), DialectName::ALL.len());
        for (index, name) in DialectName::ALL.iter().enumerate() {
            assert_eq!(*name as usize, index);
            assert_eq!(DialectName::from_name(name.as_str()), Some(*name));
        }
        assert_eq!(DialectName::ArtcMpu.as_str(), "artc-mpu");
        assert_eq!(DialectName::LivegateRelay.as_str(), "livegate-relay");
        assert_eq!(DialectName::Generic.as_str(), "generic");
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same_kind_of_thing() {
        for name in DialectName::ALL {
            assert!(name.written().iter().all(|kind| name.kinds().contains(kind)), "{name}");
        }
    }
}
