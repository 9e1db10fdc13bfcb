//! What the body of an audio tag is, or of an audio message of RTMP: they are the same. AAC is looked
//! into; of all else it is told that it is something else.
//!
//! The legacy form (annex E.4.2.1) has the format in four bits, 10 for AAC; the enhanced one (Enhanced
//! RTMP v2, `ExAudioTagHeader`) has a `FourCC`, `mp4a` for AAC.

/// A body, as far as its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audio {
    /// A decoder configuration: an `AudioSpecificConfig`, which [`AacConfiguration`] reads.
    Configuration {
        /// Where in the body it begins; it ends with the body.
        at: usize,
    },
    /// A frame of AAC, a `raw_data_block`.
    Frame {
        /// Where in the body it begins; it ends with the body.
        at: usize,
    },
    /// Sound that is not AAC, or AAC of several tracks.
    OtherCodec,
    /// Nothing that sounds: the end of a sequence, a layout of channels, less than a header.
    Nothing,
}

impl Audio {
    /// Says what a body is.
    pub fn parse(body: &[u8]) -> Self {
        const AAC: u8 = 10;
        const ENHANCED: u8 = 9;
        let Some((first, rest)) = body.split_first() else { return Self::Nothing };
        match (first >> 4, first & 0x0F, rest) {
            (AAC, _, [0, ..]) => Self::Configuration { at: 2 },
            (AAC, _, [1, ..]) => Self::Frame { at: 2 },
            (ENHANCED, 0, [b'm', b'p', b'4', b'a', ..]) => Self::Configuration { at: 5 },
            (ENHANCED, 1, [b'm', b'p', b'4', b'a', ..]) => Self::Frame { at: 5 },
            // SequenceEnd and MultichannelConfig.
            (ENHANCED, 2 | 4, _) | (AAC, ..) => Self::Nothing,
            _ => Self::OtherCodec,
        }
    }
}

/// What an `AudioSpecificConfig` says of the AAC-LC that is in the frames (ISO/IEC 14496-3:2019,
/// 1.6.2.1). HE-AAC is that with a description of the higher frequencies (SBR) or of the second
/// channel (PS) beside it, which a decoder of AAC-LC passes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AacConfiguration {
    /// Samples a second of the AAC-LC; of HE-AAC half of what is heard.
    pub sample_rate: u32,
    /// Channels of the AAC-LC: 1 or 2.
    pub channels: u8,
}

/// Samples of one channel in a frame.
pub const AAC_FRAME: u32 = 1_024;

impl AacConfiguration {
    /// Reads one. `None` for anything but AAC-LC, HE-AAC and HE-AAC v2 of one or two channels with
    /// 1,024 samples in a frame.
    pub fn parse(record: &[u8]) -> Option<Self> {
        const LC: u32 = 2;
        const SBR: u32 = 5;
        const PS: u32 = 29;
        let mut bits = Bits { bytes: record, at: 0 };
        let mut object_type = bits.object_type()?;
        let sample_rate = bits.sample_rate()?;
        let channels = u8::try_from(bits.take(4)?).ok()?;
        if matches!(object_type, SBR | PS) {
            // The rate with SBR, and then what it is an extension of.
            bits.sample_rate()?;
            object_type = bits.object_type()?;
        }
        let is_short = bits.take(1)? == 1;
        (object_type == LC && matches!(channels, 1 | 2) && !is_short)
            .then_some(Self { sample_rate, channels })
    }
}

/// Bits of a record, from the most significant on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `n`, at most 32.
    fn take(&mut self, n: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..n {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// `GetAudioObjectType`.
    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            object_type => Some(object_type),
        }
    }

    /// `samplingFrequencyIndex`, or the frequency itself behind index 15.
    fn sample_rate(&mut self) -> Option<u32> {
        const RATES: [u32; 13] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
            8_000, 7_350,
        ];
        match self.take(4)? {
            15 => self.take(24),
            index => RATES.get(usize::try_from(index).ok()?).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AacConfiguration, Audio};

    #[test]
    fn says_what_a_body_is() {
        for (body, expected) in [
            (&b"\xAF\0\x11\x90"[..], Audio::Configuration { at: 2 }),
            (b"\xAF\x01\x21", Audio::Frame { at: 2 }),
            (b"\xAE\x01", Audio::Frame { at: 2 }),
            (b"\x90mp4a\x11\x90", Audio::Configuration { at: 5 }),
            (b"\x91mp4a\x21", Audio::Frame { at: 5 }),
            (b"\x92mp4a", Audio::Nothing),
            (b"\x94mp4a", Audio::Nothing),
            (b"\x91Opus\x21", Audio::OtherCodec),
            // Several tracks; MP3; Speex; a ModEx.
            (b"\x95\x01mp4a", Audio::OtherCodec),
            (b"\x2F\xFF\xFB", Audio::OtherCodec),
            (b"\xB2", Audio::OtherCodec),
            (b"\x97\0\0\x01mp4a", Audio::OtherCodec),
            (b"\xAF\x02", Audio::Nothing),
            (b"\xAF", Audio::Nothing),
            (b"\x91mp4", Audio::OtherCodec),
            (b"", Audio::Nothing),
        ] {
            assert_eq!(Audio::parse(body), expected, "{body:x?}");
        }
    }

    #[test]
    fn reads_what_the_frames_are_of() {
        let of = |sample_rate, channels| Some(AacConfiguration { sample_rate, channels });
        for (record, expected) in [
            // ffmpeg's: AAC-LC, 48 kHz, two channels, and an explicit "no SBR" behind it; 44.1 kHz,
            // one channel.
            (&b"\x11\x90\x56\xE5\0"[..], of(48_000, 2)),
            (b"\x12\x08\x56\xE5\0", of(44_100, 1)),
            // fdk-aac's HE-AAC, 44.1 kHz of 22.05 kHz: 00101 0111 0010 0100 00010 000; and v2.
            (b"\x2B\x92\x08\0", of(22_050, 2)),
            (b"\xEB\x8A\x08\0", of(22_050, 1)),
            // A rate of its own, 48,000: 00010 1111 000000001011101110000000 0010 000.
            (b"\x17\x80\x5D\xC0\x10", of(48_000, 2)),
            // AAC Main, six channels, none, 960 samples, xHE-AAC, index 13, cut short.
            (b"\x09\x90", None),
            (b"\x11\xB0", None),
            (b"\x11\x80", None),
            (b"\x11\x94", None),
            (b"\xF9\x46\x42\x40", None),
            (b"\x16\x90", None),
            (b"\x11", None),
            (b"", None),
        ] {
            assert_eq!(AacConfiguration::parse(record), expected, "{record:x?}");
        }
    }
}
