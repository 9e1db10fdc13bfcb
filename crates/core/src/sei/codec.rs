//! The two codecs, and what the header of a NAL unit says.

/// A video codec whose streams are NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264, MPEG-4 AVC.
    H264,
    /// H.265, HEVC.
    H265,
}

impl Codec {
    /// How many bytes the header of a NAL unit has (H.264 7.3.1, H.265 7.3.1.2).
    pub const fn header_len(self) -> usize {
        match self {
            Self::H264 => 1,
            Self::H265 => 2,
        }
    }
}

/// The header of a NAL unit: H.264 7.4.1, H.265 7.4.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    codec: Codec,
    /// `nal_unit_type`.
    kind: u8,
    /// H.264: `nal_ref_idc`. H.265: `nuh_layer_id`.
    rank: u8,
    temporal_id_plus1: u8,
}

impl Unit {
    /// Reads the header of a NAL unit. `None` if it is cut short or is one that no NAL unit has:
    /// its first bit is set, or, in H.265, `nuh_temporal_id_plus1` is 0.
    #[inline]
    pub fn parse(codec: Codec, nal: &[u8]) -> Option<Self> {
        let first = *nal.first()?;
        if first & 0x80 != 0 {
            return None;
        }
        match codec {
            Codec::H264 => {
                Some(Self { codec, kind: first & 0x1F, rank: first >> 5, temporal_id_plus1: 1 })
            }
            Codec::H265 => {
                let second = *nal.get(1)?;
                let temporal_id_plus1 = second & 0x07;
                (temporal_id_plus1 != 0).then_some(Self {
                    codec,
                    kind: first >> 1,
                    rank: (first & 1) << 5 | second >> 3,
                    temporal_id_plus1,
                })
            }
        }
    }

    /// The codec it was read for.
    pub const fn codec(self) -> Codec {
        self.codec
    }

    /// `nal_unit_type`: 0 to 31 in H.264, 0 to 63 in H.265.
    pub const fn unit_type(self) -> u8 {
        self.kind
    }

    /// `nal_ref_idc`, 0 to 3; in H.265, which has none, 0.
    pub const fn ref_idc(self) -> u8 {
        match self.codec {
            Codec::H264 => self.rank,
            Codec::H265 => 0,
        }
    }

    /// `nuh_layer_id`, 0 to 63; in H.264, which has none, 0.
    pub const fn layer_id(self) -> u8 {
        match self.codec {
            Codec::H264 => 0,
            Codec::H265 => self.rank,
        }
    }

    /// `nuh_temporal_id_plus1`, 1 to 7; in H.264, which has none, 1.
    pub const fn temporal_id_plus1(self) -> u8 {
        self.temporal_id_plus1
    }

    /// Whether it holds a part of a picture: H.264 1 to 5, H.265 0 to 31. The slices of further
    /// layers and views that H.264's Annexes G to J add (20, 21) and auxiliary pictures (19) do
    /// not count: a decoder of the base stream passes over them.
    pub const fn is_vcl(self) -> bool {
        match self.codec {
            Codec::H264 => self.kind >= 1 && self.kind <= 5,
            Codec::H265 => self.kind < 32,
        }
    }

    /// Whether it holds SEI messages: H.264 6; H.265 39 (prefix) and 40 (suffix).
    pub const fn is_sei(self) -> bool {
        match self.codec {
            Codec::H264 => self.kind == 6,
            Codec::H265 => self.kind == 39 || self.kind == 40,
        }
    }

    /// Whether it is an access unit delimiter: H.264 9, H.265 35.
    pub const fn is_delimiter(self) -> bool {
        match self.codec {
            Codec::H264 => self.kind == 9,
            Codec::H265 => self.kind == 35,
        }
    }

    /// Whether it is a parameter set: H.264 7, 8, 13 and 15, H.265 32 to 34.
    pub const fn is_parameter_set(self) -> bool {
        match self.codec {
            Codec::H264 => matches!(self.kind, 7 | 8 | 13 | 15),
            Codec::H265 => self.kind >= 32 && self.kind <= 34,
        }
    }

    /// Whether it stands before a slice of the base layer and describes it, or is a slice of another
    /// one (H.264 14 and 20): a message goes before these as well.
    pub const fn is_prefix(self) -> bool {
        matches!((self.codec, self.kind), (Codec::H264, 14 | 20))
    }

    /// Whether it ends a sequence or the stream: H.264 10 and 11, H.265 36 and 37.
    pub const fn is_end(self) -> bool {
        match self.codec {
            Codec::H264 => self.kind == 10 || self.kind == 11,
            Codec::H265 => self.kind == 36 || self.kind == 37,
        }
    }

    /// Whether it belongs to a picture at which decoding can begin by itself: H.264 IDR (5), H.265
    /// IRAP (16 to 23: BLA, IDR, CRA and two that are reserved).
    pub const fn is_random_access(self) -> bool {
        match self.codec {
            Codec::H264 => self.kind == 5,
            Codec::H265 => self.kind >= 16 && self.kind <= 23,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Codec, Unit};

    #[test]
    fn reads_the_header_of_an_h264_unit() {
        // 0 11 00101: nal_ref_idc 3, nal_unit_type 5.
        let unit = Unit::parse(Codec::H264, &[0x65]).unwrap();
        assert_eq!((unit.unit_type(), unit.ref_idc(), unit.layer_id()), (5, 3, 0));
        assert_eq!(unit.temporal_id_plus1(), 1);
        assert!(unit.is_vcl() && unit.is_random_access() && !unit.is_sei());
    }

    #[test]
    fn reads_the_header_of_an_h265_unit() {
        // 0 100111 1|00101 010: type 39, nuh_layer_id 37, nuh_temporal_id_plus1 2.
        let unit = Unit::parse(Codec::H265, &[0b0100_1111, 0b0010_1010, 0xFF]).unwrap();
        assert_eq!((unit.unit_type(), unit.layer_id(), unit.temporal_id_plus1()), (39, 37, 2));
        assert_eq!(unit.ref_idc(), 0);
        assert!(unit.is_sei() && !unit.is_vcl());
    }

    #[test]
    fn knows_the_kinds() {
        let h264 = |unit_type: u8| Unit::parse(Codec::H264, &[unit_type]).unwrap();
        let h265 = |unit_type: u8| Unit::parse(Codec::H265, &[unit_type << 1, 1]).unwrap();
        let all = |of: &dyn Fn(u8) -> bool, most: u8| -> std::vec::Vec<u8> {
            (0..most).filter(|unit_type| of(*unit_type)).collect()
        };
        // Table 7-1 of H.264 and of H.265.
        assert_eq!(all(&|t| h264(t).is_vcl(), 32), [1, 2, 3, 4, 5]);
        assert_eq!(all(&|t| h264(t).is_sei(), 32), [6]);
        assert_eq!(all(&|t| h264(t).is_delimiter(), 32), [9]);
        assert_eq!(all(&|t| h264(t).is_parameter_set(), 32), [7, 8, 13, 15]);
        assert_eq!(all(&|t| h264(t).is_prefix(), 32), [14, 20]);
        assert_eq!(all(&|t| h264(t).is_end(), 32), [10, 11]);
        assert_eq!(all(&|t| h264(t).is_random_access(), 32), [5]);
        assert_eq!(all(&|t| h265(t).is_vcl(), 64), (0..32).collect::<std::vec::Vec<u8>>());
        assert_eq!(all(&|t| h265(t).is_sei(), 64), [39, 40]);
        assert_eq!(all(&|t| h265(t).is_delimiter(), 64), [35]);
        assert_eq!(all(&|t| h265(t).is_parameter_set(), 64), [32, 33, 34]);
        assert_eq!(all(&|t| h265(t).is_prefix(), 64), [0_u8; 0]);
        assert_eq!(all(&|t| h265(t).is_end(), 64), [36, 37]);
        assert_eq!(
            all(&|t| h265(t).is_random_access(), 64),
            (16..24).collect::<std::vec::Vec<u8>>()
        );
    }

    #[test]
    fn refuses_what_is_no_header() {
        assert_eq!(Unit::parse(Codec::H264, &[]), None);
        assert_eq!(Unit::parse(Codec::H264, &[0x86]), None);
        assert_eq!(Unit::parse(Codec::H265, &[0x4E]), None);
        assert_eq!(Unit::parse(Codec::H265, &[0xCE, 0x01]), None);
        assert_eq!(Unit::parse(Codec::H265, &[0x4E, 0x00]), None);
    }
}
