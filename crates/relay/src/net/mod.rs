//! Connections that the host makes: looked up, checked, connected, and secured where that is asked
//! for.

mod dial;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod wire;

pub use dial::{DialError, DialTimes, Egress, connect, dial, secure};
pub use tls::{Tls, TlsFileError};
pub use wire::Wire;
