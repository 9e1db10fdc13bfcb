//! Who may do what on a host that runs alone: its file of credentials, read and checked as a whole.
//!
//! docs/relay-host.md §2 has the fields. A person writes the file, so a field that is not known is a
//! violation. Of the API's tokens and of customers' secrets only hashes are kept.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::ingest::Duplicate;
use super::token::{MAX_NAME, MIN_KEY, PlayKeys, PublishKeys, TokenError, Wish, is_name};
use crate::config::table::{
    Chars, Form, Http, Kind, Object, Rest, Row, Shape, Walk, items, may, must, part, placed, read,
    text, texts,
};
use crate::config::{Problem, Violations, named};
use crate::dialect::Secrecy;
use crate::id::token_hash;
use crate::scheme::{Builtin, KeyForm, Secret, Secrets};
use crate::time::UnixMillis;
use crate::url::HttpUrl;

/// The most bytes of a file.
pub const MAX_FILE: usize = 1024 * 1024;

/// The most applications of a host.
pub const MAX_APPLICATIONS: usize = 1_000;

/// The fewest characters of a token of the API: who guesses has no chance.
pub const MIN_TOKEN_CHARS: usize = 32;

const ANY_ORIGIN: &str = "*";

named! {
    /// Who is let in.
    pub enum Access {
        /// Everybody. The default.
        Open = "open",
        /// Who has a token.
        Token = "token",
    }
}

named! {
    /// In whose format state events are told.
    pub enum CallbackFormat {
        /// livegate's own, signed by Standard Webhooks. The default.
        Livegate = "livegate",
        /// `MetaStudio`'s, signed by `MSS_A_HEAD`.
        Metastudio = "metastudio",
        /// ARTC's. What it signs and how is not public, so it is not signed.
        Alibaba = "alibaba",
    }
}

named! {
    /// Whether stream keys are masked in what is told.
    pub enum CallbackSecrets {
        /// They are. The default.
        Masked = "masked",
        /// They are not.
        Intact = "intact",
    }
}

impl From<CallbackSecrets> for Secrecy {
    fn from(secrets: CallbackSecrets) -> Self {
        match secrets {
            CallbackSecrets::Masked => Self::Masked,
            CallbackSecrets::Intact => Self::Intact,
        }
    }
}

impl CallbackFormat {
    /// What it is signed by.
    pub const fn scheme(self) -> Builtin {
        match self {
            Self::Livegate => Builtin::StandardWebhooks,
            Self::Metastudio => Builtin::MssAHead,
            Self::Alibaba => Builtin::None,
        }
    }
}

const KEY: Kind = Kind::Text { max: 512, of: Chars::Any };

const fn object(rows: &'static [Row]) -> Shape {
    Shape { rows, also: None, rest: Rest::Refused }
}

const APPLICATION: Shape = object(&[
    must("app", Kind::Text { max: MAX_NAME, of: Chars::Any }),
    must("publish_keys", Kind::List { min: 1, max: 2, of: &KEY }),
    may("play", Kind::Name(Access::NAMES)),
    may("duplicate", Kind::Name(Duplicate::NAMES)),
    may(
        "jocloud",
        Kind::Object(&object(&[must("customer_id", KEY), must("customer_secret", KEY)])),
    ),
    may(
        "callback",
        Kind::Object(&object(&[
            must("url", Kind::Address { max: 2048, http: Http::Allowed }),
            may("format", Kind::Name(CallbackFormat::NAMES)),
            may("secret", KEY),
            may("secrets", Kind::Name(CallbackSecrets::NAMES)),
        ])),
    ),
]);

const FILE: Shape = object(&[
    may("api_tokens", Kind::List { min: 0, max: 16, of: &KEY }),
    may("metrics", Kind::Name(Access::NAMES)),
    may(
        "play_origins",
        Kind::List { min: 0, max: 64, of: &Kind::Text { max: 255, of: Chars::Any } },
    ),
    must(
        "applications",
        Kind::List { min: 0, max: MAX_APPLICATIONS, of: &Kind::Object(&APPLICATION) },
    ),
]);

/// Who may do what. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    api_tokens: Vec<String>,
    play_origins: Vec<String>,
    applications: BTreeMap<String, Application>,
    /// Who may read the metrics.
    pub metrics: Access,
}

/// One application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Application {
    /// Whose tokens publishers need.
    pub publish: PublishKeys,
    /// Whose tokens viewers need; `None` where everybody may watch.
    pub play: Option<PlayKeys>,
    /// What becomes of a second publisher of the same picture.
    pub duplicate: Duplicate,
    /// Where state events are told.
    pub callback: Option<Callback>,
    jocloud: Option<Customer>,
}

/// A customer of Jocloud's API.
#[derive(Clone, Debug)]
struct Customer {
    id: String,
    secret_hash: String,
}

/// Where state events are told, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Callback {
    /// Where. Whether it may be called is another question: see [`crate::url::egress::check`].
    pub url: HttpUrl,
    /// In whose format.
    pub format: CallbackFormat,
    /// The key, of the form that [`CallbackFormat::scheme`] has.
    pub secret: Option<Secret>,
    /// Whether stream keys are masked.
    pub secrets: CallbackSecrets,
}

/// Nobody may do anything, but read the metrics.
impl Default for Credentials {
    fn default() -> Self {
        Self {
            api_tokens: Vec::new(),
            play_origins: Vec::from([ANY_ORIGIN.to_owned()]),
            applications: BTreeMap::new(),
            metrics: Access::Open,
        }
    }
}

impl Credentials {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Violations`]: all of them. They tell nothing of a secret.
    pub fn from_json(file: &[u8]) -> Result<Self, Violations> {
        let sent = read(file, MAX_FILE)?;
        let mut walk = Walk::new(Form::Json);
        let kept = walk.object(&FILE, sent);
        for (index, token) in placed(&kept, "api_tokens") {
            if token.chars().count() < MIN_TOKEN_CHARS {
                let problem = Problem::TooShort { least: MIN_TOKEN_CHARS };
                walk.report_item("api_tokens", index, problem);
            }
        }
        for (index, origin) in placed(&kept, "play_origins") {
            if !is_origin(origin) {
                let allowed = "`*`, or a scheme, a host and perhaps a port";
                walk.report_item("play_origins", index, Problem::Characters { allowed });
            }
        }
        let mut applications = BTreeMap::new();
        for (index, sent) in items(&kept, "applications").iter().enumerate() {
            let Some(sent) = sent.as_object() else { continue };
            let at = format!("applications[{index}]");
            let Some(application) = Application::read(sent, &at, &mut walk) else { continue };
            let app = text(sent, "app").unwrap_or_default();
            if applications.insert(app.to_owned(), application).is_some() {
                walk.report(&format!("{at}.app"), Problem::Duplicate);
            }
        }
        let origins = match kept.get("play_origins") {
            Some(_) => texts(&kept, "play_origins").map(str::to_owned).collect(),
            None => Vec::from([ANY_ORIGIN.to_owned()]),
        };
        walk.settle(Self {
            api_tokens: texts(&kept, "api_tokens").map(token_hash).collect(),
            play_origins: origins,
            applications,
            metrics: name(&kept, "metrics", Access::from_name, Access::Open),
        })
    }

    /// Whether a token is one of the API's. Hashes are compared, so that time tells nothing of it.
    pub fn admit(&self, token: &str) -> bool {
        let hash = token_hash(token);
        self.api_tokens.contains(&hash)
    }

    /// One application.
    pub fn application(&self, app: &str) -> Option<&Application> {
        self.applications.get(app)
    }

    /// Every application, by name.
    pub fn applications(&self) -> impl Iterator<Item = (&str, &Application)> {
        self.applications.iter().map(|(app, application)| (&**app, application))
    }

    /// The applications of a customer of Jocloud's API, if the secret is the customer's.
    pub fn customer(&self, id: &str, secret: &str) -> Option<Vec<&str>> {
        let hash = token_hash(secret);
        let is_its = |customer: &Customer| customer.id == id && customer.secret_hash == hash;
        let all = self.applications();
        let own = all.filter(|(_, application)| application.jocloud.as_ref().is_some_and(is_its));
        let own: Vec<_> = own.map(|(app, _)| app).collect();
        if own.is_empty() { None } else { Some(own) }
    }

    /// What `Access-Control-Allow-Origin` says to pages of that origin; `None` if they may not
    /// play.
    pub fn play_origin<'a>(&'a self, origin: &'a str) -> Option<&'a str> {
        if self.play_origins.iter().any(|one| one == ANY_ORIGIN) {
            return Some(ANY_ORIGIN);
        }
        self.play_origins.iter().any(|one| one == origin).then_some(origin)
    }
}

impl Application {
    /// Whose stream somebody may watch: that of the user who was asked for, else of the token's; `None`
    /// for anybody's. The wish's user is who was asked for, or empty.
    ///
    /// # Errors
    /// [`TokenError`], of an application that wants tokens.
    pub fn admit_viewer(
        &self,
        token: &str,
        wish: Wish<'_>,
        now: UnixMillis,
    ) -> Result<Option<String>, TokenError> {
        let asked = Some(wish.user).filter(|user| !user.is_empty()).map(str::to_owned);
        let Some(keys) = &self.play else { return Ok(asked) };
        let claims = keys.open(token, now)?;
        let user = asked.or_else(|| claims.user.clone());
        claims.allow(Wish { user: user.as_deref().unwrap_or(""), ..wish })?;
        Ok(user)
    }

    /// Reads one that is at this path; `None` where something is wrong with it.
    fn read(sent: &Object, at: &str, walk: &mut Walk) -> Option<Self> {
        let path = |name: &str| format!("{at}.{name}");
        let app = text(sent, "app");
        if app.is_some_and(|app| !is_name(app) || app.contains('/') || app == "*") {
            let allowed = "characters that are no controls and no `/`, and is not `*`";
            walk.report(&path("app"), Problem::Characters { allowed });
        }
        let mut keys = Vec::new();
        for (index, key) in placed(sent, "publish_keys") {
            if key.len() < MIN_KEY {
                let path = format!("{at}.publish_keys[{index}]");
                walk.report(&path, Problem::Token(TokenError::Key));
            }
            keys.extend(Secret::parse(KeyForm::Text, key));
        }
        let mut keys = keys.into_iter();
        let secrets = match (keys.next()?, keys.next()) {
            (current, None) => Secrets::new(current),
            // It counts until it is taken out of the file.
            (current, Some(before)) => Secrets::rotating(current, before, UnixMillis(u64::MAX)),
        };
        let jocloud = part(sent, "jocloud");
        if jocloud.is_some() && app.is_some_and(|app| !is_appid(app)) {
            walk.report(&path("app"), Problem::Characters { allowed: "the digits of an appid" });
        }
        let callback = part(sent, "callback");
        Some(Self {
            publish: PublishKeys::new(&secrets).ok()?,
            play: match name(sent, "play", Access::from_name, Access::Open) {
                Access::Open => None,
                Access::Token => Some(PlayKeys::new(&secrets).ok()?),
            },
            duplicate: name(sent, "duplicate", Duplicate::from_name, Duplicate::Refuse),
            callback: callback.and_then(|sent| Callback::read(sent, &path("callback"), walk)),
            jocloud: jocloud.and_then(|sent| {
                let secret_hash = token_hash(text(sent, "customer_secret")?);
                Some(Customer { id: text(sent, "customer_id")?.to_owned(), secret_hash })
            }),
        })
    }
}

impl Callback {
    fn read(sent: &Object, at: &str, walk: &mut Walk) -> Option<Self> {
        let format = name(sent, "format", CallbackFormat::from_name, CallbackFormat::Livegate);
        let scheme = format.scheme().scheme();
        let path = format!("{at}.secret");
        let secret = text(sent, "secret").map(|text| Secret::for_scheme(&scheme, text));
        match &secret {
            None if scheme.needs_key() => walk.missing(&path, None),
            Some(Err(problem)) => walk.report(&path, Problem::Secret(*problem)),
            _ => {}
        }
        let secret = secret.transpose().ok()?;
        let url = HttpUrl::parse(text(sent, "url")?).ok()?;
        let secrets = name(sent, "secrets", CallbackSecrets::from_name, CallbackSecrets::Masked);
        Some(Self { url, format, secret, secrets })
    }
}

/// A name of a field that may be left out.
fn name<T>(sent: &Object, field: &str, of: fn(&str) -> Option<T>, default: T) -> T {
    sent.get(field).and_then(Value::as_str).and_then(of).unwrap_or(default)
}

/// Whether it is what a browser sends as `Origin` (RFC 6454 §6.2), or stands for any.
fn is_origin(text: &str) -> bool {
    let url = HttpUrl::parse(text);
    text == ANY_ORIGIN || url.is_ok_and(|url| url.path().is_empty() && url.query().is_none())
}

/// Whether it is an application's id as Jocloud writes it.
fn is_appid(app: &str) -> bool {
    app.parse::<u64>().is_ok_and(|id| id < i64::MAX.unsigned_abs() && app == format!("{id}"))
}

#[cfg(test)]
mod tests {
    use super::{Access, CallbackFormat, Credentials};
    use crate::layout::Picture;
    use crate::relay::ingest::Duplicate;
    use crate::relay::token::{Claims, Wish};
    use crate::time::UnixMillis;
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    /// One rule for whoever watches, whatever over.
    #[test]
    fn a_viewer_gets_whom_the_token_lets_and_nobody_else() {
        let file = format!(
            r#"{{"applications":[{{"app":"shut","publish_keys":["{KEY}"],"play":"token"}},
                {{"app":"open","publish_keys":["{KEY}"]}}]}}"#
        );
        let credentials = read(&file);
        let (shut, open) = (credentials.application("shut"), credentials.application("open"));
        let (shut, open) = (shut.unwrap(), open.unwrap());
        let now = UnixMillis(1_700_000_000_000);
        let watch = |user: Option<&str>, asked: &str| {
            let mut claims = Claims::new("shut", UnixMillis(now.0 + 60_000));
            claims.user = user.map(String::from);
            let token = shut.play.as_ref().unwrap().sign(&claims).unwrap();
            let (app, channel, picture) = ("shut", "room", Picture::Camera);
            let wish = Wish { app, channel, user: asked, picture };
            shut.admit_viewer(&token, wish, now).ok()
        };
        assert_eq!(watch(Some("main"), ""), Some(Some("main".to_string())));
        assert_eq!(watch(Some("ann"), "ann"), Some(Some("ann".to_string())));
        assert_eq!(watch(Some("main"), "ann"), None);
        assert_eq!(watch(None, "ann"), Some(Some("ann".to_string())));
        assert_eq!(watch(None, ""), Some(None));
        let wish = Wish { app: "open", channel: "room", user: "", picture: Picture::Camera };
        assert_eq!(open.admit_viewer("", wish, now), Ok(None));
        assert!(shut.admit_viewer("", Wish { app: "shut", ..wish }, now).is_err());
    }

    fn read(file: &str) -> Credentials {
        Credentials::from_json(file.as_bytes()).unwrap()
    }

    /// What is wrong, as `path code`.
    fn wrong(file: &str) -> Vec<String> {
        let found = Credentials::from_json(file.as_bytes()).unwrap_err();
        found.iter().map(|one| format!("{} {}", one.path, one.code().as_str())).collect()
    }

    #[test]
    fn the_least_file_opens_nothing_but_play() {
        let file =
            read(&format!(r#"{{"applications":[{{"app":"live","publish_keys":["{KEY}"]}}]}}"#));
        let live = file.application("live").unwrap();
        assert!(live.play.is_none() && live.callback.is_none());
        assert_eq!(live.duplicate, Duplicate::Refuse);
        assert_eq!(file.metrics, Access::Open);
        assert_eq!(file.play_origin("https://a.example"), Some("*"));
        assert!(!file.admit(""));
        assert!(file.application("other").is_none());
        assert_eq!(file.customer("", ""), None);
    }

    #[test]
    fn a_whole_file_is_read() {
        let file = read(&format!(
            r#"{{"api_tokens":["{KEY}"],"metrics":"token","play_origins":["https://a.example"],
            "applications":[{{"app":"2371","publish_keys":["{KEY}","{OTHER}"],"play":"token",
              "duplicate":"replace","jocloud":{{"customer_id":"c1","customer_secret":"s3cr3t"}},
              "callback":{{"url":"https://hooks.example/a","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}}},
            {{"app":"2372","publish_keys":["{KEY}"],
              "jocloud":{{"customer_id":"c1","customer_secret":"s3cr3t"}}}}]}}"#
        ));
        assert!(file.admit(KEY) && !file.admit(OTHER));
        assert_eq!(file.metrics, Access::Token);
        assert_eq!(file.play_origin("https://a.example"), Some("https://a.example"));
        assert_eq!(file.play_origin("https://b.example"), None);
        assert_eq!(file.customer("c1", "s3cr3t"), Some(Vec::from(["2371", "2372"])));
        assert_eq!(file.customer("c1", "other"), None);
        let one = file.application("2371").unwrap();
        assert_eq!(one.duplicate, Duplicate::Replace);
        let callback = one.callback.as_ref().unwrap();
        assert_eq!(callback.format, CallbackFormat::Livegate);
        assert!(callback.secret.is_some());
        // Both keys count, for both kinds of tokens.
        let old = read(&format!(
            r#"{{"applications":[{{"app":"2371","publish_keys":["{OTHER}"],"play":"token"}}]}}"#
        ));
        let old = old.application("2371").unwrap();
        let claims = Claims::new("2371", UnixMillis(9_000));
        let wish = Wish { app: "2371", channel: "c", user: "u", picture: Picture::Camera };
        let token = old.publish.sign(&claims).unwrap();
        assert_eq!(one.publish.verify(&token, wish, UnixMillis(8_999)), Ok(claims.clone()));
        let token = old.play.as_ref().unwrap().sign(&claims).unwrap();
        assert_eq!(one.play.as_ref().unwrap().verify(&token, wish, UnixMillis(8_999)), Ok(claims));
        // Nothing of a key is shown.
        let shown = format!("{file:?}");
        for secret in [KEY, OTHER, "s3cr3t", "MfKQ9r8G"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let file = r#"{"api_tokens":["short"],"play_origins":["https://a.example/page"],"metric":"open",
            "applications":[
              {"app":"a/b","publish_keys":["short"],"play":"closed"},
              {"app":"live","publish_keys":[],"jocloud":{"customer_id":"c"}},
              {"app":"live","publish_keys":["0123456789abcdef0123456789abcdef"],
               "jocloud":{"customer_id":"c","customer_secret":"s"},
               "callback":{"url":"ftp://a","format":"metastudio"}},
              {"app":"7","publish_keys":["0123456789abcdef0123456789abcdef"],
               "callback":{"url":"https://a.example","secret":"whsec_AAAA"}},
              {"app":"7","publish_keys":["0123456789abcdef0123456789abcdef"]}]}"#;
        assert_eq!(
            wrong(file),
            [
                "applications[0].play config.unknown_value",
                "applications[1].publish_keys config.wrong_count",
                "applications[1].jocloud.customer_secret config.missing",
                "applications[2].callback.url url.scheme",
                "metric config.unknown_field",
                "api_tokens[0] config.too_short",
                "play_origins[0] config.characters",
                "applications[0].app config.characters",
                "applications[0].publish_keys[0] ingest.token_key",
                "applications[2].app config.characters",
                "applications[2].callback.secret config.missing",
                "applications[3].callback.secret sign.key_size",
                "applications[4].app config.duplicate",
            ]
        );
        assert_eq!(wrong("[]"), [" config.wrong_type"]);
        assert_eq!(wrong("{}"), ["applications config.missing"]);
        assert_eq!(wrong("x"), [" config.not_json"]);
    }

    #[test]
    fn what_is_wrong_tells_no_secret() {
        let file = r#"{"api_tokens":["hunter2"],"applications":[{"app":"a","publish_keys":["hunter3"],
            "callback":{"url":"https://a.example","secret":"hunter4"}}]}"#;
        let found = Credentials::from_json(file.as_bytes()).unwrap_err();
        let told: String = found.iter().map(crate::config::Violation::detail).collect();
        assert!(!told.contains("hunter") && !found.to_string().contains("hunter"), "{told}");
    }
}
