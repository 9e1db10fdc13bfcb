//! FLV files as messages of RTMP, and back. Annex E of Adobe's FLV specification 10.1.

use std::fs::{self, File};
use std::io::Write as _;

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

/// A file that is being written: what arrived is there even when the program is killed.
pub struct Writer(File);

impl Writer {
    pub fn new(path: &str) -> Outcome<Self> {
        let mut file = File::create(path)?;
        file.write_all(b"FLV\x01\x05\0\0\0\x09\0\0\0\0")?;
        Ok(Self(file))
    }

    pub fn tag(&mut self, message: &Message) -> Outcome<()> {
        let len = u32::try_from(message.payload.len()).expect("a message has 24 bits of length");
        let [t3, t2, t1, t0] = message.timestamp.to_be_bytes();
        let mut tag = vec![message.kind.0];
        tag.extend(&len.to_be_bytes()[1..]);
        tag.extend([t2, t1, t0, t3, 0, 0, 0]);
        tag.extend(&message.payload);
        tag.extend((len + 11).to_be_bytes());
        Ok(self.0.write_all(&tag)?)
    }
}
