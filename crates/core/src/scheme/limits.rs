//! Limits of what a scheme may say and of what is read from a call. They bound the work that one
//! unverified call can cause.

/// Bytes in a scheme's name.
pub const NAME: usize = 64;
/// Parts in a message, and values in a sorted part. The longest known message (a sorted join of
/// body fields) has eight.
pub const PARTS: usize = 32;
/// Bytes in a literal.
pub const LITERAL: usize = 256;
/// Bytes in the name of a header or query parameter.
pub const FIELD_NAME: usize = 128;
/// Bytes in a JSON pointer.
pub const POINTER: usize = 256;
/// Steps in a JSON pointer.
pub const POINTER_STEPS: usize = 16;
/// Bytes in a separator or prefix.
pub const SEPARATOR: usize = 32;
/// The highest index of a piece.
pub const INDEX: u8 = 31;
/// Bytes in a value that carries a signature, a time or an id: eight Ed25519 signatures fit, and a
/// JSON Web Token of the usual size.
pub const VALUE: usize = 4096;
/// Bytes in an id.
pub const ID: usize = 256;
/// Signatures in one call: two keys of two algorithms, twice over.
pub const SIGNATURES: usize = 8;
/// Parameters of a received query that is signed in sorted form.
pub const QUERY_PAIRS: usize = 64;
/// Bytes in a key.
pub const KEY: usize = 512;
/// Bytes in a configured URL.
pub const URL: usize = 2048;
