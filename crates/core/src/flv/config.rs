//! The decoder configuration that a sequence begins with: how many bytes the lengths of its NAL
//! units have, and the parameter sets.
//!
//! ISO/IEC 14496-15:2022, 5.3.3.1 (`AVCDecoderConfigurationRecord`) and 8.3.3.1
//! (`HEVCDecoderConfigurationRecord`).

use core::fmt;

use crate::error::{Code, Coded, Fault};
use crate::layout::Size;
use crate::sei::codec::Codec;
use crate::sei::length::{Found, LengthSize};
use crate::sei::picture::picture_size;

/// A view of a configuration record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration<'a> {
    /// Which record it is.
    pub codec: Codec,
    /// How many bytes the length of a NAL unit has.
    pub length_size: LengthSize,
    sets: &'a [u8],
    /// Bytes of the record.
    len: usize,
}

impl<'a> Configuration<'a> {
    /// How many bytes of a record say how long lengths are.
    pub const fn fixed_len(codec: Codec) -> usize {
        match codec {
            Codec::H264 => 5,
            Codec::H265 => 23,
        }
    }

    /// Reads a record, of which [`Configuration::fixed_len`] bytes have to be there. What is wrong
    /// behind those ends the parameter sets and is no error: senders write much there.
    pub fn parse(codec: Codec, record: &'a [u8]) -> Result<Self, ConfigurationError> {
        let needed = Self::fixed_len(codec);
        let Some((fixed, sets)) = record.split_at_checked(needed) else {
            return Err(ConfigurationError::Short { bytes: record.len(), needed });
        };
        // Anything else is no record; often it is parameter sets behind start codes.
        if fixed[0] != 1 {
            return Err(ConfigurationError::Version { found: fixed[0] });
        }
        let lengths = match codec {
            Codec::H264 => fixed[4],
            Codec::H265 => fixed[21],
        };
        let length_size = LengthSize::from_minus_one(lengths);
        let sets = if codec == Codec::H265 { &record[22..] } else { sets };
        Ok(Self { codec, length_size, sets, len: record.len() })
    }

    /// The parameter sets in their order, each a NAL unit behind a length of two bytes, with the
    /// place of that in the record; in H.265 also the SEI of the whole sequence. Ends where the record is cut short.
    pub const fn parameter_sets(&self) -> ParameterSets<'a> {
        match self.codec {
            // `numOfSequenceParameterSets` and then `numOfPictureParameterSets`.
            Codec::H264 => ParameterSets::new(self, 2, Group::Avc),
            Codec::H265 => ParameterSets::new(self, 0, Group::Count),
        }
    }

    /// How large pictures are, by the first sequence parameter set that says it.
    pub fn picture_size(&self) -> Option<Size> {
        self.parameter_sets().find_map(|set| picture_size(self.codec, set.nal))
    }
}

/// See [`Configuration::parameter_sets`].
#[derive(Clone, Debug)]
pub struct ParameterSets<'a> {
    rest: &'a [u8],
    /// Where in the record the rest ends.
    end: usize,
    /// Groups of sets that are still to come.
    groups: u8,
    group: Group,
    /// Sets that are left in this group.
    left: u16,
}

/// How a group of sets says how many there are.
#[derive(Clone, Copy, Debug)]
enum Group {
    /// A byte; before the first group its upper three bits are reserved.
    Avc,
    /// A byte says how many groups there are.
    Count,
    /// A byte with the type of the NAL units, then 16 bits.
    Hevc,
}

impl<'a> ParameterSets<'a> {
    const fn new(of: &Configuration<'a>, groups: u8, group: Group) -> Self {
        Self { rest: of.sets, end: of.len, groups, group, left: 0 }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    /// Goes to the next group. `None` if there is none.
    fn next_group(&mut self) -> Option<()> {
        if matches!(self.group, Group::Count) {
            [self.groups] = self.take()?;
            self.group = Group::Hevc;
        }
        let first = self.groups;
        self.groups = first.checked_sub(1)?;
        self.left = match self.group {
            Group::Avc => {
                let [count] = self.take()?;
                u16::from(if first == 2 { count & 0x1F } else { count })
            }
            Group::Count | Group::Hevc => {
                let [_, high, low] = self.take()?;
                u16::from_be_bytes([high, low])
            }
        };
        Some(())
    }
}

impl<'a> Iterator for ParameterSets<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        while self.left == 0 {
            self.next_group()?;
        }
        let offset = self.end - self.rest.len();
        let len = usize::from(u16::from_be_bytes(self.take()?));
        let (nal, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        self.left -= 1;
        Some(Found { offset, nal, truncated: false })
    }
}

/// Why a configuration record cannot be read. The frames that follow it pass untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// It ends before it says how long lengths are.
    Short {
        /// How long it is.
        bytes: usize,
        /// How long it would have to be.
        needed: usize,
    },
    /// Its version is not 1.
    Version {
        /// What it says.
        found: u8,
    },
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { bytes, needed } => {
                write!(
                    f,
                    "a decoder configuration of {bytes} bytes, where at least {needed} are needed"
                )
            }
            Self::Version { found } => {
                write!(f, "a decoder configuration of version {found}, where 1 is the only one")
            }
        }
    }
}

impl core::error::Error for ConfigurationError {}

impl Coded for ConfigurationError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Short { .. } => "flv.configuration_short",
            Self::Version { .. } => "flv.configuration_version",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}

#[cfg(test)]
mod tests {
    use super::{Configuration, ConfigurationError};
    use crate::error::Coded;
    use crate::sei::codec::Codec;
    use crate::sei::length::LengthSize;
    use std::vec::Vec;

    /// `avcC`: High 3.1, lengths of four bytes, one SPS of 3 bytes, two PPS of 2 and 1, and what
    /// profile 100 has behind them.
    const AVCC: &[u8] =
        b"\x01\x64\x00\x1F\xFF\xE1\0\x03\x67\x64\x1F\x02\0\x02\x68\xEB\0\x01\x68\xFD\xF8\xF8\0";

    /// `hvcC`: 22 bytes, lengths of two bytes (lengthSizeMinusOne 1), then arrays of VPS (32),
    /// none of SPS (33), and two PPS (34).
    fn hvcc() -> Vec<u8> {
        let mut record = Vec::from([0; 21]);
        record[0] = 1;
        record.push(0x0D);
        record.extend(
            b"\x03\xA0\0\x01\0\x03\x40\x01\x0C\xA1\0\0\xA2\0\x02\0\x02\x44\x01\0\x03\x44\x01\xC1",
        );
        record
    }

    #[test]
    fn reads_an_avc_record() {
        let record = Configuration::parse(Codec::H264, AVCC).unwrap();
        assert_eq!(record.length_size, LengthSize::Four);
        let sets: Vec<_> = record.parameter_sets().map(|found| found.nal).collect();
        assert_eq!(sets, [&b"\x67\x64\x1F"[..], b"\x68\xEB", b"\x68"]);
        for found in record.parameter_sets() {
            assert!(AVCC[found.offset + 2..].starts_with(found.nal));
        }
    }

    #[test]
    fn reads_an_hevc_record() {
        let record = hvcc();
        let record = Configuration::parse(Codec::H265, &record).unwrap();
        assert_eq!(record.length_size, LengthSize::Two);
        let sets: Vec<_> = record.parameter_sets().map(|found| found.nal).collect();
        assert_eq!(sets, [&b"\x40\x01\x0C"[..], b"\x44\x01", b"\x44\x01\xC1"]);
    }

    #[test]
    fn a_cut_record_says_its_lengths_and_the_sets_that_are_whole() {
        for (codec, whole) in [(Codec::H264, AVCC.to_vec()), (Codec::H265, hvcc())] {
            let all = Configuration::parse(codec, &whole).unwrap();
            let needed = Configuration::fixed_len(codec);
            for len in 0..whole.len() {
                let cut = Configuration::parse(codec, &whole[..len]);
                if len < needed {
                    assert_eq!(cut, Err(ConfigurationError::Short { bytes: len, needed }));
                    continue;
                }
                let cut = cut.unwrap();
                assert_eq!(cut.length_size, all.length_size);
                let sets: Vec<_> = cut.parameter_sets().map(|found| found.nal).collect();
                let expected: Vec<_> = all.parameter_sets().map(|found| found.nal).collect();
                assert_eq!(sets, expected[..sets.len()]);
            }
        }
    }

    #[test]
    fn refuses_what_is_no_record() {
        // Parameter sets behind a start code, which some senders put here.
        let annex_b = Configuration::parse(Codec::H264, b"\0\0\0\x01\x67\x64\0\x1F");
        assert_eq!(annex_b, Err(ConfigurationError::Version { found: 0 }));
        for error in [annex_b.unwrap_err(), ConfigurationError::Short { bytes: 0, needed: 5 }] {
            assert!(error.code().is_well_formed());
        }
    }

    #[test]
    fn every_size_of_length_is_read() {
        for (bits, size) in
            [(0xFC, LengthSize::One), (0xFD, LengthSize::Two), (0xFF, LengthSize::Four)]
        {
            let record = [1, 100, 0, 31, bits];
            let read = Configuration::parse(Codec::H264, &record).unwrap();
            assert_eq!(read.length_size, size);
            assert_eq!(read.parameter_sets().next(), None);
        }
    }
}
