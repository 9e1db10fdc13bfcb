//! RPC requests: an operation's name and its parameters, in the query and in a form.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Request, RequestError, flatten};
use crate::error::{Code, Coded, Fault};
use crate::scheme::call::percent_decoded_bytes;

/// The most parameters that are read, and the most values that JSON in them may hold.
pub const MAX_PARAMS: usize = 1000;
/// The most bytes of names and values, decoded.
pub const MAX_BYTES: usize = 256 * 1024;

pub(super) type Pairs = Vec<(String, String)>;

/// An RPC request that was verified: which operation it asks for.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its name, e.g. `CreateEventSub`.
    pub action: String,
    /// The interface's version, e.g. `2016-11-01`.
    pub version: String,
    /// All parameters.
    pub params: Params,
}

impl Operation {
    /// With the third version the signed headers say what is asked for.
    pub(super) fn of_headers(request: &Request<'_>) -> Result<Self, RequestError> {
        let action = request.needed("x-acs-action")?.to_string();
        let version = request.needed("x-acs-version")?.to_string();
        Ok(Self { action, version, params: Params::read(request)? })
    }

    /// With the older one the parameters do: headers are not signed there.
    pub(super) fn of_params(params: Params) -> Result<Self, RequestError> {
        let needed = |name| params.get(name).ok_or(RequestError::Missing(name));
        let (action, version) = (needed("Action")?.to_string(), needed("Version")?.to_string());
        Ok(Self { action, version, params })
    }
}

/// The parameters of a request, each once, sorted by name. Their `Debug` shows names alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Params {
    pairs: Pairs,
}

impl Params {
    /// Reads the query, and the body if that is a form. Percent-encoding is undone and `+` is a
    /// space in both: clients that mean a plus write `%2B` in either.
    ///
    /// # Errors
    /// [`ParamsError`] beyond the limits, or if a name is there twice.
    pub fn read(request: &Request<'_>) -> Result<Self, ParamsError> {
        let mut pairs = Pairs::new();
        push_form(&mut pairs, request.query)?;
        if request.has_form().map_err(|_| ParamsError::Malformed)? {
            let body = str::from_utf8(request.body).map_err(|_| ParamsError::Malformed)?;
            push_form(&mut pairs, body)?;
        }
        Self::sorted(pairs)
    }

    fn sorted(mut pairs: Pairs) -> Result<Self, ParamsError> {
        pairs.sort_unstable();
        let twice = pairs.windows(2).any(|two| matches!(two, [(one, _), (next, _)] if one == next));
        if twice { Err(ParamsError::Duplicate) } else { Ok(Self { pairs }) }
    }

    pub(super) const fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The value of a name, dots and numbers included: `AppId`, `Users.1`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.pairs.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()?;
        self.pairs.get(at).map(|(_, value)| value.as_str())
    }

    /// All names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is a parameter of this name, or one below it.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some() || {
            let below = joined(name, "");
            let at = self.pairs.partition_point(|(own, _)| *own < below);
            self.pairs.get(at).is_some_and(|(own, _)| own.starts_with(&below))
        }
    }

    /// The place of this name.
    pub fn at(&self, name: &str) -> Node<'_> {
        Node { params: self, path: name.to_string() }
    }

    /// Spreads parameters that hold JSON over flattened names, as other clients send them:
    /// `A={"B":[{"C":1}]}` becomes `A.B.1.C=1`. Members that are `null` are left out; an empty
    /// object or list becomes an empty value. A parameter that is not there, or is empty, stays so.
    ///
    /// # Errors
    /// [`ParamsError::NotJson`] if one is neither an object nor a list, and others as in
    /// [`Params::read`].
    pub fn flatten(&mut self, names: &[&'static str]) -> Result<(), ParamsError> {
        let mut pairs = Pairs::new();
        let mut left = MAX_BYTES;
        for (name, value) in core::mem::take(&mut self.pairs) {
            match names.iter().find(|one| **one == name) {
                Some(known) if !value.is_empty() => {
                    flatten::spread(&mut pairs, &mut left, known, &value)?;
                }
                _ => push(&mut pairs, &mut left, name, value)?,
            }
        }
        *self = Self::sorted(pairs)?;
        Ok(())
    }

    /// The names that are none of these. In a pattern `N` stands for the places of a list, which
    /// count from 1 without gaps; a container's own name is known where its value is empty.
    pub fn unknown<'p>(&'p self, known: &'p [&'p str]) -> impl Iterator<Item = &'p str> {
        let pairs = self.pairs.iter();
        let odd = pairs.filter(|(name, value)| {
            !known.iter().any(|pattern| self.matches(name, value.is_empty(), pattern))
        });
        odd.map(|(name, _)| name.as_str())
    }

    fn matches(&self, name: &str, empty: bool, pattern: &str) -> bool {
        let mut wanted = pattern.split('.');
        let mut before = 0;
        for own in name.split('.') {
            let fine = match wanted.next() {
                Some("N") => match place(own) {
                    Some(1) => true,
                    Some(number) => name.get(..before).is_some_and(|list| {
                        self.has(&joined(list, &number.saturating_sub(1).to_string()))
                    }),
                    None => false,
                },
                Some(word) => word == own,
                None => false,
            };
            if !fine {
                return false;
            }
            // Where the dot behind the pieces so far stands.
            before = if before == 0 { own.len() } else { before + 1 + own.len() };
        }
        empty || wanted.next().is_none()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// A place among flattened parameters: `TranscodeParams.Layout`, or an item of a list.
#[derive(Clone, Debug)]
pub struct Node<'p> {
    params: &'p Params,
    path: String,
}

impl<'p> Node<'p> {
    /// Its name in full, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is anything here or below.
    pub fn is_present(&self) -> bool {
        self.params.has(&self.path)
    }

    /// The value here.
    pub fn value(&self) -> Option<&'p str> {
        self.params.get(&self.path)
    }

    /// The place of a member.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        Self { params: self.params, path: joined(&self.path, name) }
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&'p str> {
        self.params.get(&joined(&self.path, name))
    }

    /// The items of a list: numbers from 1 up to the first that is not there.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'p> {
        let list = self.clone();
        let places = (1..=MAX_PARAMS).map(move |number| list.at(&number.to_string()));
        places.take_while(Self::is_present)
    }
}

/// Why parameters cannot be read. Names given are ours, not the request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamsError {
    /// Percent-encoding without two digits, or what it stands for is not UTF-8.
    Malformed,
    /// A name is there twice, or both flattened and in JSON.
    Duplicate,
    /// More than [`MAX_PARAMS`].
    TooMany,
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// The parameter does not hold a JSON object or list.
    NotJson(&'static str),
}

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the parameters are not percent-encoded utf-8"),
            Self::Duplicate => f.write_str("a parameter is there twice"),
            Self::TooMany => write!(f, "there are more than {MAX_PARAMS} parameters"),
            Self::TooLarge => write!(f, "the parameters have more than {MAX_BYTES} bytes"),
            Self::NotJson(name) => {
                f.write_str(name)?;
                f.write_str(" does not hold a json object or list")
            }
        }
    }
}

impl core::error::Error for ParamsError {}

impl Coded for ParamsError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Malformed => "rpc.malformed",
            Self::Duplicate => "rpc.duplicate",
            Self::TooMany => "rpc.too_many",
            Self::TooLarge => "rpc.too_large",
            Self::NotJson(_) => "rpc.not_json",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::TooMany | Self::TooLarge => Fault::Limit,
            _ => Fault::Caller,
        }
    }
}

/// Whether the bytes hold the name `Signature` as clients write it.
pub(super) fn names_signature(form: &[u8]) -> bool {
    form.split(|byte| *byte == b'&').any(|pair| pair.starts_with(b"Signature="))
}

/// Adds the pairs of a query or form.
pub(super) fn push_form(pairs: &mut Pairs, form: &str) -> Result<(), ParamsError> {
    if form.len() > MAX_BYTES * 3 {
        return Err(ParamsError::TooLarge);
    }
    let used: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    let mut left = MAX_BYTES.saturating_sub(used);
    for pair in form.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        push(pairs, &mut left, form_decoded(name)?, form_decoded(value)?)?;
    }
    Ok(())
}

fn form_decoded(text: &str) -> Result<String, ParamsError> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { text.into() };
    let bytes = percent_decoded_bytes(spaced.as_bytes()).ok_or(ParamsError::Malformed)?;
    String::from_utf8(bytes).map_err(|_| ParamsError::Malformed)
}

/// Adds a pair within the limits.
pub(super) fn push(
    pairs: &mut Pairs,
    left: &mut usize,
    name: String,
    value: String,
) -> Result<(), ParamsError> {
    if pairs.len() >= MAX_PARAMS {
        return Err(ParamsError::TooMany);
    }
    let rest = left.checked_sub(name.len()).and_then(|rest| rest.checked_sub(value.len()));
    *left = rest.ok_or(ParamsError::TooLarge)?;
    pairs.push((name, value));
    Ok(())
}

fn joined(path: &str, name: &str) -> String {
    let mut out = String::with_capacity(path.len() + 1 + name.len());
    out.push_str(path);
    out.push('.');
    out.push_str(name);
    out
}

/// A place in a list: digits, from 1, without zeros before it.
fn place(text: &str) -> Option<usize> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
