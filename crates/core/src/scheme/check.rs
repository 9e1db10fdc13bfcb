//! The check that makes a [`Scheme`] of a [`RawScheme`]: it goes on after the first thing that is
//! wrong, so that all of it can be mended at once.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::limits;
use super::model::{
    Algorithm, BodyForm, Carrier, Digest, Encoding, IdField, IdKind, KeyForm, Part, Pick, Place,
    Pointer, Recipe, Rule, Scheme, TimeField, TimeFormat, TimeMeans,
};
use super::policy::Policy;
use super::raw::{RawPart, RawPlace, RawScheme, RawSorted};
use crate::error::{Code, Coded, Fault};
use crate::time::Millis;

/// One thing that is wrong with a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Where, e.g. `message[2].value.header`.
    pub path: String,
    /// What, e.g. `scheme.unknown_name`.
    pub code: Code,
    /// The same for people.
    pub detail: &'static str,
}

/// Everything that is wrong with a scheme; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeError {
    violations: Vec<Violation>,
}

impl SchemeError {
    /// What is wrong, in the order of the scheme's fields.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

impl fmt::Display for SchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scheme is not consistent: ")?;
        for (index, violation) in self.violations.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}{}: {}", violation.path, violation.detail)?;
        }
        Ok(())
    }
}

impl core::error::Error for SchemeError {}

impl Coded for SchemeError {
    fn code(&self) -> Code {
        Code::new("scheme.invalid")
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

impl TryFrom<RawScheme> for Scheme {
    type Error = SchemeError;

    /// # Errors
    /// [`SchemeError`] lists every violation.
    fn try_from(raw: RawScheme) -> Result<Self, SchemeError> {
        let mut check = Check { violations: Vec::new() };
        let scheme = check.scheme(raw);
        match scheme {
            Some(scheme) if check.violations.is_empty() => Ok(scheme),
            _ => Err(SchemeError { violations: check.violations }),
        }
    }
}

struct Check {
    violations: Vec<Violation>,
}

impl Check {
    fn wrong(&mut self, path: impl Into<String>, code: &'static str, detail: &'static str) {
        self.violations.push(Violation { path: path.into(), code: Code::new(code), detail });
    }

    fn scheme(&mut self, raw: RawScheme) -> Option<Scheme> {
        let printable = raw.name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if raw.name.is_empty() || raw.name.len() > limits::NAME || !printable {
            self.wrong("name", "scheme.name", "a name is 1 to 64 printable ASCII characters");
        }
        let policy = self.policy(&raw);
        let rule = match raw.algorithm.as_str() {
            "none" => self.nothing_more(&raw, Rule::Open),
            "unknown" => self.nothing_more(&raw, Rule::Incomplete),
            _ => Rule::Signed(Box::new(self.recipe(&raw)?)),
        };
        Some(Scheme { name: raw.name, rule, policy })
    }

    fn policy(&mut self, raw: &RawScheme) -> Policy {
        let default = Policy::default();
        let (mut freshness, mut skew) = (default.freshness(), default.skew());
        if let Some(secs) = raw.freshness_s {
            freshness = Millis::from_secs(secs);
        }
        if let Some(secs) = raw.skew_s {
            skew = Millis::from_secs(secs);
        }
        if Policy::new(freshness, default.skew()).is_err() {
            self.wrong("freshness_s", "scheme.freshness", "freshness is 2 to 3600 seconds");
        }
        if Policy::new(default.freshness(), skew).is_err() {
            self.wrong("skew_s", "scheme.skew", "skew is 0 to 3600 seconds");
        }
        Policy::new(freshness, skew).unwrap_or_default()
    }

    fn nothing_more(&mut self, raw: &RawScheme, rule: Rule) -> Rule {
        let said = [
            ("encoding", raw.encoding.is_some()),
            ("key", raw.key.is_some()),
            ("message", !raw.message.is_empty()),
            ("signature", raw.signature.is_some()),
            ("time", raw.time.is_some()),
            ("id", raw.id.is_some()),
            ("body_digest", raw.body_digest.is_some()),
            ("body", raw.body.is_some()),
        ];
        for (path, is_there) in said {
            if is_there {
                self.wrong(path, "scheme.unused", "a scheme without an algorithm has none");
            }
        }
        rule
    }

    fn name<T>(
        &mut self,
        path: &str,
        given: Option<&str>,
        default: T,
        find: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(name) = given else {
            return Some(default);
        };
        let found = find(name);
        if found.is_none() {
            self.wrong(path, "scheme.unknown_name", "there is no choice of this name");
        }
        found
    }

    fn recipe(&mut self, raw: &RawScheme) -> Option<Recipe> {
        let algorithm = Algorithm::from_name(&raw.algorithm);
        if algorithm.is_none() {
            self.wrong("algorithm", "scheme.unknown_name", "there is no algorithm of this name");
        }
        let encoding =
            self.name("encoding", raw.encoding.as_deref(), Encoding::Hex, Encoding::from_name);
        let default_key = match algorithm {
            Some(Algorithm::Ed25519) => KeyForm::Ed25519,
            _ => KeyForm::Text,
        };
        let key = self.name("key", raw.key.as_deref(), default_key, KeyForm::from_name);
        let message = self.message(&raw.message);
        if raw.signature.is_none() {
            self.wrong("signature", "scheme.missing", "it is not said where it travels");
        }
        let signature = raw.signature.as_ref();
        let signature = signature.and_then(|place| self.place("signature", place));
        let time = raw.time.as_ref().map(|time| {
            let format = TimeFormat::from_name(&time.format);
            if format.is_none() {
                self.wrong("time.format", "scheme.unknown_name", "there is no such time format");
            }
            let means = time.means.as_deref();
            let means = self.name("time.means", means, TimeMeans::Signed, TimeMeans::from_name);
            let at = self.place("time.at", &time.at);
            Some(TimeField { at: at?, format: format?, means: means? })
        });
        let id = raw.id.as_ref().map(|id| {
            let kind = IdKind::from_name(&id.kind);
            if kind.is_none() {
                self.wrong("id.kind", "scheme.unknown_name", "an id is of a message or a call");
            }
            let at = self.place("id.at", &id.at);
            at.zip(kind).map(|(at, kind)| IdField { at, kind })
        });
        let body_digest = raw.body_digest.as_ref().map(|digest| {
            let encoding = digest.encoding.as_deref();
            let default = Encoding::Hex;
            let encoding =
                self.name("body_digest.encoding", encoding, default, Encoding::from_name);
            Some(Digest { at: self.place("body_digest.at", &digest.at)?, encoding: encoding? })
        });
        let body = self.name("body", raw.body.as_deref(), BodyForm::Json, BodyForm::from_name);
        let recipe = Recipe {
            algorithm: algorithm?,
            encoding: encoding?,
            key: key?,
            message: message?,
            signature: signature?,
            time: lift(time)?,
            id: lift(id)?,
            body_digest: lift(body_digest)?,
            body: body?,
        };
        self.consistency(&recipe);
        Some(recipe)
    }

    fn message(&mut self, raw: &[RawPart]) -> Option<Vec<Part>> {
        if raw.len() > limits::PARTS {
            self.wrong("message", "scheme.too_many", "a message has at most 32 parts");
            return None;
        }
        let before = self.violations.len();
        let mut parts = Vec::new();
        for (index, part) in raw.iter().enumerate() {
            parts.extend(self.part(&format!("message[{index}]"), part, Nesting::Message));
        }
        (self.violations.len() == before).then_some(parts)
    }

    fn part(&mut self, path: &str, raw: &RawPart, nesting: Nesting) -> Option<Part> {
        let part = match raw {
            RawPart::Key => Part::Key,
            RawPart::Method => Part::Method,
            RawPart::Host => Part::Host,
            RawPart::HostWithoutPort => Part::HostWithoutPort,
            RawPart::Path => Part::Path,
            RawPart::SortedQuery => Part::SortedQuery,
            RawPart::ReceivedQuery => Part::ReceivedQuery,
            RawPart::Url => Part::Url,
            RawPart::Body => Part::Body,
            RawPart::Time => Part::Time,
            RawPart::Id => Part::Id,
            RawPart::Literal(text) => {
                if text.is_empty() || text.len() > limits::LITERAL {
                    let detail = "a literal has 1 to 256 bytes";
                    self.wrong(format!("{path}.literal"), "scheme.length", detail);
                }
                Part::Literal(text.clone())
            }
            RawPart::Value(place) => Part::Value(self.place(&format!("{path}.value"), place)?),
            RawPart::Sorted(sorted) => {
                return self.sorted(&format!("{path}.sorted"), sorted, nesting);
            }
        };
        let scalar =
            matches!(part, Part::Key | Part::Time | Part::Id | Part::Literal(_) | Part::Value(_));
        if nesting == Nesting::Sorted && !scalar {
            let detail = "only key, time, id, literals and values can be sorted";
            self.wrong(path, "scheme.not_sortable", detail);
        }
        Some(part)
    }

    fn sorted(&mut self, path: &str, raw: &RawSorted, nesting: Nesting) -> Option<Part> {
        if nesting == Nesting::Sorted {
            let detail = "only key, time, id, literals and values can be sorted";
            self.wrong(path, "scheme.not_sortable", detail);
            return None;
        }
        if raw.separator.len() > limits::SEPARATOR {
            let detail = "a separator has at most 32 bytes";
            self.wrong(format!("{path}.separator"), "scheme.length", detail);
        }
        if raw.values.is_empty() || raw.values.len() > limits::PARTS {
            self.wrong(format!("{path}.values"), "scheme.too_many", "1 to 32 values are sorted");
            return None;
        }
        let mut values = Vec::new();
        for (index, value) in raw.values.iter().enumerate() {
            values.extend(self.part(&format!("{path}.values[{index}]"), value, Nesting::Sorted));
        }
        Some(Part::Sorted { separator: raw.separator.clone(), values })
    }

    fn place(&mut self, path: &str, raw: &RawPlace) -> Option<Place> {
        let before = self.violations.len();
        let carrier = match (&raw.header, &raw.query, &raw.body) {
            (Some(name), None, None) => {
                if !is_token(name) {
                    let detail = "a header's name is 1 to 128 token characters";
                    self.wrong(format!("{path}.header"), "scheme.field_name", detail);
                }
                Carrier::Header(name.clone())
            }
            (None, Some(name), None) => {
                if !is_token(name) {
                    let detail = "a parameter's name is 1 to 128 letters, digits and - . _ ~";
                    self.wrong(format!("{path}.query"), "scheme.field_name", detail);
                }
                Carrier::Query(name.clone())
            }
            (None, None, Some(text)) => Carrier::Body(self.pointer(&format!("{path}.body"), text)?),
            _ => {
                let detail = "exactly one of header, query and body says where";
                self.wrong(path, "scheme.place", detail);
                return None;
            }
        };
        let pick = self.pick(path, raw)?;
        let claim = match &raw.claim {
            None => None,
            Some(text) => Some(self.pointer(&format!("{path}.claim"), text)?),
        };
        (self.violations.len() == before).then_some(Place { carrier, pick, claim })
    }

    fn pick(&mut self, path: &str, raw: &RawPlace) -> Option<Pick> {
        for (name, text) in [("separator", &raw.separator), ("prefix", &raw.prefix)] {
            if text.as_deref().is_some_and(|text| !is_mark(text)) {
                let detail = "a separator or prefix is 1 to 32 printable ASCII characters";
                self.wrong(format!("{path}.{name}"), "scheme.length", detail);
            }
        }
        // Values and pieces are trimmed before they are looked at.
        let separator = raw.separator.as_deref().filter(|text| !text.is_empty());
        let lost = |prefix: &str| {
            prefix.starts_with(' ') || separator.is_some_and(|separator| prefix.contains(separator))
        };
        if raw.prefix.as_deref().is_some_and(lost) {
            let detail = "a prefix that begins with a space or has the separator is never found";
            self.wrong(format!("{path}.prefix"), "scheme.place", detail);
        }
        if raw.index.is_some_and(|index| index > limits::INDEX) {
            self.wrong(format!("{path}.index"), "scheme.too_many", "an index is 0 to 31");
        }
        match (raw.separator.clone(), raw.index, raw.prefix.clone()) {
            (None, None, None) => Some(Pick::Whole),
            (None, None, Some(prefix)) => Some(Pick::After(prefix)),
            (Some(separator), Some(index), None) => Some(Pick::Index { separator, index }),
            (Some(separator), None, Some(prefix)) => Some(Pick::Labelled { separator, prefix }),
            _ => {
                let detail = "a separator needs an index or a prefix, not both; an index needs it";
                self.wrong(path, "scheme.place", detail);
                None
            }
        }
    }

    fn pointer(&mut self, path: &str, text: &str) -> Option<Pointer> {
        let pointer = parse_pointer(text);
        if pointer.is_none() {
            let detail = "a JSON pointer starts with /, has at most 256 bytes and 16 steps";
            self.wrong(path, "scheme.pointer", detail);
        }
        pointer
    }

    fn consistency(&mut self, recipe: &Recipe) {
        let mut leaves: Vec<&Part> = Vec::new();
        for part in &recipe.message {
            match part {
                Part::Sorted { values, .. } => leaves.extend(values),
                other => leaves.push(other),
            }
        }
        let keys = leaves.iter().filter(|part| matches!(part, Part::Key)).count();
        if recipe.algorithm.takes_key_in_message() && keys != 1 {
            let detail = "a plain hash needs the key as a part of the message, once";
            self.wrong("message", "scheme.key_part", detail);
        }
        if !recipe.algorithm.takes_key_in_message() && keys != 0 {
            let detail = "this algorithm takes the key itself, the message has no key part";
            self.wrong("message", "scheme.key_part", detail);
        }
        if !leaves.iter().any(|part| !matches!(part, Part::Key | Part::Literal(_))) {
            let detail = "a message needs a part that comes from the call";
            self.wrong("message", "scheme.nothing_signed", detail);
        }
        if (recipe.algorithm == Algorithm::Ed25519) != (recipe.key == KeyForm::Ed25519) {
            self.wrong("key", "scheme.key_form", "this form of key is not for this algorithm");
        }
        // A claim is signed where the piece is that holds it.
        let in_token = |at: &Place| {
            at.claim.is_some()
                && leaves.iter().any(|part| match part {
                    Part::Value(piece) => {
                        let same = piece.carrier.is_same(&at.carrier) && piece.pick == at.pick;
                        piece.claim.is_none() && same
                    }
                    _ => false,
                })
        };
        let signed = |part: Part, at: &Place| leaves.contains(&&part) || in_token(at);
        if recipe.time.as_ref().is_some_and(|time| !signed(Part::Time, &time.at)) {
            self.wrong("time", "scheme.not_signed", "the time is not part of the message");
        }
        if recipe.id.as_ref().is_some_and(|id| !signed(Part::Id, &id.at)) {
            self.wrong("id", "scheme.not_signed", "the id is not part of the message");
        }
        let digest = recipe.body_digest.as_ref();
        let digest_signed = |at: &Place| {
            let is_it = |part: &&Part| matches!(part, Part::Value(place) if place == at);
            in_token(at) || leaves.iter().any(is_it)
        };
        if digest.is_some_and(|digest| !digest_signed(&digest.at)) {
            let detail = "the digest is not part of the message";
            self.wrong("body_digest", "scheme.not_signed", detail);
        }
        if digest.is_some_and(|digest| matches!(digest.at.carrier, Carrier::Body(_))) {
            let detail = "a body cannot hold its own digest";
            self.wrong("body_digest", "scheme.place", detail);
        }
        if recipe.signature.claim.is_some() {
            let detail = "a signature is no claim of what it signs";
            self.wrong("signature", "scheme.signs_itself", detail);
        }
        if recipe.time.is_none() && leaves.contains(&&Part::Time) {
            self.wrong("time", "scheme.missing", "the message has a time that travels nowhere");
        }
        if recipe.id.is_none() && leaves.contains(&&Part::Id) {
            self.wrong("id", "scheme.missing", "the message has an id that travels nowhere");
        }
        if matches!(recipe.signature.carrier, Carrier::Body(_)) && leaves.contains(&&Part::Body) {
            let detail = "a signature inside the body cannot sign the whole body";
            self.wrong("signature", "scheme.signs_itself", detail);
        }
        let signs_itself = |part: &&Part| match part {
            Part::Value(place) => overlap(place, &recipe.signature),
            _ => false,
        };
        if leaves.iter().any(signs_itself) {
            self.wrong(
                "signature",
                "scheme.signs_itself",
                "the signature is a part of its message",
            );
        }
        let own: Vec<&Place> = recipe.own_places().collect();
        let clash = own.iter().enumerate().any(|(index, place)| {
            own.iter().skip(index.saturating_add(1)).any(|other| overlap(place, other))
        });
        if clash {
            let detail = "signature, time, id and digest need places of their own";
            self.wrong("signature", "scheme.place", detail);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Message,
    Sorted,
}

/// Whether two places can mean the same piece of a call.
fn overlap(a: &Place, b: &Place) -> bool {
    if !a.carrier.is_same(&b.carrier) {
        return false;
    }
    if let (Some(a), Some(b)) = (&a.claim, &b.claim) {
        return a.tokens == b.tokens;
    }
    match (&a.pick, &b.pick) {
        (Pick::Index { separator: sa, index: a }, Pick::Index { separator: sb, index: b }) => {
            sa != sb || a == b
        }
        (
            Pick::Labelled { separator: sa, prefix: a },
            Pick::Labelled { separator: sb, prefix: b },
        ) => sa != sb || a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
        _ => true,
    }
}

/// `None` for a field that is there but wrong, `Some(None)` for one that is not there.
#[expect(clippy::option_option, reason = "the two absences differ")]
fn lift<T>(field: Option<Option<T>>) -> Option<Option<T>> {
    match field {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

/// What can stand in a header between or before values.
fn is_mark(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    !text.is_empty() && text.len() <= limits::SEPARATOR && text.bytes().all(fine)
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= limits::FIELD_NAME && name.bytes().all(fine)
}

fn parse_pointer(text: &str) -> Option<Pointer> {
    let steps = text.strip_prefix('/')?;
    if text.len() > limits::POINTER {
        return None;
    }
    let mut tokens = Vec::new();
    for step in steps.split('/') {
        let mut after_tilde = step.split('~').skip(1);
        if after_tilde.any(|rest| !rest.starts_with(['0', '1'])) {
            return None;
        }
        tokens.push(step.replace("~1", "/").replace("~0", "~"));
    }
    (tokens.len() <= limits::POINTER_STEPS).then(|| Pointer { text: text.to_string(), tokens })
}
