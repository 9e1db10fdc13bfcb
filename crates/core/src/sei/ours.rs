//! Which messages are ours, and a NAL unit without them.

use alloc::vec::Vec;

use memchr::memmem;

use super::codec::Codec;
use super::message::{Message, messages};
use super::rbsp::{Escaped, escape_into};
use super::uuid::Uuid;
use super::write::OWN_TYPES;

/// By what a message is known to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Type 5 with this UUID.
    Uuid(Uuid),
    /// Another type, which has no UUID.
    Typed {
        /// 100 to 254; with any other, no message is ours.
        payload_type: u8,
        /// What the payload contains; if empty, no message is ours.
        contains: Vec<u8>,
    },
}

impl Marker {
    /// Whether a message is ours.
    pub fn is_ours(&self, message: &Message<'_>) -> bool {
        match self {
            Self::Uuid(uuid) => message.uuid() == Some(*uuid),
            Self::Typed { payload_type, contains } => {
                message.payload_type == u32::from(*payload_type)
                    && OWN_TYPES.contains(payload_type)
                    && !contains.is_empty()
                    && memmem::find(&message.payload.to_cow(), contains).is_some()
            }
        }
    }
}

/// What is left of a SEI NAL unit without our messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Without {
    /// All of it: none is ours.
    Same,
    /// The others' messages, as a NAL unit. Their content is as it was.
    Rest(Vec<u8>),
    /// Nothing: all were ours.
    Nothing,
}

/// Takes our messages out of a SEI NAL unit, which is given with its header.
pub fn without_ours(codec: Codec, nal: &[u8], marker: &Marker) -> Without {
    // Most NAL units hold none of ours: nothing is copied for them.
    if !messages(codec, nal).any(|message| marker.is_ours(&message)) {
        return Without::Same;
    }
    let mut rbsp = Vec::with_capacity(nal.len());
    let mut found = messages(codec, nal);
    let mut others = false;
    loop {
        let before = found.rest();
        let Some(message) = found.next() else {
            // The stop bit, or what stands in its place; never zeros, which would not last.
            let end = before.to_cow();
            let said = end.iter().rposition(|byte| *byte != 0);
            rbsp.extend_from_slice(said.and_then(|at| end.get(..=at)).unwrap_or(&[0x80]));
            break;
        };
        if !marker.is_ours(&message) {
            others = true;
            between(before, found.rest()).extend_into(&mut rbsp);
        }
    }
    if !others {
        return Without::Nothing;
    }
    let mut out = Vec::with_capacity(nal.len());
    out.extend_from_slice(nal.get(..codec.header_len()).unwrap_or_default());
    escape_into(&rbsp, &mut out);
    Without::Rest(out)
}

/// What lies before `after` in `before`, of which it is the end.
fn between<'a>(before: Escaped<'a>, after: Escaped<'a>) -> Escaped<'a> {
    before.cut(before.raw().len().saturating_sub(after.raw().len()))
}

#[cfg(test)]
mod tests {
    use super::{Marker, Without, without_ours};
    use crate::sei::codec::Codec;
    use crate::sei::message::messages;
    use crate::sei::uuid::Uuid;
    use alloc::vec::Vec;

    fn message(payload_type: u8, uuid: &[u8], data: &[u8]) -> Vec<u8> {
        let size = u8::try_from(uuid.len() + data.len()).unwrap();
        [&[payload_type, size][..], uuid, data].concat()
    }

    fn nal(messages: &[Vec<u8>]) -> Vec<u8> {
        [&[0x06][..], &messages.concat(), &[0x80]].concat()
    }

    fn ours() -> Vec<u8> {
        message(5, &Uuid::LIVEGATE.0, b"{}")
    }

    fn strip(nal: &[u8]) -> Without {
        without_ours(Codec::H264, nal, &Marker::Uuid(Uuid::LIVEGATE))
    }

    #[test]
    fn a_nal_unit_of_ours_alone_goes() {
        assert_eq!(strip(&nal(&[ours()])), Without::Nothing);
        assert_eq!(strip(&nal(&[ours(), ours()])), Without::Nothing);
        // Without a stop bit, or cut short behind the UUID.
        let cut = nal(&[ours()]);
        assert_eq!(strip(&cut[..cut.len() - 1]), Without::Nothing);
        assert_eq!(strip(&cut[..cut.len() - 2]), Without::Nothing);
    }

    #[test]
    fn a_nal_unit_of_others_stays() {
        let other = message(5, &[0xDC; 16], b"x");
        assert_eq!(strip(&nal(&[other])), Without::Same);
        assert_eq!(strip(&nal(&[])), Without::Same);
        // Cut short within the UUID, it could be anybody's.
        let cut = nal(&[ours()]);
        assert_eq!(strip(&cut[..12]), Without::Same);
    }

    #[test]
    fn others_messages_stay_beside_ours() {
        let (one, two) = (message(6, &[], &[0xC4]), message(1, &[], &[0x12]));
        let expected = Without::Rest(nal(&[one.clone(), two.clone()]));
        assert_eq!(strip(&nal(&[one.clone(), ours(), two.clone()])), expected);
        assert_eq!(strip(&nal(&[ours(), one.clone(), two.clone(), ours()])), expected);
        // A stop bit that was missing is there, since others' last message has one after it.
        let mut without_stop = nal(&[one, two, ours()]);
        without_stop.pop();
        assert_eq!(strip(&without_stop), expected);
    }

    #[test]
    fn zeros_at_the_end_do_not_stay() {
        let one = message(6, &[], &[0xC4]);
        let with = [&nal(&[one.clone(), ours()])[..], &[0]].concat();
        assert_eq!(strip(&with), Without::Rest(nal(&[one])));
    }

    #[test]
    fn what_is_inserted_is_written_anew() {
        // Payload 1, 0, 0 of type 4; behind it a message of type 0: a 3 is due only once ours is out.
        let nal = [&[0x06, 4, 3, 1, 0, 0][..], &ours(), &[0, 1, 9, 0x80]].concat();
        let expected = [0x06, 4, 3, 1, 0, 0, 3, 0, 1, 9, 0x80];
        assert_eq!(strip(&nal), Without::Rest(expected.to_vec()));
    }

    #[test]
    fn a_typed_message_is_ours_by_its_content() {
        let marker = Marker::Typed { payload_type: 100, contains: b"\0\0\x01livegate".to_vec() };
        let hit =
            [0x06, 100, 12, b'{', 0, 0, 3, 1, b'l', b'i', b'v', b'e', b'g', b'a', b't', b'e', 0x80];
        assert_eq!(without_ours(Codec::H264, &hit, &marker), Without::Nothing);
        let other = nal(&[message(100, &[], b"livegate"), message(101, &[], b"\0\x02livegate")]);
        assert_eq!(without_ours(Codec::H264, &other, &marker), Without::Same);
        for (payload_type, contains) in [(100, &b""[..]), (5, b"{}")] {
            let marker = Marker::Typed { payload_type, contains: contains.to_vec() };
            let nal = nal(&[ours(), message(100, &[], b"x")]);
            assert!(!messages(Codec::H264, &nal).any(|message| marker.is_ours(&message)));
        }
    }
}
