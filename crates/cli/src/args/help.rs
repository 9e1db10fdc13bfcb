//! Help, printed from the table of commands and a few pages of prose.

use std::fmt::Write as _;

use super::table::{COMMON, Command, GATEWAY, Opt, Reach};
use crate::failure::Failure;

/// A page that is not about one command.
struct Topic {
    name: &'static str,
    summary: &'static str,
    text: &'static str,
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "exit-codes",
        summary: "what the exit status means",
        text: "\
EXIT STATUS
  0  it worked
  1  it was tried and did not work, or the gateway said no
  2  the command line is wrong
  3  a signature did not verify
  4  the gateway could not be reached
  5  the gateway refused the token

With --json an error is one JSON object on standard error:
  {\"error\":{\"code\",\"message\",\"details\",\"next\",\"http_status\",\"exit\"}}
",
    },
    Topic {
        name: "tokens",
        summary: "which token is used, and what it may do",
        text: "\
TOKENS
A gateway has one admin token, and one token for each tenant (`lgt_…`). The first of these is used:
  --token TOKEN, LIVEGATE_TOKEN, the first line of the file admin-token in the gateway's data
  folder (--data, DATA, else .livegate)

The admin token makes and lists tenants, and acts on the tenant of --tenant or LIVEGATE_TENANT
(else on the tenant `default`). A tenant's token acts on that tenant only.

A token is shown once, by the command that makes it, and never again. Over plain http it is sent
to this machine only, unless --allow-http is given. --token can be seen in the list of processes:
prefer the environment or the file.
",
    },
    Topic {
        name: "keys",
        summary: "how to give signing keys and secrets",
        text: "\
KEYS
Keys are read from --key-file FILE (`-` is standard input), else from LIVEGATE_KEY; never from the
command line, where other users of the machine could see them. One line end at the end of the file
is not part of the key. No command shows a key that it was given.
",
    },
];

/// The text for `livegate help WORDS`.
pub(crate) fn help(commands: &[Command], path: &[String]) -> Result<String, Failure> {
    if path.is_empty() {
        return Ok(overview(commands));
    }
    if let [name] = path
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == name)
    {
        return Ok(topic.text.to_owned());
    }
    if let Some(command) = commands.iter().find(|command| command.words == path) {
        return Ok(one(command));
    }
    let group: Vec<&Command> =
        commands.iter().filter(|command| starts_with(command, path)).collect();
    if group.is_empty() {
        let what = format!("there is no help on `{}`", path.join(" "));
        return Err(Failure::usage(what).next("livegate help"));
    }
    let mut text = format!("livegate {}\n\nCOMMANDS\n", path.join(" "));
    list(&mut text, group.iter().map(|command| (usage(command), command.summary)));
    let _ = writeln!(text, "\n`livegate help {} COMMAND` says more.", path.join(" "));
    Ok(text)
}

fn overview(commands: &[Command]) -> String {
    let mut text = String::from(
        "livegate: verify, filter and fan out live-streaming callbacks\n\n\
         USAGE\n  livegate COMMAND [OPERANDS] [OPTIONS]\n\nCOMMANDS\n",
    );
    list(&mut text, commands.iter().map(|command| (command.name(), command.summary)));
    text.push_str("\nOPTIONS OF EVERY COMMAND\n");
    options(&mut text, COMMON);
    text.push_str("\nOPTIONS OF EVERY COMMAND THAT CALLS THE GATEWAY\n");
    options(&mut text, GATEWAY);
    text.push_str("\nMORE\n");
    list(
        &mut text,
        std::iter::once(("help COMMAND".to_owned(), "operands, options and examples of a command"))
            .chain(TOPICS.iter().map(|topic| (format!("help {}", topic.name), topic.summary))),
    );
    text
}

fn one(command: &Command) -> String {
    let mut text = format!("livegate {}: {}\n", command.name(), command.summary);
    if !command.about.is_empty() {
        let _ = writeln!(text, "\n{}", command.about);
    }
    let _ = write!(text, "\nUSAGE\n  livegate {} [OPTIONS]\n", usage(command));
    if !command.operands.is_empty() {
        text.push_str("\nOPERANDS\n");
        list(&mut text, command.operands.iter().map(|o| (o.name.to_owned(), o.help)));
    }
    text.push_str("\nOPTIONS\n");
    let own: Vec<Opt> = command.options.iter().chain(COMMON).copied().collect();
    options(&mut text, &own);
    if command.reach == Reach::Gateway {
        text.push_str("\nOPTIONS FOR THE GATEWAY\n");
        options(&mut text, GATEWAY);
    }
    if !command.examples.is_empty() {
        text.push_str("\nEXAMPLES\n");
        for example in command.examples {
            let _ = writeln!(text, "  {example}");
        }
    }
    text
}

fn usage(command: &Command) -> String {
    let mut text = command.name();
    for operand in command.operands {
        let dots = if operand.repeats { " …" } else { "" };
        let _ = if operand.optional {
            write!(text, " [{}]", operand.name)
        } else {
            write!(text, " {}{dots}", operand.name)
        };
    }
    text
}

fn options(text: &mut String, options: &[Opt]) {
    list(
        text,
        options.iter().map(|option| {
            let dots = if option.repeats { " …" } else { "" };
            let left = match option.value {
                Some(value) => format!("--{} {value}{dots}", option.name),
                None => format!("--{}", option.name),
            };
            (left, option.help)
        }),
    );
}

/// Two columns, the left one as wide as its widest text.
fn list<'a>(text: &mut String, rows: impl Iterator<Item = (String, &'a str)>) {
    let rows: Vec<(String, &str)> = rows.collect();
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or_default();
    for (left, right) in rows {
        let _ = writeln!(text, "  {left:width$}  {right}");
    }
}

fn starts_with(command: &Command, path: &[String]) -> bool {
    command.words.len() >= path.len() && command.words.iter().zip(path).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::{TOPICS, help};
    use crate::commands::COMMANDS;

    fn on(line: &str) -> String {
        let path: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        help(COMMANDS, &path).unwrap_or_else(|failure| failure.to_string())
    }

    #[test]
    fn the_overview_names_every_command_and_topic() {
        let text = on("");
        for command in COMMANDS {
            assert!(text.contains(&command.name()), "{}", command.name());
        }
        for topic in TOPICS {
            assert!(text.contains(topic.name), "{}", topic.name);
        }
    }

    #[test]
    fn every_command_has_help_with_all_its_options() {
        for command in COMMANDS {
            let text = on(&command.name());
            for option in command.all_options() {
                assert!(text.contains(&format!("--{}", option.name)), "{}", command.name());
            }
        }
    }

    #[test]
    fn no_command_declares_an_option_twice() {
        for command in COMMANDS {
            let mut names: Vec<&str> = command.all_options().map(|option| option.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}", command.name());
        }
    }

    #[test]
    fn every_example_is_a_command_line_that_is_taken() {
        for command in COMMANDS {
            for example in command.examples {
                let line = example.split_once("livegate ").map_or("", |(_, line)| line);
                let line = line.split(['|', '<', '>']).next().unwrap_or_default();
                // Quoted words of the examples stand for one argument each.
                let mut words = Vec::new();
                for (index, part) in line.split('\'').enumerate() {
                    if index % 2 == 1 {
                        words.push(part.to_owned());
                    } else {
                        words.extend(part.split_whitespace().map(str::to_owned));
                    }
                }
                let read = super::super::parse::parse(COMMANDS, words.iter().map(Into::into));
                assert!(
                    read.is_ok(),
                    "{example}: {}",
                    read.err().map_or(String::new(), |f| f.to_string())
                );
            }
        }
    }

    #[test]
    fn a_group_lists_its_commands() {
        let text = on("events");
        assert!(text.contains("events replay EVENT"));
        assert!(!text.contains("sources"));
    }

    #[test]
    fn no_line_of_prose_is_wider_than_a_terminal() {
        let pages = COMMANDS.iter().map(super::Command::name).chain([String::new()]);
        for page in pages.chain(TOPICS.iter().map(|topic| topic.name.to_owned())) {
            // An example has to stay one line to be copied.
            let text = on(&page);
            for line in text.lines().filter(|line| !line.starts_with("  livegate ")) {
                assert!(line.chars().count() <= 110, "{page}: {line}");
            }
        }
    }
}
