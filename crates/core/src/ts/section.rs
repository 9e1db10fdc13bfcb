//! The tables that say which packets are video: of programs (2.4.4.3, PAT) and of one program's
//! streams (2.4.4.8, PMT).
//!
//! Their checksums are not looked at: where a table is wrong, what it names is found to be no video.

use alloc::vec::Vec;

use crate::sei::codec::Codec;

/// The longest section of these tables, with its head.
const MAX_LEN: usize = 3 + 1021;

/// Puts a table's sections together from the payloads of its packets.
#[derive(Clone, Debug, Default)]
pub struct Sections {
    /// What there is of the section under way.
    held: Vec<u8>,
    /// Whether a section is under way.
    open: bool,
}

impl Sections {
    /// Takes a packet's payload; `sink` gets every section that is whole.
    pub fn push(&mut self, is_start: bool, payload: &[u8], sink: &mut dyn FnMut(&[u8])) {
        let mut payload = payload;
        if is_start {
            // `pointer_field`: how many bytes of the former section come first.
            let Some((pointer, rest)) = payload.split_first() else { return };
            let Some((last, rest)) = rest.split_at_checked(usize::from(*pointer)) else {
                self.close();
                return;
            };
            self.collect(last, sink);
            self.close();
            self.open = true;
            payload = rest;
        }
        self.collect(payload, sink);
    }

    fn close(&mut self) {
        self.held.clear();
        self.open = false;
    }

    fn collect(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
        if !self.open {
            return;
        }
        self.held.extend_from_slice(bytes);
        let mut at = 0_usize;
        loop {
            let rest = self.held.get(at..).unwrap_or_default();
            match *rest {
                // Stuffing to the packet's end.
                [0xFF, ..] => return self.close(),
                [_, high, low, ..] => {
                    let len = usize::from(u16::from_be_bytes([high & 0x0F, low])).saturating_add(3);
                    if len > MAX_LEN {
                        return self.close();
                    }
                    let Some(section) = rest.get(..len) else { break };
                    sink(section);
                    at = at.saturating_add(len);
                }
                _ => break,
            }
        }
        self.held.drain(..at);
    }
}

/// What every section of both has before what it lists, and behind it.
fn listed(section: &[u8], table_id: u8) -> Option<&[u8]> {
    const CRC: usize = 4;
    let (head, rest) = section.split_at_checked(8)?;
    // `current_next_indicator`: whether it counts already.
    if head.first() != Some(&table_id) || head.get(5)? & 1 == 0 {
        return None;
    }
    rest.get(..rest.len().checked_sub(CRC)?)
}

/// The `PID` of the first program's own table, of a section of the table of programs.
pub fn program(section: &[u8]) -> Option<u16> {
    let programs = listed(section, 0)?.as_chunks::<4>().0;
    // Number 0 is no program but the network's information.
    let [_, _, high, low] = programs.iter().find(|program| program[..2] != [0, 0])?;
    Some(u16::from_be_bytes([high & 0x1F, *low]))
}

/// The streams of a program that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// The first one of H.264 or H.265, and its `PID`.
    pub video: Option<(u16, Codec)>,
    /// The `PID` of the first one of sound.
    pub audio: Option<u16>,
}

/// What a section of a program's table says.
pub fn streams(section: &[u8]) -> Option<Streams> {
    let rest = listed(section, 2)?;
    let (head, rest) = rest.split_at_checked(4)?;
    let [.., high, low] = *head else { return None };
    // `program_info_length`: what is said of the program as a whole.
    let mut rest = rest.get(usize::from(u16::from_be_bytes([high & 0x0F, low]))..)?;
    let mut found = Streams::default();
    while let [kind, pid_high, pid_low, len_high, len_low, after @ ..] = rest {
        let pid = u16::from_be_bytes([pid_high & 0x1F, *pid_low]);
        match kind {
            0x1B => found.video = found.video.or(Some((pid, Codec::H264))),
            0x24 => found.video = found.video.or(Some((pid, Codec::H265))),
            // MPEG audio, AAC in ADTS and LATM, and what ATSC calls AC-3 and E-AC-3.
            0x03 | 0x04 | 0x0F | 0x11 | 0x81 | 0x87 => found.audio = found.audio.or(Some(pid)),
            _ => {}
        }
        let described = usize::from(u16::from_be_bytes([len_high & 0x0F, *len_low]));
        rest = after.get(described..).unwrap_or_default();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{Sections, Streams, program, streams};
    use crate::sei::codec::Codec;
    use alloc::vec::Vec;

    /// Table 0, 13 bytes behind the length: id 1, version 0 that counts, number 0 of 0, then the
    /// network's program and program 1 at PID 0x1000; four bytes of checksum.
    const PAT: &[u8] = b"\x00\xB0\x11\0\x01\xC1\0\0\0\0\xE0\x10\0\x01\xF0\0CRC!";

    /// Table 2 of program 1: PCR at 0x100, two bytes about the program, AAC at 0x101 with three
    /// bytes about it, H.265 at 0x100, H.264 at 0x102.
    const PMT: &[u8] = b"\x02\xB0\x21\0\x01\xC1\0\0\xE1\0\xF0\x02dd\
        \x0F\xE1\x01\xF0\x03abc\x24\xE1\0\xF0\0\x1B\xE1\x02\xF0\0CRC!";

    #[test]
    fn tables_say_which_packets_are_video() {
        assert_eq!(usize::from(PAT[2]) + 3, PAT.len());
        assert_eq!(usize::from(PMT[2]) + 3, PMT.len());
        assert_eq!(program(PAT), Some(0x1000));
        let found = Streams { video: Some((0x100, Codec::H265)), audio: Some(0x101) };
        assert_eq!(streams(PMT), Some(found));
        assert_eq!((program(PMT), streams(PAT)), (None, None));
        // Of one that counts from some later time on nothing is taken.
        let mut next = PAT.to_vec();
        next[5] = 0xC0;
        assert_eq!(program(&next), None);
        for len in 0..PMT.len() {
            let _ = (program(&PMT[..len]), streams(&PMT[..len]));
        }
    }

    #[test]
    fn sections_are_put_together_from_packets() {
        let whole = [PAT, PMT].concat();
        for cut in 0..whole.len() {
            let mut all: Vec<Vec<u8>> = Vec::new();
            let mut sink = |section: &[u8]| all.push(section.to_vec());
            let mut sections = Sections::default();
            // What belongs to a section whose beginning was not seen comes first.
            let first = [b"\x02xx", &whole[..cut]].concat();
            sections.push(true, &first, &mut sink);
            sections.push(false, &[&whole[cut..], &[0xFF; 9]].concat(), &mut sink);
            sections.push(false, PAT, &mut sink);
            assert_eq!(all, [PAT, PMT], "cut at {cut}");
        }
    }
}
