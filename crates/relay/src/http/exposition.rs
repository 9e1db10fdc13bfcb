//! Numbers as Prometheus reads them: its text format, version 0.0.4.

use std::fmt::{Display, Write};

/// What a scraper is told that the format is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family of numbers is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It only grows, and begins anew with the process.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A document that is being written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// A family of one number.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, "", "", value);
    }

    /// A family with a number for each value of a label. Values are words of the code: whoever calls
    /// has no part in how many there are.
    pub(super) fn each<V: Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        self.family(name, kind, help);
        for (word, value) in values {
            self.sample(name, label, word, value);
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, label: &str, word: &str, value: impl Display) {
        let _ = if label.is_empty() {
            writeln!(self.text, "{name} {value}")
        } else {
            writeln!(self.text, "{name}{{{label}=\"{word}\"}} {value}")
        };
    }
}
