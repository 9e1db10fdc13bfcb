//! `sei dump`: every message of a stream.

use std::io::{self, Write as _};

use livegate_core::sei::message::Message;
use livegate_core::sei::uuid::Uuid;
use serde_json::json;

use super::{FPS, uuid};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value};
use crate::failure::Failure;
use crate::media::kind::{CODEC, codec_name};
use crate::media::rate::Rate;
use crate::media::read::{Event, Found, read};
use crate::media::source::Source;
use crate::output;

/// `sei dump`
pub(crate) const DUMP: Command = Command {
    words: &["sei", "dump"],
    summary: "show every SEI message of an FLV, H.264 or H.265 stream",
    about: "Of each message: when its frame is shown, the codec, the NAL unit's type, the payload's type\n\
            and size, the UUID (type 5), where the message is in the input, and its text, if it is one.\n\
            A byte stream has no times: with --fps they are counted in the order of decoding.\n\n\
            --json prints an object a line: pts_ms, codec, nal_type, payload_type, uuid, text, offset,\n\
            size; and hex, for what is no text.",
    operands: &[needs("IN", "FLV, or a byte stream of H.264 or H.265 (`-`: standard input)")],
    options: &[
        value("uuid", "UUID", "only messages of type 5 with this UUID"),
        value("payload-type", "N", "only messages of this type (5: user data with a UUID)"),
        FPS,
        CODEC,
    ],
    reach: Reach::Local,
    examples: &["livegate sei dump live.flv", "livegate sei dump live.flv --json --payload-type 5"],
    run,
};

const TITLES: &str =
    "PTS_MS     CODEC  NAL  TYPE  SIZE  UUID                                  OFFSET      TEXT";

fn run(args: &Args) -> Result<(), Failure> {
    let wanted =
        Wanted { uuid: uuid(args)?, payload_type: args.number("payload-type", 0..=u32::MAX)? };
    let as_json = args.switch("json");
    let mut out = Rows { out: io::BufWriter::new(io::stdout().lock()), failed: None };
    if !as_json {
        out.put(TITLES);
    }
    let mut source = Source::open(args.operand(0))?;
    let rate = Rate::of(args)?;
    read(args, &mut source, rate, &mut |event| {
        match event {
            Event::Message(found) if wanted.takes(&found.message) => {
                out.put(&if as_json { object(&found) } else { row(&found) });
            }
            Event::Message(_) => {}
            Event::Pause => out.flush()?,
        }
        Ok(())
    })
}

/// Which messages are shown.
struct Wanted {
    uuid: Option<Uuid>,
    payload_type: Option<u32>,
}

impl Wanted {
    fn takes(&self, message: &Message<'_>) -> bool {
        self.uuid.is_none_or(|uuid| message.uuid() == Some(uuid))
            && self.payload_type.is_none_or(|number| message.payload_type == number)
    }
}

/// Lines on standard output.
struct Rows {
    out: io::BufWriter<io::StdoutLock<'static>>,
    failed: Option<io::Error>,
}

impl Rows {
    fn put(&mut self, line: &str) {
        if self.failed.is_none() {
            self.failed = writeln!(self.out, "{line}").err();
        }
    }

    /// Hands on what there is, since a live stream may pause now.
    fn flush(&mut self) -> Result<(), Failure> {
        match self.failed.take().map_or_else(|| self.out.flush(), Err) {
            Ok(()) => Ok(()),
            // A reader that went away (`| head`) has what it wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(Failure::failed(format!("cannot write the output: {error}"))),
        }
    }
}

/// The text of a message, without the UUID before it and a NUL behind it.
fn text(message: &Message<'_>) -> Option<String> {
    let bytes = message.content().to_cow();
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).ok()?;
    let readable = !text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    readable.then(|| text.to_owned())
}

fn object(found: &Found<'_>) -> String {
    let message = &found.message;
    let text = text(message);
    let mut object = json!({
        "pts_ms": found.pts_ms,
        "codec": codec_name(found.codec),
        "nal_type": found.nal_type,
        "payload_type": message.payload_type,
        "uuid": message.uuid().map(|uuid| uuid.to_string()),
        "offset": found.offset,
        "size": message.size,
    });
    if text.is_none() {
        object["hex"] = hex::encode(message.content().to_cow()).into();
    }
    object["text"] = text.into();
    if message.is_truncated() {
        object["truncated"] = true.into();
    }
    output::json_text(&object)
}

fn row(found: &Found<'_>) -> String {
    let message = &found.message;
    let time = found.pts_ms.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let uuid = message.uuid().map_or_else(|| "-".to_owned(), |uuid| uuid.to_string());
    let mut text = text(message).map_or_else(
        || format!("({} bytes)", message.content().len_unescaped()),
        |text| output::clean(&text),
    );
    if message.is_truncated() {
        text.push_str(" (truncated)");
    }
    let (codec, nal_type, payload_type) =
        (codec_name(found.codec), found.nal_type, message.payload_type);
    let (size, offset) = (message.size, found.offset);
    format!(
        "{time:<9}  {codec:<5}  {nal_type:<3}  {payload_type:<4}  {size:<4}  {uuid:<36}  {offset:<10}  {text}"
    )
}
