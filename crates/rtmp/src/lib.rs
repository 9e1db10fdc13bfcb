//! RTMP for both roles, without a socket, a clock or randomness.
//!
//! A shell reads bytes and shows them to a session, does what the session's events ask for, and
//! writes what the session has for the peer. Nothing in this crate panics on input, and nothing
//! takes more memory than [`Limits`] say.
//!
//! | module | does |
//! |---|---|
//! | [`handshake`] | what stands before the chunks, simple and with digests, for client and server |
//! | [`chunk`] | messages cut into chunks; one message chunked once for many connections |
//! | [`message`] | what chunks carry: media, data, control, aggregates |
//! | [`amf0`] | the values that commands and data are made of |
//! | [`session`] | publish and play, as server and as client |
//!
//! Adobe's RTMP 1.0 specification (21 December 2012), AMF 0 specification, and Enhanced RTMP v2
//! (v2-2026-01-31-r2). docs/spec/rtmp.md says what is spoken and what is refused.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod amf0;
pub mod chunk;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
pub mod handshake;
mod limits;
pub mod message;
pub mod session;

pub use limits::Limits;
