//! Every SEI message of a stream, with where and when it is.

use livegate_core::flv::config::Configuration;
use livegate_core::flv::header::{TagHeader, TagKind};
use livegate_core::flv::reader::{Ending, Part, Reader};
use livegate_core::flv::video::{FrameHeader, Video};
use livegate_core::sei::access_unit::{Pictures, Step};
use livegate_core::sei::annexb::{self, Nal};
use livegate_core::sei::clock::StreamClock;
use livegate_core::sei::codec::{Codec, Unit};
use livegate_core::sei::length::{LengthSize, units};
use livegate_core::sei::message::{Message, messages};

use super::kind::Kind;
use super::rate::Rate;
use super::report::Report;
use super::source::Source;
use crate::args::Args;
use crate::failure::Failure;

/// A message.
pub(crate) struct Found<'a> {
    /// When its frame is shown, in milliseconds, if that is known.
    pub(crate) pts_ms: Option<i64>,
    /// What it is in.
    pub(crate) codec: Codec,
    /// `nal_unit_type` of its NAL unit.
    pub(crate) nal_type: u8,
    /// Where in the input it begins.
    pub(crate) offset: u64,
    /// The message.
    pub(crate) message: Message<'a>,
}

/// What is told while a stream is read.
pub(crate) enum Event<'a> {
    /// A message.
    Message(Found<'a>),
    /// All that was there is read; more may be long in coming.
    Pause,
}

type Sink<'a> = dyn FnMut(Event<'_>) -> Result<(), Failure> + 'a;

/// Reads a stream; `sink` gets every message of it, in its order, and ends the reading by an error.
pub(crate) fn read(
    args: &Args,
    source: &mut Source,
    rate: Option<Rate>,
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    let mut report = Report::new();
    match Kind::of(source, args)? {
        Kind::Flv => read_flv(source, &mut report, sink)?,
        Kind::AnnexB(codec) => read_annexb(source, codec, rate, &mut report, sink)?,
    }
    report.end();
    Ok(())
}

fn read_flv(source: &mut Source, report: &mut Report, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let mut reader = Reader::new();
    let mut tags = Tags { length_size: None, clock: StreamClock::new() };
    loop {
        let offset = source.offset();
        let mut done = 0;
        loop {
            let before = reader;
            let rest = &source.bytes()[done..];
            let part = match reader.next(rest) {
                Ok(part) => part,
                Err(error) if reader.offset() > 0 => {
                    report.no_longer(reader.offset(), &error);
                    return sink(Event::Pause);
                }
                Err(error) => {
                    return Err(Failure::coded(&error).point(format!("in {}", source.shown())));
                }
            };
            match part {
                Part::More { .. } => break,
                Part::Tag(header) if header.kind == TagKind::Video && !header.filtered => {
                    let body = &rest[TagHeader::LEN..];
                    let len = header.body_len as usize;
                    // A body is looked at as a whole, or as far as the stream goes.
                    if body.len() < len && !source.at_end() {
                        reader = before;
                        break;
                    }
                    let at = offset + (done + TagHeader::LEN) as u64;
                    tags.body(header.timestamp, &body[..body.len().min(len)], at, sink)?;
                }
                _ => {}
            }
            done += part.len();
        }
        source.take(done);
        report.progress(source);
        sink(Event::Pause)?;
        if source.at_end() {
            if let Ending::Truncated { offset, missing } = reader.finish(source.bytes()) {
                report.truncated(offset, missing);
            }
            return Ok(());
        }
        source.fill()?;
    }
}

/// What is known of an FLV stream.
struct Tags {
    length_size: Option<(Codec, LengthSize)>,
    clock: StreamClock,
}

impl Tags {
    fn body(
        &mut self,
        timestamp: u32,
        body: &[u8],
        offset: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        match Video::parse(body, body.len()) {
            Ok(Video::Configuration { codec, at }) => {
                let read = Configuration::parse(codec, body.get(at..).unwrap_or_default());
                self.length_size = read.ok().map(|read| (codec, read.length_size));
                let Ok(read) = read else { return Ok(()) };
                let pts_ms = Some(self.clock.time(timestamp));
                for found in read.parameter_sets() {
                    // Behind a length of two bytes.
                    let from = at + found.offset + 2;
                    nal_unit(codec, found.nal, pts_ms, offset + from as u64, sink)?;
                }
            }
            Ok(Video::Frame(FrameHeader { codec, composition_time, at, .. })) => {
                let pts_ms = Some(self.clock.time(timestamp) + i64::from(composition_time));
                let Some((_, size)) = self.length_size.filter(|(own, _)| *own == codec) else {
                    return Ok(());
                };
                for found in units(body.get(at..).unwrap_or_default(), size) {
                    let from = at + found.offset + size.bytes();
                    nal_unit(codec, found.nal, pts_ms, offset + from as u64, sink)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn read_annexb(
    source: &mut Source,
    codec: Codec,
    rate: Option<Rate>,
    report: &mut Report,
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    let mut reader = annexb::Reader::new();
    let mut pictures = Pictures::new(codec);
    let mut told = Ok(());
    let mut each = |nal: Nal<'_>, sink: &mut Sink<'_>| {
        let Some(unit) = Unit::parse(codec, nal.bytes).filter(|_| told.is_ok()) else { return };
        // What comes before a picture belongs to it, but for the suffix SEI of H.265.
        let belongs_before = codec == Codec::H265 && unit.unit_type() == 40;
        let frame = pictures.frames() - u64::from(belongs_before && pictures.frames() > 0);
        let pts_ms = rate.map(|rate| i64::try_from(rate.time(frame)).unwrap_or(i64::MAX));
        told = nal_unit(codec, nal.bytes, pts_ms, nal.offset, sink);
        let _: Step = pictures.push(unit, nal.bytes);
    };
    while !(source.at_end() && source.bytes().is_empty()) {
        let len = source.bytes().len();
        reader.push(source.bytes(), &mut |nal| each(nal, sink));
        source.take(len);
        report.progress(source);
        sink(Event::Pause)?;
        source.fill()?;
    }
    reader.finish(&mut |nal| each(nal, sink));
    told?;
    sink(Event::Pause)
}

/// The messages of a NAL unit that begins at `offset`, if it is a SEI one.
fn nal_unit(
    codec: Codec,
    nal: &[u8],
    pts_ms: Option<i64>,
    offset: u64,
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    let Some(unit) = Unit::parse(codec, nal).filter(|unit| unit.is_sei()) else { return Ok(()) };
    let nal_type = unit.unit_type();
    messages(codec, nal).try_for_each(|message| {
        let offset = offset + message.start as u64;
        sink(Event::Message(Found { pts_ms, codec, nal_type, offset, message }))
    })
}
