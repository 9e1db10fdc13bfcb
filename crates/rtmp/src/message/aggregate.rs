//! A message that holds many (RTMP 1.0 §7.1.6): tags of FLV, each with its header and the size
//! behind it.

use core::fmt;

use bytes::Bytes;
use livegate_core::error::{Code, Coded, Fault};

use super::{Kind, Message};

/// Bytes of a tag's header, and of the size behind its body.
const HEADER: usize = 11;
const BACK_POINTER: usize = 4;

/// The messages within an aggregate, in their order; they share its payload.
///
/// Their timestamps are the aggregate's and what they are later than the first of them. All have its
/// message stream. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Messages {
    rest: Bytes,
    timestamp: u32,
    stream: u32,
    /// The first one's timestamp as it is written.
    first: Option<u32>,
}

/// `rtmp.aggregate`: an aggregate ends within one of its messages, or holds another aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateError {
    /// How many bytes are left that make no message.
    pub left: usize,
}

impl fmt::Display for AggregateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the last {} bytes of an aggregate are no message", self.left)
    }
}

impl core::error::Error for AggregateError {}

impl Coded for AggregateError {
    fn code(&self) -> Code {
        Code::new("rtmp.aggregate")
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl Messages {
    /// Those of a message of type 22.
    pub fn of(aggregate: &Message) -> Self {
        Self {
            rest: aggregate.payload.clone(),
            timestamp: aggregate.timestamp,
            stream: aggregate.stream,
            first: None,
        }
    }

    fn read(&mut self) -> Option<Message> {
        let [kind, l2, l1, l0, t2, t1, t0, t3, _, _, _] = *self.rest.first_chunk::<HEADER>()?;
        let len = usize::try_from(u32::from_be_bytes([0, l2, l1, l0])).ok()?;
        let timestamp = u32::from_be_bytes([t3, t2, t1, t0]);
        let end = HEADER + len;
        if self.rest.len() < end || Kind(kind) == Kind::AGGREGATE {
            return None;
        }
        let payload = self.rest.slice(HEADER..end);
        // Some leave out the size behind the last one.
        self.rest = self.rest.slice((end + BACK_POINTER).min(self.rest.len())..);
        let first = *self.first.get_or_insert(timestamp);
        let timestamp = self.timestamp.wrapping_add(timestamp.wrapping_sub(first));
        Some(Message { kind: Kind(kind), timestamp, stream: self.stream, payload })
    }
}

impl Iterator for Messages {
    type Item = Result<Message, AggregateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let left = self.rest.len();
        Some(self.read().ok_or_else(|| {
            self.rest = Bytes::new();
            AggregateError { left }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{AggregateError, Messages};
    use crate::message::{Kind, Message};
    use alloc::vec::Vec;

    fn aggregate(timestamp: u32, payload: &[u8]) -> Message {
        let payload = payload.to_vec().into();
        Message { kind: Kind::AGGREGATE, timestamp, stream: 1, payload }
    }

    /// Audio at 0x0203 and video 23 later; the sizes behind them are 11 + 2 and 11 + 1.
    const TWO: &[u8] =
        b"\x08\0\0\x02\0\x02\x03\0\0\0\0ab\0\0\0\x0D\x09\0\0\x01\0\x02\x1A\0\0\0\0c\0\0\0\x0C";

    #[test]
    fn timestamps_count_from_the_aggregates() {
        let messages: Vec<_> = Messages::of(&aggregate(1_000, TWO)).map(Result::unwrap).collect();
        let told: Vec<_> =
            messages.iter().map(|m| (m.kind.0, m.timestamp, m.stream, &m.payload[..])).collect();
        assert_eq!(told, [(8, 1_000, 1, &b"ab"[..]), (9, 1_023, 1, b"c")]);
    }

    #[test]
    fn timestamps_wrap() {
        let times: Vec<u32> =
            Messages::of(&aggregate(u32::MAX - 9, TWO)).map(|m| m.unwrap().timestamp).collect();
        assert_eq!(times, [u32::MAX - 9, 13]);
    }

    #[test]
    fn what_is_cut_off_is_an_error_once() {
        let cut = &TWO[..TWO.len() - 5];
        let mut messages = Messages::of(&aggregate(0, cut));
        assert!(messages.next().unwrap().is_ok());
        // 11 of the header, the one byte of the body is not there.
        assert_eq!(messages.next(), Some(Err(AggregateError { left: 11 })));
        assert_eq!(messages.next(), None);
        // Only the size behind the last one is.
        assert_eq!(Messages::of(&aggregate(0, &TWO[..TWO.len() - 4])).flatten().count(), 2);
    }

    #[test]
    fn there_is_no_aggregate_within_one() {
        let nested = b"\x16\0\0\0\0\0\0\0\0\0\0\0\0\0\x0B";
        assert!(Messages::of(&aggregate(0, nested)).next().unwrap().is_err());
    }
}
