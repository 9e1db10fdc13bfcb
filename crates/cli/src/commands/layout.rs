//! `layout`: mixing layouts to look at, and out of a stream.

use std::path::Path;

use livegate_core::config::Violations;
use livegate_core::error::Coded as _;
use livegate_core::layout::{Document, Resolved};

use crate::args::Args;
use crate::args::table::{Command, Reach, maybe, needs};
use crate::failure::Failure;
use crate::media::sink;
use crate::{input, output};

/// `layout render`
pub(crate) const RENDER: Command = Command {
    words: &["layout", "render"],
    summary: "draw a layout as SVG or PNG",
    about: "LAYOUT is a JSON document: docs/spec/layout.md has its form. OUT ends in .svg, .png or\n\
            .json (the places in pixels); without it the SVG goes to standard output.",
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
    let path = args.operand(0);
    let document =
        Document::from_json(&input::bytes(path)?).map_err(|found| refused(path, &found))?;
    let resolved = document.resolve().map_err(|found| refused(path, &found))?;
    let Some(out) = args.optional_operand(1) else {
        return if args.switch("json") {
            output::json(&resolved.to_value())
        } else {
            output::put(&resolved.to_svg())
        };
    };
    let bytes = drawn(&resolved, out).ok_or_else(|| {
        args.usage(format!("OUT says by its end what to write: .svg, .png or .json, not `{out}`"))
    })??;
    sink::write_whole(out, &bytes)
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
