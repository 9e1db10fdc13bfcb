//! What a relay host and a gateway's Fleet say to each other over one WebSocket.
//!
//! Each message is a JSON object in a text frame, with a `type`. A host's have a `number`, from 1 on
//! each connection, so that an answer can name what it answers: a lease counts from when the host sent
//! that. A command has a number of its own, which no other of that Fleet has.
//!
//! | from the host | says |
//! |---|---|
//! | [`Hello`] | who it is, what it can take, what runs on it: the first message of a connection |
//! | [`HostSays::Status`] | its load, and the tasks whose state has changed |
//! | [`HostSays::Streams`] | which published streams came and went |
//! | [`HostSays::Renew`] | for which tasks it asks for another lease |
//! | [`HostSays::Done`] | what came of a command |
//! | [`HostSays::Ended`] | a task is over, all of its pushes closed |
//!
//! | from the Fleet | says |
//! |---|---|
//! | [`Welcome`] | what of the host's tasks goes on and what stops: the answer to a hello |
//! | [`FleetSays::Start`] | a task starts, or becomes this |
//! | [`FleetSays::Stop`] | a task is to end |
//! | [`FleetSays::Sei`] | a task writes a message once |
//! | [`FleetSays::Granted`] | the leases that were asked for |
//! | [`FleetSays::Forget`] | of these tasks the host need say nothing more |
//!
//! Fields that a reader does not know are passed over, and so is a message of a type that it does not
//! know ([`LinkError::Unknown`]), so that either side may be newer. docs/spec/relay.md §10 has the
//! rules. `start` has push addresses with their secrets in it; nothing that a host says has.
//!
//! ```
//! use livegate_core::relay::link::{FromHost, HostSays};
//!
//! let text = r#"{"type":"done","number":7,"command":3}"#;
//! let message = FromHost::read(text)?;
//! assert_eq!(message.says, HostSays::Done { command: 3, refused: None });
//! assert_eq!(FromHost::read(&message.write())?, message);
//! # Ok::<(), livegate_core::relay::link::LinkError>(())
//! ```

mod fleet;
mod host;
mod report;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_json::Value;

pub use fleet::{Callback, Command, FleetSays, LinkSettings, Start, Welcome};
pub use host::{Capacity, FromHost, Hello, HostSays, Load, Refused};
pub use report::{Published, PushReport, TaskReport, Tenure};

use crate::config::table::{Object, text};
use crate::error::{Code, Coded, Fault};

/// The version of what is said, in [`Hello`].
pub const PROTOCOL: u64 = 1;

/// The longest message, in bytes. The runtimes of gateways take no longer ones.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The most bytes of a name.
pub const MAX_NAME: usize = 1024;

/// The most items of a list: what fits a message, and no reader has to hold more.
pub const MAX_ITEMS: usize = 10_000;

/// What a connection is closed with by the Fleet, for reasons of livegate's own (RFC 6455 §7.4.2). The
/// reason is the code of an error.
pub mod close {
    /// A message could not be read: [`super::LinkError`]. The host tries again after a pause.
    pub const MALFORMED: u16 = 4400;
    /// Another machine has this host's token, and is connected (`relay.host_taken`). The host stops what
    /// it runs.
    pub const TAKEN: u16 = 4409;
    /// The host was deleted (`relay.host_deleted`). It stops what it runs.
    pub const DELETED: u16 = 4410;
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// It has too many bytes.
    TooLarge,
    /// It is no JSON object.
    NotJson,
    /// A field is missing, or is not what it is to be.
    Field(&'static str),
    /// Its type is not known: to be passed over.
    Unknown,
    /// The host speaks another version ([`PROTOCOL`]).
    Protocol,
    /// A connection's first message was no hello, or another one was.
    Order,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "a message has at most {MAX_MESSAGE} bytes"),
            Self::NotJson => f.write_str("a message is a JSON object"),
            Self::Field(name) => write!(f, "the field {name} is missing or wrong"),
            Self::Unknown => f.write_str("the type is not known"),
            Self::Protocol => write!(f, "this end speaks version {PROTOCOL} of the protocol"),
            Self::Order => f.write_str("the first message, and no other, is a hello"),
        }
    }
}

impl core::error::Error for LinkError {}

impl Coded for LinkError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::TooLarge => "relay.link_too_large",
            Self::NotJson => "relay.link_not_json",
            Self::Field(_) => "relay.link_field",
            Self::Unknown => "relay.link_unknown",
            Self::Protocol => "relay.link_protocol",
            Self::Order => "relay.link_order",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// Which of two things that are ready for one another cannot be: a host that cannot connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostRefused {
    /// Another machine has its token, and is connected.
    Taken,
    /// It was deleted.
    Deleted,
}

impl fmt::Display for HostRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "another machine is connected with this host's token",
            Self::Deleted => "the host was deleted",
        })
    }
}

impl core::error::Error for HostRefused {}

impl Coded for HostRefused {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Taken => "relay.host_taken",
            Self::Deleted => "relay.host_deleted",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// The object that a message is.
fn object(message: &str) -> Result<Object, LinkError> {
    if message.len() > MAX_MESSAGE {
        return Err(LinkError::TooLarge);
    }
    match serde_json::from_str(message) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(LinkError::NotJson),
    }
}

/// A name that has to be there.
fn name(object: &Object, field: &'static str) -> Result<String, LinkError> {
    maybe_name(object, field)?.ok_or(LinkError::Field(field))
}

/// A name, or none.
fn maybe_name(object: &Object, field: &'static str) -> Result<Option<String>, LinkError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if (1..=MAX_NAME).contains(&text.len()) => Ok(Some(text.clone())),
        Some(_) => Err(LinkError::Field(field)),
    }
}

/// A number that has to be there.
fn number(object: &Object, field: &'static str) -> Result<u64, LinkError> {
    object.get(field).and_then(Value::as_u64).ok_or(LinkError::Field(field))
}

/// A number, or this one.
fn number_or(object: &Object, field: &'static str, other: u64) -> Result<u64, LinkError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(other),
        Some(value) => value.as_u64().ok_or(LinkError::Field(field)),
    }
}

/// A list, empty where there is none.
fn list<T>(
    object: &Object,
    field: &'static str,
    read: fn(&Object) -> Result<T, LinkError>,
) -> Result<Vec<T>, LinkError> {
    let wrong = LinkError::Field(field);
    let items = match object.get(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_ITEMS => items,
        Some(_) => return Err(wrong),
    };
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        list.push(read(item.as_object().ok_or(wrong)?)?);
    }
    Ok(list)
}

/// A list as JSON.
fn written<T>(list: &[T], write: fn(&T) -> Value) -> Value {
    let mut out = Vec::with_capacity(list.len());
    for item in list {
        out.push(write(item));
    }
    Value::Array(out)
}

/// A list of names, empty where there is none.
fn names(object: &Object, field: &'static str) -> Result<Vec<String>, LinkError> {
    let wrong = LinkError::Field(field);
    let items = match object.get(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_ITEMS => items,
        Some(_) => return Err(wrong),
    };
    let name = |item: &Value| item.as_str().filter(|name| name.len() <= MAX_NAME).map(String::from);
    items.iter().map(|item| name(item).ok_or(wrong)).collect()
}

/// A word of a table.
fn word<T>(
    object: &Object,
    field: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, LinkError> {
    text(object, field).and_then(read).ok_or(LinkError::Field(field))
}

#[cfg(test)]
mod tests;
