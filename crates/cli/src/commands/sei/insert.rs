//! `sei insert`: messages into a stream.

use livegate_core::sei::ours::Marker;
use livegate_core::sei::schedule::{Interval, Rhythm};
use livegate_core::sei::uuid::Uuid;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FPS, UUID, own_type, uuid};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, switch, value};
use crate::args::values::span_ms;
use crate::failure::Failure;
use crate::input;
use crate::media::kind::CODEC;
use crate::media::pass::{Times, Work, pass};
use crate::media::plan::{Entry, Mark, Plan};
use crate::media::rate::Rate;

/// `sei insert`
pub(crate) const INSERT: Command = Command {
    words: &["sei", "insert"],
    summary: "put messages into an FLV, H.264 or H.265 stream",
    about: "Each message is a SEI message of its own, of type 5 with livegate's UUID, right before the\n\
            picture that it belongs to. Nothing else changes: no picture, no timestamp, no message of\n\
            others. Messages of ours that are there already are taken out.\n\n\
            A timeline is a file of lines {\"at_ms\":1500,\"text\":{…}}: from that time on (as `sei dump`\n\
            shows it) the message is that one, first of all on the first frame that is shown then. A byte\n\
            stream has no times: with --fps they are counted in the order of decoding.",
    operands: &[
        needs("IN", "FLV, or a byte stream of H.264 or H.265 (`-`: standard input)"),
        needs("OUT", "the stream with messages (`-`: standard output)"),
    ],
    options: &[
        value(
            "every",
            "WHEN",
            "1000ms to 5000ms, idr (key frames), frame, or change (a timeline's times; its default)",
        ),
        switch("follow-idr", "with an interval: key frames carry the message too"),
        value(
            "text",
            "JSON",
            "the message, as JSON or @FILE; before a timeline's first, if there is one",
        ),
        value("timeline", "FILE", "messages with times, one JSON object a line"),
        switch("plain", "the texts are not JSON; write them as they are"),
        switch("nul", "end each message with a NUL, for readers that expect a C string"),
        UUID,
        value("payload-type", "N", "100 to 254: a message of that type, without UUID (default 5)"),
        value(
            "match",
            "TEXT",
            "with --payload-type: messages that contain it are ours, and replaced",
        ),
        FPS,
        CODEC,
    ],
    reach: Reach::Local,
    examples: &[
        "livegate sei insert in.flv out.flv --every 1000ms --text '{\"scene\":\"quiz\"}'",
        "livegate sei insert in.h264 out.h264 --every idr --text @layout.json",
        "livegate sei insert in.flv out.flv --timeline switches.jsonl --every frame",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let mark = match own_type(args)? {
        Some(number) if uuid(args)?.is_none() => Mark::Type(number),
        Some(_) => return Err(args.usage("a message of type 100 to 254 has no UUID")),
        None => Mark::Uuid(uuid(args)?.unwrap_or(Uuid::LIVEGATE)),
    };
    let ours = match (mark, args.text("match")) {
        (Mark::Uuid(uuid), None) => Some(Marker::Uuid(uuid)),
        (Mark::Uuid(_), Some(_)) => return Err(args.usage("--match goes with --payload-type")),
        (Mark::Type(payload_type), found) => {
            found.map(|text| Marker::Typed { payload_type, contains: text.as_bytes().to_vec() })
        }
    };
    let first = args.text("text").map(|text| message(args, text)).transpose()?;
    let entries = args.text("timeline").map(|path| timeline(args, path)).transpose()?;
    let has_timeline = entries.is_some();
    if first.is_none() && !has_timeline {
        return Err(args.usage("--text or --timeline says what to write"));
    }
    // The text is what is in effect before all times.
    let given = usize::from(first.is_some());
    let first = first.map(|text| (i64::MIN, text));
    let entries: Vec<Entry> = first.into_iter().chain(entries.unwrap_or_default()).collect();
    let rhythm = rhythm(args, has_timeline)?;
    let rate = match Rate::of(args)? {
        None if !has_timeline && !matches!(rhythm, Rhythm::Timer { .. }) => Times::NotNeeded,
        rate => Times::Rate(rate),
    };
    let mut plan = Plan::new(mark, entries, rhythm)?;
    let mut done = pass(args, Work::Insert { plan: &mut plan, ours, rate })?;
    let (frames, messages) = (plan.frames, plan.messages);
    if frames == 0 {
        return Err(done.abandon("no frame of H.264 or H.265 can carry a message"));
    }
    if messages == 0 {
        return Err(done.abandon(&format!("none of {frames} frames carries a message")));
    }
    let unused: Vec<usize> = plan.unused().into_iter().filter(|entry| *entry >= given).collect();
    if let Some(entry) = unused.first() {
        done.tell(&format!(
            "no frame carries {} of the timeline's entries; the first is entry {}: no frame is shown between \
             its time and the next one's",
            unused.len(),
            entry - given + 1
        ));
    }
    let counts =
        [("frames", frames), ("messages", messages), ("entries_unused", unused.len() as u64)];
    done.finish(
        &format!("{messages} of {frames} frames carry a message"),
        counts.map(|(name, count)| (name.to_owned(), count.into())).into_iter().collect(),
    )
}

/// When a message is due beside a timeline's times.
fn rhythm(args: &Args, has_timeline: bool) -> Result<Rhythm, Failure> {
    let follow = args.switch("follow-idr");
    let every = args.text("every").or_else(|| has_timeline.then_some("change"));
    let rhythm = match every {
        None => return Err(args.usage("--every says when: 1000ms to 5000ms, idr or frame")),
        Some("change") if has_timeline => Rhythm::Off,
        Some("change") => return Err(args.usage("--every change goes with a --timeline")),
        Some("idr") => Rhythm::KeyFrames,
        Some("frame") => Rhythm::EveryFrame,
        Some(text) => {
            let Some(span) = span_ms(text) else {
                return Err(args.usage(format!(
                    "--every is 1000ms to 5000ms, idr, frame or change, not `{text}`"
                )));
            };
            let interval =
                u32::try_from(span).ok().and_then(|span| Interval::from_millis(span).ok());
            let Some(interval) = interval else {
                return Err(
                    args.usage(format!("--every: an interval is 1000ms to 5000ms, not {text}"))
                );
            };
            return Ok(Rhythm::Timer { interval, key_frames: follow });
        }
    };
    if follow { Err(args.usage("--follow-idr goes with an interval")) } else { Ok(rhythm) }
}

/// A message as it is written: the text of `--text`, or of the file `@PATH`.
fn message(args: &Args, text: &str) -> Result<Vec<u8>, Failure> {
    let bytes = match text.strip_prefix('@') {
        Some(path) => input::bytes(path)?,
        None => text.as_bytes().to_vec(),
    };
    if args.switch("plain") {
        return Ok(ended(args, bytes));
    }
    let text = bytes.trim_ascii();
    serde_json::from_slice::<&RawValue>(text).map_err(|error| {
        args.usage(format!("the message is not JSON: {error}")).point("--plain writes it as it is")
    })?;
    Ok(ended(args, text.to_vec()))
}

fn ended(args: &Args, mut text: Vec<u8>) -> Vec<u8> {
    if args.switch("nul") {
        text.push(0);
    }
    text
}

/// The entries of a timeline: one JSON object a line.
fn timeline(args: &Args, path: &str) -> Result<Vec<Entry>, Failure> {
    let text = String::from_utf8(input::bytes(path)?)
        .map_err(|_| Failure::failed(format!("{path} does not hold UTF-8")))?;
    // Editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let entries: Vec<Entry> = lines
        .map(|(index, line)| {
            entry(args, line).map_err(|what| {
                Failure::failed(format!("{path}, line {}: {what}", index + 1))
                    .next("a line is {\"at_ms\":1500,\"text\":…}, with JSON or a string as text")
            })
        })
        .collect::<Result<_, _>>()?;
    if entries.is_empty() {
        return Err(Failure::failed(format!("{path} has no entry")));
    }
    Ok(entries)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    at_ms: i64,
    #[serde(borrow)]
    text: &'a RawValue,
}

fn entry(args: &Args, line: &str) -> Result<Entry, String> {
    let Line { at_ms, text } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    // JSON is written as it stands in the file; a string is the text in it.
    let text = match serde_json::from_str::<String>(text.get()) {
        Ok(text) if args.switch("plain") || serde_json::from_str::<&RawValue>(&text).is_ok() => {
            text
        }
        Ok(_) => return Err("the text is a string that holds no JSON; --plain takes it".to_owned()),
        Err(_) => text.get().to_owned(),
    };
    Ok((at_ms, ended(args, text.into_bytes())))
}
