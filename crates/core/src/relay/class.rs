//! What a message of a live stream is to a decoder.
//!
//! Any codec's: whether decoding can begin at a picture stands in FLV's own bits, not in the
//! picture (Adobe FLV 10.1 E.4.2 and E.4.3; Enhanced RTMP v2, "Enhanced Audio", "Enhanced Video").

/// What a message is to a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// `onMetaData`.
    Metadata,
    /// The video's sequence header.
    VideoHeader,
    /// The audio's sequence header.
    AudioHeader,
    /// A picture that needs no other.
    KeyFrame,
    /// Any other message of the video.
    Video,
    /// Sound; and data of the stream's own, which needs nothing before it either.
    Audio,
}

/// How many `ModEx` before a packet are followed; one is all that is defined.
const MAX_MOD_EX: usize = 16;

impl Class {
    /// How many classes are headers.
    pub const HEADERS: usize = 3;

    /// Which of the headers it is, from 0; none for media.
    pub const fn header(self) -> Option<usize> {
        match self {
            Self::Metadata => Some(0),
            Self::VideoHeader => Some(1),
            Self::AudioHeader => Some(2),
            Self::KeyFrame | Self::Video | Self::Audio => None,
        }
    }

    /// Whether a decoder needs it before media, and it is none itself.
    pub const fn is_header(self) -> bool {
        self.header().is_some()
    }

    /// That of the body of a video tag. One that cannot be read is no key frame.
    pub fn of_video(body: &[u8]) -> Self {
        let Some(first) = body.first() else { return Self::Video };
        let kind = first >> 4 & 0x07;
        if kind == COMMAND {
            // One byte follows, that says where seeking begins or ends, and no packet type.
            return Self::Video;
        }
        let packet = if first & 0x80 != 0 {
            enhanced(first & 0x0F, body.get(1..).unwrap_or_default())
        } else {
            match (first & 0x0F, body.get(1)) {
                // H.264 and H.265 have a packet type of their own.
                (7 | 12, Some(packet)) => *packet,
                (7 | 12, None) => return Self::Video,
                _ => FRAMES,
            }
        };
        match (packet, kind) {
            (SEQUENCE_START | MPEG2_TS_START, _) => Self::VideoHeader,
            (FRAMES | FRAMES_X, KEY | GENERATED_KEY) => Self::KeyFrame,
            _ => Self::Video,
        }
    }

    /// That of the body of an audio tag.
    pub const fn of_audio(body: &[u8]) -> Self {
        match body {
            // AAC, and enhanced audio of one track: the sequence header.
            [0xA0..=0xAF, 0, ..] | [0x90, ..] => Self::AudioHeader,
            _ => Self::Audio,
        }
    }

    /// That of the body of a script tag, in AMF0 and without `@setDataFrame`.
    pub fn of_data(body: &[u8]) -> Self {
        if body.starts_with(b"\x02\x00\x0AonMetaData") { Self::Metadata } else { Self::Audio }
    }
}

const SEQUENCE_START: u8 = 0;
const FRAMES: u8 = 1;
const FRAMES_X: u8 = 3;
const MPEG2_TS_START: u8 = 5;
const MULTITRACK: u8 = 6;
const MOD_EX: u8 = 7;
const KEY: u8 = 1;
const GENERATED_KEY: u8 = 4;
const COMMAND: u8 = 5;
/// No packet type: what is cut off is nothing that decoding begins with.
const NOTHING: u8 = 0x0F;

/// The packet type behind what may stand before it.
fn enhanced(mut packet: u8, mut rest: &[u8]) -> u8 {
    for _ in 0..MAX_MOD_EX {
        if packet != MOD_EX {
            break;
        }
        // A size less one in one byte, or after 255 in two, the data, and the next packet type.
        let (size, behind) = match rest {
            [255, high, low, behind @ ..] => (u16::from_be_bytes([*high, *low]), behind),
            [size, behind @ ..] => (u16::from(*size), behind),
            [] => return NOTHING,
        };
        let Some([next, behind @ ..]) = behind.get(usize::from(size).saturating_add(1)..) else {
            return NOTHING;
        };
        packet = next & 0x0F;
        rest = behind;
    }
    match (packet, rest) {
        (MULTITRACK, [kind, ..]) => kind & 0x0F,
        (MULTITRACK | MOD_EX, _) => NOTHING,
        _ => packet,
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn legacy_video_by_frame_and_packet_type() {
        assert_eq!(Class::of_video(&[0x17, 0, 0, 0, 0, 1]), Class::VideoHeader);
        assert_eq!(Class::of_video(&[0x17, 1, 0, 0, 0]), Class::KeyFrame);
        assert_eq!(Class::of_video(&[0x47, 1, 0, 0, 0]), Class::KeyFrame);
        assert_eq!(Class::of_video(&[0x27, 1, 0, 0, 0]), Class::Video);
        assert_eq!(Class::of_video(&[0x17, 2, 0, 0, 0]), Class::Video);
        assert_eq!(Class::of_video(&[0x1C, 0]), Class::VideoHeader);
        // Sorenson H.263: no packet type.
        assert_eq!(Class::of_video(&[0x12]), Class::KeyFrame);
        assert_eq!(Class::of_video(&[0x17]), Class::Video);
        assert_eq!(Class::of_video(&[]), Class::Video);
    }

    #[test]
    fn a_command_is_no_header_whatever_it_says() {
        for command in [0, 1] {
            assert_eq!(Class::of_video(&[0x57, command]), Class::Video);
            assert_eq!(Class::of_video(&[0x5C, command]), Class::Video);
        }
        assert_eq!(Class::of_video(b"\xD0hvc1\x00"), Class::Video);
    }

    #[test]
    fn enhanced_video_of_any_codec() {
        assert_eq!(Class::of_video(b"\x90av01\x81"), Class::VideoHeader);
        assert_eq!(Class::of_video(b"\x91av01"), Class::KeyFrame);
        assert_eq!(Class::of_video(b"\x93hvc1"), Class::KeyFrame);
        assert_eq!(Class::of_video(b"\xA3hvc1"), Class::Video);
        assert_eq!(Class::of_video(b"\x94hvc1"), Class::Video);
    }

    #[test]
    fn what_stands_before_an_enhanced_packet_is_passed() {
        // A ModEx of three bytes, then CodedFramesX of a key frame.
        assert_eq!(Class::of_video(&[0x97, 2, 9, 9, 9, 0x03, b'h']), Class::KeyFrame);
        // The same with its size in two bytes: 3 is written as 255, 0, 2.
        assert_eq!(Class::of_video(&[0x97, 255, 0, 2, 9, 9, 9, 0x00]), Class::VideoHeader);
        // Cut off.
        assert_eq!(Class::of_video(&[0x97, 2, 9]), Class::Video);
        assert_eq!(Class::of_video(&[0x97]), Class::Video);
        // Multitrack, of coded frames.
        assert_eq!(Class::of_video(&[0x96, 0x01]), Class::KeyFrame);
        assert_eq!(Class::of_video(&[0x96, 0x00]), Class::VideoHeader);
    }

    #[test]
    fn audio_and_data() {
        assert_eq!(Class::of_audio(&[0xAF, 0, 0x12, 0x10]), Class::AudioHeader);
        assert_eq!(Class::of_audio(&[0xAF, 1]), Class::Audio);
        assert_eq!(Class::of_audio(b"\x90Opus"), Class::AudioHeader);
        assert_eq!(Class::of_audio(b"\x91Opus"), Class::Audio);
        assert_eq!(Class::of_audio(&[0x2F, 0]), Class::Audio);
        assert_eq!(Class::of_audio(&[]), Class::Audio);
        assert_eq!(Class::of_data(b"\x02\x00\x0AonMetaData\x08"), Class::Metadata);
        assert_eq!(Class::of_data(b"\x02\x00\x0AonTextData\x08"), Class::Audio);
    }
}
