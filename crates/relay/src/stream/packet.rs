//! One message of a stream, and what it is to a decoder.

use livegate_core::relay::class::Class;
use livegate_core::relay::ingest::Track;
use livegate_core::relay::queue::Payload;
use livegate_rtmp::message::{Kind, Message, data};

/// One message of a stream. Cloning it shares the payload.
#[derive(Clone, Debug)]
pub struct Packet {
    /// What it is.
    pub class: Class,
    /// It: audio, video, or data in AMF0 as players get it.
    pub message: Message,
}

impl Packet {
    /// A message that a publisher sent; nothing if it is no part of a stream.
    pub fn of(message: Message) -> Option<Self> {
        let (class, message) = match message.kind {
            Kind::VIDEO => (Class::of_video(&message.payload), message),
            Kind::AUDIO => (Class::of_audio(&message.payload), message),
            Kind::DATA | Kind::DATA_AMF3 => {
                let message = data::for_players(&message);
                (Class::of_data(&message.payload), message)
            }
            _ => return None,
        };
        Some(Self { class, message })
    }

    /// Whether it is sound or a picture; a header is neither yet.
    pub fn track(&self) -> Option<Track> {
        match (self.message.kind, self.class) {
            (Kind::VIDEO, Class::KeyFrame | Class::Video) => Some(Track::Video),
            (Kind::AUDIO, Class::Audio) => Some(Track::Audio),
            _ => None,
        }
    }
}

impl Payload for Packet {
    fn size(&self) -> usize {
        self.message.payload.len()
    }
}
