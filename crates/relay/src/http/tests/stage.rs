//! Streams that a test plays: what the host's own do for viewers, without a publisher.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use livegate_core::flv::header::{FileHeader, TagHeader, TagKind};
use livegate_core::flv::video::Video;
use livegate_core::layout::Picture;
use livegate_core::relay::queue::{Class, Next, Queue, QueueSettings};
use livegate_core::time::UnixMillis;
use livegate_rtmp::message::{Kind, Message};

use crate::http::play::{Feed, Watch};
use crate::stream::{Packet, StreamKey};

/// H.264 with B-frames and AAC, two seconds, made by ffmpeg 7.1:
///
/// `ffmpeg -f lavfi -i testsrc2=size=64x48:rate=10 -f lavfi -i sine=sample_rate=8000 -t 2 -fflags
/// +bitexact -flags:v +bitexact -flags:a +bitexact -c:v libx264 -preset veryfast -threads 1 -pix_fmt
/// yuv420p -crf 40 -x264-params keyint=10:scenecut=0:bframes=2 -c:a aac -b:a 8k -f flv clip.flv`
pub(super) const CLIP: &[u8] = include_bytes!("clip.flv");

/// The clip's messages.
pub(super) fn clip() -> Vec<(Class, Packet)> {
    let mut rest = &CLIP[FileHeader::LEN + 4..];
    let mut packets = Vec::new();
    while let Some(head) = rest.first_chunk() {
        let tag = TagHeader::parse(*head, 0).unwrap();
        let end = TagHeader::LEN + tag.body_len as usize;
        let body = &rest[TagHeader::LEN..end];
        let (kind, class) = match tag.kind {
            TagKind::Script => (Kind::DATA, Class::Metadata),
            TagKind::Audio if body[1] == 0 => (Kind::AUDIO, Class::AudioHeader),
            TagKind::Audio => (Kind::AUDIO, Class::Audio),
            TagKind::Video => (Kind::VIDEO, picture(body)),
        };
        packets.push(packet(class, kind, tag.timestamp, Bytes::from_static(body)));
        rest = &rest[end + 4..];
    }
    packets
}

fn picture(body: &[u8]) -> Class {
    match Video::parse(body, body.len()).unwrap() {
        Video::Configuration { .. } => Class::VideoHeader,
        Video::Frame(frame) if frame.kind.is_key() => Class::KeyFrame,
        _ => Class::Video,
    }
}

pub(super) fn packet(class: Class, kind: Kind, timestamp: u32, payload: Bytes) -> (Class, Packet) {
    (class, Packet { class, message: Message { kind, timestamp, stream: 1, payload } })
}

/// What one viewer shares with its stream.
#[derive(Debug)]
struct Seat {
    queue: Queue<Packet>,
    waker: Option<Waker>,
    has_ended: bool,
    is_left: bool,
}

/// One stream.
#[derive(Clone, Debug)]
pub(super) struct Play {
    key: StreamKey,
    seats: Rc<RefCell<Vec<Rc<RefCell<Seat>>>>>,
}

impl Play {
    /// A message for every viewer.
    pub(super) fn push(&self, (class, packet): (Class, Packet)) {
        for seat in self.seats.borrow().iter() {
            let mut seat = seat.borrow_mut();
            seat.queue.push(class, packet.message.timestamp, packet.clone(), UnixMillis(0));
            if let Some(waker) = seat.waker.take() {
                waker.wake();
            }
        }
    }

    /// Messages one after the other.
    pub(super) fn all(&self, packets: impl IntoIterator<Item = (Class, Packet)>) {
        for one in packets {
            self.push(one);
        }
    }

    /// The end of the stream.
    pub(super) fn end(&self) {
        for seat in self.seats.borrow().iter() {
            let mut seat = seat.borrow_mut();
            seat.has_ended = true;
            if let Some(waker) = seat.waker.take() {
                waker.wake();
            }
        }
    }

    /// How many read along.
    pub(super) fn viewers(&self) -> usize {
        self.seats.borrow().iter().filter(|seat| !seat.borrow().is_left).count()
    }

    /// How often one of them was skipped to a key frame.
    pub(super) fn skips(&self) -> u64 {
        self.seats
            .borrow()
            .iter()
            .map(|seat| seat.borrow().queue.dropped().skips)
            .max()
            .unwrap_or(0)
    }
}

/// The streams of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage {
    plays: Rc<RefCell<Vec<Play>>>,
    /// How often a stream was looked for.
    looks: Rc<Cell<u32>>,
}

impl Stage {
    /// Somebody publishes.
    pub(super) fn publish(&self, app: &str, channel: &str, user: &str) -> Play {
        let key = StreamKey {
            app: app.to_owned(),
            channel: channel.to_owned(),
            user: user.to_owned(),
            picture: Picture::Camera,
        };
        let play = Play { key, seats: Rc::default() };
        self.plays.borrow_mut().push(play.clone());
        play
    }

    /// How often a stream was looked for.
    pub(super) fn looks(&self) -> u32 {
        self.looks.get()
    }
}

impl Watch for Stage {
    fn watch(
        &self,
        app: &str,
        channel: &str,
        user: Option<&str>,
        picture: Picture,
    ) -> Option<Box<dyn Feed>> {
        let is_it = |key: &StreamKey| {
            key.app == app
                && key.channel == channel
                && user.is_none_or(|user| key.user == user)
                && key.picture == picture
        };
        self.looks.set(self.looks.get() + 1);
        let all = self.plays.borrow();
        let play = all.iter().find(|play| is_it(&play.key))?;
        let mut settings = QueueSettings::default();
        settings.set("queue_bytes", 65_536).unwrap();
        let mut queue = Queue::new(settings);
        queue.open();
        let seat = Seat { queue, waker: None, has_ended: false, is_left: false };
        let seat = Rc::new(RefCell::new(seat));
        play.seats.borrow_mut().push(Rc::clone(&seat));
        Some(Box::new(Sitting(seat)))
    }

    fn list(&self) -> Vec<StreamKey> {
        self.plays.borrow().iter().map(|play| play.key.clone()).collect()
    }
}

#[derive(Debug)]
struct Sitting(Rc<RefCell<Seat>>);

impl Feed for Sitting {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<Packet>>> {
        let mut seat = self.0.borrow_mut();
        if let Some(next) = seat.queue.pop() {
            return Poll::Ready(Some(next));
        }
        seat.waker = Some(cx.waker().clone());
        if seat.has_ended { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        self.0.borrow_mut().is_left = true;
    }
}
