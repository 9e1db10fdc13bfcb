//! What happened, in the same words for every vendor.

use core::fmt;

/// Kinds and their names: one table, so that a new kind is one line.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal,)+) => {
        /// What a vendor's callback says happened, in the same words for every vendor.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            /// Every kind, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The name that filters, `CloudEvents` and the API use.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// A scripted live went on to another segment (`script.segment`).
    ScriptSegment = "script.segment",
    /// A relayed stream's connection changed its state (`relay.state`).
    RelayState = "relay.state",
    /// A commanded reply was played to its end (`reply.finished`).
    ReplyFinished = "reply.finished",
    /// A channel was opened (`channel.start`).
    ChannelStart = "channel.start",
    /// A channel was closed (`channel.end`).
    ChannelEnd = "channel.end",
    /// A user came into a channel (`user.join`).
    UserJoin = "user.join",
    /// A user left a channel (`user.leave`).
    UserLeave = "user.leave",
    /// A user began to publish, the vendor does not say what (`user.publish`).
    UserPublish = "user.publish",
    /// A user ended publishing, the vendor does not say what (`user.unpublish`).
    UserUnpublish = "user.unpublish",
    /// A user became a streamer or a viewer (`user.role`).
    UserRole = "user.role",
    /// A user's camera began to be published (`video.start`).
    VideoStart = "video.start",
    /// A user's camera ended (`video.stop`).
    VideoStop = "video.stop",
    /// A user's microphone began to be published (`audio.start`).
    AudioStart = "audio.start",
    /// A user's microphone ended (`audio.stop`).
    AudioStop = "audio.stop",
    /// A user began to share a screen (`screen.start`).
    ScreenStart = "screen.start",
    /// A user ended sharing a screen (`screen.stop`).
    ScreenStop = "screen.stop",
    /// A stream came in (`stream.start`).
    StreamStart = "stream.start",
    /// A stream that came in ended (`stream.end`).
    StreamEnd = "stream.end",
    /// A recording began, went on, ended or left a file (`recording.state`).
    RecordingState = "recording.state",
    /// A picture was taken of a stream (`snapshot.taken`).
    SnapshotTaken = "snapshot.taken",
    /// A live is over because its settings said so (`live.auto_exit`).
    LiveAutoExit = "live.auto_exit",
    /// A vendor tries whether the address answers; nothing happened (`source.check`).
    SourceCheck = "source.check",
    /// A type that this version does not know; kept and delivered all the same (`unknown`).
    Unknown = "unknown",
}

impl Kind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// The name up to its dot: kinds of one family are news of the same thing.
    pub fn family(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
