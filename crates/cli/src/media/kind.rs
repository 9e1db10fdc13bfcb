//! What a stream is: FLV, or an H.264 or H.265 byte stream.

use std::path::Path;

use livegate_core::sei::codec::Codec;

use super::source::Source;
use crate::args::Args;
use crate::args::table::{Opt, value};
use crate::failure::Failure;

/// Which codec a byte stream has, where its name and first bytes do not say.
pub(crate) const CODEC: Opt = value(
    "codec",
    "CODEC",
    "h264 or h265: what a byte stream holds (default: its first bytes say, or its name)",
);

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// FLV.
    Flv,
    /// A byte stream (H.264 Annex B, H.265 Annex B).
    AnnexB(Codec),
}

/// The codec's name on the command line and in output.
pub(crate) const fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "h264",
        Codec::H265 => "h265",
    }
}

/// How much of the beginning is looked at: parameter sets come first, and are short.
const LOOK: usize = 4096;

/// How many zeros before the first start code are a stream's.
const MAX_ZEROS: usize = 1 << 20;

impl Kind {
    /// Finds out what the source holds: by `--codec`, else its bytes, else its name.
    pub(crate) fn of(source: &mut Source, args: &Args) -> Result<Self, Failure> {
        let given = match args.text("codec") {
            None => None,
            Some("h264") => Some(Codec::H264),
            Some("h265") => Some(Codec::H265),
            Some(other) => {
                return Err(args.usage(format!("--codec is h264 or h265, not `{other}`")));
            }
        };
        while source.bytes().len() < LOOK && !source.at_end() {
            source.fill()?;
        }
        // Any number of zeros may stand before the first start code.
        while source.bytes().iter().all(|byte| *byte == 0)
            && !source.at_end()
            && source.bytes().len() < MAX_ZEROS
        {
            source.fill()?;
        }
        let bytes = source.bytes();
        if bytes.starts_with(b"FLV\x01") {
            return Ok(Self::Flv);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        if zeros < 2 || bytes.get(zeros) != Some(&1) {
            let what =
                if bytes.is_empty() { "is empty" } else { "is neither FLV nor a byte stream" };
            return Err(Failure::failed(format!("{} {what}", source.shown()))
                .point("FLV begins with `FLV`, a byte stream of H.264 or H.265 with 00 00 01")
                .next(
                    "ffmpeg -i IN -c copy OUT.flv (or OUT.h264, OUT.h265) makes one of most files",
                ));
        }
        // Bytes are what they are; a name may be wrong.
        let codec = given.or_else(|| by_bytes(bytes)).or_else(|| by_name(source.shown()));
        codec.map(Self::AnnexB).ok_or_else(|| {
            args.usage(format!("{} does not show whether it is H.264 or H.265", source.shown()))
                .point("--codec h264 or --codec h265 says it")
        })
    }
}

fn by_name(name: &str) -> Option<Codec> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "h264" | "264" | "avc" | "jsv" => Some(Codec::H264),
        "h265" | "265" | "hevc" => Some(Codec::H265),
        _ => None,
    }
}

/// The codec whose headers the first units have (H.264 Table 7-1, H.265 Table 7-1): what comes
/// first in one is, read as the other, of a type that nobody sends first.
fn by_bytes(bytes: &[u8]) -> Option<Codec> {
    bytes.windows(5).filter(|window| window.starts_with(&[0, 0, 1])).find_map(|window| {
        let [_, _, _, first, second] = *window else { return None };
        // VPS, SPS, PPS, access unit delimiter, prefix SEI or IRAP, in the base layer.
        let is_h265 = matches!(first >> 1, 16..=21 | 32..=35 | 39) && first & 1 == 0 && second == 1;
        // Slice, IDR, SEI (never a reference), SPS, PPS, access unit delimiter.
        let is_h264 = match first & 0x1f {
            1 | 5 | 7 | 8 => first & 0x80 == 0,
            6 | 9 => first & 0xe0 == 0,
            _ => false,
        };
        match (is_h264, is_h265) {
            (true, false) => Some(Codec::H264),
            (false, true) => Some(Codec::H265),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{by_bytes, by_name};
    use livegate_core::sei::codec::Codec::{H264, H265};

    #[test]
    fn the_first_units_say_the_codec() {
        // Headers of H.264 (7.3.1): SPS 0x67, SEI 0x06, AUD 0x09, IDR 0x65, slice 0x41.
        for first in [0x67, 0x27, 0x06, 0x09, 0x65, 0x41, 0x68] {
            assert_eq!(by_bytes(&[0, 0, 0, 1, first, 0x64]), Some(H264), "{first:#x}");
        }
        // Headers of H.265 (7.3.1.2): VPS 32, SPS 33, PPS 34, AUD 35, SEI 39, IDR 19, CRA 21.
        for kind in [32_u8, 33, 34, 35, 39, 19, 21] {
            assert_eq!(by_bytes(&[0, 0, 1, kind << 1, 1]), Some(H265), "{kind}");
        }
        assert_eq!(by_bytes(&[0, 0, 1, 0xff, 0xff]), None);
        assert_eq!(by_bytes(b""), None);
    }

    #[test]
    fn a_name_says_the_codec() {
        assert_eq!(by_name("a/b.H264"), Some(H264));
        assert_eq!(by_name("b.hevc"), Some(H265));
        assert_eq!(by_name("standard input"), None);
    }
}
