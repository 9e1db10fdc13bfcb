//! What the body of a video tag is, or of a video message of RTMP: they are the same.
//!
//! Two forms are read. The legacy one (annex E.4.3.1) names the codec by four bits: 7 for H.264,
//! and 12 for H.265, which no standard gives but CDNs and players agreed on. The enhanced one
//! (Enhanced RTMP v2, `ExVideoTagHeader`) names it by a `FourCC`: `avc1` or `hvc1`.

use crate::sei::codec::Codec;

/// A body, as far as its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Video {
    /// A decoder configuration: an `AVCDecoderConfigurationRecord` or an
    /// `HEVCDecoderConfigurationRecord`, read by [`Configuration`](super::config::Configuration).
    Configuration {
        /// Which of the two.
        codec: Codec,
        /// Where in the body it begins; it ends with the body.
        at: usize,
    },
    /// Coded pictures, all with one time: NAL units, each behind its length.
    Frame(FrameHeader),
    /// The end of a sequence: no picture.
    End,
    /// Nothing that is looked into.
    Other(Other),
}

/// What stands before the NAL units of a coded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the NAL units are coded in.
    pub codec: Codec,
    /// What the sender calls the frame.
    pub kind: FrameKind,
    /// Presentation time minus decoding time in milliseconds, 24 bits with a sign.
    pub composition_time: i32,
    /// Where in the body the NAL units begin; they end with the body.
    pub at: usize,
}

/// The `FrameType` of a coded frame. Enhanced RTMP, "`VideoFrameType`".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// 1: one can seek to it.
    Key,
    /// 2: one cannot.
    Inter,
    /// 3: nothing refers to it. Meant for H.263, and seen elsewhere.
    Disposable,
    /// 4: a key frame that a server made.
    GeneratedKey,
}

impl FrameKind {
    /// Whether decoding can begin here.
    pub const fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::GeneratedKey)
    }
}

/// Why a body is not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// `FrameType` 5: a command to the player, no picture.
    Command,
    /// Metadata of the video, such as its colours.
    Metadata,
    /// Several tracks, or one with a number. Which of them a message would belong to nobody said.
    Multitrack,
    /// A picture of another codec, by its number or its `FourCC`.
    Codec,
    /// The decoder configuration of another codec, by its `FourCC`.
    Configuration,
    /// A number that the specifications leave for later, or more `ModEx` than is followed.
    Reserved,
    /// The body ends within its own header.
    Short,
}

/// More of the body is needed to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedMore {
    /// How many of the body's bytes, counted from its first.
    pub bytes: usize,
}

/// How many `ModEx` before the packet are followed. One is all that is defined, and each could take
/// 64 KiB.
const MAX_MOD_EX: usize = 16;

impl Video {
    /// Says what a body of `len` bytes is that begins with `body`. Looks at no byte behind what it
    /// names, and asks for no more than there is: a body that is too short is
    /// [`Other::Short`].
    pub fn parse(body: &[u8], len: usize) -> Result<Self, NeedMore> {
        match parse(body) {
            Err(NeedMore { bytes }) if bytes > len => Ok(Self::Other(Other::Short)),
            done => done,
        }
    }
}

/// The next bytes of a body.
struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], NeedMore> {
        let bytes = self.at + N;
        let taken = self.body.get(self.at..bytes).and_then(|bytes| bytes.first_chunk());
        self.at = bytes;
        taken.copied().ok_or(NeedMore { bytes })
    }

    fn byte(&mut self) -> Result<u8, NeedMore> {
        self.take().map(|[byte]| byte)
    }

    /// `SI24`, as 32 bits.
    fn signed(&mut self) -> Result<i32, NeedMore> {
        let [a, b, c] = self.take()?;
        Ok(i32::from_be_bytes([a, b, c, 0]) >> 8)
    }
}

fn parse(body: &[u8]) -> Result<Video, NeedMore> {
    let mut cursor = Cursor { body, at: 0 };
    let first = cursor.byte()?;
    if first & 0x80 != 0 { enhanced(first, &mut cursor) } else { legacy(first, &mut cursor) }
}

/// The kind of a frame, or why it is none.
const fn frame_kind(bits: u8) -> Result<FrameKind, Other> {
    match bits {
        1 => Ok(FrameKind::Key),
        2 => Ok(FrameKind::Inter),
        3 => Ok(FrameKind::Disposable),
        4 => Ok(FrameKind::GeneratedKey),
        5 => Err(Other::Command),
        _ => Err(Other::Reserved),
    }
}

/// `FrameType` and `CodecID` in the first byte, then `AVCPacketType` and `CompositionTime`.
fn legacy(first: u8, cursor: &mut Cursor<'_>) -> Result<Video, NeedMore> {
    let kind = frame_kind(first >> 4);
    if kind == Err(Other::Command) {
        return Ok(Video::Other(Other::Command));
    }
    let codec = match first & 0x0F {
        7 => Codec::H264,
        12 => Codec::H265,
        _ => return Ok(Video::Other(Other::Codec)),
    };
    let packet = cursor.byte()?;
    let composition_time = cursor.signed()?;
    let at = cursor.at;
    Ok(match (packet, kind) {
        (0, _) => Video::Configuration { codec, at },
        (1, Ok(kind)) => Video::Frame(FrameHeader { codec, kind, composition_time, at }),
        (1, Err(other)) => Video::Other(other),
        (2, _) => Video::End,
        _ => Video::Other(Other::Reserved),
    })
}

/// `IsExHeader`, `FrameType` and `PacketType` in the first byte, any `ModEx`, then the `FourCC`.
fn enhanced(first: u8, cursor: &mut Cursor<'_>) -> Result<Video, NeedMore> {
    const METADATA: u8 = 4;
    const MULTITRACK: u8 = 6;
    const MOD_EX: u8 = 7;
    let kind = frame_kind(first >> 4 & 0x07);
    let mut packet = first & 0x0F;
    let mut passed = 0;
    while packet == MOD_EX {
        if passed == MAX_MOD_EX {
            return Ok(Video::Other(Other::Reserved));
        }
        let mut size = usize::from(cursor.byte()?) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes(cursor.take()?)) + 1;
        }
        cursor.at += size;
        packet = cursor.byte()? & 0x0F;
        passed += 1;
    }
    match packet {
        METADATA => return Ok(Video::Other(Other::Metadata)),
        _ if kind == Err(Other::Command) => return Ok(Video::Other(Other::Command)),
        MULTITRACK => return Ok(Video::Other(Other::Multitrack)),
        _ => {}
    }
    let codec = match &cursor.take()? {
        b"avc1" => Codec::H264,
        b"hvc1" => Codec::H265,
        _ => {
            return Ok(match (packet, kind) {
                (0, _) => Video::Other(Other::Configuration),
                (1 | 3, Ok(_)) => Video::Other(Other::Codec),
                (1 | 3, Err(other)) => Video::Other(other),
                (2, _) => Video::End,
                _ => Video::Other(Other::Reserved),
            });
        }
    };
    let composition_time = match packet {
        1 => cursor.signed()?,
        _ => 0,
    };
    let at = cursor.at;
    Ok(match (packet, kind) {
        (0, _) => Video::Configuration { codec, at },
        (1 | 3, Ok(kind)) => Video::Frame(FrameHeader { codec, kind, composition_time, at }),
        (1 | 3, Err(other)) => Video::Other(other),
        (2, _) => Video::End,
        _ => Video::Other(Other::Reserved),
    })
}

#[cfg(test)]
mod tests {
    use super::{FrameHeader, FrameKind, NeedMore, Other, Video};
    use crate::sei::codec::Codec::{self, H264, H265};
    use std::vec::Vec;

    fn parse(body: &[u8]) -> Video {
        Video::parse(body, body.len()).unwrap()
    }

    fn frame(codec: Codec, kind: FrameKind, composition_time: i32, at: usize) -> Video {
        Video::Frame(FrameHeader { codec, kind, composition_time, at })
    }

    #[test]
    fn reads_the_legacy_form() {
        for (body, video) in [
            (&b"\x17\x00\0\0\0rec"[..], Video::Configuration { codec: H264, at: 5 }),
            (b"\x1C\x00\0\0\0rec", Video::Configuration { codec: H265, at: 5 }),
            (b"\x17\x01\0\0\0nal", frame(H264, FrameKind::Key, 0, 5)),
            // SI24: 0x000050 = 80, 0xFFFFD8 = -40.
            (b"\x27\x01\0\0\x50", frame(H264, FrameKind::Inter, 80, 5)),
            (b"\x2C\x01\xFF\xFF\xD8", frame(H265, FrameKind::Inter, -40, 5)),
            (b"\x37\x01\0\0\0", frame(H264, FrameKind::Disposable, 0, 5)),
            (b"\x47\x01\0\0\0", frame(H264, FrameKind::GeneratedKey, 0, 5)),
            (b"\x17\x02\0\0\0", Video::End),
            (b"\x17\x03\0\0\0", Video::Other(Other::Reserved)),
            (b"\x07\x01\0\0\0", Video::Other(Other::Reserved)),
            (b"\x57\x00", Video::Other(Other::Command)),
            (b"\x12abc", Video::Other(Other::Codec)),
            (b"", Video::Other(Other::Short)),
            (b"\x17\x01\0\0", Video::Other(Other::Short)),
        ] {
            assert_eq!(parse(body), video, "{body:02x?}");
        }
    }

    #[test]
    fn reads_the_enhanced_form() {
        for (body, video) in [
            (&b"\x90hvc1rec"[..], Video::Configuration { codec: H265, at: 5 }),
            (b"\x90avc1rec", Video::Configuration { codec: H264, at: 5 }),
            (b"\x91hvc1\x00\x00\x21nal", frame(H265, FrameKind::Key, 33, 8)),
            (b"\xA1avc1\xFF\xFF\xFFnal", frame(H264, FrameKind::Inter, -1, 8)),
            (b"\xA3hvc1nal", frame(H265, FrameKind::Inter, 0, 5)),
            (b"\x92hvc1", Video::End),
            (b"\x94hvc1amf", Video::Other(Other::Metadata)),
            // The kind of frame is to be ignored where metadata is.
            (b"\xD4hvc1amf", Video::Other(Other::Metadata)),
            (b"\xD1\0", Video::Other(Other::Command)),
            (b"\x95hvc1", Video::Other(Other::Reserved)),
            (b"\x96\x01hvc1\0", Video::Other(Other::Multitrack)),
            (b"\x91av01obu", Video::Other(Other::Codec)),
            (b"\xA3av01obu", Video::Other(Other::Codec)),
            (b"\x90av01rec", Video::Other(Other::Configuration)),
            (b"\x92av01", Video::End),
            (b"\x95av01", Video::Other(Other::Reserved)),
            (b"\xF1av01obu", Video::Other(Other::Reserved)),
            (b"\x91hev1\0\0\0nal", Video::Other(Other::Codec)),
            (b"\x98hvc1", Video::Other(Other::Reserved)),
            (b"\x91hvc1\0\0", Video::Other(Other::Short)),
        ] {
            assert_eq!(parse(body), video, "{body:02x?}");
        }
    }

    #[test]
    fn goes_on_behind_a_mod_ex() {
        // Three bytes of nanoseconds (size 2 + 1), type 0, then CodedFramesX.
        let body = b"\xA7\x02\x00\x01\xF4\x03hvc1nal";
        assert_eq!(parse(body), frame(H265, FrameKind::Inter, 0, 10));
        // 256 bytes are written as 255 and 16 bits: UI8 + 1 = 256, then UI16 + 1 = 256.
        let mut long = b"\x97\xFF\x00\xFF".to_vec();
        long.extend([0; 256]);
        long.extend(b"\x07\x00\xAA\x01avc1\0\0\x07nal");
        // 4 + 256, the next ModEx's type, size and data, its own type, FourCC, SI24.
        assert_eq!(parse(&long), frame(H264, FrameKind::Key, 7, 4 + 256 + 1 + 2 + 1 + 4 + 3));
    }

    #[test]
    fn follows_no_endless_mod_ex() {
        let chain = |links: usize| {
            let mut body = Vec::from([0x97]);
            for _ in 1..links {
                body.extend([0, 0, 7]);
            }
            body.extend(b"\0\0\x03avc1");
            parse(&body)
        };
        assert_eq!(chain(16), frame(H264, FrameKind::Key, 0, 1 + 16 * 3 + 4));
        assert_eq!(chain(17), Video::Other(Other::Reserved));
    }

    #[test]
    fn asks_for_what_it_needs_and_never_beyond_the_end() {
        let whole: &[u8] = b"\xA7\x02\x00\x01\xF4\x01hvc1\0\0\x01nal";
        let mut asked = Vec::new();
        let mut there = 0;
        while let Err(NeedMore { bytes }) = Video::parse(&whole[..there], whole.len()) {
            assert!(bytes > there);
            asked.push(bytes);
            there = bytes;
        }
        // Flags; the size; its data and the next type; the FourCC; SI24.
        assert_eq!(asked, [1, 2, 6, 10, 13]);
        for len in 0..13 {
            assert_eq!(Video::parse(&whole[..len], len), Ok(Video::Other(Other::Short)));
        }
    }
}
