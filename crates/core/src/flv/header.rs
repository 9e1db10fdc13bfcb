//! The file's header and the header of a tag.

use core::fmt;

use crate::error::{Code, Coded, Fault};

/// The header of a file: `FLV`, a version, flags and how long it is (annex E.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Whether the file says that it has audio. Live streams often say what is not so.
    pub audio: bool,
    /// Whether the file says that it has video.
    pub video: bool,
    /// Bytes from the start of the file to the first `PreviousTagSize`: 9, or more in versions to
    /// come.
    pub data_offset: u32,
}

impl FileHeader {
    /// Bytes that a header of version 1 has.
    pub const LEN: usize = 9;

    /// Reads the first nine bytes of a file.
    pub fn parse(bytes: [u8; Self::LEN]) -> Result<Self, FlvError> {
        let [f, l, v, version, flags, offset @ ..] = bytes;
        for (offset, (found, expected)) in (0..).zip([f, l, v].into_iter().zip(*b"FLV")) {
            if found != expected {
                return Err(FlvError::Signature { offset, found });
            }
        }
        if version != 1 {
            return Err(FlvError::Version { found: version });
        }
        let data_offset = u32::from_be_bytes(offset);
        if data_offset < 9 {
            return Err(FlvError::DataOffset { bytes: data_offset });
        }
        Ok(Self { audio: flags & 0x04 != 0, video: flags & 0x01 != 0, data_offset })
    }

    /// A header of version 1.
    pub const fn new(audio: bool, video: bool) -> Self {
        Self { audio, video, data_offset: 9 }
    }

    /// The header as it stands in a file. Whatever lies between it and `data_offset` is not made.
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let flags = (self.audio as u8) << 2 | self.video as u8;
        let [o3, o2, o1, o0] = self.data_offset.to_be_bytes();
        [b'F', b'L', b'V', 1, flags, o3, o2, o1, o0]
    }
}

/// What a tag holds (annex E.4.1, `TagType`; the message types of RTMP).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// 8.
    Audio,
    /// 9.
    Video,
    /// 18: `onMetaData` and other data.
    Script,
}

impl TagKind {
    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Script => 18,
        }
    }
}

/// The header of a tag (annex E.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagHeader {
    /// What the body is.
    pub kind: TagKind,
    /// Whether the body is encrypted, and so is nobody's to look into.
    pub filtered: bool,
    /// Bytes of the body, at most [`TagHeader::MAX_BODY`].
    pub body_len: u32,
    /// The decoding time in milliseconds: 24 bits and eight more above them. It wraps at 2³².
    pub timestamp: u32,
}

impl TagHeader {
    /// Bytes of a tag's header.
    pub const LEN: usize = 11;

    /// The longest body: `DataSize` has 24 bits, as has the message length of RTMP.
    pub const MAX_BODY: u32 = 0x00FF_FFFF;

    /// Reads a tag's header, `offset` bytes into its stream. The stream's number, which is always
    /// 0, is not looked at.
    pub fn parse(bytes: [u8; Self::LEN], offset: u64) -> Result<Self, FlvError> {
        let [first, s2, s1, s0, t2, t1, t0, t3, ..] = bytes;
        let kind = match first & 0xDF {
            8 => TagKind::Audio,
            9 => TagKind::Video,
            18 => TagKind::Script,
            _ => return Err(FlvError::TagType { offset, found: first }),
        };
        Ok(Self {
            kind,
            filtered: first & 0x20 != 0,
            body_len: u32::from_be_bytes([0, s2, s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
        })
    }

    /// The header as it stands before its body. Of `body_len` the lower 24 bits are written.
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [_, s2, s1, s0] = self.body_len.to_be_bytes();
        let [t3, t2, t1, t0] = self.timestamp.to_be_bytes();
        let first = self.kind.number() | (self.filtered as u8) << 5;
        [first, s2, s1, s0, t2, t1, t0, t3, 0, 0, 0]
    }

    /// Bytes of header and body: what the `PreviousTagSize` behind the tag has to say.
    pub const fn tag_len(&self) -> u32 {
        11 + self.body_len
    }
}

/// Why bytes are no FLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlvError {
    /// The stream does not begin with `FLV`.
    Signature {
        /// The first byte that is not of `FLV`: 0, 1 or 2.
        offset: u8,
        /// What it is.
        found: u8,
    },
    /// The version is not 1.
    Version {
        /// What the header says.
        found: u8,
    },
    /// The header says that it is shorter than nine bytes.
    DataOffset {
        /// What it says.
        bytes: u32,
    },
    /// Where a tag has to begin, something else stands.
    TagType {
        /// Bytes from the start of the stream.
        offset: u64,
        /// The byte that is no tag's type.
        found: u8,
    },
}

impl fmt::Display for FlvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature { offset, found } => {
                write!(f, "offset {offset}: expected the signature FLV, found {found:#04x}")
            }
            Self::Version { found } => write!(f, "offset 3: expected version 1, found {found}"),
            Self::DataOffset { bytes } => {
                write!(f, "offset 5: expected a header of at least 9 bytes, found {bytes}")
            }
            Self::TagType { offset, found } => write!(
                f,
                "offset {offset}: expected a tag of type 8 (audio), 9 (video) or 18 (script data), found {found:#04x}"
            ),
        }
    }
}

impl core::error::Error for FlvError {}

impl Coded for FlvError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Signature { .. } => "flv.signature",
            Self::Version { .. } => "flv.version",
            Self::DataOffset { .. } => "flv.data_offset",
            Self::TagType { .. } => "flv.tag_type",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}

#[cfg(test)]
mod tests {
    use super::{FileHeader, FlvError, TagHeader, TagKind};
    use crate::error::Coded;

    #[test]
    fn reads_a_files_header() {
        let both = FileHeader::parse(*b"FLV\x01\x05\0\0\0\x09").unwrap();
        assert_eq!(both, FileHeader { audio: true, video: true, data_offset: 9 });
        let longer = FileHeader::parse(*b"FLV\x01\x01\0\0\x01\0").unwrap();
        assert_eq!(longer, FileHeader { audio: false, video: true, data_offset: 256 });
    }

    #[test]
    fn refuses_what_is_no_header() {
        for (bytes, error) in [
            (b"FLX\x01\x05\0\0\0\x09", FlvError::Signature { offset: 2, found: b'X' }),
            (b"FLV\x02\x05\0\0\0\x09", FlvError::Version { found: 2 }),
            (b"FLV\x01\x05\0\0\0\x08", FlvError::DataOffset { bytes: 8 }),
        ] {
            assert_eq!(FileHeader::parse(*bytes), Err(error));
            assert!(error.code().is_well_formed());
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for header in
            [*b"FLV\x01\x05\0\0\0\x09", *b"FLV\x01\x01\0\0\0\x09", *b"FLV\x01\x04\0\0\0\x0D"]
        {
            assert_eq!(FileHeader::parse(header).unwrap().to_bytes(), header);
        }
        assert_eq!(FileHeader::new(true, false).to_bytes(), *b"FLV\x01\x04\0\0\0\x09");
        for tag in [
            [9, 1, 2, 3, 0x0A, 0x0B, 0x0C, 0x0D, 0, 0, 0],
            [8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0],
            [0x32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(TagHeader::parse(tag, 0).unwrap().to_bytes(), tag);
        }
    }

    #[test]
    fn a_timestamps_upper_byte_stands_last() {
        // DataSize 0x010203; timestamp 0x0D0A0B0C: annex E.4.1 has the lower 24 bits first.
        let bytes = [9, 1, 2, 3, 0x0A, 0x0B, 0x0C, 0x0D, 0, 0, 0];
        let tag = TagHeader::parse(bytes, 13).unwrap();
        assert_eq!(tag.kind, TagKind::Video);
        assert_eq!((tag.body_len, tag.timestamp), (0x01_0203, 0x0D0A_0B0C));
        assert_eq!(tag.tag_len(), 0x01_0203 + 11);
        assert!(!tag.filtered);
    }

    #[test]
    fn knows_three_kinds_of_tags_and_the_filter_bit() {
        let kind = |first| TagHeader::parse([first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 7);
        assert_eq!(kind(8).map(|tag| tag.kind), Ok(TagKind::Audio));
        assert_eq!(kind(18).map(|tag| tag.kind), Ok(TagKind::Script));
        assert_eq!(kind(0x29).map(|tag| (tag.kind, tag.filtered)), Ok((TagKind::Video, true)));
        for found in [0, 10, 0x49, 0x89, b'F', 255] {
            assert_eq!(kind(found), Err(FlvError::TagType { offset: 7, found }));
        }
    }
}
