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
