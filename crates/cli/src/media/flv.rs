//! FLV, edited while it passes.

use std::io::IoSlice;

use livegate_core::flv::edit::{EditError, Edited, Editor, Messages, Supply};
use livegate_core::flv::header::{TagHeader, TagKind};
use livegate_core::flv::reader::{Ending, Part, Reader};
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
    editor: &mut Editor,
    messages: &mut dyn Messages,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut pass = Pass { reader: Reader::new(), splices: Vec::new(), old_len: 0, new_len: 0 };
    loop {
        let done = pass.buffer(source, editor, messages, report)?;
        let (bytes, splices) = (&source.bytes()[..done], &*pass.splices);
        let mut slices: Vec<IoSlice<'_>> = pieces(bytes, splices).map(IoSlice::new).collect();
        sink.write(&mut slices)?;
        pass.splices.clear();
        source.take(done);
        report.progress(source);
        if source.at_end() {
            return pass.end(source, sink, report);
        }
        source.fill()?;
    }
}

struct Pass {
    reader: Reader,
    /// The changes to what is in the buffer.
    splices: Vec<Splice>,
    /// The size of the tag under way, before and after.
    old_len: u32,
    new_len: u32,
}

impl Pass {
    /// Edits what is in the buffer, and says how much of it can leave.
    fn buffer(
        &mut self,
        source: &mut Source,
        editor: &mut Editor,
        messages: &mut dyn Messages,
        report: &mut Report,
    ) -> Result<usize, Failure> {
        let (offset, ended) = (source.offset(), source.at_end());
        let shown = source.shown().to_owned();
        let bytes = source.bytes_mut();
        let mut done = 0;
        loop {
            let before = self.reader;
            let part = self
                .reader
                .next(&bytes[done..])
                .map_err(|error| Failure::coded(&error).point(format!("in {shown}")))?;
            let len = part.len();
            match part {
                Part::More { .. } => return Ok(done),
                Part::Tag(header) => {
                    let supply = if ended { Supply::Ended } else { Supply::Open };
                    let at = done + TagHeader::LEN;
                    let first = self.splices.len();
                    match self.tag(header, at, &bytes[at..], supply, editor, messages) {
                        Ok(Edited::Done { growth }) => {
                            let len = i64::from(header.body_len) + growth;
                            bytes[done + 1..done + 4].copy_from_slice(&len.to_be_bytes()[5..]);
                            self.old_len = header.tag_len();
                            // The editor refuses what 24 bits cannot say.
                            self.new_len = u32::try_from(i64::from(self.old_len) + growth)
                                .unwrap_or(self.old_len);
                            let cut = self.splices[first..].iter().filter(|cut| cut.remove > 0);
                            report.stripped += cut.count() as u64;
                        }
                        Ok(Edited::More { .. }) => {
                            self.reader = before;
                            return Ok(done);
                        }
                        Err(error) => {
                            (self.old_len, self.new_len) = (header.tag_len(), header.tag_len());
                            report.untouched(offset + done as u64, header.timestamp, &error);
                        }
                    }
                }
                // A size that was right stays right; another is left alone.
                Part::PreviousTagSize { found, expected }
                    if found == expected && found == self.old_len =>
                {
                    bytes[done..done + 4].copy_from_slice(&self.new_len.to_be_bytes());
                }
                _ => {}
            }
            done += len;
        }
    }

    /// Edits one tag, of whose body `body` is there, `at` in the buffer.
    fn tag(
        &mut self,
        header: TagHeader,
        at: usize,
        body: &[u8],
        supply: Supply,
        editor: &mut Editor,
        messages: &mut dyn Messages,
    ) -> Result<Edited, EditError> {
        if header.kind != TagKind::Video || header.filtered {
            return Ok(Edited::Done { growth: 0 });
        }
        let len = header.body_len as usize;
        let body = &body[..body.len().min(len)];
        let first = self.splices.len();
        let splices = &mut self.splices;
        let edited = editor.part(header.timestamp, body, len, supply, messages, splices);
        for splice in &mut splices[first..] {
            splice.at += at;
        }
        edited
    }

    /// Passes what is left of a stream that ended, whole or not.
    fn end(
        &self,
        source: &mut Source,
        sink: &mut Sink,
        report: &mut Report,
    ) -> Result<(), Failure> {
        if let Ending::Truncated { offset, missing } = self.reader.finish(source.bytes()) {
            report.truncated(offset, missing);
        }
        sink.write(&mut [IoSlice::new(source.bytes())])
    }
}
