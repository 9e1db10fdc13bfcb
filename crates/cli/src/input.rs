//! Files, standard input, and keys.

use std::env;
use std::fs::File;
use std::io::{self, Read};

use serde_json::Value;

use crate::args::Args;
use crate::args::table::{Opt, value};
use crate::failure::Failure;

/// Where a key comes from; see `livegate help keys`.
pub(crate) const KEY_FILE: Opt =
    value("key-file", "FILE", "read the key here (`-`: standard input) [else LIVEGATE_KEY]");

/// The largest file that is read whole.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The bytes of a file, or of standard input if the path is `-`.
pub(crate) fn bytes(path: &str) -> Result<Vec<u8>, Failure> {
    let mut read = Vec::new();
    let taken = if path == "-" {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut read)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut read))
    };
    let shown = if path == "-" { "standard input" } else { path };
    match taken {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE) => Ok(read),
        Ok(_) => Err(Failure::failed(format!("{shown} holds more than 16 MiB"))),
        Err(error) => Err(Failure::failed(format!("cannot read {shown}: {error}"))),
    }
}

/// The JSON in a file or standard input.
pub(crate) fn json(path: &str) -> Result<Value, Failure> {
    serde_json::from_slice(&bytes(path)?)
        .map_err(|error| Failure::failed(format!("{path} does not hold JSON: {error}")))
}

/// The JSON in the text itself, or in the file `@PATH`.
pub(crate) fn inline_json(args: &Args, option: &str) -> Result<Option<Value>, Failure> {
    let Some(text) = args.text(option) else {
        return Ok(None);
    };
    if let Some(path) = text.strip_prefix('@') {
        return json(path).map(Some);
    }
    serde_json::from_str(text)
        .map(Some)
        .map_err(|error| args.usage(format!("--{option} is not JSON: {error}")))
}

/// The key from `--key-file`, else from the environment, if there is one.
pub(crate) fn key(args: &Args) -> Result<Option<String>, Failure> {
    key_from(args, "key-file")
}

/// Like [`key`], with another option's name.
pub(crate) fn key_from(args: &Args, option: &str) -> Result<Option<String>, Failure> {
    if let Some(path) = args.text(option) {
        let text = String::from_utf8(bytes(path)?)
            .map_err(|_| Failure::failed(format!("the key in {path} is not UTF-8")))?;
        return Ok(Some(without_line_end(&text).to_owned()));
    }
    Ok(env::var("LIVEGATE_KEY").ok().filter(|key| !key.is_empty()))
}

/// The text less one line end, which editors and `echo` add.
fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::without_line_end;

    #[test]
    fn one_line_end_is_not_part_of_a_key() {
        assert_eq!(without_line_end("key\n"), "key");
        assert_eq!(without_line_end("key\r\n"), "key");
        assert_eq!(without_line_end("key\n\n"), "key\n");
        assert_eq!(without_line_end(" key "), " key ");
    }
}
