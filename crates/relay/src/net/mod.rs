//! Connections: those that come in, and those that the host makes, looked up, checked, connected, and
//! secured where that is asked for.

mod dial;
mod entrance;
mod line;
mod lookup;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod wire;

pub use dial::{DialError, DialTimes, Egress, connect, dial, secure};
pub(crate) use entrance::{Entrance, Guest};
pub(crate) use line::{Line, with_room};
pub use lookup::Asker;
pub use tls::{Tls, TlsFileError};
pub use wire::Wire;
