//! JSON in a parameter, spread over names as other clients send them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::rpc::{Pairs, ParamsError, push};
use crate::dialect::json::{Scanner, Token};

/// An object or list that is open.
struct Open {
    /// Where its name ends in the path.
    path: usize,
    /// How many items it had, if it is a list.
    items: Option<usize>,
    /// How many pairs there were before it.
    pairs: usize,
}

/// Adds the values of a JSON object or list under `name`.
pub(super) fn spread(
    pairs: &mut Pairs,
    left: &mut usize,
    name: &'static str,
    json: &str,
) -> Result<(), ParamsError> {
    let wrong = ParamsError::NotJson(name);
    let mut path = String::from(name);
    let mut open: Vec<Open> = Vec::new();
    let mut scanner = Scanner::new(json);
    while let Some(token) = scanner.next().map_err(|_| wrong)? {
        if let Token::ObjectEnd | Token::ArrayEnd = token {
            if let Some(closed) = open.pop() {
                path.truncate(closed.path);
                if closed.pairs == pairs.len() {
                    push(pairs, left, path.clone(), String::new())?;
                }
            }
            continue;
        }
        if let Some(inner) = open.last_mut() {
            match (&token, &mut inner.items) {
                (Token::Key(key), _) => {
                    path.truncate(inner.path);
                    path.push('.');
                    path.push_str(&key.text());
                    // A long name stands before each of its members' names.
                    if path.len() > *left {
                        return Err(ParamsError::TooLarge);
                    }
                    continue;
                }
                (_, Some(items)) => {
                    *items = items.saturating_add(1);
                    path.truncate(inner.path);
                    path.push('.');
                    path.push_str(&items.to_string());
                }
                (_, None) => {}
            }
        } else if !matches!(token, Token::ObjectStart | Token::ArrayStart) {
            return Err(wrong);
        }
        let text = match token {
            Token::ObjectStart | Token::ArrayStart => {
                let items = matches!(token, Token::ArrayStart).then_some(0);
                open.push(Open { path: path.len(), items, pairs: pairs.len() });
                continue;
            }
            Token::Text(text) => text.text(),
            Token::Number(number) => number.into(),
            Token::Bool(true) => "true".into(),
            Token::Bool(false) => "false".into(),
            _ => continue,
        };
        push(pairs, left, path.clone(), text.into_owned())?;
    }
    Ok(())
}
