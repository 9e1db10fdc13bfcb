//! Signing what is sent, by the same schemes that verify what comes in.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::call::{Call, Lack};
use super::limits;
use super::mac::sha256;
use super::message::Source;
use super::model::{Carrier, Pick, Place, Recipe, Scheme, TimeMeans};
use super::refusal::{Parameter, Role};
use super::secret::Secrets;
use super::verify::{PrepareError, Prepared};
use crate::error::{Code, Coded, Fault};
use crate::time::UnixMillis;

/// A scheme, a URL and keys, made ready once to sign any number of calls.
///
/// ```
/// use livegate_core::scheme::{Builtin, Outgoing, Secret, Secrets, Signer};
/// use livegate_core::time::UnixMillis;
///
/// let scheme = Builtin::StandardWebhooks.scheme();
/// let key = Secret::for_scheme(&scheme, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let signer = Signer::new(&scheme, "https://example.com/hook", Some(&Secrets::new(key)))?;
/// let outgoing = Outgoing {
///     method: "POST",
///     headers: &[],
///     body: br#"{"test": 2432232314}"#,
///     id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
/// };
/// let signed = signer.sign(&outgoing, UnixMillis(1_614_265_330_000))?;
/// assert_eq!(signed.headers[2].0, "webhook-signature");
/// assert_eq!(signed.headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signer {
    prepared: Prepared,
}

/// A call that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The method, e.g. `POST`.
    pub method: &'a str,
    /// Headers that it will have anyway; read where a scheme signs one.
    pub headers: &'a [(&'a str, &'a str)],
    /// The raw body.
    pub body: &'a [u8],
    /// The id of the message (or the nonce of the call), where the scheme has one outside the
    /// body: 1 to 256 visible ASCII characters.
    pub id: &'a str,
}

/// What to add to a call so that it is signed.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Signed {
    /// Headers to set.
    pub headers: Vec<(String, String)>,
    /// Query parameters to append, not yet percent-encoded; see [`Signed::url`].
    pub query: Vec<(String, String)>,
    /// String fields to set in the body: JSON pointer and value.
    pub body_fields: Vec<(String, String)>,
}

impl Signed {
    /// The URL with the query parameters appended, its fragment left out.
    pub fn url(&self, url: &str) -> String {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let mut out = String::from(url);
        let mut separator = match url.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        for (name, value) in &self.query {
            out.push_str(separator);
            percent_encode(&mut out, name);
            out.push('=');
            percent_encode(&mut out, value);
            separator = "&";
        }
        out
    }
}

/// Leaves the unreserved characters of RFC 3986 §2.3 as they are.
fn percent_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
}

impl fmt::Debug for Signed {
    /// Shows names, not values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |list: &[(String, String)]| -> Vec<String> {
            list.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Signed")
            .field("headers", &names(&self.headers))
            .field("query", &names(&self.query))
            .field("body_fields", &names(&self.body_fields))
            .finish()
    }
}

impl Signer {
    /// Makes a scheme ready for calls to this URL.
    ///
    /// # Errors
    /// [`PrepareError`] if the URL cannot be signed over or a key is not of the scheme's kind.
    pub fn new(
        scheme: &Scheme,
        url: &str,
        secrets: Option<&Secrets>,
    ) -> Result<Self, PrepareError> {
        Ok(Self { prepared: Prepared::new(scheme, url, secrets)? })
    }

    /// Signs one call. During a rotation, a scheme whose signatures come in a list gets one of
    /// each key, the current one's first; any other gets the current key's.
    ///
    /// # Errors
    /// [`SignError`] says why not.
    pub fn sign(&self, outgoing: &Outgoing<'_>, now: UnixMillis) -> Result<Signed, SignError> {
        let ready = match &self.prepared {
            Prepared::Open => return Ok(Signed::default()),
            Prepared::Incomplete => return Err(SignError::SchemeIncomplete),
            Prepared::Signed(ready) => ready,
        };
        let recipe = &ready.recipe;
        let keys = ready.keys.as_ref().ok_or(SignError::KeyMissing)?;
        if !keys.current.can_sign() {
            return Err(SignError::KeyCannotSign);
        }
        if recipe.reads_claims() {
            return Err(SignError::Token);
        }
        if recipe.own_places().any(|place| match &place.carrier {
            Carrier::Query(_) => {
                ready.target.query.split('&').any(|pair| {
                    recipe.owns_query(pair.split_once('=').map_or(pair, |(name, _)| name))
                })
            }
            _ => false,
        }) {
            return Err(SignError::UrlHasParameter);
        }
        let mut fields = Fields { places: Vec::new() };
        let mut headers = outgoing.headers.to_vec();
        let digest_text;
        if let Some(digest) = &recipe.body_digest {
            // It is read back where the message has it: from a header of its own.
            let (Carrier::Header(name), Pick::Whole) = (&digest.at.carrier, &digest.at.pick) else {
                let parameter = Parameter::at(Role::Digest, Some(&digest.at));
                return Err(SignError::Parameter(parameter));
            };
            digest_text = digest.encoding.write(&sha256(outgoing.body));
            headers.push((name, &digest_text));
            fields.add(&digest.at, Role::Digest, digest_text.clone())?;
        }
        let call = Call {
            method: outgoing.method,
            query: &ready.target.query,
            headers: &headers,
            body: outgoing.body,
        };

        let id = match &recipe.id {
            None => None,
            Some(field) if matches!(field.at.carrier, Carrier::Body(_)) => {
                Some(from_body(&call, recipe, &field.at, Role::Id)?)
            }
            Some(field) => {
                let visible = outgoing.id.bytes().all(|byte| byte.is_ascii_graphic());
                if !visible || outgoing.id.is_empty() || outgoing.id.len() > limits::ID {
                    return Err(SignError::Id);
                }
                fields.add(&field.at, Role::Id, outgoing.id.to_string())?;
                Some(Cow::Borrowed(outgoing.id))
            }
        };
        let time = match &recipe.time {
            None => None,
            Some(field) if matches!(field.at.carrier, Carrier::Body(_)) => {
                Some(from_body(&call, recipe, &field.at, Role::Time)?)
            }
            Some(field) => {
                let text = field.format.write(match field.means {
                    TimeMeans::Expires => now.plus(ready.lifetime),
                    _ => now,
                });
                fields.add(&field.at, Role::Time, text.clone())?;
                Some(Cow::Owned(text))
            }
        };

        let mut running = keys.start(now);
        if !matches!(recipe.signature.pick, Pick::Labelled { .. }) {
            running.previous = None;
        }
        let source = Source {
            recipe,
            target: &ready.target,
            call: &call,
            time: time.as_deref().ok_or(Lack::Missing),
            id: id.as_deref().ok_or(Lack::Missing),
        };
        source.build(ready.lead, &mut running, |_, parameter, _| {
            Err(SignError::Parameter(parameter))
        })?;
        let previous = running.previous.map(super::mac::Running::finish);
        let finished = [Some(running.current.finish()), previous];
        for signature in finished.into_iter().flatten().filter_map(|one| one.write(recipe.encoding))
        {
            fields.add(&recipe.signature, Role::Signature, signature)?;
        }
        fields.assemble(outgoing.headers)
    }
}

fn from_body<'c>(
    call: &Call<'c>,
    recipe: &Recipe,
    at: &Place,
    role: Role,
) -> Result<Cow<'c, str>, SignError> {
    call.value(at, recipe.body).map_err(|_| SignError::Parameter(Parameter::at(role, Some(at))))
}

/// Values on their way into headers, parameters and body fields; several may share one.
struct Fields<'r> {
    places: Vec<(&'r Place, String)>,
}

impl<'r> Fields<'r> {
    /// Takes a value, unless it contains the separator of the pieces that it would be one of.
    fn add(&mut self, place: &'r Place, role: Role, value: String) -> Result<(), SignError> {
        let ends_early = match &place.pick {
            Pick::Index { separator, .. } | Pick::Labelled { separator, .. } => {
                value.contains(separator.as_str())
            }
            Pick::Whole | Pick::After(_) => false,
        };
        if ends_early {
            return Err(SignError::Parameter(Parameter::at(role, Some(place))));
        }
        self.places.push((place, value));
        Ok(())
    }

    fn assemble(&self, headers: &[(&str, &str)]) -> Result<Signed, SignError> {
        let mut signed = Signed::default();
        let mut done: Vec<&Carrier> = Vec::new();
        for (place, _) in &self.places {
            if done.iter().any(|carrier| carrier.is_same(&place.carrier)) {
                continue;
            }
            done.push(&place.carrier);
            let value = self.value_of(&place.carrier, headers)?;
            match &place.carrier {
                Carrier::Header(name) => signed.headers.push((name.clone(), value)),
                Carrier::Query(name) => signed.query.push((name.clone(), value)),
                Carrier::Body(pointer) => signed.body_fields.push((pointer.text.clone(), value)),
            }
        }
        Ok(signed)
    }

    /// All that one carrier holds. Pieces of an indexed value that the scheme says nothing of are
    /// taken from the header of the same name that the call already has.
    fn value_of(&self, carrier: &Carrier, headers: &[(&str, &str)]) -> Result<String, SignError> {
        let mine = || self.places.iter().filter(|(place, _)| place.carrier.is_same(carrier));
        let given = match carrier {
            Carrier::Header(name) => headers
                .iter()
                .find(|(given, _)| given.eq_ignore_ascii_case(name))
                // As it will be read: space around a value is not part of its last piece.
                .map(|(_, value)| value.trim_matches([' ', '\t'])),
            _ => None,
        };
        let mut out = String::new();
        for (place, value) in mine() {
            match &place.pick {
                Pick::Whole => out.push_str(value),
                Pick::After(prefix) => {
                    out.push_str(prefix);
                    out.push_str(value);
                }
                Pick::Labelled { separator, prefix } => {
                    if !out.is_empty() {
                        out.push_str(separator);
                    }
                    out.push_str(prefix);
                    out.push_str(value);
                }
                Pick::Index { separator, .. } => {
                    let pieces = mine().map(|(place, value)| (&place.pick, value));
                    return indexed(&pieces, separator, given).ok_or_else(|| {
                        SignError::Parameter(Parameter::at(Role::Value, Some(place)))
                    });
                }
            }
        }
        Ok(out)
    }
}

fn indexed<'v>(
    pieces: &(impl Iterator<Item = (&'v Pick, &'v String)> + Clone),
    separator: &str,
    given: Option<&str>,
) -> Option<String> {
    let index_of = |pick: &Pick| match pick {
        Pick::Index { index, .. } => Some(*index),
        _ => None,
    };
    let last = pieces.clone().filter_map(|(pick, _)| index_of(pick)).max()?;
    let mut out = String::new();
    for index in 0..=last {
        if index > 0 {
            out.push_str(separator);
        }
        let own = pieces.clone().find(|(pick, _)| index_of(pick) == Some(index));
        match own {
            Some((_, value)) => out.push_str(value),
            None => out.push_str(given?.split(separator).nth(usize::from(index))?),
        }
    }
    // The message may speak of pieces behind the last of ours.
    let behind = given.into_iter().flat_map(|given| given.split(separator));
    for piece in behind.skip(usize::from(last).saturating_add(1)) {
        out.push_str(separator);
        out.push_str(piece);
    }
    Some(out)
}

/// Why a call is not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The vendor does not say how it signs, and the tenant has not said so either.
    SchemeIncomplete,
    /// The scheme needs a key and none is set.
    KeyMissing,
    /// The key is a public one.
    KeyCannotSign,
    /// The id is empty, too long or not visible ASCII.
    Id,
    /// A value that is to be signed is not there, or contains the separator that ends it.
    Parameter(Parameter),
    /// The URL already has a query parameter that the scheme would add.
    UrlHasParameter,
    /// The scheme reads a token that its issuer makes.
    Token,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SchemeIncomplete => {
                f.write_str("the vendor's algorithm is not public: the scheme has to be completed")
            }
            Self::KeyMissing => f.write_str("the scheme needs a key and none is set"),
            Self::KeyCannotSign => f.write_str("a public key cannot sign"),
            Self::Id => write!(f, "an id is 1 to {} visible ascii characters", limits::ID),
            Self::Parameter(parameter) => write!(f, "{parameter} is missing or cannot be signed"),
            Self::UrlHasParameter => {
                f.write_str("the url already has a parameter that signing would add")
            }
            Self::Token => f.write_str("the scheme checks tokens and does not make them"),
        }
    }
}

impl core::error::Error for SignError {}

impl Coded for SignError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::SchemeIncomplete => "sign.scheme_incomplete",
            Self::KeyMissing => "sign.key_missing",
            Self::KeyCannotSign => "sign.key_cannot_sign",
            Self::Id => "sign.id",
            Self::Token => "sign.token",
            Self::Parameter(_) => "sign.parameter",
            Self::UrlHasParameter => "sign.url_has_parameter",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Id | Self::Parameter(_) => Fault::Caller,
            _ => Fault::Config,
        }
    }
}
