//! Protocol control messages (RTMP 1.0 §5.4) and user control events (§7.1.7).

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Kind, Message};

/// How hard a peer's bandwidth is meant (RTMP 1.0 §5.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandwidthLimit {
    /// 0: it is the limit.
    Hard = 0,
    /// 1: it is the limit unless a lower one holds.
    Soft = 1,
    /// 2: hard if the one before was, or else nothing.
    Dynamic = 2,
}

/// A control message of either kind. Set Chunk Size and Abort are the chunk reader's when read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// The sender's chunks are as large as this from now on.
    SetChunkSize(u32),
    /// The message that has begun on this chunk stream is given up.
    Abort(u32),
    /// How many bytes came so far; it wraps at 2³².
    Acknowledgement(u32),
    /// After how many bytes the sender wants an acknowledgement.
    WindowSize(u32),
    /// How many bytes the receiver may have under way.
    PeerBandwidth(u32, BandwidthLimit),
    /// A message stream can be used.
    StreamBegin(u32),
    /// A message stream has ended.
    StreamEof(u32),
    /// A message stream has nothing for now.
    StreamDry(u32),
    /// How many milliseconds a player buffers of a message stream.
    BufferLength {
        /// The message stream.
        stream: u32,
        /// How many milliseconds.
        milliseconds: u32,
    },
    /// A message stream is recorded.
    StreamIsRecorded(u32),
    /// To be answered with the same number.
    PingRequest(u32),
    /// The answer.
    PingResponse(u32),
    /// An event that means nothing here.
    Other(u16),
}

impl Control {
    /// Reads a message of types 1 to 6. What is too short for what it says is none.
    pub fn parse(message: &Message) -> Option<Self> {
        let payload = &message.payload[..];
        let word = |at: usize| {
            let bytes = payload.get(at..)?.first_chunk()?;
            Some(u32::from_be_bytes(*bytes))
        };
        Some(match message.kind {
            Kind::SET_CHUNK_SIZE => Self::SetChunkSize(word(0)?),
            Kind::ABORT => Self::Abort(word(0)?),
            Kind::ACKNOWLEDGEMENT => Self::Acknowledgement(word(0)?),
            Kind::WINDOW_SIZE => Self::WindowSize(word(0)?),
            Kind::PEER_BANDWIDTH => {
                let limit = match payload.get(4)? {
                    0 => BandwidthLimit::Hard,
                    1 => BandwidthLimit::Soft,
                    _ => BandwidthLimit::Dynamic,
                };
                Self::PeerBandwidth(word(0)?, limit)
            }
            Kind::USER_CONTROL => match u16::from_be_bytes(*payload.first_chunk()?) {
                0 => Self::StreamBegin(word(2)?),
                1 => Self::StreamEof(word(2)?),
                2 => Self::StreamDry(word(2)?),
                3 => Self::BufferLength { stream: word(2)?, milliseconds: word(6)? },
                4 => Self::StreamIsRecorded(word(2)?),
                6 => Self::PingRequest(word(2)?),
                7 => Self::PingResponse(word(2)?),
                other => Self::Other(other),
            },
            _ => return None,
        })
    }

    /// As a message: of the connection itself, at time 0.
    pub fn to_message(self) -> Message {
        let mut payload = Vec::new();
        let mut put = |kind: Kind, event: &[u8], words: &[u32]| {
            payload.extend_from_slice(event);
            for word in words {
                payload.extend_from_slice(&word.to_be_bytes());
            }
            kind
        };
        let user = Kind::USER_CONTROL;
        let kind = match self {
            Self::SetChunkSize(bytes) => put(Kind::SET_CHUNK_SIZE, &[], &[bytes]),
            Self::Abort(stream) => put(Kind::ABORT, &[], &[stream]),
            Self::Acknowledgement(bytes) => put(Kind::ACKNOWLEDGEMENT, &[], &[bytes]),
            Self::WindowSize(bytes) => put(Kind::WINDOW_SIZE, &[], &[bytes]),
            Self::PeerBandwidth(bytes, limit) => {
                let kind = put(Kind::PEER_BANDWIDTH, &[], &[bytes]);
                payload.push(limit as u8);
                kind
            }
            Self::StreamBegin(stream) => put(user, &[0, 0], &[stream]),
            Self::StreamEof(stream) => put(user, &[0, 1], &[stream]),
            Self::StreamDry(stream) => put(user, &[0, 2], &[stream]),
            Self::BufferLength { stream, milliseconds } => {
                put(user, &[0, 3], &[stream, milliseconds])
            }
            Self::StreamIsRecorded(stream) => put(user, &[0, 4], &[stream]),
            Self::PingRequest(time) => put(user, &[0, 6], &[time]),
            Self::PingResponse(time) => put(user, &[0, 7], &[time]),
            Self::Other(event) => put(user, &event.to_be_bytes(), &[]),
        };
        Message { kind, timestamp: 0, stream: 0, payload: Bytes::from(payload) }
    }
}

#[cfg(test)]
mod tests {
    use super::{BandwidthLimit, Control};

    #[test]
    fn are_written_as_the_specification_has_them_and_read_back() {
        // RTMP 1.0 §5.4.1 to §5.4.5, §7.1.7.
        for (control, kind, bytes) in [
            (Control::SetChunkSize(60_000), 1, &[0, 0, 0xEA, 0x60][..]),
            (Control::Abort(7), 2, &[0, 0, 0, 7]),
            (Control::Acknowledgement(0xFFFF_FFFF), 3, &[255, 255, 255, 255]),
            (Control::WindowSize(2_500_000), 5, &[0, 0x26, 0x25, 0xA0]),
            (Control::PeerBandwidth(5, BandwidthLimit::Hard), 6, &[0, 0, 0, 5, 0]),
            (Control::PeerBandwidth(5, BandwidthLimit::Dynamic), 6, &[0, 0, 0, 5, 2]),
            (Control::StreamBegin(1), 4, &[0, 0, 0, 0, 0, 1]),
            (Control::StreamEof(1), 4, &[0, 1, 0, 0, 0, 1]),
            (Control::StreamDry(1), 4, &[0, 2, 0, 0, 0, 1]),
            (
                Control::BufferLength { stream: 1, milliseconds: 3_000 },
                4,
                &[0, 3, 0, 0, 0, 1, 0, 0, 0x0B, 0xB8],
            ),
            (Control::StreamIsRecorded(1), 4, &[0, 4, 0, 0, 0, 1]),
            (Control::PingRequest(9), 4, &[0, 6, 0, 0, 0, 9]),
            (Control::PingResponse(9), 4, &[0, 7, 0, 0, 0, 9]),
            (Control::Other(31), 4, &[0, 31]),
        ] {
            let message = control.to_message();
            assert_eq!((message.kind.0, &message.payload[..]), (kind, bytes), "{control:?}");
            assert_eq!(Control::parse(&message), Some(control));
        }
    }

    #[test]
    fn a_message_that_is_too_short_is_none() {
        for control in
            [Control::PingRequest(9), Control::BufferLength { stream: 1, milliseconds: 2 }]
        {
            let mut message = control.to_message();
            message.payload.truncate(message.payload.len() - 1);
            assert_eq!(Control::parse(&message), None);
        }
    }
}
