//! The scanner: JSON text in, tokens out.

use alloc::borrow::Cow;
use core::fmt;

use super::text::{Raw, decode, escape_len, plain_end};

/// How deep objects and arrays may nest. Callbacks nest two or three levels; the limit keeps every
/// later reader's stack small.
pub(crate) const MAX_DEPTH: u32 = 64;

/// What is wrong with a JSON text, after RFC 8259.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Syntax {
    /// The text ends inside a value (§2).
    UnexpectedEnd,
    /// A byte that cannot stand there (§2).
    UnexpectedByte,
    /// A backslash followed by something other than an escape (§7).
    BadEscape,
    /// A control character inside a string (§7).
    ControlCharacter,
    /// A number not written as one (§6).
    BadNumber,
    /// Something follows the value (§2).
    TrailingText,
    /// Objects and arrays nested deeper than the limit (§9 allows one).
    TooDeep,
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "the text ends too early",
            Self::UnexpectedByte => "unexpected character",
            Self::BadEscape => "unknown escape in a string",
            Self::ControlCharacter => "control character in a string",
            Self::BadNumber => "malformed number",
            Self::TrailingText => "text after the value",
            Self::TooDeep => "nested too deeply",
        })
    }
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its byte within the line, from 1.
    pub column: usize,
}

impl Position {
    /// The place `offset` bytes into `text`.
    pub(crate) fn in_text(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let lines = before.split(|byte| *byte == b'\n').count();
        let in_line = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        Self { offset: before.len(), line: lines, column: in_line.saturating_add(1) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text that is not JSON: what, and after how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) syntax: Syntax,
    pub(crate) at: usize,
}

/// What the scanner found next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key(Raw<'a>),
    Text(Raw<'a>),
    Number(&'a str),
    Bool(bool),
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// A value: at the start, or behind a colon.
    Value,
    /// What follows an opening brace: a key or the end.
    FirstKey,
    /// What follows an opening bracket: a value or the end.
    FirstItem,
    /// What follows a value: a comma, an end, or nothing more.
    Next,
}

/// Reads one JSON value, token by token.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Where the last token begins.
    start: usize,
    /// Where the last token ends.
    end: usize,
    expect: Expect,
    depth: u32,
    /// One bit a level, the innermost lowest: 1 for an object.
    objects: u64,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, start: 0, end: 0, expect: Expect::Value, depth: 0, objects: 0 }
    }

    /// Where the last token begins and ends; a key's span leaves its colon out.
    pub(crate) const fn span(&self) -> (usize, usize) {
        (self.start, self.end)
    }

    /// How many objects and arrays are open.
    pub(crate) const fn depth(&self) -> u32 {
        self.depth
    }

    /// The next token; `None` at the end of the text.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, Malformed> {
        self.skip_space();
        match self.expect {
            Expect::Value => self.value().map(Some),
            Expect::FirstKey => match self.peek() {
                Some(b'}') => Ok(Some(self.close())),
                _ => self.key().map(Some),
            },
            Expect::FirstItem => match self.peek() {
                Some(b']') => Ok(Some(self.close())),
                _ => self.value().map(Some),
            },
            Expect::Next => self.after_value(),
        }
    }

    /// Reads on to the end of the object or array that the last token opened.
    pub(crate) fn skip_container(&mut self) -> Result<(), Malformed> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if self.next()?.is_none() {
                return Err(self.fault(Syntax::UnexpectedEnd));
            }
        }
        Ok(())
    }

    /// Reads on to the end of an object or array that nests too deep, so that no more than `outside`
    /// are open. What is in it is looked at for nothing but its end.
    pub(crate) fn pass_container(&mut self, outside: u32) -> Result<(), Malformed> {
        let levels = self.depth.saturating_sub(outside);
        let mut open = levels;
        while open > 0 {
            match self.peek() {
                None => return Err(self.fault(Syntax::UnexpectedEnd)),
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => open = open.saturating_add(1),
                Some(b'}' | b']') => open = open.saturating_sub(1),
                Some(_) => {}
            }
            self.advance();
        }
        (self.depth, self.objects) = (outside, self.objects.checked_shr(levels).unwrap_or(0));
        self.end = self.at;
        self.expect = Expect::Next;
        Ok(())
    }

    /// The next name in the object whose start or last value was read; `None` at its end. The same
    /// as [`Scanner::next`] there, for readers that want nothing else.
    pub(crate) fn member(&mut self) -> Result<Option<Raw<'a>>, Malformed> {
        self.skip_space();
        match (self.peek(), self.expect) {
            (Some(b'}'), _) => {
                self.close();
                Ok(None)
            }
            (Some(b','), Expect::Next) => {
                self.advance();
                self.skip_space();
                self.name().map(Some)
            }
            (Some(_), Expect::Next) => Err(self.fault(Syntax::UnexpectedByte)),
            _ => self.name().map(Some),
        }
    }

    /// The token that the value behind a name begins with.
    pub(crate) fn member_value(&mut self) -> Result<Token<'a>, Malformed> {
        self.skip_space();
        self.value()
    }

    fn after_value(&mut self) -> Result<Option<Token<'a>>, Malformed> {
        let in_object = self.objects & 1 == 1;
        match (self.peek(), self.depth) {
            (None, 0) => Ok(None),
            (Some(_), 0) => Err(self.fault(Syntax::TrailingText)),
            (None, _) => Err(self.fault(Syntax::UnexpectedEnd)),
            (Some(b','), _) => {
                self.advance();
                self.skip_space();
                if in_object { self.key().map(Some) } else { self.value().map(Some) }
            }
            (Some(b'}'), _) if in_object => Ok(Some(self.close())),
            (Some(b']'), _) if !in_object => Ok(Some(self.close())),
            (Some(_), _) => Err(self.fault(Syntax::UnexpectedByte)),
        }
    }

    fn value(&mut self) -> Result<Token<'a>, Malformed> {
        self.start = self.at;
        let token = match self.peek() {
            None => return Err(self.fault(Syntax::UnexpectedEnd)),
            Some(b'"') => Token::Text(self.string()?),
            Some(b'{') => return self.open(true),
            Some(b'[') => return self.open(false),
            Some(b't') => self.word("true", Token::Bool(true))?,
            Some(b'f') => self.word("false", Token::Bool(false))?,
            Some(b'n') => self.word("null", Token::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => return Err(self.fault(Syntax::UnexpectedByte)),
        };
        self.end = self.at;
        self.expect = Expect::Next;
        Ok(token)
    }

    fn open(&mut self, object: bool) -> Result<Token<'a>, Malformed> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fault(Syntax::TooDeep));
        }
        self.advance();
        self.end = self.at;
        self.depth = self.depth.saturating_add(1);
        self.objects = (self.objects << 1) | u64::from(object);
        if object {
            self.expect = Expect::FirstKey;
            Ok(Token::ObjectStart)
        } else {
            self.expect = Expect::FirstItem;
            Ok(Token::ArrayStart)
        }
    }

    fn close(&mut self) -> Token<'a> {
        let object = self.objects & 1 == 1;
        self.start = self.at;
        self.advance();
        self.end = self.at;
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
        self.expect = Expect::Next;
        if object { Token::ObjectEnd } else { Token::ArrayEnd }
    }

    fn key(&mut self) -> Result<Token<'a>, Malformed> {
        self.name().map(Token::Key)
    }

    fn name(&mut self) -> Result<Raw<'a>, Malformed> {
        self.start = self.at;
        match self.peek() {
            Some(b'"') => {}
            None => return Err(self.fault(Syntax::UnexpectedEnd)),
            Some(_) => return Err(self.fault(Syntax::UnexpectedByte)),
        }
        let key = self.string()?;
        self.end = self.at;
        self.skip_space();
        match self.peek() {
            Some(b':') => self.advance(),
            None => return Err(self.fault(Syntax::UnexpectedEnd)),
            Some(_) => return Err(self.fault(Syntax::UnexpectedByte)),
        }
        self.expect = Expect::Value;
        Ok(key)
    }

    /// A string as the next value, decoded while it is scanned; `None`, and nothing read, if the
    /// next value is none. For a value behind a key, of which a decoded text is wanted anyway.
    pub(crate) fn text(&mut self) -> Result<Option<Cow<'a, str>>, Malformed> {
        self.skip_space();
        if self.expect != Expect::Value || self.peek() != Some(b'"') {
            return Ok(None);
        }
        self.start = self.at;
        let bytes = self.text.as_bytes();
        let from = self.at.saturating_add(1);
        let plain = plain_end(bytes, from);
        let text = if bytes.get(plain) == Some(&b'"') {
            self.at = plain;
            Cow::Borrowed(self.text.get(from..plain).unwrap_or(""))
        } else {
            let (text, end) = decode(self.text, from);
            if bytes.get(end) != Some(&b'"') {
                return Err(misplaced(bytes, end));
            }
            self.at = end;
            Cow::Owned(text)
        };
        self.advance();
        self.end = self.at;
        self.expect = Expect::Next;
        Ok(Some(text))
    }

    fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        let bytes = self.text.as_bytes();
        let start = self.at.saturating_add(1);
        let mut at = plain_end(bytes, start);
        let mut escaped = false;
        while bytes.get(at) != Some(&b'"') {
            let len = match bytes.get(at) {
                Some(b'\\') => escape_len(bytes, at),
                _ => None,
            };
            escaped = true;
            at = at.saturating_add(len.ok_or_else(|| misplaced(bytes, at))?);
            at = plain_end(bytes, at);
        }
        let content = self.text.get(start..at);
        self.at = at.saturating_add(1);
        // Quotes are ASCII, so both ends are character boundaries.
        content
            .map(|content| Raw::new(content, escaped))
            .ok_or(Malformed { syntax: Syntax::UnexpectedByte, at })
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, Malformed> {
        for expected in word.bytes() {
            match self.peek() {
                Some(byte) if byte == expected => self.advance(),
                Some(_) => return Err(self.fault(Syntax::UnexpectedByte)),
                None => return Err(self.fault(Syntax::UnexpectedEnd)),
            }
        }
        Ok(token)
    }

    fn number(&mut self) -> Result<Token<'a>, Malformed> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.advance();
        }
        if self.peek() == Some(b'0') {
            self.advance();
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.advance();
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.advance();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.advance();
            }
            self.digits()?;
        }
        let number = self.text.get(start..self.at);
        number.map(Token::Number).ok_or_else(|| self.fault(Syntax::BadNumber))
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'0'..=b'9') => {}
            None => return Err(self.fault(Syntax::UnexpectedEnd)),
            Some(_) => return Err(self.fault(Syntax::BadNumber)),
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.advance();
        }
        Ok(())
    }

    #[inline]
    fn skip_space(&mut self) {
        // Mostly there is none, which one comparison tells.
        while let Some(byte) = self.peek().filter(|byte| *byte <= b' ') {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                break;
            }
            self.advance();
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    const fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    const fn fault(&self, syntax: Syntax) -> Malformed {
        Malformed { syntax, at: self.at }
    }
}

/// Why a string cannot go on at a byte that is neither plain nor its quote.
fn misplaced(bytes: &[u8], at: usize) -> Malformed {
    let syntax = match (bytes.get(at), bytes.get(at.saturating_add(1))) {
        (None, _) | (Some(b'\\'), None) => Syntax::UnexpectedEnd,
        (Some(b'\\'), Some(_)) => Syntax::BadEscape,
        (Some(_), _) => Syntax::ControlCharacter,
    };
    Malformed { syntax, at }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, Malformed, Position, Scanner, Syntax, Token};
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn scan(text: &str) -> Result<Vec<Token<'_>>, Malformed> {
        let mut scanner = Scanner::new(text);
        let mut tokens = Vec::new();
        while let Some(token) = scanner.next()? {
            tokens.push(token);
        }
        Ok(tokens)
    }

    fn syntax(text: &str) -> Option<(Syntax, usize)> {
        scan(text).err().map(|malformed| (malformed.syntax, malformed.at))
    }

    #[test]
    fn yields_every_token_in_order() {
        let mut shapes = Vec::new();
        for token in scan(" {\"a\" : [1, -0.5e+3, \"x\", true,false ,null], \"b\":{}} \n").unwrap()
        {
            shapes.push(match token {
                Token::ObjectStart => String::from("{"),
                Token::ObjectEnd => String::from("}"),
                Token::ArrayStart => String::from("["),
                Token::ArrayEnd => String::from("]"),
                Token::Key(raw) => raw.text().into_owned() + ":",
                Token::Text(raw) => raw.text().into_owned(),
                Token::Number(number) => String::from(number),
                Token::Bool(true) => String::from("T"),
                Token::Bool(false) => String::from("F"),
                Token::Null => String::from("N"),
            });
        }
        assert_eq!(shapes.join(" "), "{ a: [ 1 -0.5e+3 x T F N ] b: { } }");
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, expected) in [
            ("", (Syntax::UnexpectedEnd, 0)),
            ("  ", (Syntax::UnexpectedEnd, 2)),
            ("{", (Syntax::UnexpectedEnd, 1)),
            ("{\"a\"", (Syntax::UnexpectedEnd, 4)),
            ("{\"a\" 1}", (Syntax::UnexpectedByte, 5)),
            ("{\"a\":1,}", (Syntax::UnexpectedByte, 7)),
            ("{a:1}", (Syntax::UnexpectedByte, 1)),
            ("[1,]", (Syntax::UnexpectedByte, 3)),
            ("[1}", (Syntax::UnexpectedByte, 2)),
            ("[1", (Syntax::UnexpectedEnd, 2)),
            ("1 2", (Syntax::TrailingText, 2)),
            ("{} x", (Syntax::TrailingText, 3)),
            ("01", (Syntax::TrailingText, 1)),
            ("[01]", (Syntax::UnexpectedByte, 2)),
            ("-", (Syntax::UnexpectedEnd, 1)),
            ("[+1]", (Syntax::UnexpectedByte, 1)),
            ("[1.]", (Syntax::BadNumber, 3)),
            ("[.5]", (Syntax::UnexpectedByte, 1)),
            ("[1e]", (Syntax::BadNumber, 3)),
            ("tru", (Syntax::UnexpectedEnd, 3)),
            ("nulx", (Syntax::UnexpectedByte, 3)),
            ("\"abc", (Syntax::UnexpectedEnd, 4)),
            ("\"\\x\"", (Syntax::BadEscape, 1)),
            ("\"\\u12g4\"", (Syntax::BadEscape, 1)),
            ("\"\\", (Syntax::UnexpectedEnd, 1)),
            ("\"a\nb\"", (Syntax::ControlCharacter, 2)),
            ("'a'", (Syntax::UnexpectedByte, 0)),
            ("\u{feff}{}", (Syntax::UnexpectedByte, 0)),
            ("// x", (Syntax::UnexpectedByte, 0)),
            ("NaN", (Syntax::UnexpectedByte, 0)),
        ] {
            assert_eq!(syntax(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn nests_as_deep_as_the_limit_and_no_deeper() {
        let depth = usize::try_from(MAX_DEPTH).unwrap();
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(syntax(&nested(depth)), None);
        assert_eq!(syntax(&nested(depth + 1)), Some((Syntax::TooDeep, depth)));
    }

    #[test]
    fn skips_a_container_whole() {
        let mut scanner = Scanner::new("[{\"a\":[[1],{}]},2]");
        scanner.next().unwrap();
        assert_eq!(scanner.next(), Ok(Some(Token::ObjectStart)));
        scanner.skip_container().unwrap();
        assert_eq!(scanner.next(), Ok(Some(Token::Number("2"))));
    }

    #[test]
    fn counts_lines_and_columns_from_one() {
        let place = Position::in_text(b"ab\ncd\ne", 4);
        assert_eq!((place.line, place.column, place.offset), (2, 2, 4));
        let place = Position::in_text(b"", 9);
        assert_eq!((place.line, place.column, place.offset), (1, 1, 0));
    }

    proptest! {
        /// serde_json decides the same about every text (but has no limit on depth).
        #[test]
        fn accepts_exactly_what_serde_json_accepts(text in "[\\[\\]{}:,\"\\\\ \n0-9eE.+\\-a-ftrulns\u{e9}/]{0,24}") {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(scan(&text).is_ok(), theirs, "{}", text);
        }

        /// The same, starting from something valid and damaging one byte of it.
        #[test]
        fn agrees_with_serde_json_on_damaged_texts(at in 0_usize..90, with in 0_u8..128) {
            let valid = "{\"event_type\": \"A\\u00e9\\n\", \"n\": [-1.5e-7, 0, true, null, {\"x\": \"\\\"y\\\\\"}], \"z\": false}";
            let mut bytes = Vec::from(valid.as_bytes());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
            let text = core::str::from_utf8(&bytes).unwrap();
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            prop_assert_eq!(scan(text).is_ok(), theirs, "{}", text);
        }
    }
}
