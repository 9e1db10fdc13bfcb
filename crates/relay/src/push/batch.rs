//! What was begun on a connection: messages are written to their end, many in one call.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use livegate_rtmp::chunk::shared::{Head, Shared};
use tokio::io::AsyncWrite;

/// How many pieces go into one call: two for a message that fits into a chunk, and more than the
/// 50 messages that 30 ms of even a fast stream have.
const PIECES: usize = 128;

/// Bytes that are gathered at most, so that what a queue would drop is still in the queue.
const ENOUGH: usize = 128 << 10;

#[derive(Debug)]
enum Piece {
    Media(Shared, Head),
    Control(Bytes),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Media(shared, _) => shared.wire_len(),
            Self::Control(bytes) => bytes.len(),
        }
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes in all.
    pub(crate) bytes: usize,
    /// How many of them end with media.
    pub(crate) media: usize,
}

/// Messages and the session's own bytes, in the order in which they go out.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pieces: VecDeque<(Piece, usize)>,
    /// How much of the first one went out.
    skip: usize,
    size: usize,
    /// Whether TLS still holds some of what was written.
    is_held: bool,
}

impl Batch {
    /// A message on its message stream.
    pub(crate) fn media(&mut self, shared: Shared, stream: u32) {
        let head = shared.head(stream);
        self.put(Piece::Media(shared, head));
    }

    /// Bytes of the session's own; they stand between two messages.
    pub(crate) fn control(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.put(Piece::Control(bytes));
        }
    }

    fn put(&mut self, piece: Piece) {
        let len = piece.len();
        self.size = self.size.saturating_add(len);
        self.pieces.push_back((piece, len));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the kernel has it all.
    pub(crate) fn is_out(&self) -> bool {
        self.pieces.is_empty() && !self.is_held
    }

    /// Whether it is worth a call as it is.
    pub(crate) const fn is_enough(&self) -> bool {
        self.size >= ENOUGH
    }

    /// Bytes that are left.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Writes as much as the connection takes in one call.
    pub(crate) fn poll_write(
        &mut self,
        mut wire: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<Written>> {
        if self.is_empty() {
            ready!(wire.poll_flush(cx))?;
            self.is_held = false;
            return Poll::Ready(Ok(Written { bytes: 0, media: 0 }));
        }
        let bytes = ready!(self.gather(|slices| wire.as_mut().poll_write_vectored(cx, slices)))?;
        let written = self.advance(bytes);
        // What follows may be long in coming, and an error shows with the next write.
        self.is_held = self.is_empty() && !matches!(wire.poll_flush(cx), Poll::Ready(Ok(())));
        Poll::Ready(Ok(written))
    }

    /// So many bytes of what it has went out already, in a call of somebody else's.
    pub(crate) fn went_out(&mut self, bytes: usize) -> Written {
        self.advance(bytes)
    }

    /// Writes as much as goes in one call that does not wait.
    ///
    /// # Errors
    /// That call's.
    pub(crate) fn try_write(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> std::io::Result<usize>,
    ) -> std::io::Result<Written> {
        let bytes = self.gather(write)?;
        Ok(self.advance(bytes))
    }

    /// Does something with the pieces that go into one call.
    fn gather<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        let mut skip = self.skip;
        for (piece, _) in &self.pieces {
            let mut put = |bytes| {
                if let Some(slice) = slices.get_mut(count) {
                    *slice = IoSlice::new(bytes);
                }
                count += 1;
            };
            match piece {
                Piece::Media(shared, head) => shared.pieces(head, skip).for_each(&mut put),
                Piece::Control(bytes) => put(bytes.get(skip..).unwrap_or_default()),
            }
            skip = 0;
            if count >= PIECES {
                break;
            }
        }
        write(slices.get(..count.min(PIECES)).unwrap_or_default())
    }

    fn advance(&mut self, bytes: usize) -> Written {
        self.size = self.size.saturating_sub(bytes);
        let mut left = bytes;
        let mut media = 0;
        while let Some((piece, len)) = self.pieces.front() {
            let rest = len.saturating_sub(self.skip);
            let taken = left.min(rest);
            left -= taken;
            if taken > 0 && matches!(piece, Piece::Media(..)) {
                media = bytes - left;
            }
            if taken < rest {
                self.skip += taken;
                break;
            }
            self.pieces.pop_front();
            self.skip = 0;
        }
        Written { bytes, media }
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Written};
    use bytes::Bytes;
    use livegate_rtmp::chunk::ChunkSize;
    use livegate_rtmp::chunk::reader::Reader;
    use livegate_rtmp::chunk::shared::Shared;
    use livegate_rtmp::message::{Kind, Message};
    use livegate_rtmp::{Limits, message};
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};
    use tokio::io::AsyncWrite;

    /// Takes so many bytes a call.
    struct Slow {
        taken: Vec<u8>,
        most: usize,
    }

    impl AsyncWrite for Slow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.most);
            self.taken.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = all.len().min(self.most);
            self.taken.extend_from_slice(&all[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn write(batch: &mut Batch, wire: &mut Slow) -> Written {
        let mut cx = Context::from_waker(Waker::noop());
        match batch.poll_write(Pin::new(wire), &mut cx) {
            Poll::Ready(Ok(written)) => written,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        let messages: Vec<Message> = (0..6_u8)
            .map(|number| Message {
                kind: Kind::VIDEO,
                timestamp: u32::from(number) * 40,
                stream: 1,
                payload: Bytes::from(vec![number; 300 * usize::from(number) + 1]),
            })
            .collect();
        for most in [1, 2, 7, 128, 129, 1_000, 1 << 20] {
            let mut batch = Batch::default();
            for message in &messages {
                batch.media(Shared::new(message, ChunkSize::INITIAL), message.stream);
            }
            let mut wire = Slow { taken: Vec::new(), most };
            let size = batch.size();
            while !batch.is_empty() {
                let written = write(&mut batch, &mut wire);
                assert_eq!(written.bytes, written.media);
            }
            assert_eq!((wire.taken.len(), batch.size()), (size, 0));
            let mut reader = Reader::new(Limits::default());
            let mut bytes = &wire.taken[..];
            for message in &messages {
                assert_eq!(reader.next(&mut bytes).unwrap().as_ref(), Some(message));
            }
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn what_ends_with_media_is_told_apart() {
        let mut batch = Batch::default();
        let payload = Bytes::from_static(&[1; 10]);
        let message = Message { kind: Kind::AUDIO, timestamp: 0, stream: 1, payload };
        let shared = Shared::new(&message, ChunkSize::OURS);
        let len = shared.wire_len();
        batch.media(shared, 1);
        batch.control(message::control::Control::PingRequest(1).to_message().payload);
        let all = batch.size();
        let mut wire = Slow { taken: Vec::new(), most: 1 << 20 };
        assert_eq!(write(&mut batch, &mut wire), Written { bytes: all, media: len });
    }

    /// Takes everything and lets go of it at the second flush, as TLS does before a full kernel.
    #[derive(Default)]
    struct Holding {
        flushes: usize,
    }

    impl AsyncWrite for Holding {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes += 1;
            if self.flushes < 2 { Poll::Pending } else { Poll::Ready(Ok(())) }
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn what_tls_holds_is_not_out() {
        let mut batch = Batch::default();
        batch.control(Bytes::from_static(b"last words"));
        let mut wire = Holding::default();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(batch.poll_write(Pin::new(&mut wire), &mut cx).is_ready());
        assert!(batch.is_empty() && !batch.is_out());
        assert!(batch.poll_write(Pin::new(&mut wire), &mut cx).is_ready());
        assert!(batch.is_out());
    }
}
