//! A stream from one place to another, edited on the way.

use livegate_core::flv;
use livegate_core::flv::edit::NoMessages;
use livegate_core::sei::ours::Marker;
use serde_json::{Map, Value};

use super::kind::Kind;
use super::plan::Plan;
use super::rate::Rate;
use super::report::Report;
use super::sink::{OnStop, Sink};
use super::source::Source;
use super::{annexb, flv as flv_pass};
use crate::args::Args;
use crate::failure::Failure;
use crate::output;

/// What is done to a stream.
pub(crate) enum Work<'a> {
    /// Messages are put in, and those that `ours` knows taken out.
    Insert {
        /// Which and when.
        plan: &'a mut Plan,
        /// Which are replaced.
        ours: Option<Marker>,
        /// The frame rate, where the plan has times and the stream may have none.
        rate: Times,
    },
    /// Messages are taken out.
    Strip(Marker),
}

/// Where a plan's times come from in a stream that has none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Times {
    /// The plan has no times.
    NotNeeded,
    /// `--fps` says.
    Rate(Option<Rate>),
}

/// A stream that passed, and is not finished.
pub(crate) struct Done {
    sink: Sink,
    report: Report,
    shown: String,
    json: bool,
}

/// Passes the stream of the first operand to the second.
pub(crate) fn pass(args: &Args, work: Work<'_>) -> Result<Done, Failure> {
    let (from, to) = (args.operand(0), args.operand(1));
    let mut source = Source::open(from)?;
    let kind = Kind::of(&mut source, args)?;
    let rate = match &work {
        Work::Insert { rate: Times::Rate(None), .. } if kind != Kind::Flv => {
            let what = format!("{} carries no times, and the messages have some", source.shown());
            return Err(args.usage(what).point("--fps says how many frames a second has"));
        }
        Work::Insert { rate: Times::Rate(Some(_)), .. } if kind == Kind::Flv => {
            return Err(args.usage("FLV has times of its own; --fps is for byte streams"));
        }
        Work::Insert { rate: Times::Rate(rate), .. } => *rate,
        _ => None,
    };
    // What comes from a pipe is live.
    let on_stop = if source.size().is_some() { OnStop::Remove } else { OnStop::Keep };
    let mut sink = Sink::open(to, on_stop)?;
    let mut report = Report::new();
    match (kind, work) {
        (Kind::Flv, Work::Insert { plan, ours, .. }) => {
            let editor = flv::edit::Editor::inserting(ours);
            flv_pass::pass(&mut source, &mut sink, editor, plan, &mut report)?;
        }
        (Kind::Flv, Work::Strip(ours)) => {
            let editor = flv::edit::Editor::stripping(ours);
            flv_pass::pass(&mut source, &mut sink, editor, &mut NoMessages, &mut report)?;
        }
        (Kind::AnnexB(codec), Work::Insert { plan, ours, .. }) => {
            let frames = annexb::Frames { codec, rate, messages: plan };
            annexb::pass(&mut source, &mut sink, ours, frames, &mut report)?;
        }
        (Kind::AnnexB(codec), Work::Strip(ours)) => {
            let frames = annexb::Frames { codec, rate, messages: &mut NoMessages };
            annexb::pass(&mut source, &mut sink, Some(ours), frames, &mut report)?;
        }
    }
    let shown = source.shown().to_owned();
    Ok(Done { sink, report, shown, json: args.switch("json") })
}

impl Done {
    /// How many NAL units lost messages of ours.
    pub(crate) const fn stripped(&self) -> u64 {
        self.report.stripped
    }

    /// A line on standard error.
    pub(crate) fn tell(&mut self, text: &str) {
        self.report.tell(text);
    }

    /// Leaves no output, as far as it has not gone.
    pub(crate) fn abandon(mut self, why: &str) -> Failure {
        let ending = if self.sink.is_file() { "; nothing is written" } else { "" };
        let why = format!("{}: {why}{ending}", self.shown);
        match self.report.refusal() {
            Some(refusal) => refusal.point(why),
            None => Failure::failed(why),
        }
    }

    /// Finishes the output, and says what was done: one line, and for `--json` an object on
    /// standard output unless the stream is there.
    pub(crate) fn finish(self, text: &str, mut counts: Map<String, Value>) -> Result<(), Failure> {
        let Self { sink, report, json, .. } = self;
        let is_stdout = sink.is_stdout();
        sink.finish()?;
        counts.insert("stripped".to_owned(), report.stripped.into());
        counts.insert("untouched".to_owned(), report.untouched.into());
        report.end();
        if json && !is_stdout {
            return output::json(&counts.into());
        }
        output::note(&format!("livegate: {text}"));
        Ok(())
    }
}
