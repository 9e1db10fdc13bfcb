//! The header of a PES packet (2.4.3.6): when its first picture is shown and decoded.

/// The timestamps of a PES packet, in units of 1/90,000 s, 33 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the first picture that begins in it is shown.
    pub pts: Option<u64>,
    /// When it is decoded, if that is another time.
    pub dts: Option<u64>,
}

/// What stands at the beginning of a PES packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Too little to say.
    More,
    /// A header of so many bytes.
    Header {
        /// Its length; the stream's bytes follow.
        len: usize,
        /// What it says.
        times: Times,
    },
    /// No PES packet, or one of a stream without times.
    None,
}

/// The longest header.
pub const MAX_HEADER: usize = 9 + 255;

/// Reads what a PES packet begins with.
pub fn head(bytes: &[u8]) -> Head {
    let known = bytes.len().min(3);
    if bytes.get(..known) != [0, 0, 1].get(..known) {
        return Head::None;
    }
    let [_, _, _, stream, _, _, marks, flags, rest_len, ..] = *bytes else { return Head::More };
    // Maps, padding, private streams of type 2, ECM, EMM, DSM-CC, directories and H.222.1 type E
    // have no such header.
    let has_none = matches!(stream, 0xBC | 0xBE | 0xBF | 0xF0..=0xF2 | 0xF8 | 0xFF);
    if has_none || marks & 0xC0 != 0x80 {
        return Head::None;
    }
    let len = usize::from(rest_len).saturating_add(9);
    let Some(header) = bytes.get(..len) else { return Head::More };
    let time = |at: usize| header.get(at..)?.first_chunk().copied().map(timestamp);
    let pts = if flags & 0x80 != 0 { time(9) } else { None };
    let dts = if flags & 0xC0 == 0xC0 { time(14) } else { None };
    Head::Header { len, times: Times { pts, dts } }
}

/// Three, fifteen and fifteen bits, a mark behind each.
fn timestamp(bytes: [u8; 5]) -> u64 {
    let [first, rest @ ..] = bytes;
    let low = u64::from(u32::from_be_bytes(rest));
    u64::from(first >> 1 & 7) << 30 | (low >> 17) << 15 | low >> 1 & 0x7FFF
}

#[cfg(test)]
mod tests {
    use super::{Head, Times, head};

    #[test]
    fn reads_both_timestamps() {
        // Flags C0, ten bytes: PTS 0x1_2345_6789 and DTS 1, by the layout of 2.4.3.6.
        // 0x123456789 = 100 100011010001010 110011110001001 in three, fifteen and fifteen bits.
        let bytes = b"\0\0\x01\xE0\0\0\x80\xC0\x0A\x39\x8D\x15\xCF\x13\x11\0\x01\0\x03nal";
        let times = Times { pts: Some(0x1_2345_6789), dts: Some(1) };
        assert_eq!(head(bytes), Head::Header { len: 19, times });
        for len in 0..19 {
            assert_eq!(head(&bytes[..len]), Head::More, "{len}");
        }
        let none = b"\0\0\x01\xE0\0\0\x80\0\0nal";
        assert_eq!(head(none), Head::Header { len: 9, times: Times::default() });
    }

    #[test]
    fn what_is_no_header_is_none() {
        assert_eq!(head(b"\0\0\x02"), Head::None);
        assert_eq!(head(b"\x01"), Head::None);
        assert_eq!(head(b"\0\0\x01\xBE\0\0\x80\0\0"), Head::None);
        assert_eq!(head(b"\0\0\x01\xE0\0\0\x40\0\0"), Head::None);
    }
}
