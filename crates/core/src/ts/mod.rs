//! MPEG transport streams, as HLS and HTTP have them: which bytes of them are video, and when it is
//! shown.
//!
//! | module | does |
//! |---|---|
//! | [`packet`] | one packet of 188 bytes |
//! | [`section`] | the tables that say which packets are video |
//! | [`pes`] | the header of a PES packet: its timestamps |
//! | [`reader`] | a stream in pieces of any size |
//!
//! Rec. ITU-T H.222.0 (ISO/IEC 13818-1); clauses are its. What is looked into: the first program, its
//! first stream of H.264 (0x1B) or H.265 (0x24), and the times of its first stream of sound.

pub mod packet;
pub mod pes;
pub mod reader;
pub mod section;
