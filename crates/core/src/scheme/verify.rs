//! Whether a call is what it says it is.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use super::call::{Call, Lack, pieces};
use super::explain::{self, ShowBody};
use super::limits;
use super::mac::{Key, Runs, SIGNATURE_BUFFER, sha256, sha256_of_two};
use super::message::{Source, build_lead, lead};
use super::model::{IdKind, Place, Recipe, Rule, Scheme, TimeMeans};
use super::policy::{Freshness, Policy};
use super::refusal::{Parameter, Refusal, Role};
use super::secret::{Secret, Secrets};
use super::target::{Target, UrlError};
use crate::error::{Code, Coded, Fault};
use crate::time::{Millis, UnixMillis};

/// A scheme, a configured URL and keys, made ready once to check any number of calls.
///
/// All that does not depend on the call is done here: the URL is taken apart and sorted, the
/// keys' schedules are computed, and the part of the message that never changes is hashed.
///
/// ```
/// use livegate_core::scheme::{Builtin, Call, Secret, Secrets, Verifier};
/// use livegate_core::time::UnixMillis;
///
/// let scheme = Builtin::MssAHead.scheme();
/// let key = Secret::for_scheme(&scheme, "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly")?;
/// let url = "https://api.example.com/v1/products?live_id=111&limit=10&offset=0";
/// let verifier = Verifier::new(&scheme, url, Some(&Secrets::new(key)), scheme.policy())?;
///
/// let headers = [
///     ("X-Hw-Mss-Time", "66df9308"),
///     ("X-Hw-Mss-Secret", "5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7"),
/// ];
/// let call = Call { method: "POST", query: "", headers: &headers, body: b"{}" };
/// let verified = verifier.verify(&call, UnixMillis(1_725_928_205_000))?;
/// assert_eq!(verified.body(), b"{}");
/// assert_eq!(verified.signed_at(), Some(UnixMillis(1_725_928_200_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    pub(super) prepared: Prepared,
    policy: Policy,
}

impl Verifier {
    /// Makes a scheme ready for calls to this URL (as it was configured at the vendor, not as it
    /// is observed behind proxies). Without keys, a scheme that needs one refuses every call.
    ///
    /// # Errors
    /// [`PrepareError`] if the URL cannot be signed over or a key is not of the scheme's kind.
    pub fn new(
        scheme: &Scheme,
        url: &str,
        secrets: Option<&Secrets>,
        policy: Policy,
    ) -> Result<Self, PrepareError> {
        Ok(Self { prepared: Prepared::new(scheme, url, secrets)?, policy })
    }

    /// Checks one call: its parameters, that it is fresh, and its signature against every key
    /// that counts.
    ///
    /// # Errors
    /// [`Refusal`] says why not.
    pub fn verify<'a>(&self, call: &Call<'a>, now: UnixMillis) -> Result<Verified<'a>, Refusal> {
        let ready = match &self.prepared {
            Prepared::Open => return Ok(Verified::open(call.body)),
            Prepared::Incomplete => return Err(Refusal::SchemeIncomplete),
            Prepared::Signed(ready) => ready,
        };
        let recipe = &ready.recipe;
        let keys = ready.keys.as_ref().ok_or(Refusal::KeyMissing)?;

        let lacks = |role, place| move |lack| Refusal::lack(Parameter::at(role, Some(place)), lack);
        let at = &recipe.signature;
        let signature =
            bounded(call.carried(&at.carrier, recipe.body)).map_err(lacks(Role::Signature, at))?;
        let mut time = None;
        if let Some(field) = &recipe.time {
            let read = |text: Cow<'a, str>| match field.format.read(&text) {
                Some(at) if field.means == TimeMeans::Expires => {
                    Ok((text, at.minus(self.policy.freshness())))
                }
                Some(at) => Ok((text, at)),
                None => Err(Lack::Malformed),
            };
            let value = bounded(call.value(&field.at, recipe.body)).and_then(read);
            time = Some(value.map_err(lacks(Role::Time, &field.at))?);
        }
        let mut id = None;
        if let Some(field) = &recipe.id {
            let value = call.value(&field.at, recipe.body).and_then(|text| {
                let fine = !text.is_empty() && text.len() <= limits::ID;
                if fine { Ok(text) } else { Err(Lack::Malformed) }
            });
            id = Some(value.map_err(lacks(Role::Id, &field.at))?);
        }
        if let Some((_, signed_at)) = &time {
            match self.policy.place(*signed_at, now) {
                Freshness::Fresh => {}
                Freshness::Stale { by } => return Err(Refusal::TimestampStale { by }),
                Freshness::Future { by } => return Err(Refusal::TimestampFuture { by }),
            }
        }

        let mut running = keys.start(now);
        let source = Source {
            recipe,
            target: &ready.target,
            call,
            time: time.as_ref().map(|(text, _)| text.as_ref()).ok_or(Lack::Missing),
            id: id.as_deref().ok_or(Lack::Missing),
        };
        source.build(ready.lead, &mut running, |_, parameter, lack| {
            Err(Refusal::lack(parameter, lack))
        })?;
        let key = matching_key(running, recipe, &signature, at)?;
        if let Some(digest) = &recipe.body_digest {
            let lacks = lacks(Role::Digest, &digest.at);
            let text = bounded(call.value(&digest.at, recipe.body)).map_err(lacks)?;
            let mut buffer = [0; SIGNATURE_BUFFER];
            let said = digest.encoding.read(&text, 32, &mut buffer);
            let said = said.ok_or_else(|| lacks(Lack::Malformed))?;
            // No secret: whoever sends the body can compute it.
            if said != sha256(call.body) {
                return Err(Refusal::BodyChanged);
            }
        }

        Ok(Verified {
            body: call.body,
            time,
            id: id.zip(recipe.id.as_ref().map(|field| field.kind)),
            key: Some(key),
            covers_body: ready.covers_body,
        })
    }

    /// The message that the scheme signs for this call, for people: see
    /// [`explain()`](super::explain()).
    pub fn explain(&self, call: &Call<'_>, body: ShowBody) -> String {
        match &self.prepared {
            Prepared::Open => String::from(explain::OPEN),
            Prepared::Incomplete => String::from(explain::INCOMPLETE),
            Prepared::Signed(ready) => {
                explain::explain_signed(&ready.recipe, &ready.target, call, body)
            }
        }
    }
}

/// The size is bounded before a value is looked at.
fn bounded(value: Result<Cow<'_, str>, Lack>) -> Result<Cow<'_, str>, Lack> {
    match value {
        Ok(text) if text.is_empty() || text.len() > limits::VALUE => Err(Lack::Malformed),
        other => other,
    }
}

/// Which key made one of the signatures. Every signature is compared with every key, so that the
/// time taken does not tell which one fits.
fn matching_key(
    running: Runs<'_>,
    recipe: &Recipe,
    signature: &str,
    at: &Place,
) -> Result<KeyUsed, Refusal> {
    let lacks = |lack| Refusal::lack(Parameter::at(Role::Signature, Some(at)), lack);
    let current = running.current.finish();
    let previous = running.previous.map(super::mac::Running::finish);
    let len = recipe.algorithm.signature_len();
    let (mut by_current, mut by_previous) = (false, false);
    let (mut seen, mut readable) = (0usize, 0usize);
    for piece in pieces(signature, &at.pick).map_err(lacks)? {
        seen = seen.saturating_add(1);
        if seen > limits::SIGNATURES {
            return Err(Refusal::TooManySignatures);
        }
        let mut buffer = [0; SIGNATURE_BUFFER];
        let Some(received) = recipe.encoding.read(piece, len, &mut buffer) else {
            continue;
        };
        readable = readable.saturating_add(1);
        by_current |= current.is(received);
        if let Some(previous) = &previous {
            by_previous |= previous.is(received);
        }
    }
    match (readable, by_current, by_previous) {
        (0, ..) => Err(lacks(Lack::Malformed)),
        (_, true, _) => Ok(KeyUsed::Current),
        (_, false, true) => Ok(KeyUsed::Previous),
        (_, false, false) => Err(Refusal::Mismatch),
    }
}

/// A scheme made ready for one URL and its keys.
#[derive(Clone, Debug)]
pub(super) enum Prepared {
    Open,
    Incomplete,
    Signed(Box<Ready>),
}

#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) recipe: Recipe,
    pub(super) target: Target,
    pub(super) keys: Option<Keys>,
    /// How many parts of the message the keys have already taken in.
    pub(super) lead: usize,
    /// How far ahead a time of expiry is when it is signed.
    pub(super) lifetime: Millis,
    covers_body: bool,
}

impl Prepared {
    pub(super) fn new(
        scheme: &Scheme,
        url: &str,
        secrets: Option<&Secrets>,
    ) -> Result<Self, PrepareError> {
        let recipe = match &scheme.rule {
            Rule::Open => return Ok(Self::Open),
            Rule::Incomplete => return Ok(Self::Incomplete),
            Rule::Signed(recipe) => recipe,
        };
        let target = Target::new(url, recipe).map_err(PrepareError::Url)?;
        let key = |secret: &Secret| {
            let mut key = Key::new(recipe.algorithm, recipe.key, secret)
                .ok_or(PrepareError::KeyOfAnotherKind)?;
            build_lead(recipe, &target, |text| key.begin_with(text));
            Ok(key)
        };
        let keys = match secrets {
            None => None,
            Some(secrets) => Some(Keys {
                current: key(&secrets.current)?,
                previous: match &secrets.previous {
                    Some((secret, until)) => Some((key(secret)?, *until)),
                    None => None,
                },
            }),
        };
        Ok(Self::Signed(Box::new(Ready {
            lead: lead(recipe),
            lifetime: scheme.policy.freshness(),
            covers_body: scheme.covers_body(),
            recipe: (**recipe).clone(),
            target,
            keys,
        })))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) current: Key,
    previous: Option<(Key, UnixMillis)>,
}

impl Keys {
    /// Both keys if both count at this time.
    pub(super) fn start(&self, now: UnixMillis) -> Runs<'_> {
        Runs {
            current: self.current.start(),
            previous: match &self.previous {
                Some((key, until)) if now < *until => Some(key.start()),
                _ => None,
            },
        }
    }
}

/// A call that was checked. There is no other way to have one than [`Verifier::verify`], so what
/// asks for a `Verified` cannot be reached by a call that was not.
///
/// ```compile_fail,E0451
/// use livegate_core::scheme::Verified;
///
/// // Its fields are private and nothing else makes one.
/// let forged = Verified { body: b"{}", time: None, id: None, key: None, covers_body: true };
/// ```
#[must_use]
#[derive(Clone)]
pub struct Verified<'a> {
    body: &'a [u8],
    time: Option<(Cow<'a, str>, UnixMillis)>,
    id: Option<(Cow<'a, str>, IdKind)>,
    key: Option<KeyUsed>,
    covers_body: bool,
}

impl<'a> Verified<'a> {
    fn open(body: &'a [u8]) -> Self {
        Self { body, time: None, id: None, key: None, covers_body: false }
    }

    /// The raw body.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// When the call was signed, as the signer's clock says; none where the scheme has no time.
    /// Where the time says until when the call counts, the earliest that it can have been.
    pub fn signed_at(&self) -> Option<UnixMillis> {
        self.time.as_ref().map(|(_, at)| *at)
    }

    /// The id of the message or of the call, as [`Scheme::id_kind`] says; none where the scheme
    /// has none.
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|(id, _)| id.as_ref())
    }

    /// Which key the call was signed with; none where nothing is signed.
    pub fn key(&self) -> Option<KeyUsed> {
        self.key
    }

    /// Whether the signature covers the whole body. If not, somebody who has seen one call can
    /// send another body with its signature while it is fresh.
    pub fn covers_body(&self) -> bool {
        self.covers_body
    }

    /// What tells this call from others: see [`ReplayKey`].
    pub fn replay_key(&self) -> ReplayKey<'_> {
        match &self.id {
            Some((id, IdKind::Call)) => ReplayKey::Call(id),
            Some((id, IdKind::Message)) => ReplayKey::Message(id),
            None => {
                let time = self.time.as_ref().map_or("", |(text, _)| text);
                ReplayKey::Exact(sha256_of_two(time.as_bytes(), self.body))
            }
        }
    }
}

impl fmt::Debug for Verified<'_> {
    /// Shows no body: it may hold stream keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("body_len", &self.body.len())
            .field("signed_at", &self.signed_at())
            .field("id", &self.id())
            .field("key", &self.key)
            .field("covers_body", &self.covers_body)
            .finish()
    }
}

/// Which of two keys a call was signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyUsed {
    /// The current one.
    Current,
    /// The one before, which still counts.
    Previous,
}

/// What tells a verified call from others of the same source, and what it means to see it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayKey<'a> {
    /// A nonce that the vendor uses for one call: a second one is a replay, to be refused.
    Call(&'a str),
    /// The id of a message that the vendor may send again: a second one is a duplicate.
    Message(&'a str),
    /// The vendor sends neither: SHA-256 over the time as it travelled and the body (the length
    /// of the first, in eight bytes, before both). A second one is the same call again, be it by
    /// the vendor or by somebody else.
    Exact([u8; 32]),
}

/// Why a scheme cannot be made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrepareError {
    /// The configured URL cannot be signed over.
    Url(UrlError),
    /// A key is not of the kind that the algorithm takes.
    KeyOfAnotherKind,
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::KeyOfAnotherKind => f.write_str("the key is not of the scheme's kind"),
        }
    }
}

impl core::error::Error for PrepareError {}

impl Coded for PrepareError {
    fn code(&self) -> Code {
        match self {
            Self::Url(error) => error.code(),
            Self::KeyOfAnotherKind => Code::new("sign.key_kind"),
        }
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}
