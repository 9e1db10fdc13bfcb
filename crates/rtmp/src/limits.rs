//! What one connection may take of its host.

/// Bounds of one connection. What is beyond them ends it with an error.
///
/// A connection that has sent nothing holds no buffer at all; one that has sent something holds
/// about as much as it has sent, up to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one message, 1 to 16,777,215 (the length has 24 bits). Default 8 MiB: a key frame at
    /// 60 Mbit/s takes less than one.
    pub message: u32,
    /// Bytes of a command, and of any message while nothing is published or played. Default 64 KiB:
    /// a `connect` with every key of enhanced RTMP and long tokens takes 2.
    pub command: u32,
    /// Bytes that messages announce that have begun and not ended, all chunk streams together.
    /// Default 12 MiB: one of the longest and what is sent between its chunks.
    pub buffered: usize,
    /// Chunk streams with a header of their own. Default 64: publishers use three to six.
    pub chunk_streams: usize,
    /// Message streams that are open at a time. Default 8: publishers and players use one.
    pub streams: usize,
    /// Bytes of answers that wait to be taken by the caller; the handshake has 3,073. Default 256 KiB: above all that a read of 64 KiB
    /// can ask for, so it is reached where the caller does not take them.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 8 << 20,
            command: 64 << 10,
            buffered: 12 << 20,
            chunk_streams: 64,
            streams: 8,
            output: 256 << 10,
        }
    }
}

impl Limits {
    /// The defaults with another bound for messages.
    #[must_use]
    pub const fn with_message(mut self, bytes: u32) -> Self {
        self.message = bytes;
        self
    }

    /// The defaults with another bound for what is gathered.
    #[must_use]
    pub const fn with_buffered(mut self, bytes: usize) -> Self {
        self.buffered = bytes;
        self
    }
}
