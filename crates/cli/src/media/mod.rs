//! Streams on the command line: what they are read from and written to, and what passes through.

pub(crate) mod annexb;
pub(crate) mod flv;
pub(crate) mod kind;
pub(crate) mod pass;
pub(crate) mod plan;
pub(crate) mod rate;
pub(crate) mod read;
pub(crate) mod report;
pub(crate) mod sink;
pub(crate) mod source;
