//! What people and machines read: tables, details, JSON; nothing a terminal would obey.

mod png;
mod table;

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::Value;

pub(crate) use png::{has_letters, png};
pub(crate) use table::{Column, Table, column};

use crate::failure::Failure;

/// The text with every control and direction-changing character made visible, so that what a
/// caller sent cannot move the cursor, rewrite lines or hide itself on the reader's terminal.
pub(crate) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if is_unsafe(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Bidirectional controls and characters without a shape of their own (Unicode TR 36 §2.5).
const fn is_bidi_or_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A JSON value as one cell of a table.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => clean(text),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(items)) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => clean(&other.to_string()),
    }
}

/// An object as lines of `name  value`: the fields of `first` in that order, then the others.
pub(crate) fn details(object: &Value, first: &[&str]) -> String {
    let Some(fields) = object.as_object() else {
        return cell(Some(object)) + "\n";
    };
    let leading = first.iter().filter_map(|&name| Some((name, fields.get(name)?)));
    let others = fields.iter().filter(|(name, _)| !first.contains(&name.as_str()));
    let rows: Vec<(String, String)> = leading
        .chain(others.map(|(name, value)| (name.as_str(), value)))
        .map(|(name, value)| (clean(name), cell(Some(value))))
        .collect();
    let width = rows.iter().map(|(name, _)| table::width(name)).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in rows {
        let padding = " ".repeat(width - table::width(&name));
        text.push_str(&name);
        text.push_str(&padding);
        text.push_str("  ");
        text.push_str(&value);
        text.push('\n');
    }
    text
}

/// Writes to standard output. A reader that went away (`| head`) ends the process quietly.
pub(crate) fn put(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::failed(format!("cannot write the output: {error}"))),
    }
}

/// Writes a line to standard output.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    put(&format!("{text}\n"))
}

/// Writes a line to standard error, where a person reads while the output goes to a file.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A JSON value as one line. What a terminal would obey is escaped, which is the same JSON.
pub(crate) fn json_text(value: &Value) -> String {
    let text = value.to_string();
    if !text.chars().any(is_unsafe) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Writes a JSON value as one line.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    line(&json_text(value))
}

/// Whether a terminal would obey the character, or show the others elsewhere for it.
fn is_unsafe(c: char) -> bool {
    c.is_control() || is_bidi_or_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::{cell, clean, details};
    use serde_json::json;

    #[test]
    fn nothing_a_terminal_would_obey_gets_through() {
        let shown = clean("a\u{1b}[2J\r\n\u{202e}b\u{7f}\u{9b}c\u{200b}");
        assert_eq!(shown, "a\\u{1b}[2J\\r\\n\\u{202e}b\\u{7f}\\u{9b}c\\u{200b}");
        assert_eq!(clean("段落2 ünï"), "段落2 ünï");
    }

    #[test]
    fn json_has_no_character_that_a_terminal_would_obey() {
        let value = json!({"a": "x\u{202e}y\u{9b}\u{61c}é李"});
        let text = super::json_text(&value);
        assert_eq!(text, r#"{"a":"x\u202ey\u009b\u061cé李"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_cell_says_every_sort_of_value() {
        assert_eq!(cell(None), "-");
        assert_eq!(cell(Some(&json!(null))), "-");
        assert_eq!(cell(Some(&json!(""))), "-");
        assert_eq!(cell(Some(&json!(12))), "12");
        assert_eq!(cell(Some(&json!(true))), "yes");
        assert_eq!(cell(Some(&json!(["a", "b"]))), "a, b");
        assert_eq!(cell(Some(&json!({"a": 1}))), r#"{"a":1}"#);
    }

    #[test]
    fn details_begin_with_the_fields_that_matter() {
        let text = details(&json!({"a": 1, "id": "src_1", "name": "x"}), &["id", "name", "gone"]);
        assert_eq!(text, "id    src_1\nname  x\na     1\n");
    }
}
