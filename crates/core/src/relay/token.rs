//! Tokens: who may publish or watch where, until when, signed.
//!
//! A publish token is `lgp1.CLAIMS.MAC`, a play token `lgv1.CLAIMS.MAC`: the MAC is over the first part
//! too, so that neither is ever the other. CLAIMS is base64url without padding (RFC 4648 §5) of five lines:
//! application, channel, user, expiry in Unix seconds, sources. MAC is the same of HMAC-SHA256
//! (RFC 2104) over what stands before it. Nothing of the claims is read before the MAC is
//! known to be right. docs/spec/relay.md §7 is the same for those who make tokens elsewhere.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Code, Coded, Fault};
use crate::layout::Picture;
use crate::scheme::{Secret, Secrets};
use crate::time::UnixMillis;

mod sealed {
    /// What a token's holder may do.
    pub trait Right {
        /// What such a token begins with. Another form would have another number.
        const PREFIX: &'static str;
    }
}

use sealed::Right;

/// The right to publish.
#[derive(Clone, Copy, Debug)]
pub enum Publish {}

/// The right to watch.
#[derive(Clone, Copy, Debug)]
pub enum Play {}

impl Right for Publish {
    const PREFIX: &'static str = "lgp1.";
}

impl Right for Play {
    const PREFIX: &'static str = "lgv1.";
}

/// The keys of publish tokens.
pub type PublishKeys = Keys<Publish>;

/// The keys of play tokens. They may be the same as those of publish tokens.
pub type PlayKeys = Keys<Play>;

/// The longest token: three names of [`MAX_NAME`] bytes fit.
pub const MAX_TOKEN: usize = 1_200;

/// The longest name in a token.
pub const MAX_NAME: usize = 255;

/// The least that a key has: the size of the MAC (RFC 2104 §3).
pub const MIN_KEY: usize = 32;

/// What stands for any channel or any user.
const ANY: &str = "*";

/// Who may publish what, where, until when; or whose stream may be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// The application.
    pub app: String,
    /// The channel; `None` for any of the application.
    pub channel: Option<String>,
    /// The user; `None` for any.
    pub user: Option<String>,
    /// From when on it does not count any more; whole seconds.
    pub expires_at: UnixMillis,
    /// The camera, the screen, or both.
    pub sources: Sources,
}

impl Claims {
    /// Anybody and any channel of an application, until then. Parts of a second do not count.
    pub fn new(app: &str, expires_at: UnixMillis) -> Self {
        Self {
            app: String::from(app),
            channel: None,
            user: None,
            expires_at: UnixMillis::from_secs(expires_at.as_secs()),
            sources: Sources::Any,
        }
    }

    /// Whether they allow what somebody wants.
    ///
    /// # Errors
    /// What they are not for: [`TokenError::App`], `Channel`, `User`, `Source`.
    pub fn allow(&self, wish: Wish<'_>) -> Result<(), TokenError> {
        let is_other = |allowed: &Option<String>, wished: &str| {
            allowed.as_deref().is_some_and(|allowed| allowed != wished)
        };
        if self.app != wish.app {
            return Err(TokenError::App);
        }
        if is_other(&self.channel, wish.channel) {
            return Err(TokenError::Channel);
        }
        if is_other(&self.user, wish.user) {
            return Err(TokenError::User);
        }
        if self.sources.admit(wish.picture) { Ok(()) } else { Err(TokenError::Source) }
    }
}

/// Which pictures may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// Either.
    Any,
    /// This one alone.
    Only(Picture),
}

impl Sources {
    /// Its name, as in a token: `camera`, `screen` or `*`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => ANY,
            Self::Only(picture) => picture.as_str(),
        }
    }

    /// That of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            ANY => Some(Self::Any),
            _ => Picture::from_name(name).map(Self::Only),
        }
    }

    fn admit(self, picture: Picture) -> bool {
        self == Self::Any || self == Self::Only(picture)
    }
}

/// What somebody wants to publish or watch: the parts of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish<'w> {
    /// The application.
    pub app: &'w str,
    /// The channel.
    pub channel: &'w str,
    /// The user.
    pub user: &'w str,
    /// What of.
    pub picture: Picture,
}

/// Why a token does not let somebody in, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// There is none.
    Missing,
    /// It is not written as a token is.
    Malformed,
    /// It is signed by no key that counts.
    Mismatch,
    /// Its time is over.
    Expired,
    /// It is for another application.
    App,
    /// It is for another channel.
    Channel,
    /// It is for another user.
    User,
    /// It is for another source.
    Source,
    /// A name is empty, too long, or has a character that no name has.
    Name,
    /// A key is too short, or of a kind that cannot be used.
    Key,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no token",
            Self::Malformed => "the token is not written as one",
            Self::Mismatch => "the token is not signed by this host's key",
            Self::Expired => "the token's time is over",
            Self::App => "the token is for another application",
            Self::Channel => "the token is for another channel",
            Self::User => "the token is for another user",
            Self::Source => "the token is for another source",
            Self::Name => {
                "a name in a token has 1 to 255 bytes, no control characters, and is not `*`"
            }
            Self::Key => "a key of tokens has at least 32 bytes",
        })
    }
}

impl core::error::Error for TokenError {}

impl Coded for TokenError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Missing => "ingest.token_missing",
            Self::Malformed => "ingest.token_malformed",
            Self::Mismatch => "ingest.token_mismatch",
            Self::Expired => "ingest.token_expired",
            Self::App => "ingest.token_app",
            Self::Channel => "ingest.token_channel",
            Self::User => "ingest.token_user",
            Self::Source => "ingest.token_source",
            Self::Name => "ingest.token_name",
            Self::Key => "ingest.token_key",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Key => Fault::Config,
            _ => Fault::Caller,
        }
    }
}

/// The key of tokens, and during a rotation the one before it.
pub struct Keys<R> {
    current: Hmac<Sha256>,
    previous: Option<(Hmac<Sha256>, UnixMillis)>,
    right: PhantomData<R>,
}

/// Not derived: a right has nothing to clone.
impl<R> Clone for Keys<R> {
    fn clone(&self) -> Self {
        let Self { current, previous, right } = self;
        Self { current: current.clone(), previous: previous.clone(), right: *right }
    }
}

impl<R: Right> Keys<R> {
    /// Takes keys of at least [`MIN_KEY`] bytes.
    ///
    /// # Errors
    /// [`TokenError::Key`] for one that is shorter, or is not a shared key.
    pub fn new(secrets: &Secrets) -> Result<Self, TokenError> {
        let (current, previous) = secrets.both();
        let previous = previous.map(|(key, until)| Ok((ready(key)?, until)));
        Ok(Self { current: ready(current)?, previous: previous.transpose()?, right: PhantomData })
    }

    /// Makes a token, with the current key.
    ///
    /// # Errors
    /// [`TokenError::Name`].
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let expiry = claims.expires_at.as_secs().to_string();
        let name = |name: &Option<String>| match name.as_deref() {
            None => Ok(String::from(ANY)),
            // It would say something else.
            Some(ANY) => Err(TokenError::Name),
            Some(name) => Ok(String::from(name)),
        };
        let (channel, user) = (name(&claims.channel)?, name(&claims.user)?);
        for name in [&claims.app, &channel, &user] {
            if !is_name(name) || claims.app == ANY {
                return Err(TokenError::Name);
            }
        }
        let lines = [&claims.app, &channel, &user, &expiry, claims.sources.as_str()].join("\n");
        let mut token = String::from(R::PREFIX);
        token.push_str(&Base64UrlUnpadded::encode_string(lines.as_bytes()));
        let mac = self.current.clone().chain_update(token.as_bytes()).finalize().into_bytes();
        token.push('.');
        token.push_str(&Base64UrlUnpadded::encode_string(&mac));
        Ok(token)
    }

    /// Reads a token that somebody comes with, and says what it allows.
    ///
    /// How long comparing the MAC takes depends on nothing but its size, and both keys are tried.
    ///
    /// # Errors
    /// [`TokenError`]. To the caller each is the same refusal; the code is for the log.
    pub fn verify(
        &self,
        token: &str,
        wish: Wish<'_>,
        now: UnixMillis,
    ) -> Result<Claims, TokenError> {
        let claims = self.open(token, now)?;
        claims.allow(wish)?;
        Ok(claims)
    }

    /// Reads a token, whatever it allows.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(&self, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        let claims = token.strip_prefix(R::PREFIX).filter(|_| token.len() <= MAX_TOKEN);
        let (claims, mac) =
            claims.and_then(|rest| rest.split_once('.')).ok_or(TokenError::Malformed)?;
        let mut buffer = [0; MIN_KEY];
        let mac = Base64UrlUnpadded::decode(mac, &mut buffer).map_err(|_| TokenError::Malformed)?;
        // What is signed, prefix included, is what stands before the last dot.
        let signed = R::PREFIX.len().saturating_add(claims.len());
        let signed = token.as_bytes().get(..signed).ok_or(TokenError::Malformed)?;
        let is_by = |key: &Hmac<Sha256>| key.clone().chain_update(signed).verify_slice(mac).is_ok();
        let by_current = is_by(&self.current);
        let by_previous =
            self.previous.as_ref().is_some_and(|(key, until)| is_by(key) && now < *until);
        if !by_current && !by_previous {
            return Err(TokenError::Mismatch);
        }
        let claims = read(claims).ok_or(TokenError::Malformed)?;
        if now >= claims.expires_at { Err(TokenError::Expired) } else { Ok(claims) }
    }
}

impl<R> fmt::Debug for Keys<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(<key>)")
    }
}

fn ready(secret: &Secret) -> Result<Hmac<Sha256>, TokenError> {
    let key = secret.shared().filter(|key| key.len() >= MIN_KEY).ok_or(TokenError::Key)?;
    Hmac::new_from_slice(key).map_err(|_| TokenError::Key)
}

fn read(claims: &str) -> Option<Claims> {
    let bytes = Base64UrlUnpadded::decode_vec(claims).ok()?;
    let text = core::str::from_utf8(&bytes).ok()?;
    let lines: Vec<&str> = text.split('\n').collect();
    let [app, channel, user, expiry, sources] = *lines.as_slice() else { return None };
    if ![app, channel, user].into_iter().all(is_name) {
        return None;
    }
    if !expiry.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let name = |name: &str| (name != ANY).then(|| String::from(name));
    Some(Claims {
        app: String::from(app),
        channel: name(channel),
        user: name(user),
        expires_at: UnixMillis::from_secs(expiry.parse().ok()?),
        sources: Sources::from_name(sources)?,
    })
}

/// Whether a name can stand in a token, and in an address.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{Claims, PlayKeys, PublishKeys, Sources, TokenError, Wish};
    use crate::error::Coded;
    use crate::layout::Picture;
    use crate::scheme::{KeyForm, Secret, Secrets};
    use crate::time::{Millis, UnixMillis};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::borrow::ToOwned;
    use std::format;
    use std::string::String;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";
    /// 2024-09-10 00:30:00Z.
    const EXPIRY: u64 = 1_725_928_200;

    fn secret(text: &str) -> Secret {
        Secret::parse(KeyForm::Text, text).unwrap()
    }

    fn keys() -> PublishKeys {
        PublishKeys::new(&Secrets::new(secret(KEY))).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            app: "live".to_owned(),
            channel: Some("room1".to_owned()),
            user: Some("ann".to_owned()),
            expires_at: UnixMillis::from_secs(EXPIRY),
            sources: Sources::Any,
        }
    }

    const WISH: Wish<'static> =
        Wish { app: "live", channel: "room1", user: "ann", picture: Picture::Camera };

    const BEFORE: UnixMillis = UnixMillis(EXPIRY * 1_000 - 1);

    /// Made by openssl 3.0 and coreutils:
    /// `C=$(printf 'live\nroom1\nann\n1725928200\n*' | basenc --base64url -w0 | tr -d =)`,
    /// `printf "lgp1.$C" | openssl dgst -sha256 -hmac KEY -binary | basenc --base64url | tr -d =`.
    const TOKEN: &str =
        "lgp1.bGl2ZQpyb29tMQphbm4KMTcyNTkyODIwMAoq.ncfslvgaKs6TDygHmq7miXqQrTRwMzOfmPYFi1-9sp8";

    #[test]
    fn is_what_other_tools_make() {
        assert_eq!(keys().sign(&claims()).as_deref(), Ok(TOKEN));
        assert_eq!(keys().verify(TOKEN, WISH, BEFORE), Ok(claims()));
    }

    #[test]
    fn who_may_watch_may_not_publish() {
        // As above, with `lgv1` for `lgp1`.
        const WATCH: &str =
            "lgv1.bGl2ZQpyb29tMQphbm4KMTcyNTkyODIwMAoq.K2TMhMgvOxxOqJlZDLyq9UleYGFAzyVffbU--7q5RC4";
        let watching = PlayKeys::new(&Secrets::new(secret(KEY))).unwrap();
        assert_eq!(watching.sign(&claims()).as_deref(), Ok(WATCH));
        assert_eq!(watching.verify(WATCH, WISH, BEFORE), Ok(claims()));
        assert_eq!(keys().verify(WATCH, WISH, BEFORE), Err(TokenError::Malformed));
        let renamed = WATCH.replacen("lgv1", "lgp1", 1);
        assert_eq!(keys().verify(&renamed, WISH, BEFORE), Err(TokenError::Mismatch));
        assert_eq!(watching.open(TOKEN, BEFORE), Err(TokenError::Malformed));
    }

    #[test]
    fn counts_until_its_time() {
        let on_time = UnixMillis::from_secs(EXPIRY);
        assert_eq!(keys().verify(TOKEN, WISH, on_time), Err(TokenError::Expired));
    }

    #[test]
    fn allows_what_it_says_and_nothing_else() {
        let verify = |wish| keys().verify(TOKEN, wish, BEFORE).err();
        assert_eq!(verify(Wish { app: "other", ..WISH }), Some(TokenError::App));
        assert_eq!(verify(Wish { channel: "room", ..WISH }), Some(TokenError::Channel));
        assert_eq!(verify(Wish { user: "Ann", ..WISH }), Some(TokenError::User));
        let screen = Claims { sources: Sources::Only(Picture::Screen), ..claims() };
        let token = keys().sign(&screen).unwrap();
        assert_eq!(keys().verify(&token, WISH, BEFORE), Err(TokenError::Source));
        let wish = Wish { picture: Picture::Screen, ..WISH };
        assert_eq!(keys().verify(&token, wish, BEFORE), Ok(screen));
        let anybody = Claims { channel: None, user: None, ..claims() };
        let token = keys().sign(&anybody).unwrap();
        let wish = Wish { channel: "x", user: "y", ..WISH };
        assert_eq!(keys().verify(&token, wish, BEFORE), Ok(anybody));
    }

    #[test]
    fn what_is_not_a_token_is_named() {
        let open = |token: &str| keys().open(token, BEFORE).err();
        assert_eq!(open(""), Some(TokenError::Missing));
        let long = format!("lgp1.{}", "A".repeat(1_200));
        let (start, mac) = TOKEN.rsplit_once('.').unwrap();
        let padded = format!("{TOKEN}=");
        let other = TOKEN.replacen("lgp1", "lgp2", 1);
        let short = format!("{start}.{}", &mac[..42]);
        for bad in ["x", "lgp1.", "lgp1.abc", start, &long, &padded, &other, &short] {
            let refused = open(bad);
            assert!(refused == Some(TokenError::Malformed) || bad == short, "{bad}");
            assert!(refused.is_some(), "{bad}");
        }
        assert_eq!(open(&format!("lgp1.AAAA.{mac}")), Some(TokenError::Mismatch));
    }

    #[test]
    fn two_keys_count_during_a_rotation() {
        let until = BEFORE.minus(Millis(1_000));
        let rotating = Secrets::rotating(secret(OTHER), secret(KEY), until);
        let rotating = PublishKeys::new(&rotating).unwrap();
        assert_eq!(rotating.open(TOKEN, until.minus(Millis(1))), Ok(claims()));
        assert_eq!(rotating.open(TOKEN, until), Err(TokenError::Mismatch));
        let fresh = rotating.sign(&claims()).unwrap();
        assert_ne!(fresh, TOKEN);
        assert_eq!(rotating.open(&fresh, BEFORE), Ok(claims()));
        assert_eq!(keys().open(&fresh, BEFORE), Err(TokenError::Mismatch));
    }

    #[test]
    fn no_key_that_is_short_or_public_is_taken() {
        let public = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let public = Secret::parse(KeyForm::Ed25519, public).unwrap();
        for bad in [secret(&KEY[..31]), public] {
            assert_eq!(PublishKeys::new(&Secrets::new(bad)).err(), Some(TokenError::Key));
        }
        assert_eq!(format!("{:?}", keys()), "Keys(<key>)");
    }

    #[test]
    fn names_that_could_say_something_else_are_refused() {
        let long = "n".repeat(256);
        for bad in ["", "a\nb", "\u{7f}", "*", &long] {
            let claims = Claims { user: Some(String::from(bad)), ..claims() };
            assert_eq!(keys().sign(&claims), Err(TokenError::Name), "{bad:?}");
        }
        let longest = "n".repeat(255);
        let claims = Claims {
            app: longest.clone(),
            channel: Some(longest.clone()),
            user: Some(longest),
            ..claims()
        };
        let token = keys().sign(&claims).unwrap();
        assert_eq!(keys().open(&token, BEFORE), Ok(claims));
        assert!(TokenError::Name.code().is_well_formed());
    }

    proptest! {
        #[test]
        fn no_other_bytes_are_the_same_token(place in any::<proptest::sample::Index>(), with: u8) {
            let mut bytes = TOKEN.as_bytes().to_vec();
            let place = place.index(bytes.len());
            let with = with & 0x7f;
            if bytes[place] != with {
                bytes[place] = with;
                let forged = String::from_utf8(bytes).unwrap();
                prop_assert!(keys().open(&forged, BEFORE).is_err());
            }
        }

        #[test]
        fn reads_what_it_wrote(app in "[a-z][ -~é]{0,40}", user in "[!-)+-~]{1,40}", secs in EXPIRY..) {
            let claims = Claims {
                app, user: Some(user), channel: None, sources: Sources::Only(Picture::Camera),
                expires_at: UnixMillis::from_secs(secs.min(u64::MAX / 1_000)),
            };
            let token = keys().sign(&claims).unwrap();
            prop_assert_eq!(keys().open(&token, BEFORE), Ok(claims));
        }
    }
}
