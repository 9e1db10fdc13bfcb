//! livegate's decisions, without a clock, randomness or I/O.
//!
//! Shells (the edge Worker, the command line, the relay host) read bytes and the time, call in
//! here, and carry out what comes back. Nothing in this crate panics on input.
//!
//! | module | decides |
//! |---|---|
//! | [`scheme`] | whether a call is what it says it is; how an outgoing call is signed |
//! | [`dialect`] | what a vendor's body means, and how an event is written for that vendor |
//! | [`event`] | the one event everything else talks about; CloudEvents out |
//! | [`filter`] | who gets an event |
//! | [`config`] | whether a live configuration is within its limits |
//! | [`delivery`] | what to send next, when to retry, when to give up |
//! | [`layout`] | where each user's picture is in a mixed stream |
//! | [`relay`] | which relay task a vendor's request asks for; whose a push address is; what a relay host does |
//! | [`sei`] | messages inside H.264 and H.265 video: read, written, put in, taken out |
//! | [`flv`] | what FLV and the video messages of RTMP hold; messages put into their frames |
//! | [`mp4`] | where the video's samples are in fragmented MP4 |
//! | [`ts`] | what an MPEG transport stream holds |
//! | [`player`] | what a player in a browser asks: which layout counts when, and where its panes are |
//! | [`url`] | which addresses may be called |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod config;
pub mod delivery;
pub mod dialect;
pub mod error;
pub mod event;
pub mod filter;
pub mod flv;
pub mod id;
pub mod layout;
pub mod mp4;
pub mod player;
mod prefix;
pub mod relay;
pub mod scheme;
pub mod sei;
pub mod sorted;
pub mod time;
pub mod ts;
pub mod url;
