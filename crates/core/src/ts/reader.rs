//! A transport stream in pieces of any size.

use alloc::vec::Vec;

use super::packet::{LEN, Packet, SYNC};
use super::pes::{self, Head, MAX_HEADER, Times};
use super::section::{self, Sections, Streams};
use crate::sei::codec::Codec;

/// The `PID` of the table of programs.
const PROGRAMS: u16 = 0;

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// What the video is coded in, from here on.
    Video(Codec),
    /// A PES packet of the video begins.
    Start(Times),
    /// The video's bytes: between start codes (Annex B), a packet's worth at a time.
    Bytes(&'a [u8]),
    /// A PES packet of the sound begins.
    Sound(Times),
    /// Packets of the video are missing. What follows begins with a PES packet.
    Missing,
    /// The count of packets jumps where a PES packet begins, as between segments of HLS: what came
    /// before may lack its end.
    Jump,
    /// No packet stands where one has to: what comes until they are found again is passed over.
    Lost,
}

/// Reads one stream. What it gives does not depend on how the stream was cut.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Less than two packets.
    held: Vec<u8>,
    /// Whether packets are where they have to be.
    synced: bool,
    /// Whether they ever were.
    found: bool,
    programs: Sections,
    program: Sections,
    program_pid: Option<u16>,
    streams: Streams,
    video: Pes,
    audio: Pes,
}

/// The state of one elementary stream.
#[derive(Clone, Debug, Default)]
struct Pes {
    counter: Option<u8>,
    /// The header under way.
    header: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is known until the next PES packet begins.
    #[default]
    Waiting,
    Header,
    Body,
}

impl Reader {
    /// A reader of a stream that may begin anywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        let mut rest = bytes;
        loop {
            if self.held.is_empty()
                && self.synced
                && let Some((packet, after)) = rest.split_first_chunk::<LEN>()
                && packet[0] == SYNC
            {
                self.packet(packet, sink);
                rest = after;
                continue;
            }
            // To find packets, two of them are looked at.
            let wanted = if self.synced { LEN } else { 2 * LEN };
            let taken = wanted.saturating_sub(self.held.len()).min(rest.len());
            let (head, after) = rest.split_at(taken);
            self.held.extend_from_slice(head);
            rest = after;
            if self.held.len() < wanted {
                return;
            }
            self.take_held(sink);
        }
    }

    /// Takes a packet of what is held, or finds where one is.
    fn take_held(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if !self.synced {
            let is_packet = |at: &usize| {
                self.held.get(*at) == Some(&SYNC)
                    && self.held.get(at.saturating_add(LEN)) == Some(&SYNC)
            };
            let at = (0..LEN).find(is_packet);
            self.held.drain(..at.unwrap_or(LEN));
            (self.synced, self.found) = (at.is_some(), self.found || at.is_some());
            return;
        }
        let Some(packet) = self.held.first_chunk::<LEN>().copied() else { return };
        if packet[0] == SYNC {
            self.held.drain(..LEN);
            self.packet(&packet, sink);
        } else {
            self.synced = false;
            (self.video.state, self.video.counter) = (State::Waiting, None);
            sink(Event::Lost);
        }
    }

    fn packet(&mut self, bytes: &[u8; LEN], sink: &mut dyn FnMut(Event<'_>)) {
        let Some(packet) = Packet::parse(bytes) else { return };
        let Packet { pid, is_start, payload, .. } = packet;
        if pid == PROGRAMS {
            let program = &mut self.program_pid;
            self.programs.push(is_start, payload, &mut |section| {
                *program = section::program(section).or(*program);
            });
        } else if Some(pid) == self.program_pid {
            let mut found = None;
            self.program.push(is_start, payload, &mut |section| {
                found = section::streams(section).or(found);
            });
            self.use_streams(found, sink);
        }
        if self.streams.video.is_some_and(|(video, _)| video == pid) {
            self.video.push(&packet, true, sink);
        } else if self.streams.audio == Some(pid) {
            self.audio.push(&packet, false, sink);
        }
    }

    fn use_streams(&mut self, found: Option<Streams>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(found) = found.filter(|found| *found != self.streams) else { return };
        if found.video != self.streams.video {
            self.video = Pes::default();
            if let Some((_, codec)) = found.video {
                sink(Event::Video(codec));
            }
        }
        self.streams = found;
    }
}

impl Pes {
    fn push(&mut self, packet: &Packet<'_>, is_video: bool, sink: &mut dyn FnMut(Event<'_>)) {
        let last = self.counter.replace(packet.counter);
        if last == Some(packet.counter) && !packet.may_jump {
            // The same packet once more (2.4.3.3).
            return;
        }
        let next = |last: u8| last.wrapping_add(1) & 0x0F;
        let is_next = packet.may_jump || last.is_none_or(|last| next(last) == packet.counter);
        if packet.is_start {
            if !is_next && is_video {
                sink(Event::Jump);
            }
            self.header.clear();
            self.state = State::Header;
        } else if !is_next && self.state != State::Waiting {
            self.state = State::Waiting;
            if is_video {
                sink(Event::Missing);
            }
        }
        match self.state {
            State::Header => self.collect(packet.payload, is_video, sink),
            State::Body if is_video => sink(Event::Bytes(packet.payload)),
            State::Body | State::Waiting => {}
        }
    }

    /// A header mostly is in one packet, but need not be.
    fn collect(&mut self, payload: &[u8], is_video: bool, sink: &mut dyn FnMut(Event<'_>)) {
        let before = self.header.len();
        let taken = payload.len().min(MAX_HEADER.saturating_sub(before));
        self.header.extend_from_slice(payload.get(..taken).unwrap_or_default());
        match pes::head(&self.header) {
            Head::More => {}
            Head::None => self.state = State::Waiting,
            Head::Header { len, times } => {
                self.state = State::Body;
                sink(if is_video { Event::Start(times) } else { Event::Sound(times) });
                let rest = payload.get(len.saturating_sub(before)..).unwrap_or_default();
                if is_video && !rest.is_empty() {
                    sink(Event::Bytes(rest));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Reader};
    use crate::sei::codec::Codec;
    use crate::ts::packet::LEN;
    use crate::ts::pes::Times;
    use alloc::vec::Vec;
    use std::format;
    use std::string::String;

    const VIDEO: u16 = 0x100;
    const AUDIO: u16 = 0x101;

    /// A packet; what is missing to 188 bytes is stuffing in an adaptation field (2.4.3.5).
    fn packet(pid: u16, start: bool, counter: u8, payload: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut bytes = Vec::from([0x47, high | u8::from(start) << 6, low, 0x10 | counter & 15]);
        if payload.len() < LEN - 4 {
            bytes[3] |= 0x20;
            let stuffing = LEN - 5 - payload.len();
            bytes.push(u8::try_from(stuffing).unwrap());
            bytes.extend([0].iter().chain(&[0xFF; LEN]).take(stuffing));
        }
        bytes.extend(payload);
        assert_eq!(bytes.len(), LEN);
        bytes
    }

    /// Both tables: program 1 has its own at PID 0x1000, with H.264 and AAC.
    fn tables() -> Vec<u8> {
        let programs = b"\0\0\xB0\x0D\0\x01\xC1\0\0\0\x01\xF0\0CRC!";
        let program = b"\0\x02\xB0\x17\0\x01\xC1\0\0\xE1\0\xF0\0\
            \x1B\xE1\0\xF0\0\x0F\xE1\x01\xF0\0CRC!";
        [packet(0, true, 0, programs), packet(0x1000, true, 0, program)].concat()
    }

    /// A header with a PTS below 2^15.
    fn pes(pts: u16) -> Vec<u8> {
        let [high, low] = (pts << 1 | 1).to_be_bytes();
        [&b"\0\0\x01\xE0\0\0\x80\x80\x05\x21\0\x01"[..], &[high, low]].concat()
    }

    /// Events as text; bytes of one PES packet are put together.
    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = Reader::new();
        let mut all: Vec<String> = Vec::new();
        let mut bytes = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut |event| {
                if let Event::Bytes(more) = event {
                    bytes.extend_from_slice(more);
                    return;
                }
                if !bytes.is_empty() {
                    all.push(format!("{} bytes {:02x?}", bytes.len(), &bytes[..2]));
                    bytes.clear();
                }
                let pts = |Times { pts, .. }: Times| pts.unwrap_or(99_999);
                all.push(match event {
                    Event::Start(times) => format!("start {}", pts(times)),
                    Event::Sound(times) => format!("sound {}", pts(times)),
                    Event::Video(codec) => format!("{codec:?}"),
                    other => format!("{other:?}"),
                });
            });
        }
        if !bytes.is_empty() {
            all.push(format!("{} bytes {:02x?}", bytes.len(), &bytes[..2]));
        }
        all
    }

    /// Two pictures and a frame of sound.
    fn stream() -> Vec<u8> {
        let first = [&pes(3000)[..], &[1; 100]].concat();
        [
            tables(),
            packet(VIDEO, true, 0, &first),
            packet(VIDEO, false, 1, &[2; 184]),
            packet(AUDIO, true, 0, &[&pes(3100)[..], &[9; 20]].concat()),
            packet(VIDEO, true, 2, &[&pes(6000)[..], &[3; 50]].concat()),
            packet(VIDEO, false, 3, &[4; 10]),
        ]
        .concat()
    }

    #[test]
    fn gives_the_videos_bytes_and_times_however_it_is_cut() {
        let stream = stream();
        let expected = [
            "H264",
            "start 3000",
            "284 bytes [01, 01]",
            "sound 3100",
            "start 6000",
            "60 bytes [03, 03]",
        ];
        assert_eq!(read(&[&stream]), expected);
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(read(&[head, tail]), expected, "cut at {cut}");
        }
        assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn the_beginning_is_found_behind_garbage() {
        // With a byte in it that packets begin with.
        let garbage = [&[0x47, 1, 2][..], &[0; 500]].concat();
        assert_eq!(read(&[&garbage, &stream()]).len(), 6);
    }

    #[test]
    fn what_is_lost_is_told_and_the_rest_read() {
        let stream = stream();
        let packets: Vec<&[u8]> = stream.chunks(LEN).collect();
        // Without the first picture's second packet: the count jumps where the next one begins.
        let without = [&packets[..3], &packets[4..]].concat();
        let jump = ["H264", "start 3000", "100 bytes [01, 01]", "sound 3100", "Jump", "start 6000"];
        assert_eq!(read(&without)[..6], jump);
        // Without its first one the second is of nothing; it is not told, as nothing was there before.
        let without = [&packets[..2], &packets[3..]].concat();
        assert_eq!(read(&without)[..3], ["H264", "sound 3100", "start 6000"]);
        // Three packets of one picture, the middle one missing.
        let mut rest = Vec::from([tables(), packet(VIDEO, true, 0, &pes(1))]);
        rest.extend([packet(VIDEO, false, 2, &[5; 184]), packet(VIDEO, false, 3, &[6; 184])]);
        rest.push(packet(VIDEO, true, 4, &pes(2)));
        assert_eq!(read(&[&rest.concat()]), ["H264", "start 1", "Missing", "start 2"]);
        // Twenty bytes too many between two packets.
        let broken = [&stream[..3 * LEN], &[0xAA; 20], &stream[3 * LEN..], &stream].concat();
        let all = read(&[&broken]);
        assert_eq!(all[..4], ["H264", "start 3000", "100 bytes [01, 01]", "Lost"]);
        assert!(all[4..].contains(&"60 bytes [03, 03]".into()), "{all:?}");
    }

    #[test]
    fn a_packet_that_comes_twice_counts_once() {
        let stream = stream();
        let twice: Vec<&[u8]> = stream.chunks(LEN).flat_map(|packet| [packet, packet]).collect();
        assert_eq!(read(&twice), read(&[&stream]));
    }

    #[test]
    fn a_header_may_lie_in_two_packets() {
        let header = pes(7);
        for cut in 1..header.len() {
            let (head, tail) = header.split_at(cut);
            let stream = [
                tables(),
                packet(VIDEO, true, 0, head),
                packet(VIDEO, false, 1, &[tail, &[8; 30]].concat()),
            ];
            let all = read(&[&stream.concat()]);
            assert_eq!(all, ["H264", "start 7", "30 bytes [08, 08]"], "cut at {cut}");
        }
    }

    #[test]
    fn another_program_takes_over() {
        let mut other = b"\0\x02\xB0\x12\0\x01\xC3\0\0\xE1\0\xF0\0\x24\xE1\x05\xF0\0CRC!".to_vec();
        let stream = [stream(), packet(0x1000, true, 1, &other)].concat();
        assert_eq!(read(&[&stream]).last().unwrap(), "H265");
        // The same once more changes nothing.
        other[6] = 0xC5;
        let again = [&stream[..], &packet(0x1000, true, 2, &other)].concat();
        assert_eq!(read(&[&again]), read(&[&stream]));
        let _ = Codec::H265;
    }
}
