//! Every message of a SEI NAL unit (H.264 7.3.2.3, H.265 7.3.2.4 and 7.3.5).
//!
//! Tolerant: the stop bit may be missing, zeros may follow it, the last message may be cut short.

use super::codec::Codec;
use super::rbsp::Escaped;
use super::uuid::Uuid;

/// `user_data_unregistered`: the payload begins with a UUID (H.264 and H.265, Annex D).
pub const USER_DATA_UNREGISTERED: u32 = 5;

/// The messages of a SEI NAL unit, which is given with its header. Whether it is one is the
/// caller's to know ([`Unit::is_sei`](super::codec::Unit::is_sei)).
pub fn messages(codec: Codec, nal: &[u8]) -> Messages<'_> {
    let start = codec.header_len().min(nal.len());
    let raw = nal.get(start..).unwrap_or_default();
    // The zeros at the end, and what was inserted among them. They are looked at once, not for each
    // message: a NAL unit can be long and mean nothing.
    let mut said = raw;
    while let [head @ .., 0 | 3] = said {
        if said.last() == Some(&3) && !matches!(head, [.., 0, 0]) {
            break;
        }
        said = head;
    }
    Messages { nal_len: nal.len(), unsaid: raw.len() - said.len(), rest: Escaped::searched(raw) }
}

/// See [`messages`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    nal_len: usize,
    /// How many bytes at the end are zeros and what was inserted among them.
    unsaid: usize,
    rest: Escaped<'a>,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `payloadType`.
    pub payload_type: u32,
    /// `payloadSize`: how many bytes the payload should have.
    pub size: u32,
    /// The payload; what there is of it if the message is truncated.
    pub payload: Escaped<'a>,
    /// Where the message begins in its NAL unit, as it is sent: at its type, or at the inserted byte
    /// before that.
    pub start: usize,
    /// Where its payload begins.
    pub payload_start: usize,
    /// Where what follows it begins.
    pub end: usize,
}

impl<'a> Messages<'a> {
    /// What has not been read: after the last message, the stop bit and zeros, if they are there.
    pub(crate) const fn rest(&self) -> Escaped<'a> {
        self.rest
    }

    /// Whether nothing but a stop bit and zeros is left, or less.
    fn is_over(&self) -> bool {
        let mut bytes = self.rest.bytes();
        self.rest.raw().len() <= self.unsaid
            || bytes.next() == Some(0x80) && bytes.rest().raw().len() <= self.unsaid
    }
}

/// A number in the form of both: as many 255 as fit, then the remainder.
fn number(rest: &mut Escaped<'_>) -> Option<u32> {
    let mut bytes = rest.bytes();
    let mut sum = 0_u32;
    loop {
        let byte = bytes.next()?;
        sum = sum.saturating_add(u32::from(byte));
        if byte != 0xFF {
            *rest = bytes.rest();
            return Some(sum);
        }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        if self.is_over() {
            return None;
        }
        let mut rest = self.rest;
        let payload_type = number(&mut rest)?;
        let size = number(&mut rest)?;
        // Where a usize is narrower than the size, so is the NAL unit.
        let (payload, after) = rest.split(usize::try_from(size).unwrap_or(usize::MAX));
        let at = |view: Escaped<'_>| self.nal_len.saturating_sub(view.raw().len());
        let message = Message {
            payload_type,
            size,
            payload,
            start: at(self.rest),
            payload_start: at(rest),
            end: at(after),
        };
        self.rest = after;
        Some(message)
    }
}

impl<'a> Message<'a> {
    /// Whether its NAL unit ends before its payload does.
    pub fn is_truncated(&self) -> bool {
        usize::try_from(self.size).is_ok_and(|size| self.payload.len_unescaped() < size)
    }

    /// Whose it is: the UUID of a message of type 5.
    pub fn uuid(&self) -> Option<Uuid> {
        if self.payload_type != USER_DATA_UNREGISTERED {
            return None;
        }
        let mut uuid = [0; Uuid::LEN];
        let mut bytes = self.payload.bytes();
        for byte in &mut uuid {
            *byte = bytes.next()?;
        }
        Some(Uuid(uuid))
    }

    /// What follows the UUID of a message of type 5.
    pub fn user_data(&self) -> Option<Escaped<'a>> {
        self.uuid()?;
        Some(self.payload.split(Uuid::LEN).1)
    }

    /// What a sender meant to say: what follows the UUID in type 5, the payload in any other.
    pub fn content(&self) -> Escaped<'a> {
        self.user_data().unwrap_or(self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, messages};
    use crate::sei::codec::Codec;
    use crate::sei::uuid::Uuid;
    use std::vec::Vec;

    /// Type, size and payload of each message.
    fn read(nal: &[u8]) -> Vec<(u32, u32, Vec<u8>)> {
        let one = |message: Message<'_>| {
            (message.payload_type, message.size, message.payload.to_cow().into_owned())
        };
        messages(Codec::H264, nal).map(one).collect()
    }

    #[test]
    fn reads_every_message() {
        // Recovery point (6) of one byte, type 1 of two, stop bit.
        let nal = [0x06, 6, 1, 0xC4, 1, 2, 0xAA, 0xBB, 0x80];
        assert_eq!(read(&nal), [(6, 1, [0xC4].to_vec()), (1, 2, [0xAA, 0xBB].to_vec())]);
        let places: Vec<_> = messages(Codec::H264, &nal)
            .map(|message| (message.start, message.payload_start, message.end))
            .collect();
        assert_eq!(places, [(1, 3, 4), (4, 6, 8)]);
        assert!(messages(Codec::H264, &nal).all(|message| !message.is_truncated()));
    }

    #[test]
    fn the_header_of_h265_has_two_bytes() {
        let nal = [0x4E, 0x01, 137, 1, 7, 0x80];
        let message = messages(Codec::H265, &nal).next().unwrap();
        assert_eq!((message.payload_type, message.size, message.start), (137, 1, 2));
    }

    #[test]
    fn numbers_beyond_254_take_several_bytes() {
        // 255 + 255 + 0 = 510 and 255 + 1 = 256.
        let nal = [&[0x06, 0xFF, 0xFF, 0, 0xFF, 1][..], &[7; 256], &[0x80]].concat();
        assert_eq!(read(&nal), [(510, 256, [7; 256].to_vec())]);
    }

    #[test]
    fn a_stop_bit_may_be_missing_and_zeros_may_follow() {
        let whole = [(5, 1, [9].to_vec())];
        for tail in [
            &[0x80][..],
            &[],
            &[0],
            &[0, 0],
            &[0x80, 0],
            &[0x80, 0, 0, 0, 0, 0],
            &[0x80, 0, 0, 3],
            &[0x80, 0, 0, 3, 0, 0, 3],
            &[0, 0, 3, 0],
        ] {
            let nal = [&[0x06, 5, 1, 9][..], tail].concat();
            assert_eq!(read(&nal), whole, "{tail:x?}");
        }
    }

    #[test]
    fn a_stop_bit_behind_an_inserted_byte_is_one() {
        // The payload ends in two zeros; nothing has to be inserted before 0x80, but some do.
        for tail in [&[0x80][..], &[3, 0x80], &[3]] {
            let nal = [&[0x06, 5, 3, 9, 0, 0][..], tail].concat();
            assert_eq!(read(&nal), [(5, 3, [9, 0, 0].to_vec())], "{tail:x?}");
        }
    }

    #[test]
    fn type_128_is_no_stop_bit_if_something_follows() {
        assert_eq!(read(&[0x06, 0x80, 1, 9, 0x80]), [(128, 1, [9].to_vec())]);
    }

    #[test]
    fn a_truncated_message_has_what_there_is() {
        let nal = [0x06, 5, 20, 1, 2, 3];
        let message = messages(Codec::H264, &nal).next().unwrap();
        assert!(message.is_truncated());
        assert_eq!((message.size, message.end), (20, 6));
        assert_eq!(message.payload.to_cow(), &[1, 2, 3][..]);
        assert_eq!(message.uuid(), None);
        // Cut within its header, it says nothing.
        assert_eq!(read(&[0x06, 5]), []);
        assert_eq!(read(&[0x06, 0xFF, 0xFF]), []);
        assert_eq!(read(&[0x06]), []);
        assert_eq!(read(&[]), []);
    }

    #[test]
    fn sizes_count_bytes_without_those_inserted() {
        // Type 0 and size 5: the inserted 3 lies in the payload; then in a header: 0, 0, 3, 1.
        let nal = [0x06, 4, 5, 0, 0, 3, 1, 0, 0, 3, 0, 1, 9, 0x80];
        let found = read(&nal);
        assert_eq!(found, [(4, 5, [0, 0, 1, 0, 0].to_vec()), (0, 1, [9].to_vec())]);
        let second = messages(Codec::H264, &nal).nth(1).unwrap();
        assert_eq!((second.start, second.payload_start, second.end), (9, 12, 13));
    }

    #[test]
    fn many_messages_are_read_as_fast_as_few() {
        // Half a million of them: for each, no more is looked at than it has.
        let nal = [&[0x06][..], &[100, 1, 9].repeat(1 << 19), &[0x80]].concat();
        assert_eq!(messages(Codec::H264, &nal).count(), 1 << 19);
    }

    #[test]
    fn a_uuid_belongs_to_type_5_alone() {
        let nal = [&[0x06, 5, 18][..], &Uuid::LIVEGATE.0, b"{}", &[0x80]].concat();
        let message = messages(Codec::H264, &nal).next().unwrap();
        assert_eq!(message.uuid(), Some(Uuid::LIVEGATE));
        assert_eq!(message.user_data().unwrap().as_plain(), Some(&b"{}"[..]));
        assert_eq!(message.content().as_plain(), Some(&b"{}"[..]));
        let nal = [&[0x06, 100, 18][..], &Uuid::LIVEGATE.0, b"{}", &[0x80]].concat();
        let message = messages(Codec::H264, &nal).next().unwrap();
        assert_eq!(message.uuid(), None);
        assert!(message.user_data().is_none());
        assert_eq!(message.content().len_unescaped(), 18);
    }
}
