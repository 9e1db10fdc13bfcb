//! Messages: what chunks carry (RTMP 1.0 §5.4, §6, §7.1).
//!
//! | module | does |
//! |---|---|
//! | [`control`] | protocol control messages and user control events |
//! | [`data`] | what is around `onMetaData`, without reading it |
//! | [`aggregate`] | a message that holds many |

pub mod aggregate;
pub mod control;
pub mod data;

use core::fmt;

use bytes::Bytes;

/// A message's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// 1: Set Chunk Size.
    pub const SET_CHUNK_SIZE: Self = Self(1);
    /// 2: Abort.
    pub const ABORT: Self = Self(2);
    /// 3: Acknowledgement.
    pub const ACKNOWLEDGEMENT: Self = Self(3);
    /// 4: User Control.
    pub const USER_CONTROL: Self = Self(4);
    /// 5: Window Acknowledgement Size.
    pub const WINDOW_SIZE: Self = Self(5);
    /// 6: Set Peer Bandwidth.
    pub const PEER_BANDWIDTH: Self = Self(6);
    /// 8: audio. The payload is the body of an audio tag of FLV.
    pub const AUDIO: Self = Self(8);
    /// 9: video. The payload is the body of a video tag of FLV.
    pub const VIDEO: Self = Self(9);
    /// 15: data in AMF3, in practice AMF0 behind one byte.
    pub const DATA_AMF3: Self = Self(15);
    /// 16: a shared object in AMF3.
    pub const SHARED_OBJECT_AMF3: Self = Self(16);
    /// 17: a command in AMF3, in practice AMF0 behind one byte.
    pub const COMMAND_AMF3: Self = Self(17);
    /// 18: data in AMF0. The payload is the body of a script tag of FLV.
    pub const DATA: Self = Self(18);
    /// 19: a shared object in AMF0.
    pub const SHARED_OBJECT: Self = Self(19);
    /// 20: a command in AMF0.
    pub const COMMAND: Self = Self(20);
    /// 22: aggregate.
    pub const AGGREGATE: Self = Self(22);

    /// Whether it is audio, video, data, or an aggregate of these.
    pub const fn is_media(self) -> bool {
        matches!(self, Self::AUDIO | Self::VIDEO | Self::DATA | Self::DATA_AMF3 | Self::AGGREGATE)
    }
}

/// One message. Cloning it shares the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub kind: Kind,
    /// Milliseconds from a beginning that the sender chose. It wraps at 2³².
    pub timestamp: u32,
    /// The message stream; 0 is the connection itself.
    pub stream: u32,
    /// What it holds.
    pub payload: Bytes,
}

impl fmt::Debug for Message {
    /// A payload can hold a stream's key: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind.0)
            .field("timestamp", &self.timestamp)
            .field("stream", &self.stream)
            .field("len", &self.payload.len())
            .finish()
    }
}
