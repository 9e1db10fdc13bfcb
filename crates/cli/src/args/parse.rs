//! Words to a command and what was given to it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lexopt::Arg;

use super::Args;
use super::table::{Command, Opt};
use crate::failure::Failure;

/// What the command line asks for.
pub(crate) enum Request {
    /// Run this command.
    Run(&'static Command, Args),
    /// Print help: on everything, on a group of commands, or on one of them.
    Help(Vec<String>),
    /// Print the version.
    Version,
}

/// Reads the command line after the program's name.
pub(crate) fn parse(
    commands: &'static [Command],
    words: impl IntoIterator<Item = OsString>,
) -> Result<Request, Failure> {
    let mut parser = lexopt::Parser::from_args(words);
    let mut path: Vec<String> = Vec::new();
    let command = loop {
        if let Some(command) = commands.iter().find(|command| command.words == path.as_slice()) {
            break command;
        }
        match parser.next().map_err(|error| unreadable(&error))? {
            Some(Arg::Value(word)) => {
                path.push(text(word)?);
                if path.first().is_some_and(|first| first == "help") {
                    let rest: Result<Vec<_>, _> =
                        parser.raw_args().map_err(|error| unreadable(&error))?.map(text).collect();
                    return Ok(Request::Help(rest?));
                }
                if !begins_a_command(commands, &path) {
                    return Err(unknown_command(commands, &path));
                }
            }
            Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Request::Version),
            Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Request::Help(path)),
            Some(Arg::Long(name)) => {
                return Err(Failure::usage(format!("--{name} comes after the command"))
                    .next("livegate help"));
            }
            Some(Arg::Short(letter)) => {
                return Err(
                    Failure::usage(format!("there is no option -{letter}")).next("livegate help")
                );
            }
            None if path.is_empty() => return Ok(Request::Help(path)),
            None => return Err(unknown_command(commands, &path)),
        }
    };
    read_arguments(command, &mut parser)
}

fn read_arguments(
    command: &'static Command,
    parser: &mut lexopt::Parser,
) -> Result<Request, Failure> {
    let mut args = Args { command, options: BTreeMap::new(), operands: Vec::new() };
    while let Some(arg) = parser.next().map_err(|error| unreadable(&error))? {
        match arg {
            Arg::Short('h') => return Ok(help_on(command)),
            Arg::Long(name) => {
                let Some(option) = command.all_options().find(|option| option.name == name) else {
                    return Err(args.usage(unknown_option(command, name)));
                };
                if option.name == "help" {
                    return Ok(help_on(command));
                }
                read_option(option, parser, &mut args)?;
            }
            Arg::Short(letter) => {
                return Err(args.usage(format!("there is no option -{letter}")));
            }
            Arg::Value(word) => {
                let word = text(word)?;
                let repeats = command.operands.last().is_some_and(|operand| operand.repeats);
                if args.operands.len() >= command.operands.len() && !repeats {
                    return Err(args.usage(format!("`{word}` is one word too many")));
                }
                args.operands.push(word);
            }
        }
    }
    let missing = command.operands.get(args.operands.len()).filter(|operand| !operand.optional);
    if let Some(operand) = missing {
        return Err(args.usage(format!("{} is missing: {}", operand.name, operand.help)));
    }
    Ok(Request::Run(command, args))
}

fn read_option(
    option: &'static Opt,
    parser: &mut lexopt::Parser,
    args: &mut Args,
) -> Result<(), Failure> {
    let value = match option.value {
        Some(_) => {
            let missing = format!("--{} wants a value", option.name);
            text(parser.value().map_err(|_| args.usage(missing))?)?
        }
        None => String::new(),
    };
    let given = args.options.entry(option.name).or_default();
    given.push(value);
    if given.len() > 1 && !option.repeats {
        return Err(args.usage(format!("--{} was given twice", option.name)));
    }
    Ok(())
}

fn help_on(command: &Command) -> Request {
    Request::Help(command.words.iter().map(|&word| word.to_owned()).collect())
}

fn text(word: OsString) -> Result<String, Failure> {
    word.into_string().map_err(|_| Failure::usage("an argument is not valid UTF-8"))
}

/// lexopt's own words, less what was typed after `=`, which may be a token.
fn unreadable(error: &lexopt::Error) -> Failure {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => {
            Failure::usage(format!("{option} takes no value"))
        }
        lexopt::Error::MissingValue { option: Some(option) } => {
            Failure::usage(format!("{option} wants a value"))
        }
        _ => Failure::usage("the arguments cannot be read"),
    }
    .next("livegate help")
}

fn begins_a_command(commands: &[Command], path: &[String]) -> bool {
    commands.iter().any(|command| {
        command.words.len() >= path.len()
            && command.words.iter().zip(path).all(|(word, given)| word == given)
    })
}

fn unknown_command(commands: &[Command], path: &[String]) -> Failure {
    let (last, before) = path.split_last().map_or(("", &path[..0]), |(l, b)| (l.as_str(), b));
    let complete = begins_a_command(commands, path);
    let parent = if complete { path } else { before };
    let mut choices: Vec<&str> = commands
        .iter()
        .filter(|command| begins_a_command(std::slice::from_ref(command), parent))
        .filter_map(|command| command.words.get(parent.len()).copied())
        .collect();
    choices.dedup();
    let what = if complete {
        format!("`livegate {}` wants one of: {}", path.join(" "), choices.join(", "))
    } else {
        match nearest(last, choices.iter().copied()) {
            Some(near) => format!("there is no command `{}`; `{near}`?", path.join(" ")),
            None => format!("there is no command `{}`", path.join(" ")),
        }
    };
    Failure::usage(what).next("livegate help")
}

fn unknown_option(command: &Command, name: &str) -> String {
    match nearest(name, command.all_options().map(|option| option.name)) {
        Some(near) => format!("there is no option --{name}; --{near}?"),
        None => format!("`{}` has no option --{name}", command.name()),
    }
}

/// The candidate at most two edits away, nearest first.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= 2 && *edits < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace) between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let replace = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = replace.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Request, distance, parse};
    use crate::commands::COMMANDS;

    fn read(line: &str) -> Result<Request, String> {
        parse(COMMANDS, line.split_whitespace().map(Into::into)).map_err(|f| f.to_string())
    }

    fn usage(line: &str) -> String {
        match read(line) {
            Err(said) => said,
            Ok(_) => panic!("`{line}` was taken"),
        }
    }

    #[test]
    fn options_and_operands_come_in_any_order() {
        for line in [
            "events replay evt_1 --endpoint ep_1 --json",
            "events replay --json --endpoint=ep_1 evt_1",
        ] {
            let Ok(Request::Run(_, args)) = read(line) else { panic!("{line}") };
            assert_eq!(args.command(), "events replay");
            assert_eq!(args.operand(0), "evt_1");
            assert_eq!(args.text("endpoint"), Some("ep_1"));
            assert_eq!(args.text("subscription"), None);
            assert!(args.switch("json"));
        }
    }

    #[test]
    fn the_last_operand_may_come_several_times_where_it_says_so() {
        let Ok(Request::Run(_, args)) = read("settings set a=1 --json b=2 c=3") else { panic!() };
        assert_eq!(args.operands(), ["a=1", "b=2", "c=3"]);
        assert!(usage("settings set").contains("NAME=VALUE is missing"));
    }

    #[test]
    fn after_two_dashes_everything_is_an_operand() {
        let Ok(Request::Run(_, args)) = read("sources show -- --odd-name") else { panic!() };
        assert_eq!(args.operand(0), "--odd-name");
    }

    #[test]
    fn help_and_version_are_found_anywhere() {
        assert!(matches!(read("--version"), Ok(Request::Version)));
        assert!(matches!(read(""), Ok(Request::Help(path)) if path.is_empty()));
        assert!(
            matches!(read("help events list"), Ok(Request::Help(p)) if p == ["events", "list"])
        );
        assert!(matches!(read("events --help"), Ok(Request::Help(p)) if p == ["events"]));
        assert!(matches!(read("sign --help"), Ok(Request::Help(p)) if p == ["sign"]));
    }

    #[test]
    fn says_what_is_missing_or_too_much() {
        assert!(usage("events show").contains("EVENT is missing"));
        assert!(usage("events show a b").contains("`b` is one word too many"));
        assert!(usage("events list --limit").contains("--limit wants a value"));
        assert!(usage("events list --limit 1 --limit 2").contains("--limit was given twice"));
        assert!(usage("events list --json=yes").contains("takes no value"));
        assert!(usage("events").contains("list, show, replay"));
        assert!(usage("--json events list").contains("--json comes after the command"));
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_word() {
        assert!(usage("evnts list").contains("`events`?"));
        assert!(usage("events lst").contains("`list`?"));
        assert!(usage("events list --chanel x").contains("--channel?"));
        assert!(usage("frobnicate").contains("there is no command `frobnicate`"));
    }

    #[test]
    fn a_value_that_may_be_a_token_is_not_echoed() {
        assert!(!usage("events list --json=lgt_secret").contains("lgt_secret"));
        assert!(!usage("events list --tokn=lgt_secret").contains("lgt_secret"));
    }

    #[test]
    fn counts_edits() {
        // By hand: kitten -> sitten -> sittin -> sitting.
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
