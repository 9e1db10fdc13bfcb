//! What goes to all destinations of a task at once: one list of pieces for all connections that are
//! ready for it, so that a destination costs one call and next to nothing besides.

use std::io::IoSlice;

use livegate_core::relay::class::Class;
use livegate_rtmp::chunk::shared::Head;

use super::outlet::Chunked;

/// A message on its way to all destinations.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) class: Class,
    pub(crate) timestamp: u32,
    pub(crate) chunked: Chunked,
}

/// How many pieces one call may have: `IOV_MAX` of Linux.
const MOST: usize = 1_024;

/// Pieces for connections whose message stream has this number: in practice that is all of them.
#[derive(Debug)]
pub(crate) struct Volley<'s> {
    shots: &'s [Shot],
    stream: u32,
    slices: Vec<IoSlice<'s>>,
    size: usize,
}

impl<'s> Volley<'s> {
    /// The headers of messages for connections with that message stream.
    pub(crate) fn heads(shots: &[Shot], stream: u32) -> Vec<Head> {
        shots.iter().map(|shot| shot.chunked.0.head(stream)).collect()
    }

    /// The messages with headers of theirs; nothing where they cannot go out so: what a queue has to
    /// remember is among them, or they are too many for one call.
    pub(crate) fn new(shots: &'s [Shot], heads: &'s [Head], stream: u32) -> Option<Self> {
        if shots.iter().any(|shot| shot.class.is_header()) {
            return None;
        }
        let mut slices = Vec::with_capacity(2 * shots.len());
        for (shot, head) in shots.iter().zip(heads) {
            slices.extend(shot.chunked.0.pieces(head, 0).map(IoSlice::new));
        }
        let size = slices.iter().map(|slice| slice.len()).sum();
        (slices.len() <= MOST).then_some(Self { shots, stream, slices, size })
    }

    pub(super) const fn shots(&self) -> &'s [Shot] {
        self.shots
    }

    pub(super) const fn stream(&self) -> u32 {
        self.stream
    }

    pub(super) fn slices(&self) -> &[IoSlice<'s>] {
        &self.slices
    }

    /// Bytes in all.
    pub(super) const fn size(&self) -> usize {
        self.size
    }
}
