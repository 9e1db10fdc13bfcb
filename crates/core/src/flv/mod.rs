//! FLV: what a file, an HTTP-FLV stream or a message of RTMP holds, as views of its bytes, and the
//! editing of its video tags.
//!
//! | module | does |
//! |---|---|
//! | [`header`] | the file's header, a tag's header, its timestamp |
//! | [`video`] | what a video tag's body is: a configuration, coded frames, or neither |
//! | [`audio`] | what an audio tag's body is, and what AAC is in it |
//! | [`config`] | the decoder configuration: lengths' size, parameter sets |
//! | [`reader`] | a stream in pieces of any size, cut into its parts |
//! | [`edit`] | one video tag with a message put in or taken out |
//! | [`rewrite`] | a whole stream, with only the bytes told that change |
//!
//! Adobe Flash Video File Format Specification 10.1, annex E (E.2 header, E.3 body, E.4 tags), and
//! Enhanced RTMP v2 (v2-2026-01-31-r2, "Enhanced Video"). docs/spec/sei.md §4 says what is changed.

pub mod audio;
pub mod config;
pub mod edit;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
pub mod header;
pub mod reader;
pub mod rewrite;
pub mod video;
