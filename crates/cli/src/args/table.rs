//! What a command takes: the table that both the parser and the help read.

use super::Args;
use crate::failure::Failure;

/// One command, e.g. `events list`.
pub(crate) struct Command {
    /// The words that call it.
    pub(crate) words: &'static [&'static str],
    /// One line for the list of commands.
    pub(crate) summary: &'static str,
    /// More, for its own help; empty if the summary says it all.
    pub(crate) about: &'static str,
    /// What it works on, in order.
    pub(crate) operands: &'static [Operand],
    /// Its options beside [`COMMON`] and, if it calls the gateway, [`GATEWAY`].
    pub(crate) options: &'static [Opt],
    /// Whether it calls the gateway.
    pub(crate) reach: Reach,
    /// Command lines that work as they stand.
    pub(crate) examples: &'static [&'static str],
    /// Does it.
    pub(crate) run: fn(&Args) -> Result<(), Failure>,
}

/// Whether a command talks to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It works without one.
    Local,
    /// It calls the gateway's API.
    Gateway,
}

/// Something a command works on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    /// Its name in the help, e.g. `SOURCE`.
    pub(crate) name: &'static str,
    /// Whether it may be left out.
    pub(crate) optional: bool,
    /// Whether several may be given; only the last one of a command.
    pub(crate) repeats: bool,
    /// What it is.
    pub(crate) help: &'static str,
}

/// An option `--name`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt {
    /// Its name without the dashes.
    pub(crate) name: &'static str,
    /// What stands for its value in the help; `None` for a switch.
    pub(crate) value: Option<&'static str>,
    /// Whether it may be given several times.
    pub(crate) repeats: bool,
    /// What it does.
    pub(crate) help: &'static str,
}

/// A needed operand.
pub(crate) const fn needs(name: &'static str, help: &'static str) -> Operand {
    Operand { name, optional: false, repeats: false, help }
}

/// An operand that may be left out.
pub(crate) const fn maybe(name: &'static str, help: &'static str) -> Operand {
    Operand { name, optional: true, repeats: false, help }
}

/// An operand that is needed once and may be given several times.
pub(crate) const fn needs_some(name: &'static str, help: &'static str) -> Operand {
    Operand { name, optional: false, repeats: true, help }
}

/// An option without a value.
pub(crate) const fn switch(name: &'static str, help: &'static str) -> Opt {
    Opt { name, value: None, repeats: false, help }
}

/// An option with one value.
pub(crate) const fn value(name: &'static str, value: &'static str, help: &'static str) -> Opt {
    Opt { name, value: Some(value), repeats: false, help }
}

/// An option with a value that may be given several times.
pub(crate) const fn values(name: &'static str, value: &'static str, help: &'static str) -> Opt {
    Opt { name, value: Some(value), repeats: true, help }
}

/// Options of every command.
pub(crate) const COMMON: &[Opt] = &[
    switch("json", "print JSON for machines, errors too"),
    switch("help", "print this help (also -h)"),
];

/// Options of every command that calls the gateway.
pub(crate) const GATEWAY: &[Opt] = &[
    value("url", "URL", "the gateway [LIVEGATE_URL; default http://127.0.0.1:8787]"),
    value("token", "TOKEN", "the token [LIVEGATE_TOKEN; default: the file admin-token in --data]"),
    value("data", "FOLDER", "the gateway's data folder [DATA; default .livegate]"),
    value("tenant", "TENANT", "act on this tenant, by id or name [LIVEGATE_TENANT]"),
    switch("allow-http", "send the token over plain http to another machine"),
];

impl Command {
    /// Every option it takes.
    pub(crate) fn all_options(&self) -> impl Iterator<Item = &'static Opt> {
        let gateway: &[Opt] = if self.reach == Reach::Gateway { GATEWAY } else { &[] };
        self.options.iter().chain(gateway).chain(COMMON)
    }

    /// Its words as one text.
    pub(crate) fn name(&self) -> String {
        self.words.join(" ")
    }
}
