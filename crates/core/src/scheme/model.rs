//! A signature scheme as data, checked.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::raw::RawScheme;

/// How a vendor signs its calls: which algorithm over which message, how the result is written
/// and where it travels.
///
/// Made from a [`RawScheme`] (also by serde, from JSON) or taken from the table of
/// [`Builtin`](super::Builtin) rows. A value of this type is consistent: what it reads is signed,
/// and nothing in it exceeds the limits of [`limits`](super::limits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawScheme", into = "RawScheme")]
pub struct Scheme {
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) policy: Policy,
}

impl Scheme {
    /// The scheme's name, e.g. `MSS_A_HEAD`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is known how to sign: `false` only for a row that the tenant has yet to
    /// complete.
    pub fn is_complete(&self) -> bool {
        !matches!(self.rule, Rule::Incomplete)
    }

    /// The algorithm; none where nothing is signed or the scheme is incomplete.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.recipe().map(|recipe| recipe.algorithm)
    }

    /// Whether a key is needed to verify or sign.
    pub fn needs_key(&self) -> bool {
        self.recipe().is_some()
    }

    /// Whether the whole raw body is part of what is signed, itself or its digest. Where it is
    /// not, a call's body is only as trustworthy as the channel it came through.
    pub fn covers_body(&self) -> bool {
        self.recipe().is_some_and(|recipe| {
            recipe.message.contains(&Part::Body) || recipe.body_digest.is_some()
        })
    }

    /// Whether calls carry a time, so that old ones can be refused.
    pub fn has_time(&self) -> bool {
        self.recipe().is_some_and(|recipe| recipe.time.is_some())
    }

    /// Whether the signature is a field of the body, so that signing changes what is sent.
    pub fn signature_in_body(&self) -> bool {
        self.recipe().is_some_and(|recipe| matches!(recipe.signature.carrier, Carrier::Body(_)))
    }

    /// What the id of a call stands for; none where calls carry no id.
    pub fn id_kind(&self) -> Option<IdKind> {
        self.recipe().and_then(|recipe| recipe.id.as_ref()).map(|id| id.kind)
    }

    /// How fresh a call must be unless whoever receives it says otherwise.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// An incomplete scheme's name with the rules of `custom`: how a tenant completes a row. A
    /// scheme that is complete stays as it is, and one that signs nothing completes nothing.
    #[must_use]
    pub fn completed_by(self, custom: Self) -> Self {
        match (&self.rule, &custom.rule) {
            (Rule::Incomplete, Rule::Signed(_)) => Self { name: self.name, ..custom },
            _ => self,
        }
    }

    /// The headers that verification reads, each once, as they are written in the scheme. A shell
    /// needs to hand in (and a record of a refused call needs to keep) no others.
    pub fn header_names(&self) -> Vec<&str> {
        self.names(|carrier| match carrier {
            Carrier::Header(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a header of that name carries signature, time, id or digest, and no list of pieces
    /// with commas between them: a comma in it then comes of a header that was there twice.
    pub fn takes_no_comma(&self, header: &str) -> bool {
        let of_it = |place: &&Place| matches!(&place.carrier, Carrier::Header(name) if name.eq_ignore_ascii_case(header));
        let has_comma = |place: &Place| match &place.pick {
            Pick::Whole | Pick::After(_) => false,
            Pick::Index { separator, .. } | Pick::Labelled { separator, .. } => {
                separator.contains(',')
            }
        };
        let mut own =
            self.recipe().into_iter().flat_map(Recipe::own_places).filter(of_it).peekable();
        own.peek().is_some() && !own.any(has_comma)
    }

    /// The query parameters that verification reads, each once.
    pub fn query_names(&self) -> Vec<&str> {
        self.names(|carrier| match carrier {
            Carrier::Query(name) => Some(name.as_str()),
            _ => None,
        })
    }

    pub(super) fn recipe(&self) -> Option<&Recipe> {
        match &self.rule {
            Rule::Signed(recipe) => Some(recipe),
            Rule::Open | Rule::Incomplete => None,
        }
    }

    fn names<'a>(&'a self, wanted: impl Fn(&'a Carrier) -> Option<&'a str>) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        let Some(recipe) = self.recipe() else {
            return names;
        };
        for place in recipe.places() {
            let known = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
            if let Some(name) = wanted(&place.carrier).filter(|name| !known(name)) {
                names.push(name);
            }
        }
        names
    }
}

/// What a scheme asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing is signed.
    Open,
    /// How to sign is not known; the tenant has to say.
    Incomplete,
    /// Calls are signed so.
    Signed(Box<Recipe>),
}

/// How a message is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) algorithm: Algorithm,
    pub(super) encoding: Encoding,
    pub(super) key: KeyForm,
    pub(super) message: Vec<Part>,
    pub(super) signature: Place,
    pub(super) time: Option<TimeField>,
    pub(super) id: Option<IdField>,
    pub(super) body_digest: Option<Digest>,
    pub(super) body: BodyForm,
}

impl Recipe {
    /// The places of this scheme's own parameters.
    pub(super) fn own_places(&self) -> impl Iterator<Item = &Place> {
        let id = self.id.as_ref().map(|id| &id.at);
        let time = self.time.as_ref().map(|time| &time.at);
        let digest = self.body_digest.as_ref().map(|digest| &digest.at);
        let own = id.into_iter().chain(time).chain(digest);
        own.chain(core::iter::once(&self.signature))
    }

    /// Whether something is a claim of a token. Such a scheme verifies what others issue.
    pub(super) fn reads_claims(&self) -> bool {
        self.own_places().any(|place| place.claim.is_some())
    }

    /// Every place that is read.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        let values = self.message.iter().flat_map(|part| match part {
            Part::Sorted { values, .. } => values.as_slice(),
            other => core::slice::from_ref(other),
        });
        self.own_places().chain(values.filter_map(|part| match part {
            Part::Value(place) => Some(place),
            _ => None,
        }))
    }

    /// Whether a query parameter of that name carries the signature, the time or the id.
    pub(super) fn owns_query(&self, raw_name: &str) -> bool {
        self.own_places().any(|place| match &place.carrier {
            Carrier::Query(name) => super::call::query_name_is(raw_name, name),
            _ => false,
        })
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one of them, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name that a [`RawScheme`] uses.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// How the signature is computed from key and message.
    Algorithm {
        /// HMAC (RFC 2104 §2) with SHA-256.
        HmacSha256 = "hmac-sha256",
        /// HMAC (RFC 2104 §2) with SHA-1.
        HmacSha1 = "hmac-sha1",
        /// SHA-256 of a message that has the key as a part. Where the key comes first and the
        /// last part's length is free, whoever has seen one signature can extend the message
        /// (a property of the construction; RFC 2104 §6): use it only where a vendor does.
        Sha256 = "sha256",
        /// SHA-1 of a message that has the key as a part; see [`Algorithm::Sha256`].
        Sha1 = "sha1",
        /// MD5 of a message that has the key as a part; see [`Algorithm::Sha256`].
        Md5 = "md5",
        /// Ed25519 (RFC 8032 §5.1).
        Ed25519 = "ed25519",
    }
}

impl Algorithm {
    /// The signature's size in bytes: 16 to 64.
    pub const fn signature_len(self) -> usize {
        match self {
            Self::HmacSha256 | Self::Sha256 => 32,
            Self::HmacSha1 | Self::Sha1 => 20,
            Self::Md5 => 16,
            Self::Ed25519 => 64,
        }
    }

    /// Whether the key is a part of the message, not a parameter of the algorithm.
    pub const fn takes_key_in_message(self) -> bool {
        matches!(self, Self::Sha256 | Self::Sha1 | Self::Md5)
    }
}

named! {
    /// How the signature's bytes are written.
    Encoding {
        /// Hex, lower case when signing; either case is read.
        Hex = "hex",
        /// Hex, upper case when signing; either case is read.
        HexUpper = "hex-upper",
        /// Base64 with padding (RFC 4648 §4).
        Base64 = "base64",
        /// URL-safe base64 without padding (RFC 4648 §5), as JSON Web Tokens have it.
        Base64Url = "base64url",
    }
}

named! {
    /// How a key is written where people handle it.
    KeyForm {
        /// The text's UTF-8 bytes are the key.
        Text = "text",
        /// Hex.
        Hex = "hex",
        /// Base64 with padding (RFC 4648 §4).
        Base64 = "base64",
        /// Standard Webhooks 1.0.0, "Signature scheme": base64 of 24 to 64 bytes, with or
        /// without `whsec_` before it.
        Whsec = "whsec",
        /// Standard Webhooks 1.0.0, "Signature scheme": `whsk_` or `whpk_` and the base64 of an
        /// Ed25519 private or public key.
        Ed25519 = "ed25519",
    }
}

named! {
    /// How a call's time is written.
    TimeFormat {
        /// Seconds since 1970 in hex, 1 to 16 digits; written in lower case, read in either.
        HexSeconds = "hex-seconds",
        /// Seconds since 1970 in decimal, 1 to 20 digits.
        Seconds = "seconds",
        /// Milliseconds since 1970 in decimal, 1 to 20 digits.
        Millis = "millis",
        /// A date and time of RFC 3339 §5.6.
        Rfc3339 = "rfc3339",
    }
}

named! {
    /// What a call's time says.
    TimeMeans {
        /// When it was signed.
        Signed = "signed",
        /// Until when it counts. It may lie as far ahead as a call may be old.
        Expires = "expires",
    }
}

named! {
    /// What a call's id stands for, so what its second appearance means.
    IdKind {
        /// One message, however often it is sent: the second call is a repetition.
        Message = "message",
        /// One call: the second call is a replay.
        Call = "call",
    }
}

named! {
    /// What the body is, where single fields are read from it.
    BodyForm {
        /// JSON (RFC 8259).
        Json = "json",
        /// JSON, percent-encoded (RFC 3986 §2.1) as a whole, or JSON as it is.
        PercentEncodedJson = "percent-encoded-json",
    }
}

/// One part of the message that is signed; parts are joined with nothing between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    /// The key itself.
    Key,
    /// The method, as it was handed in.
    Method,
    /// Host (and port, if the URL has one) of the configured URL, as written.
    Host,
    /// Host of the configured URL, as written.
    HostWithoutPort,
    /// Path of the configured URL, as written.
    Path,
    /// `?` and the configured URL's query sorted by name, without the scheme's own parameters;
    /// nothing if none is left.
    SortedQuery,
    /// The same of the query that came with the call.
    ReceivedQuery,
    /// The configured URL as written, without fragment and the scheme's own parameters.
    Url,
    /// The raw body.
    Body,
    /// The time, as it travelled.
    Time,
    /// The id, as it travelled.
    Id,
    /// Something else that travels with the call.
    Value(Place),
    /// Values in ascending order of their bytes, the separator between them.
    Sorted {
        separator: String,
        values: Vec<Self>,
    },
}

impl Part {
    /// Whether the part is the same in every call, given the configured URL.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(
            self,
            Self::Literal(_)
                | Self::Host
                | Self::HostWithoutPort
                | Self::Path
                | Self::SortedQuery
                | Self::Url
        )
    }
}

/// Where something travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) carrier: Carrier,
    pub(super) pick: Pick,
    /// The piece is JSON in URL-safe base64 (RFC 7515 §3), and this names a value in it.
    pub(super) claim: Option<Pointer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Header(String),
    Query(String),
    Body(Pointer),
}

impl Carrier {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(a), Self::Header(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        }
    }
}

/// Which piece of the carrier's value is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// All of it.
    Whole,
    /// What follows this prefix, e.g. `sha256=`.
    After(String),
    /// The piece at this place (from 0) between separators.
    Index { separator: String, index: u8 },
    /// Of the pieces between separators, what follows this prefix, e.g. `v1,`.
    Labelled { separator: String, prefix: String },
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) text: String,
    pub(super) tokens: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeField {
    pub(super) at: Place,
    pub(super) format: TimeFormat,
    pub(super) means: TimeMeans,
}

/// The SHA-256 of the body, as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) at: Place,
    pub(super) encoding: Encoding,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdField {
    pub(super) at: Place,
    pub(super) kind: IdKind,
}
