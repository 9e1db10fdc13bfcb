//! Streams on the command line: what they are read from and written to, and what passes through.

pub(crate) mod kind;
pub(crate) mod sink;
pub(crate) mod source;
