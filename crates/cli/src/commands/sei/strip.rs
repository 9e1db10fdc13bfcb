//! `sei strip`: our messages out of a stream.

use livegate_core::sei::ours::Marker;
use livegate_core::sei::uuid::Uuid;
use serde_json::Map;

use super::{UUID, own_type, uuid};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value};
use crate::failure::Failure;
use crate::media::kind::CODEC;
use crate::media::pass::{Work, pass};

/// `sei strip`
pub(crate) const STRIP: Command = Command {
    words: &["sei", "strip"],
    summary: "take our messages out of an FLV, H.264 or H.265 stream",
    about: "Takes out messages of type 5 with livegate's UUID, or with another one; messages of a type\n\
            from 100 to 254 by what they contain. All others stay as they are. What `sei insert` put in\n\
            goes to the byte.",
    operands: &[
        needs("IN", "FLV, or a byte stream of H.264 or H.265 (`-`: standard input)"),
        needs("OUT", "the stream without (`-`: standard output)"),
    ],
    options: &[
        UUID,
        value("payload-type", "N", "100 to 254: messages of that type, with --match (default 5)"),
        value("match", "TEXT", "what the messages contain that go, e.g. '\"canvas\"'"),
        CODEC,
    ],
    reach: Reach::Local,
    examples: &[
        "livegate sei strip in.flv out.flv",
        "livegate sei strip in.flv out.flv --payload-type 100 --match '\"regions\"'",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let ours = match (own_type(args)?, uuid(args)?, args.text("match")) {
        (None, uuid, None) => Marker::Uuid(uuid.unwrap_or(Uuid::LIVEGATE)),
        (None, _, Some(_)) => return Err(args.usage("--match goes with --payload-type")),
        (Some(_), Some(_), _) => {
            return Err(args.usage("a message of type 100 to 254 has no UUID"));
        }
        (Some(_), None, None | Some("")) => {
            return Err(args.usage("--match says which messages of that type go"));
        }
        (Some(payload_type), None, Some(text)) => {
            Marker::Typed { payload_type, contains: text.as_bytes().to_vec() }
        }
    };
    let done = pass(args, Work::Strip(ours))?;
    let text = format!("messages were taken out of {} NAL units", done.stripped());
    done.finish(&text, Map::new())
}
