//! A byte stream of H.264 or H.265, edited while it passes.

use std::io::IoSlice;

use livegate_core::flv::edit::{Frame, Messages};
use livegate_core::flv::video::FrameKind;
use livegate_core::sei::access_unit::Picture;
use livegate_core::sei::codec::Codec;
use livegate_core::sei::editor::{Editor, Inserts};
use livegate_core::sei::ours::Marker;

use super::rate::Rate;
use super::report::Report;
use super::sink::Sink;
use super::source::Source;
use crate::failure::Failure;

/// Which frames carry which message.
pub(crate) struct Frames<'a> {
    /// What the stream is coded in.
    pub(crate) codec: Codec,
    /// How many frames a second has, if times are wanted.
    pub(crate) rate: Option<Rate>,
    /// Which message.
    pub(crate) messages: &'a mut dyn Messages,
}

impl Frames<'_> {
    fn frame(&mut self, picture: &Picture, inserts: &mut Inserts<'_>) {
        let time = self.rate.map_or(0, |rate| rate.time(picture.frame));
        let frame = Frame {
            // Timestamps wrap, as those of FLV do.
            dts: u32::try_from(time % (1 << 32)).unwrap_or_default(),
            composition_time: 0,
            codec: self.codec,
            kind: if picture.random_access { FrameKind::Key } else { FrameKind::Inter },
        };
        if let Some(payload) = self.messages.message(&frame) {
            inserts.push(payload);
            self.messages.written(&frame);
        }
    }
}

/// Passes a stream from the source to the sink, edited.
pub(crate) fn pass(
    source: &mut Source,
    sink: &mut Sink,
    ours: Option<Marker>,
    mut frames: Frames<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut editor = Editor::new(frames.codec, ours);
    let mut out = Out { sink, small: Vec::with_capacity(2 * SMALL), failed: Ok(()) };
    let mut per_frame =
        |picture: &Picture, inserts: &mut Inserts<'_>| frames.frame(picture, inserts);
    while !(source.at_end() && source.bytes().is_empty()) {
        let bytes = source.bytes();
        let len = bytes.len();
        editor.push(bytes, &mut per_frame, &mut |piece| out.piece(piece));
        out.flush()?;
        source.take(len);
        report.progress(source);
        source.fill()?;
    }
    let counts = editor.finish(&mut per_frame, &mut |piece| out.piece(piece));
    report.stripped += counts.stripped;
    out.flush()
}

/// Pieces up to this size are gathered; a larger one is written from where it is.
const SMALL: usize = 16 * 1024;

/// Writes pieces, small ones together.
struct Out<'a> {
    sink: &'a mut Sink,
    small: Vec<u8>,
    failed: Result<(), Failure>,
}

impl Out<'_> {
    fn piece(&mut self, piece: &[u8]) {
        if piece.len() <= SMALL && self.small.len() < SMALL {
            self.small.extend_from_slice(piece);
        } else if self.failed.is_ok() {
            self.failed = self.sink.write(&mut [IoSlice::new(&self.small), IoSlice::new(piece)]);
            self.small.clear();
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        self.sink.write(&mut [IoSlice::new(&self.small)])?;
        self.small.clear();
        Ok(())
    }
}
