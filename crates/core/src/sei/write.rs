//! One message as a NAL unit of its own.

use alloc::vec::Vec;

use super::codec::Codec;
use super::error::{BufferTooSmall, SeiError};
use super::rbsp;
use super::uuid::Uuid;

/// The most bytes that a message says, its UUID not counted: what Alibaba allows (4 KB a message),
/// and a few packets.
pub const MAX_CONTENT: usize = 4096;

/// The types that users may choose besides 5: not in use by H.264 or H.265 when they were given
/// away, and one byte long.
pub const OWN_TYPES: core::ops::RangeInclusive<u8> = 100..=254;

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    kind: u8,
    uuid: Option<Uuid>,
    data: &'a [u8],
}

impl<'a> Payload<'a> {
    /// A message of type 5, `user_data_unregistered`.
    ///
    /// # Errors
    /// `sei.content_too_long`.
    pub fn unregistered(uuid: Uuid, data: &'a [u8]) -> Result<Self, SeiError> {
        let payload = Self { kind: 5, uuid: Some(uuid), data };
        payload.checked()
    }

    /// A message of type 100 to 254, without a UUID.
    ///
    /// # Errors
    /// `sei.payload_type`, `sei.content_too_long`.
    pub fn typed(payload_type: u8, data: &'a [u8]) -> Result<Self, SeiError> {
        if !OWN_TYPES.contains(&payload_type) {
            return Err(SeiError::PayloadType { payload_type: payload_type.into() });
        }
        let payload = Self { kind: payload_type, uuid: None, data };
        payload.checked()
    }

    fn checked(self) -> Result<Self, SeiError> {
        let len = self.data.len();
        if len > MAX_CONTENT { Err(SeiError::ContentTooLong { len }) } else { Ok(self) }
    }

    /// Its type.
    pub fn payload_type(&self) -> u32 {
        self.kind.into()
    }
}

/// A SEI NAL unit with one message: header, message, stop bit, with emulation prevention. Some
/// players read the first message of a NAL unit alone, so none is ever added to another's.
#[derive(Clone, Copy, Debug)]
pub struct SeiNal<'a> {
    codec: Codec,
    temporal_id_plus1: u8,
    payload: Payload<'a>,
}

impl<'a> SeiNal<'a> {
    /// A NAL unit for such a stream. In H.265 it is a prefix SEI of temporal sub-layer 0.
    pub const fn new(codec: Codec, payload: Payload<'a>) -> Self {
        Self { codec, temporal_id_plus1: 1, payload }
    }

    /// For a picture of H.265 whose first VCL NAL unit has this `nuh_temporal_id_plus1`: the same
    /// is due here (H.265 7.4.2.2). 1 to 7; what is beyond counts as the nearest.
    #[must_use]
    pub fn with_temporal_id_plus1(mut self, temporal_id_plus1: u8) -> Self {
        self.temporal_id_plus1 = temporal_id_plus1.clamp(1, 7);
        self
    }

    /// How many bytes [`encode_into`](Self::encode_into) writes.
    pub fn encoded_len(&self) -> usize {
        let mut len = 0;
        self.walk(&mut |piece| len += piece.len());
        len
    }

    /// Writes it, without a start code or length, and returns how many bytes that took.
    ///
    /// # Errors
    /// `sei.buffer_too_small`; nothing is written then.
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        if out.len() < needed {
            return Err(BufferTooSmall { needed });
        }
        let mut at = 0;
        self.walk(&mut |piece| {
            let end = at + piece.len();
            if let Some(place) = out.get_mut(at..end) {
                place.copy_from_slice(piece);
            }
            at = end;
        });
        Ok(needed)
    }

    /// Appends it.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        self.walk(&mut |piece| out.extend_from_slice(piece));
    }

    /// It, as a vector.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.append_to(&mut out);
        out
    }

    fn walk(&self, sink: &mut dyn FnMut(&[u8])) {
        match self.codec {
            // nal_ref_idc 0, type 6.
            Codec::H264 => sink(&[0x06]),
            // Type 39, nuh_layer_id 0.
            Codec::H265 => sink(&[39 << 1, self.temporal_id_plus1]),
        }
        let uuid = self.payload.uuid.as_ref().map_or(&[][..], |uuid| &uuid.0);
        let size = uuid.len() + self.payload.data.len();
        let mut head = [0xFF; HEAD];
        let full = size / 0xFF;
        let [first, ..] = &mut head;
        *first = self.payload.kind;
        // Below 255, by the division.
        if let (Some(last), Ok(remainder)) = (head.get_mut(1 + full), u8::try_from(size % 0xFF)) {
            *last = remainder;
        }
        let head = head.get(..full + 2).unwrap_or_default();
        rbsp::walk(&[head, uuid, self.payload.data, &[0x80]], sink);
    }
}

/// The most bytes that a type below 255 and a size take.
const HEAD: usize = 2 + (Uuid::LEN + MAX_CONTENT) / 0xFF;

#[cfg(test)]
mod tests {
    use super::{MAX_CONTENT, Payload, SeiNal};
    use crate::sei::codec::Codec;
    use crate::sei::error::{BufferTooSmall, SeiError};
    use crate::sei::message::messages;
    use crate::sei::uuid::Uuid;
    use std::vec::Vec;

    use proptest::prelude::*;

    #[test]
    fn writes_header_type_size_uuid_data_and_stop_bit() {
        let payload = Payload::unregistered(Uuid::LIVEGATE, b"hi").unwrap();
        // 16 + 2 = 18 bytes.
        let expected = [&[0x06, 5, 18][..], b"livega\x80t\xa5e-sei-1", b"hi", &[0x80]].concat();
        assert_eq!(SeiNal::new(Codec::H264, payload).to_vec(), expected);
        let nal = SeiNal::new(Codec::H265, payload).with_temporal_id_plus1(3).to_vec();
        // Type 39: 0 100111 0; layer 0, temporal id 2: 00000 011.
        assert_eq!(nal[..2], [0b0100_1110, 0b0000_0011]);
        assert_eq!(nal[2..], expected[1..]);
    }

    #[test]
    fn escapes_what_would_be_a_start_code() {
        let payload = Payload::typed(100, &[0, 0, 1, 0, 0]).unwrap();
        assert_eq!(
            SeiNal::new(Codec::H264, payload).to_vec(),
            [0x06, 100, 5, 0, 0, 3, 1, 0, 0, 0x80]
        );
    }

    #[test]
    fn sizes_take_a_byte_for_each_255() {
        let data = [b'x'; MAX_CONTENT];
        for (len, size) in [
            (254, &[254][..]),
            (255, &[255, 0]),
            (256, &[255, 1]),
            // 4096 = 16 * 255 + 16.
            (4096, &[&[255; 16][..], &[16]].concat()),
        ] {
            let nal = SeiNal::new(Codec::H264, Payload::typed(254, &data[..len]).unwrap()).to_vec();
            assert_eq!(nal[..2 + size.len()], [&[0x06, 254][..], size].concat());
            assert_eq!(nal.len(), 2 + size.len() + len + 1);
        }
        // 16 + 4096 = 4112 = 16 * 255 + 32.
        let payload = Payload::unregistered(Uuid::LIVEGATE, &data).unwrap();
        let nal = SeiNal::new(Codec::H264, payload).to_vec();
        assert_eq!(nal[..20], [&[0x06, 5][..], &[255; 16], &[32], b"l"].concat());
    }

    #[test]
    fn refuses_what_is_too_long_or_of_another_type() {
        let data = [0; MAX_CONTENT + 1];
        assert!(Payload::typed(100, &data[1..]).is_ok());
        let long = SeiError::ContentTooLong { len: MAX_CONTENT + 1 };
        assert_eq!(Payload::typed(100, &data).unwrap_err(), long);
        assert_eq!(Payload::unregistered(Uuid::LIVEGATE, &data).unwrap_err(), long);
        for payload_type in [0, 5, 99, 255] {
            assert_eq!(
                Payload::typed(payload_type, b"").unwrap_err(),
                SeiError::PayloadType { payload_type: payload_type.into() }
            );
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_is_left_alone() {
        let nal = SeiNal::new(Codec::H264, Payload::typed(100, b"abc").unwrap());
        let mut out = [0xEE; 8];
        assert_eq!(nal.encode_into(&mut out[..6]), Err(BufferTooSmall { needed: 7 }));
        assert_eq!(out, [0xEE; 8]);
        assert_eq!(nal.encode_into(&mut out), Ok(7));
        assert_eq!(out, [0x06, 100, 3, b'a', b'b', b'c', 0x80, 0xEE]);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            h265 in any::<bool>(),
            own in prop::option::of(100..=254_u8),
            uuid in any::<[u8; 16]>(),
            data in prop::collection::vec(prop_oneof![Just(0), 0..5_u8, any::<u8>()], 0..700),
        ) {
            let codec = if h265 { Codec::H265 } else { Codec::H264 };
            let payload = match own {
                Some(own) => Payload::typed(own, &data),
                None => Payload::unregistered(Uuid(uuid), &data),
            };
            let payload = payload.unwrap();
            let nal = SeiNal::new(codec, payload);
            prop_assert_eq!(nal.encoded_len(), nal.to_vec().len());
            let nal = nal.to_vec();
            let body = &nal[codec.header_len()..];
            prop_assert!(!body.windows(3).any(|w| w[0] == 0 && w[1] == 0 && w[2] < 3));
            prop_assert_eq!(nal.last(), Some(&0x80));
            let found: Vec<_> = messages(codec, &nal).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].payload_type, payload.payload_type());
            prop_assert_eq!(found[0].uuid(), own.is_none().then_some(Uuid(uuid)));
            prop_assert_eq!(&*found[0].content().to_cow(), &data);
            prop_assert_eq!(found[0].end, nal.len() - 1);
            prop_assert!(!found[0].is_truncated());
        }
    }
}
