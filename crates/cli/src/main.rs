//! `livegate`: the command line of the gateway.
//!
//! It signs, verifies and sends callbacks without a gateway; and with one it administers it,
//! shows what came and went, and brings a source's events to a port of this machine. What there
//! is to call stands in one table, [`commands::COMMANDS`]; the parser and the help read it.
//!
//! Exit status: 0 it worked, 1 it did not, 2 the command line is wrong, 3 a signature did not
//! verify, 4 the gateway could not be reached, 5 the gateway refused the token.

mod args;
mod callback;
mod client;
mod clock;
mod commands;
mod failure;
mod input;
mod media;
mod output;
mod receiver;
mod settings;
mod signing;
mod tail;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use args::help::help;
use args::parse::{Request, parse};
use commands::COMMANDS;
use failure::Failure;

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let as_json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    match run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if as_json {
                output::note(&failure.to_json().to_string());
            } else {
                output::note(&failure.to_string());
            }
            ExitCode::from(failure.exit().status())
        }
    }
}

fn run(words: Vec<OsString>) -> Result<(), Failure> {
    match parse(COMMANDS, words)? {
        Request::Run(command, args) => (command.run)(&args),
        Request::Help(path) => output::put(&help(COMMANDS, &path)?),
        Request::Version => output::line(concat!("livegate ", env!("CARGO_PKG_VERSION"))),
    }
}
