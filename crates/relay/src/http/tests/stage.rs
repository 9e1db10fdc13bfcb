//! Streams that a test publishes.

use bytes::Bytes;
use livegate_core::flv::header::{FileHeader, TagHeader, TagKind};
use livegate_core::layout::Picture;
use livegate_core::relay::lease::Feed;
use livegate_rtmp::message::{Kind, Message};

use crate::clock;
use crate::stream::{Packet, Source, StreamKey, Streams};

/// H.264 with B-frames and AAC, two seconds, made by ffmpeg 5.1:
///
/// `ffmpeg -f lavfi -i testsrc2=size=64x48:rate=10 -f lavfi -i sine=sample_rate=8000 -t 2 -fflags
/// +bitexact -flags:v +bitexact -flags:a +bitexact -c:v libx264 -preset veryfast -threads 1 -pix_fmt
/// yuv420p -crf 40 -x264-params keyint=10:scenecut=0:bframes=2 -c:a aac -b:a 8k -f flv clip.flv`
pub(super) const CLIP: &[u8] = include_bytes!("clip.flv");

/// The clip's messages.
pub(super) fn clip() -> Vec<Packet> {
    let mut rest = &CLIP[FileHeader::LEN + 4..];
    let mut packets = Vec::new();
    while let Some(head) = rest.first_chunk() {
        let tag = TagHeader::parse(*head, 0).unwrap();
        let end = TagHeader::LEN + tag.body_len as usize;
        let body = &rest[TagHeader::LEN..end];
        let kind = match tag.kind {
            TagKind::Script => Kind::DATA,
            TagKind::Audio => Kind::AUDIO,
            TagKind::Video => Kind::VIDEO,
        };
        packets.push(packet(kind, tag.timestamp, Bytes::from_static(body)));
        rest = &rest[end + 4..];
    }
    packets
}

pub(super) fn packet(kind: Kind, timestamp: u32, payload: Bytes) -> Packet {
    Packet::of(Message { kind, timestamp, stream: 1, payload }).unwrap()
}

/// A publisher.
#[derive(Debug)]
pub(super) struct Play {
    source: Source,
    streams: Streams,
}

impl Play {
    /// Somebody publishes.
    pub(super) fn begin(streams: &Streams, app: &str, channel: &str, user: &str) -> Self {
        let key = StreamKey {
            app: app.to_owned(),
            channel: channel.to_owned(),
            user: user.to_owned(),
            picture: Picture::Camera,
        };
        let source = streams.begin(key, Feed::Published, clock::now()).unwrap();
        Self { source, streams: streams.clone() }
    }

    /// A message for every viewer.
    pub(super) fn push(&self, packet: &Packet) {
        self.source.packet(packet, clock::now());
    }

    /// Messages one after the other.
    pub(super) fn all(&self, packets: impl IntoIterator<Item = Packet>) {
        for one in packets {
            self.push(&one);
        }
    }

    /// How many read along.
    pub(super) fn viewers(&self) -> usize {
        let list = self.streams.list();
        let own = list.iter().find(|(key, _)| key == self.source.key());
        own.map_or(0, |(_, figures)| figures.readers)
    }
}
