//! One viewer's stream, as bytes of FLV.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use livegate_core::relay::queue::{Class, Next};
use livegate_rtmp::message::Kind;
use tokio::time::{Sleep, sleep};

use super::tags::Tags;
use crate::http::pieces::Pieces;
use crate::ingest::Seat;
use crate::meter::Viewer;
use crate::stream::{Packet, Reader};

/// How much is handed on at once. What is more stays where it can still be skipped.
const MOST: usize = 64 * 1024;

/// How long a stream that has brought sound alone, or pictures alone, may be about to bring the
/// other, before it counts as one without: its header has to say so, and comes first.
const GRACE: Duration = Duration::from_millis(500);

/// How many messages are kept meanwhile.
const MOST_KEPT: usize = 256;

/// Waits for a message.
type More = Pin<Box<dyn Future<Output = ()>>>;

/// One viewer's stream.
pub(crate) struct Playing {
    reader: Reader,
    /// While there is nothing to read.
    more: Option<More>,
    tags: Tags,
    /// What came before it was known what the header has to say.
    opening: Option<Opening>,
    has_ended: bool,
    viewer: Viewer,
    /// Of a viewer with a name.
    _seat: Option<Seat>,
}

#[derive(Debug, Default)]
struct Opening {
    kept: Vec<Next<Packet>>,
    audio: bool,
    video: bool,
    grace: Option<Pin<Box<Sleep>>>,
}

impl Opening {
    fn take(&mut self, next: Next<Packet>) {
        self.audio |= next.payload.message.kind == Kind::AUDIO;
        self.video |= next.payload.message.kind == Kind::VIDEO;
        // The time runs from what is heard or seen: headers alone begin nothing.
        let is_media = !matches!(next.class, Class::Metadata);
        if is_media && self.grace.is_none() {
            self.grace = Some(Box::pin(sleep(GRACE)));
        }
        self.kept.push(next);
    }

    /// Whether it is known what there is.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let is_late = |grace: &mut Pin<Box<Sleep>>| grace.as_mut().poll(cx).is_ready();
        (self.audio && self.video)
            || self.kept.len() >= MOST_KEPT
            || self.grace.as_mut().is_some_and(is_late)
    }
}

impl Playing {
    pub(super) fn new(reader: Reader, viewer: Viewer, seat: Option<Seat>) -> Self {
        Self {
            reader,
            more: None,
            tags: Tags::default(),
            opening: Some(Opening::default()),
            has_ended: false,
            viewer,
            _seat: seat,
        }
    }

    /// The next bytes: all that is there, up to a bound; `None` when the stream has ended.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Pieces>> {
        let mut out = Pieces::default();
        while !self.has_ended && out.len() < MOST {
            match self.poll_message(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => self.has_ended = true,
                Poll::Ready(Some(next)) => match &mut self.opening {
                    None => self.tags.push(&next, &mut out),
                    Some(opening) => opening.take(next),
                },
            }
            self.open(cx, &mut out);
        }
        self.open(cx, &mut out);
        self.count(out.len());
        if out.len() > 0 {
            return Poll::Ready(Some(out));
        }
        if self.has_ended { Poll::Ready(None) } else { Poll::Pending }
    }

    /// The next message, at once or when there is one; `None` when the stream has ended.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<Packet>>> {
        if let Some(next) = self.reader.try_next() {
            self.more = None;
            return Poll::Ready(Some(next));
        }
        let reader = &self.reader;
        let more = self.more.get_or_insert_with(|| Box::pin(reader.more()));
        ready!(more.as_mut().poll(cx));
        self.more = None;
        // Without a message after the wait, the stream has ended.
        Poll::Ready(self.reader.try_next())
    }

    fn count(&mut self, len: usize) {
        self.viewer.sent(len);
        self.viewer.dropped(self.reader.dropped());
    }

    /// Writes the header and what was kept, once it is known what the header has to say.
    fn open(&mut self, cx: &mut Context<'_>, out: &mut Pieces) {
        let has_ended = self.has_ended;
        let Some(opening) = self.opening.take_if(|opening| has_ended || opening.is_over(cx)) else {
            return;
        };
        if opening.kept.is_empty() {
            return;
        }
        self.tags.begin(opening.audio, opening.video, out);
        for next in &opening.kept {
            self.tags.push(next, out);
        }
    }
}

/// What was skipped since it last read is counted, too.
impl Drop for Playing {
    fn drop(&mut self) {
        self.count(0);
    }
}

impl fmt::Debug for Playing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playing").field("viewer", &self.viewer).finish_non_exhaustive()
    }
}
