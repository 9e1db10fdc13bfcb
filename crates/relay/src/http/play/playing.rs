//! One viewer's stream, as bytes of FLV.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use livegate_core::relay::queue::{Class, Next};
use livegate_rtmp::message::Kind;
use tokio::time::{Sleep, sleep};

use super::feed::Feed;
use super::tags::Tags;
use crate::http::pieces::Pieces;
use crate::meter::{Meters, Present, Viewing};
use crate::stream::Packet;

/// How much is handed on at once. What is more stays where it can still be skipped.
const MOST: usize = 64 * 1024;

/// How long a stream that has brought sound alone, or pictures alone, may be about to bring the
/// other, before it counts as one without: its header has to say so, and comes first.
const GRACE: Duration = Duration::from_millis(500);

/// How many messages are kept meanwhile.
const MOST_KEPT: usize = 256;

/// By what it is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// HTTP-FLV.
    Http,
    /// WebSocket-FLV.
    WebSocket,
}

impl By {
    fn viewing(self, meters: &Meters) -> &Viewing {
        match self {
            Self::Http => &meters.http_flv,
            Self::WebSocket => &meters.websocket_flv,
        }
    }
}

/// One viewer's stream.
#[derive(Debug)]
pub(crate) struct Playing {
    feed: Box<dyn Feed>,
    tags: Tags,
    /// What came before it was known what the header has to say.
    opening: Option<Opening>,
    has_ended: bool,
    by: By,
    meters: Rc<Meters>,
    _present: Present,
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
    pub(super) fn new(feed: Box<dyn Feed>, by: By, meters: Rc<Meters>) -> Self {
        let present = by.viewing(&meters).viewers.enter();
        Self {
            feed,
            tags: Tags::default(),
            opening: Some(Opening::default()),
            has_ended: false,
            by,
            meters,
            _present: present,
        }
    }

    /// The next bytes: all that is there, up to a bound; `None` when the stream has ended.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Pieces>> {
        let mut out = Pieces::default();
        while !self.has_ended && out.len() < MOST {
            match self.feed.poll_next(cx) {
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
        if out.len() > 0 {
            self.by.viewing(&self.meters).bytes.add(out.len() as u64);
            return Poll::Ready(Some(out));
        }
        if self.has_ended { Poll::Ready(None) } else { Poll::Pending }
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
