//! Messages as the bytes of an FLV stream. What they hold is shared, not copied.

use bytes::{BufMut, BytesMut};
use livegate_core::flv::header::{FileHeader, TagHeader, TagKind};
use livegate_core::relay::queue::Next;
use livegate_rtmp::message::{Kind, data};

use crate::http::pieces::Pieces;
use crate::stream::Packet;

/// How much is asked for at once for what stands around bodies: that of some hundred tags.
const MARKS: usize = 2_048;

/// Bytes of what says how long the tag before was (annex E.3, `PreviousTagSize`).
const SIZE_LEN: usize = 4;

/// Writes tags one after the other.
#[derive(Debug, Default)]
pub(super) struct Tags {
    /// Room for what stands around bodies, shared by many of them.
    marks: BytesMut,
}

impl Tags {
    /// The file's header, and the size of the tag that is not before it.
    pub(super) fn begin(&mut self, audio: bool, video: bool, out: &mut Pieces) {
        self.marks.put_slice(&FileHeader::new(audio, video).to_bytes());
        self.marks.put_u32(0);
        out.push(self.marks.split().freeze());
    }

    /// One message. What no tag can hold is left out.
    pub(super) fn push(&mut self, next: &Next<Packet>, out: &mut Pieces) {
        let message = &next.payload.message;
        let (kind, body) = match message.kind {
            Kind::AUDIO => (TagKind::Audio, message.payload.clone()),
            Kind::VIDEO => (TagKind::Video, message.payload.clone()),
            Kind::DATA | Kind::DATA_AMF3 => (TagKind::Script, data::body(message)),
            _ => return,
        };
        let Ok(body_len) = u32::try_from(body.len()) else { return };
        if body_len > TagHeader::MAX_BODY {
            return;
        }
        let tag = TagHeader { kind, filtered: false, body_len, timestamp: next.timestamp };
        if self.marks.capacity() < TagHeader::LEN + SIZE_LEN {
            self.marks.reserve(MARKS);
        }
        self.marks.put_slice(&tag.to_bytes());
        out.push(self.marks.split().freeze());
        out.push(body);
        self.marks.put_u32(tag.tag_len());
        out.push(self.marks.split().freeze());
    }
}
