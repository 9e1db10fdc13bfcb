//! FLV files as messages of RTMP, and back. Annex E of Adobe's FLV specification 10.1.

use std::fs;

use livegate_rtmp::message::{Kind, Message};

use crate::Outcome;

/// The tags of a file.
pub fn read(path: &str) -> Outcome<Vec<Message>> {
    let file = fs::read(path)?;
    // The header, and the size of no tag before the first.
    let mut rest = file.get(13..).ok_or("no FLV")?;
    let mut tags = Vec::new();
    while let Some([kind, l2, l1, l0, t2, t1, t0, t3, ..]) = rest.first_chunk::<11>() {
        let len = u32::from_be_bytes([0, *l2, *l1, *l0]) as usize;
        let body = rest.get(11..11 + len).ok_or("a tag is cut off")?;
        tags.push(Message {
            kind: Kind(*kind),
            timestamp: u32::from_be_bytes([*t3, *t2, *t1, *t0]),
            stream: 0,
            payload: body.to_vec().into(),
        });
        rest = rest.get(11 + len + 4..).unwrap_or_default();
    }
    Ok(tags)
}

/// A file that is being written.
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn new() -> Self {
        Self(b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec())
    }

    pub fn tag(&mut self, message: &Message) {
        let len = u32::try_from(message.payload.len()).expect("a message has 24 bits of length");
        let [t3, t2, t1, t0] = message.timestamp.to_be_bytes();
        self.0.push(message.kind.0);
        self.0.extend(&len.to_be_bytes()[1..]);
        self.0.extend([t2, t1, t0, t3, 0, 0, 0]);
        self.0.extend(&message.payload);
        self.0.extend((len + 11).to_be_bytes());
    }

    pub fn save(&self, path: &str) -> Outcome<()> {
        Ok(fs::write(path, &self.0)?)
    }
}
