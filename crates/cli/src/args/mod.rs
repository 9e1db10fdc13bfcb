//! The command line, read by a table of commands.

pub(crate) mod help;
pub(crate) mod parse;
pub(crate) mod table;
pub(crate) mod values;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::failure::Failure;
use table::Command;

/// What was given to a command: only what its table allows.
pub(crate) struct Args {
    command: &'static Command,
    options: BTreeMap<&'static str, Vec<String>>,
    operands: Vec<String>,
}

impl Args {
    /// Whether the switch was given.
    pub(crate) fn switch(&self, name: &str) -> bool {
        self.declared(name);
        self.options.contains_key(name)
    }

    /// The option's value, if it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.each(name).last().map(String::as_str)
    }

    /// Every value of an option that may be repeated.
    pub(crate) fn each(&self, name: &str) -> &[String] {
        self.declared(name);
        self.options.get(name).map_or(&[], Vec::as_slice)
    }

    /// A number within bounds, if the option was given.
    pub(crate) fn number<T>(
        &self,
        name: &str,
        bounds: RangeInclusive<T>,
    ) -> Result<Option<T>, Failure>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse::<T>() {
            Ok(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => Err(self.usage(format!(
                "--{name} wants a whole number from {} to {}",
                bounds.start(),
                bounds.end()
            ))),
        }
    }

    /// The operand at `index`, which the table says is needed.
    pub(crate) fn operand(&self, index: usize) -> &str {
        self.operands.get(index).map_or("", String::as_str)
    }

    /// The operand at `index`, if it was given.
    pub(crate) fn optional_operand(&self, index: usize) -> Option<&str> {
        self.operands.get(index).map(String::as_str)
    }

    /// All operands, where the last one may come several times.
    pub(crate) fn operands(&self) -> &[String] {
        &self.operands
    }

    /// A usage failure that points at this command's help.
    pub(crate) fn usage(&self, what: impl Into<String>) -> Failure {
        Failure::usage(what).next(format!("livegate help {}", self.command.name()))
    }

    /// The command's name, e.g. `events list`.
    #[cfg(test)]
    pub(crate) fn command(&self) -> String {
        self.command.name()
    }

    /// A command may only read what its help shows.
    fn declared(&self, name: &str) {
        debug_assert!(
            self.command.all_options().any(|option| option.name == name),
            "`{}` reads --{name}, which its table lacks",
            self.command.name()
        );
    }
}
