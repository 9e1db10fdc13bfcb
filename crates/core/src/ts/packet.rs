//! One packet (2.4.3.2): 188 bytes, of one elementary stream or one table.

/// Bytes of a packet.
pub const LEN: usize = 188;

/// What every packet begins with.
pub const SYNC: u8 = 0x47;

/// A packet with something in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// `PID`, 13 bits: whose it is.
    pub pid: u16,
    /// `payload_unit_start_indicator`: a PES packet begins with the payload, or a section within it.
    pub is_start: bool,
    /// `continuity_counter`, 4 bits: one more than in the packet before it with this `PID`.
    pub counter: u8,
    /// `discontinuity_indicator`: the counter may jump here.
    pub may_jump: bool,
    /// What is in it.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet. `None` if it has no payload, is scrambled, or is marked as damaged.
    pub fn parse(bytes: &'a [u8; LEN]) -> Option<Self> {
        let [_, flags, low, control, rest @ ..] = bytes;
        let is_damaged = flags & 0x80 != 0;
        let is_scrambled = control & 0xC0 != 0;
        if is_damaged || is_scrambled || control & 0x10 == 0 {
            return None;
        }
        let (may_jump, payload) = if control & 0x20 == 0 {
            (false, &rest[..])
        } else {
            let (len, rest) = rest.split_first()?;
            let (field, payload) = rest.split_at_checked(usize::from(*len))?;
            (field.first().is_some_and(|flags| flags & 0x80 != 0), payload)
        };
        Some(Self {
            pid: u16::from_be_bytes([flags & 0x1F, *low]),
            is_start: flags & 0x40 != 0,
            counter: control & 0x0F,
            may_jump,
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LEN, Packet, SYNC};

    fn packet(head: &[u8]) -> [u8; LEN] {
        let mut bytes = [0xFF; LEN];
        bytes[0] = SYNC;
        bytes[1..=head.len()].copy_from_slice(head);
        bytes
    }

    #[test]
    fn reads_a_packet_with_and_without_an_adaptation_field() {
        // PID 0x100, start, counter 7, payload alone.
        let bytes = packet(&[0x41, 0x00, 0x17, 0xAB]);
        let read = Packet::parse(&bytes).unwrap();
        assert_eq!((read.pid, read.is_start, read.counter, read.may_jump), (0x100, true, 7, false));
        assert_eq!((read.payload.len(), read.payload[0]), (184, 0xAB));
        // PID 0x1FF, an adaptation field of two bytes with discontinuity_indicator.
        let bytes = packet(&[0x01, 0xFF, 0x3F, 0x02, 0x80, 0x00, 0xCD]);
        let read = Packet::parse(&bytes).unwrap();
        assert_eq!(
            (read.pid, read.is_start, read.counter, read.may_jump),
            (0x1FF, false, 15, true)
        );
        assert_eq!((read.payload.len(), read.payload[0]), (181, 0xCD));
        // A field that fills the packet leaves nothing.
        let bytes = packet(&[0x01, 0xFF, 0x30, 183]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload.len(), 0);
    }

    #[test]
    fn packets_without_a_payload_are_none() {
        // No payload; damaged; scrambled; an adaptation field that is longer than the packet.
        for head in [[0, 0, 0x20, 0], [0x80, 0, 0x10, 0], [0, 0, 0x90, 0], [0, 0, 0x30, 184]] {
            assert_eq!(Packet::parse(&packet(&head)), None, "{head:02x?}");
        }
    }
}
