//! Commands, their answers and their status (RTMP 1.0 §7.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::amf0::{self, Amf0Error, Value, Writer};
use crate::message::{Kind, Message};

/// A command as it was read.
#[derive(Clone, PartialEq)]
pub struct Command<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// What an answer has to repeat; 0 where none is wanted.
    pub transaction: f64,
    /// The command object; often null.
    pub object: Value<'a>,
    /// What else stands there.
    pub arguments: Vec<Value<'a>>,
}

impl fmt::Debug for Command<'_> {
    /// Arguments can be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("transaction", &self.transaction).finish_non_exhaustive()
    }
}

impl<'a> Command<'a> {
    /// Reads a message of type 17 or 20; none if it is of another type or its first value is no text.
    pub fn parse(message: &'a Message) -> Result<Option<Self>, Amf0Error> {
        let payload = &message.payload[..];
        let payload = match message.kind {
            Kind::COMMAND => payload,
            // One byte says which AMF follows, and it is AMF0.
            Kind::COMMAND_AMF3 => payload.strip_prefix(&[0]).unwrap_or(payload),
            _ => return Ok(None),
        };
        let mut reader = amf0::Reader::new(payload);
        let Some(name) = reader.next_value()?.and_then(|value| value.as_bytes()) else {
            return Ok(None);
        };
        let transaction = reader.next_value()?.and_then(|value| value.as_number()).unwrap_or(0.0);
        let object = reader.next_value()?.unwrap_or(Value::Null);
        let mut arguments = Vec::new();
        while let Some(value) = reader.next_value()? {
            arguments.push(value);
        }
        Ok(Some(Self { name, transaction, object, arguments }))
    }

    /// The argument at a place, if it is a text.
    pub(crate) fn text(&self, at: usize) -> Option<&'a str> {
        self.arguments.get(at)?.as_str()
    }

    /// The argument at a place, if it is a number.
    pub(crate) fn number(&self, at: usize) -> Option<f64> {
        self.arguments.get(at)?.as_number()
    }
}

/// What a server says of a connection or a stream: `onStatus`, and the second object of a `_result`.
#[derive(Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it is an error.
    pub is_error: bool,
    /// Such as `NetStream.Publish.Start`: at most 64 letters, digits, dots, hyphens and underscores;
    /// else empty.
    pub code: String,
    /// For people, by the peer. It may repeat a stream's key, so it is in no `Debug` and no `Display`.
    pub description: String,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("is_error", &self.is_error)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl Status {
    pub(crate) fn of(command: &Command<'_>) -> Self {
        let arguments = command.arguments.iter();
        let info = arguments.rev().find(|value| value.property("code").is_some());
        let text = |name: &str| {
            let value = info.and_then(|info| info.property(name));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        let code = text("code");
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let fine = code.len() <= 64 && code.bytes().all(known);
        Self {
            is_error: text("level") == "error",
            code: String::from(if fine { code } else { "" }),
            description: String::from(text("description")),
        }
    }
}

/// A command message.
pub(crate) fn message(stream: u32, payload: Bytes) -> Message {
    Message { kind: Kind::COMMAND, timestamp: 0, stream, payload }
}

/// The beginning of a command: its name, its transaction, and null for its object.
pub(crate) fn begin(name: &str, transaction: f64) -> Writer {
    let mut writer = Writer::new();
    writer.string(name).number(transaction).null();
    writer
}

/// A status object.
pub(crate) fn info(writer: &mut Writer, is_error: bool, code: &str, description: &str) {
    writer.object(|info| {
        info.property("level").string(if is_error { "error" } else { "status" });
        info.property("code").string(code);
        info.property("description").string(description);
    });
}

/// `onStatus` on a message stream.
pub(crate) fn on_status(stream: u32, is_error: bool, code: &str, description: &str) -> Message {
    let mut writer = begin("onStatus", 0.0);
    info(&mut writer, is_error, code, description);
    message(stream, writer.finish())
}

#[cfg(test)]
mod tests {
    use super::{Command, Status, on_status};
    use crate::amf0::Value;
    use crate::message::{Kind, Message};
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;

    #[test]
    fn reads_both_types() {
        // createStream, 4.0 (0x4010000000000000), null.
        let amf0: &[u8] = b"\x02\0\x0CcreateStream\0\x40\x10\0\0\0\0\0\0\x05";
        let read = |kind: Kind, payload: &[u8]| {
            let payload = payload.to_vec().into();
            let message = Message { kind, timestamp: 0, stream: 0, payload };
            let command = Command::parse(&message).unwrap();
            command.map(|command| {
                (String::from_utf8_lossy(command.name).into_owned(), command.transaction)
            })
        };
        let expected = Some(("createStream".into(), 4.0));
        assert_eq!(read(Kind::COMMAND, amf0), expected);
        assert_eq!(read(Kind::COMMAND_AMF3, &[b"\0", amf0].concat()), expected);
        assert_eq!(read(Kind::COMMAND_AMF3, amf0), expected);
        assert_eq!(read(Kind::DATA, amf0), None);
        assert_eq!(read(Kind::COMMAND, b"\x05"), None);
    }

    #[test]
    fn a_status_tells_code_and_whether_it_is_an_error() {
        let message = on_status(1, true, "NetStream.Publish.BadName", "key abc is in use");
        let status = Status::of(&Command::parse(&message).unwrap().unwrap());
        assert_eq!((status.is_error, &status.code[..]), (true, "NetStream.Publish.BadName"));
        assert_eq!(status.description, "key abc is in use");
        assert!(!format!("{status:?}").contains("abc"));
    }

    #[test]
    fn a_code_that_is_no_code_is_left_out() {
        for code in ["a b", "rtmp://host/key", &"x".repeat(65)] {
            let object = Value::Object(vec![(b"code", Value::String(code.as_bytes()))]);
            let command = Command {
                name: b"onStatus",
                transaction: 0.0,
                object: Value::Null,
                arguments: vec![object],
            };
            assert_eq!(Status::of(&command).code, "");
        }
    }
}
