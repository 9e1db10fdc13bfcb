//! FLV, edited while it passes.

use std::io::IoSlice;

use livegate_core::flv::edit::{Editor, Messages};
use livegate_core::flv::reader::Ending;
use livegate_core::flv::rewrite::Rewriter;
use livegate_core::sei::edit::{Splice, pieces};

use super::report::Report;
use super::sink::Sink;
use super::source::Source;
use crate::failure::Failure;

/// Passes a stream from the source to the sink, its video edited.
///
/// What is read is written from where it was read to: a buffer full of tags leaves in one call, with
/// the new messages between its parts.
pub(crate) fn pass(
    source: &mut Source,
    sink: &mut Sink,
    editor: Editor,
    messages: &mut dyn Messages,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut rewriter = Rewriter::new(editor);
    let mut splices = Vec::new();
    loop {
        let mut used = 0;
        let needed = loop {
            let first = splices.len();
            let rest = &source.bytes()[used..];
            let progress = match rewriter.run(rest, messages, &mut splices) {
                Ok(progress) => progress,
                Err(error) if rewriter.offset() > 0 => {
                    report.no_longer(rewriter.offset(), &error);
                    write(sink, &source.bytes()[..used], &splices)?;
                    source.take(used);
                    report.stripped += rewriter.editor().stripped();
                    return rest_as_it_is(source, sink);
                }
                Err(error) => {
                    return Err(Failure::coded(&error).point(format!("in {}", source.shown())));
                }
            };
            // Places are counted from what was shown.
            splices[first..].iter_mut().for_each(|splice: &mut Splice| splice.at += used);
            used += progress.used;
            if let Some(refused) = progress.refused {
                report.untouched(refused.offset, &refused.error);
            }
            if progress.needed > rest.len() - progress.used {
                break progress.needed;
            }
        };
        write(sink, &source.bytes()[..used], &splices)?;
        splices.clear();
        source.take(used);
        report.progress(source);
        if !source.fill_to(needed)? {
            break;
        }
    }
    let rest = source.bytes();
    let ending = rewriter
        .finish(rest, messages, &mut splices)
        .map_err(|error| Failure::coded(&error).point(format!("in {}", source.shown())))?;
    write(sink, rest, &splices)?;
    if let Ending::Truncated { offset, missing } = ending {
        report.truncated(offset, missing);
    }
    report.stripped += rewriter.editor().stripped();
    Ok(())
}

/// Passes what is left.
fn rest_as_it_is(source: &mut Source, sink: &mut Sink) -> Result<(), Failure> {
    loop {
        write(sink, source.bytes(), &[])?;
        source.take(source.bytes().len());
        if !source.fill_to(1)? {
            return Ok(());
        }
    }
}

fn write(sink: &mut Sink, bytes: &[u8], splices: &[Splice]) -> Result<(), Failure> {
    let mut slices: Vec<IoSlice<'_>> = pieces(bytes, splices).map(IoSlice::new).collect();
    sink.write(&mut slices)
}
