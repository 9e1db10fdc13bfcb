//! `layout`: mixing layouts to look at, out of a stream and as a message for one.

use std::path::Path;

use livegate_core::config::Violations;
use livegate_core::error::Coded as _;
use livegate_core::layout::{Canvas, Document, Member, Placed, Resolved};
use livegate_core::sei::payload::{
    self, Alone, Form, LayoutMessage, MAX_READ, Profile, Reading, Remark, Sound,
};

use super::sei::FPS;
use crate::args::Args;
use crate::args::table::{Command, Reach, maybe, needs, value};
use crate::clock::now;
use crate::failure::Failure;
use crate::media::kind::CODEC;
use crate::media::rate::Rate;
use crate::media::read::{Event, read};
use crate::media::sink;
use crate::media::source::Source;
use crate::{input, output};

/// `layout render`
pub(crate) const RENDER: Command = Command {
    words: &["layout", "render"],
    summary: "draw a layout as SVG or PNG",
    about: "LAYOUT is a JSON document: docs/spec/layout.md has its form. OUT ends in .svg, .png or\n\
            .json (the places in pixels); without it the SVG goes to standard output. A PNG has the\n\
            letters of Latin-1 only, and `?` for others; the SVG has them all.",
    operands: &[
        needs("LAYOUT", "the layout, a JSON document (`-`: standard input)"),
        maybe("OUT", "what to write: a .svg, .png or .json file"),
    ],
    options: &[],
    reach: Reach::Local,
    examples: &[
        "livegate layout render quiz.json quiz.png",
        "livegate layout from-sei live.flv | livegate layout render - now.svg",
    ],
    run: render,
};

fn render(args: &Args) -> Result<(), Failure> {
    let resolved = resolved(args.operand(0))?;
    let Some(out) = args.optional_operand(1).filter(|out| *out != "-") else {
        return if args.switch("json") {
            output::json(&resolved.to_value())
        } else {
            output::put(&resolved.to_svg())
        };
    };
    write_drawn(args, &resolved, out)
}

/// Writes the file in the form that its name asks for.
fn write_drawn(args: &Args, layout: &Resolved, out: &str) -> Result<(), Failure> {
    let bytes = drawn(layout, out).ok_or_else(|| {
        args.usage(format!("OUT says by its end what to write: .svg, .png or .json, not `{out}`"))
    })??;
    sink::write_whole(out, &bytes)?;
    let is_png = Path::new(out).extension().is_some_and(|end| end.eq_ignore_ascii_case("png"));
    let is_shown =
        |pane: &&Placed| pane.user.as_ref().is_none_or(|member| output::has_letters(&member.user));
    if is_png && let Some(pane) = layout.panes().iter().find(|pane| !is_shown(pane)) {
        output::note(&format!(
            "livegate: {out} has `?` for letters beyond Latin-1, as of pane {}; an .svg has them all",
            pane.id
        ));
    }
    Ok(())
}

/// The layout in the form that the name of the file asks for.
fn drawn(layout: &Resolved, name: &str) -> Option<Result<Vec<u8>, Failure>> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "svg" => Ok(layout.to_svg().into_bytes()),
        "json" => Ok(format!("{}\n", layout.to_value()).into_bytes()),
        "png" => output::png(layout)
            .map_err(|error| Failure::failed(format!("cannot make the picture: {error}"))),
        _ => return None,
    })
}

fn refused(path: &str, found: &Violations) -> Failure {
    let shown = if path == "-" { "standard input" } else { path };
    let failure = Failure::failed(format!("{shown} is no layout that can be drawn"))
        .code(found.code().as_str())
        .next("docs/spec/layout.md has the form of the document");
    found.iter().fold(failure, |failure, one| {
        failure.point(format!("{}: {} [{}]", one.path, one.detail(), one.code().as_str()))
    })
}

/// `layout from-sei`
pub(crate) const FROM_SEI: Command = Command {
    words: &["layout", "from-sei"],
    summary: "the layout that a stream's SEI messages, or one message, describe",
    about: "IN is a stream (FLV, H.264 or H.265) or the JSON of one message, Alibaba's ({\"stream\":[…]})\n\
            or Agora's ({\"canvas\":…,\"regions\":[…]}). Of a stream the last layout counts, or that of\n\
            --at. What comes out is a document for `layout render`, or with OUT the drawing itself.",
    operands: &[
        needs("IN", "a stream, or a message as JSON (`-`: standard input)"),
        maybe("OUT", "a .svg or .png to draw, or a .json with the places in pixels"),
    ],
    options: &[
        value(
            "at",
            "MS",
            "the layout that is shown then, in milliseconds as `sei dump` shows them",
        ),
        value("canvas", "WxH", "the canvas, where the message does not say it (default 1280x720)"),
        FPS,
        CODEC,
    ],
    reach: Reach::Local,
    examples: &[
        "livegate layout from-sei live.flv now.png",
        "livegate layout from-sei live.flv --at 90000 --canvas 1920x1080",
    ],
    run: from_sei,
};

fn from_sei(args: &Args) -> Result<(), Failure> {
    let canvas = canvas(args)?;
    let until = args.number::<i64>("at", 0..=i64::MAX)?;
    let mut source = Source::open(args.operand(0))?;
    let mut newest: Option<Reading> = None;
    // The newest message that has no layout: why that is so.
    let mut other: Option<Reading> = None;
    let is_alone = is_json(&mut source)?;
    if is_alone {
        let text = whole(&mut source)?;
        if Document::from_json(&text).is_ok() {
            return Err(Failure::failed(format!("{} is a layout already", source.shown())).next(
                "`livegate layout render` draws it, `livegate layout to-sei` makes a message of it",
            ));
        }
        other = Some(payload::read(&text));
        if other.as_ref().is_some_and(has_layout) {
            newest = other.take();
        }
    } else {
        let rate = Rate::of(args)?;
        // The time of the newest layout: with B-frames, one that is shown earlier can come later.
        let mut time = i64::MIN;
        read(args, &mut source, rate, &mut |event| {
            let Event::Message(found) = event else { return Ok(()) };
            let shown = found.pts_ms.unwrap_or(0);
            if until.is_some_and(|until| shown > until) || shown < time {
                return Ok(());
            }
            let reading = payload::read(&found.message.content().to_cow());
            if has_layout(&reading) {
                time = shown;
                newest = Some(reading);
            } else {
                other = Some(reading);
            }
            Ok(())
        })?;
    }
    let Some(reading) = newest else {
        let message = if is_alone { "the message" } else { "the last message" };
        return Err(without_layout(source.shown(), message, other.as_ref()));
    };
    for remark in &reading.remarks {
        output::note(&format!("livegate: {}", told("the message", remark)));
    }
    let resolved = reading.message.to_resolved(canvas);
    match args.optional_operand(1) {
        Some(out) if out != "-" => write_drawn(args, &resolved, out),
        _ => output::json(&resolved.to_document()),
    }
}

fn has_layout(reading: &Reading) -> bool {
    matches!(reading.form, Some(Form::Alibaba | Form::Agora))
}

/// What there is instead of a layout, if there is a message at all.
fn without_layout(shown: &str, message: &str, other: Option<&Reading>) -> Failure {
    let failure = Failure::failed(format!("{shown} has no message with a layout"))
        .next("`livegate sei dump` shows what messages a stream has");
    let Some(other) = other else { return failure };
    let failure = match other.form {
        Some(_) => failure.point("Alibaba's has `stream`, Agora's has `canvas` and `regions`"),
        None => failure,
    };
    other.remarks.iter().fold(failure, |failure, remark| failure.point(told(message, remark)))
}

/// What was wrong with a message, in words.
fn told(message: &str, remark: &Remark) -> String {
    let code = remark.defect.code();
    if remark.stream.is_none() && remark.member.is_empty() {
        format!("{message} {remark} [{}]", code.as_str())
    } else {
        format!("{remark} [{}]", code.as_str())
    }
}

/// `layout to-sei`
pub(crate) const TO_SEI: Command = Command {
    words: &["layout", "to-sei"],
    summary: "the message that describes a layout, for `sei insert`",
    about: "Prints JSON: Alibaba's ({\"stream\":[…]}), or with --as agora Agora's\n\
            ({\"canvas\":…,\"regions\":[…]}), which goes with `sei insert --payload-type 100`.",
    operands: &[needs("LAYOUT", "the layout, a JSON document (`-`: standard input)")],
    options: &[value("as", "FORM", "alibaba (default) or agora")],
    reach: Reach::Local,
    examples: &["livegate layout to-sei quiz.json > message.json"],
    run: to_sei,
};

fn to_sei(args: &Args) -> Result<(), Failure> {
    let profile = match args.text("as") {
        None | Some("alibaba") => Profile::Alibaba,
        Some("agora") => Profile::Agora,
        Some(other) => return Err(args.usage(format!("--as is alibaba or agora, not `{other}`"))),
    };
    let resolved = resolved(args.operand(0))?;
    let silent = |_: &Member| Sound::default();
    let mut message = LayoutMessage::from_resolved(&resolved, Alone::default(), &silent);
    message.sent_at = Some(now());
    let text = profile.write(&message).map_err(|error| Failure::coded(&error))?;
    output::line(&text)
}

/// The layout of a document, in pixels.
fn resolved(path: &str) -> Result<Resolved, Failure> {
    let document =
        Document::from_json(&input::bytes(path)?).map_err(|found| refused(path, &found))?;
    document.resolve().map_err(|found| refused(path, &found))
}

/// Whether the source begins like a JSON object.
fn is_json(source: &mut Source) -> Result<bool, Failure> {
    loop {
        if let Some(first) = source.bytes().iter().find(|byte| !byte.is_ascii_whitespace()) {
            return Ok(*first == b'{');
        }
        if source.at_end() {
            return Ok(false);
        }
        source.fill()?;
    }
}

/// All of a source that holds one message.
fn whole(source: &mut Source) -> Result<Vec<u8>, Failure> {
    while !source.at_end() && source.bytes().len() <= MAX_READ {
        source.fill()?;
    }
    Ok(source.bytes().to_vec())
}

/// `--canvas`.
fn canvas(args: &Args) -> Result<Canvas, Failure> {
    let text = args.text("canvas").unwrap_or("1280x720");
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height) =
        sides.ok_or_else(|| args.usage(format!("--canvas is like 1280x720, not `{text}`")))?;
    Canvas::new(width, height).map_err(|error| args.usage(format!("--canvas: {error}")))
}
