//! JSON text read in place: one strict scanner (RFC 8259) for parsing, pointing and redacting.
//!
//! One scanner for all three on purpose: what the redactor does not see, the parser does not see
//! either. It builds no tree, borrows everything, and never recurses.

mod fields;
mod scan;
mod text;

pub(crate) use fields::{
    FieldsError, Value, each_item, each_member, fields, fields_and_text, item,
};
pub(crate) use scan::{MAX_DEPTH, Malformed, Scanner, Token};
pub use scan::{Position, Syntax};
pub(crate) use text::{Raw, push_string};
