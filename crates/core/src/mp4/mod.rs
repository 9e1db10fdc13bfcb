//! Fragmented MP4, as HLS, DASH and Media Source Extensions have it: where the samples of its video
//! are, how they are written, and when they are shown.
//!
//! | module | does |
//! |---|---|
//! | [`boxes`] | what a box begins with, and what is in it |
//! | [`movie`] | the tracks: the sample entries of the video, its clock, defaults |
//! | [`fragment`] | the samples of one movie fragment |
//! | [`reader`] | a stream in pieces of any size |
//!
//! ISO/IEC 14496-12:2022; clauses are its. What is looked into: the first track of H.264 or H.265.
//! Samples of a movie without fragments are not.

pub mod boxes;
pub mod fragment;
#[cfg(test)]
pub(crate) mod made;
pub mod movie;
pub mod reader;
