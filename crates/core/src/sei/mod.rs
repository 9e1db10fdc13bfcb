//! SEI: messages inside H.264 and H.265 video.
//!
//! | module | knows |
//! |---|---|
//! | [`codec`] | the two codecs, and what the header of a NAL unit says |
//! | [`rbsp`] | emulation prevention, both ways |
//! | [`length`] | NAL units behind their lengths, as FLV and MP4 have them |
//! | [`annexb`] | NAL units between start codes, in memory or as they arrive |
//! | [`message`] | every message of a SEI NAL unit |
//! | [`uuid`] | whose a message of type 5 is |
//! | [`write`](mod@write) | one message as a NAL unit of its own |
//! | [`ours`] | which messages are ours; a NAL unit without them |
//! | [`picture`] | how large pictures are, by their parameter sets |
//! | [`access_unit`] | where pictures begin, and which are fields of one frame |
//! | [`frame`] | the SEI NAL units of one frame, of which only the first bytes are shown |
//! | [`edit`] | changes to bytes, as a list |
//! | [`editor`] | messages put into an Annex B stream, and taken out of it, as it passes |
//! | [`sample`] | where a message goes in a sample with lengths |
//! | [`clock`] | a stream's time, whose timestamps wrap |
//! | [`schedule`] | at which frames a message is due |
//! | [`timeline`] | which of many messages a frame shows |
//! | [`payload`] | the JSON of vendors' layout messages |
//!
//! Reading is tolerant and writing is strict. What is read is a view of the caller's bytes; what is
//! written goes into the caller's buffer. docs/spec/sei.md has the rules.
//!
//! ```
//! use livegate_core::sei::codec::Codec;
//! use livegate_core::sei::message::messages;
//! use livegate_core::sei::uuid::Uuid;
//! use livegate_core::sei::write::{Payload, SeiNal};
//!
//! # fn main() -> Result<(), livegate_core::sei::error::SeiError> {
//! let payload = Payload::unregistered(Uuid::LIVEGATE, br#"{"scene":"quiz"}"#)?;
//! let nal = SeiNal::new(Codec::H264, payload).to_vec();
//!
//! for message in messages(Codec::H264, &nal) {
//!     assert_eq!(message.uuid(), Some(Uuid::LIVEGATE));
//!     let text = message.user_data().unwrap();
//!     assert_eq!(text.to_cow(), &br#"{"scene":"quiz"}"#[..]);
//! }
//! # Ok(())
//! # }
//! ```

pub mod access_unit;
pub mod annexb;
mod bits;
pub mod clock;
pub mod codec;
pub mod edit;
pub mod editor;
pub mod error;
pub mod frame;
#[cfg(any(test, feature = "_fuzzing"))]
pub mod fuzz;
mod h264;
pub mod length;
#[cfg(test)]
mod made;
pub mod message;
pub mod ours;
pub mod payload;
pub mod picture;
pub mod rbsp;
pub mod sample;
pub mod schedule;
pub mod timeline;
pub mod uuid;
pub mod write;
