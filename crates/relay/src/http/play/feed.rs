//! Where a viewer's messages come from: the host's streams, or what a test plays.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use livegate_core::layout::Picture;
use livegate_core::relay::queue::Next;

use crate::stream::{Packet, Reader, StreamKey, Streams};

/// What can be watched.
pub(crate) trait Watch: fmt::Debug {
    /// Reads a stream along.
    fn watch(
        &self,
        app: &str,
        channel: &str,
        user: Option<&str>,
        picture: Picture,
    ) -> Option<Box<dyn Feed>>;

    /// All that are there.
    fn list(&self) -> Vec<StreamKey>;
}

/// The messages of a stream that is watched.
pub(crate) trait Feed: fmt::Debug {
    /// The next one, at once or when there is one; `None` when the stream has ended.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<Packet>>>;
}

impl Watch for Streams {
    fn watch(
        &self,
        app: &str,
        channel: &str,
        user: Option<&str>,
        picture: Picture,
    ) -> Option<Box<dyn Feed>> {
        let reader = self.read(app, channel, user, picture, crate::clock::now())?;
        Some(Box::new(Along::Idle(reader)))
    }

    fn list(&self) -> Vec<StreamKey> {
        Self::list(self).into_iter().map(|(key, _)| key).collect()
    }
}

type Waiting = Pin<Box<dyn Future<Output = (Reader, Option<Next<Packet>>)>>>;

/// A reader, polled. While it waits it is in what waits.
enum Along {
    Idle(Reader),
    Waiting(Waiting),
    Ended,
}

impl Feed for Along {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<Packet>>> {
        if let Self::Idle(reader) = self
            && let Some(next) = reader.try_next()
        {
            return Poll::Ready(Some(next));
        }
        *self = match std::mem::replace(self, Self::Ended) {
            Self::Idle(mut reader) => Self::Waiting(Box::pin(async move {
                let next = reader.next().await;
                (reader, next)
            })),
            other => other,
        };
        let Self::Waiting(waiting) = self else { return Poll::Ready(None) };
        let (reader, next) = ready!(waiting.as_mut().poll(cx));
        *self = if next.is_some() { Self::Idle(reader) } else { Self::Ended };
        Poll::Ready(next)
    }
}

impl fmt::Debug for Along {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Along")
    }
}
