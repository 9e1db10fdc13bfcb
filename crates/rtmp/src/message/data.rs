//! What is around `onMetaData`. Its bytes are passed as they are; nothing here reads them.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Kind, Message};

/// `@setDataFrame` as an AMF0 string: what publishers put before the data that players are to get.
pub const SET_DATA_FRAME: &[u8; 16] = b"\x02\x00\x0D@setDataFrame";

/// A data message's bytes as a script tag of FLV has them, and as players get them: without
/// `@setDataFrame`, and without the byte before AMF0 in a message of AMF3. Shares the payload.
pub fn body(message: &Message) -> Bytes {
    let mut body = message.payload.clone();
    if message.kind == Kind::DATA_AMF3 && body.first() == Some(&0) {
        body = body.slice(1..);
    }
    if body.starts_with(SET_DATA_FRAME) {
        body = body.slice(SET_DATA_FRAME.len()..);
    }
    body
}

/// A data message for players: [`body`] in AMF0.
#[must_use]
pub fn for_players(message: &Message) -> Message {
    Message { kind: Kind::DATA, payload: body(message), ..*message }
}

/// A data message for a server that is published to: [`body`] behind `@setDataFrame` in AMF0. Other
/// data than `onMetaData` goes without: it is an event, not what later players are to begin with.
#[must_use]
pub fn for_server(message: &Message) -> Message {
    let body = body(message);
    let payload = if body.starts_with(b"\x02\x00\x0AonMetaData") {
        let mut payload = BytesMut::with_capacity(SET_DATA_FRAME.len() + body.len());
        payload.put_slice(SET_DATA_FRAME);
        payload.put_slice(&body);
        payload.freeze()
    } else {
        body
    };
    Message { kind: Kind::DATA, payload, ..*message }
}

#[cfg(test)]
mod tests {
    use super::{body, for_players, for_server};
    use crate::message::{Kind, Message};

    fn data(kind: Kind, payload: &'static [u8]) -> Message {
        Message { kind, timestamp: 5, stream: 1, payload: payload.into() }
    }

    #[test]
    fn metadata_keeps_every_byte_both_ways() {
        let published = data(Kind::DATA, b"\x02\0\x0D@setDataFrame\x02\0\x0AonMetaData\x08any");
        let played = data(Kind::DATA, b"\x02\0\x0AonMetaData\x08any");
        assert_eq!(for_players(&published), played);
        assert_eq!(for_players(&played), played);
        assert_eq!(for_server(&published), published);
        assert_eq!(for_server(&played), published);
    }

    #[test]
    fn amf0_within_amf3_is_amf0() {
        let wrapped = data(Kind::DATA_AMF3, b"\0\x02\0\x0AonTextData\x05");
        assert_eq!(&body(&wrapped)[..], b"\x02\0\x0AonTextData\x05");
        assert_eq!(for_server(&wrapped), data(Kind::DATA, b"\x02\0\x0AonTextData\x05"));
    }
}
