//! Documents made ready for use: what the tenant configured becomes the core's checked values,
//! once a version, and every violation of it is found at once.

use livegate_core::delivery::lane::LaneConfig;
use livegate_core::delivery::schedule::Schedule;
use livegate_core::dialect::{Dialect, DialectName, RawDialect, RawGenericPaths};
use livegate_core::error::Coded;
use livegate_core::filter::Filter;
use livegate_core::scheme::{
    Builtin, CanonicalUri, Outgoing, Policy, RawScheme, Scheme, Secret, Secrets, SignError, Signer,
    Verifier,
};
use livegate_core::time::{Millis, UnixMillis};
use livegate_core::url::HttpUrl;
use livegate_core::url::egress::{EgressPolicy, check};
use serde_json::Value;
use worker::Env;

use crate::document::{self, Field, Texts, Unread};
use crate::error::Violation;
use crate::model::{Endpoint, Format, Keys, Retry, Secrecy, Signing, Source, Subscription};
use crate::notice::Place;

/// The longest span that a repetition of the same news counts as one.
const MAX_DUPLICATE_WINDOW_S: u64 = 600;

/// What the deployment lets endpoints be: addresses of this machine only in development.
pub(crate) fn egress(env: &Env) -> EgressPolicy {
    let development = crate::js::setting(env, "EGRESS") == "development";
    EgressPolicy { http: development, loopback: development }
}

/// Where relays may push to: what names no network of the deployment's own. Plain RTMP is the rule
/// there.
pub(crate) fn relay_egress(env: &Env) -> EgressPolicy {
    EgressPolicy { http: true, ..egress(env) }
}

/// A source, ready to judge calls.
pub(crate) struct Judge {
    pub(crate) verifier: Verifier,
    pub(crate) scheme: Scheme,
    pub(crate) policy: Policy,
    pub(crate) dialect: Dialect,
    /// The URL that is signed over.
    pub(crate) url: String,
}

/// Collects violations while a document is read.
#[derive(Default)]
pub(crate) struct Findings(pub(crate) Vec<Violation>);

impl Findings {
    /// The value, or one more violation at `path`.
    pub(crate) fn take<T, E: Coded>(&mut self, path: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.0.push(Violation::of(path, &error))).ok()
    }

    pub(crate) fn note(&mut self, path: &str, code: &str, detail: impl Into<String>) {
        self.0.push(Violation::new(path, code, detail));
    }

    /// A document within the document, or what is wrong with its shape.
    fn shape<T: Field>(&mut self, path: &str, code: &str, value: &Value) -> Option<T> {
        let noted = |Unread(violations)| {
            for Violation { path: inner, detail, .. } in violations {
                let dot = if inner.is_empty() { "" } else { "." };
                self.note(&[path, dot, &inner].concat(), code, detail);
            }
        };
        document::read(value.clone()).map_err(noted).ok()
    }

    /// Checks that a number is within its range.
    pub(crate) fn within(&mut self, path: &str, value: u64, range: std::ops::RangeInclusive<u64>) {
        if !range.contains(&value) {
            let detail = format!("{} to {}, not {value}", range.start(), range.end());
            self.note(path, "request.out_of_range", detail);
        }
    }
}

/// A scheme by its name, completed or defined by what the tenant wrote. `at` is where its fields
/// are: nothing, or a path with a dot behind it.
fn scheme(
    findings: &mut Findings,
    at: &str,
    name: &str,
    custom: Option<&Value>,
    canonical_uri: Option<&str>,
) -> Option<Scheme> {
    let described = custom.is_some();
    let custom = custom.and_then(|value| own_scheme(findings, at, value));
    let variant = match canonical_uri {
        None => Some(CanonicalUri::default()),
        Some(text) => CanonicalUri::from_name(text).or_else(|| {
            let names: Vec<_> = CanonicalUri::ALL.iter().map(|one| one.as_str()).collect();
            let detail = format!("one of {}", names.join(", "));
            findings.note(&format!("{at}canonical_uri"), "scheme.canonical_uri", detail);
            None
        }),
    };
    if name == "custom" {
        if !described {
            let detail = "a custom scheme is to be described";
            findings.note(&format!("{at}custom"), "scheme.custom_missing", detail);
        }
        return custom;
    }
    let Some(row) = Builtin::from_name(name) else {
        let names: Vec<_> = Builtin::ALL.iter().map(|row| row.as_str()).collect();
        let detail = format!("one of {}, custom", names.join(", "));
        findings.note(&format!("{at}scheme"), "scheme.unknown", detail);
        return None;
    };
    let scheme = row.scheme_with(variant?);
    match custom {
        Some(custom) if !scheme.is_complete() => Some(scheme.completed_by(custom)),
        Some(_) => {
            let detail = "this scheme is complete: it takes no description";
            findings.note(&format!("{at}custom"), "scheme.custom_not_used", detail);
            None
        }
        None => Some(scheme),
    }
}

/// Checks that a description completes a row.
pub(crate) fn completes(findings: &mut Findings, at: &str, row: Builtin, description: &Value) {
    let before = findings.0.len();
    scheme(findings, "", row.as_str(), Some(description), None);
    for violation in findings.0.iter_mut().skip(before) {
        violation.path = violation.path.replacen("custom", at, 1);
    }
}

fn own_scheme(findings: &mut Findings, at: &str, value: &Value) -> Option<Scheme> {
    let raw: RawScheme = findings.shape(&format!("{at}custom"), "scheme.shape", value)?;
    match Scheme::try_from(raw) {
        Ok(scheme) => Some(scheme),
        Err(error) => {
            for violation in error.violations() {
                let path = format!("{at}custom.{}", violation.path);
                findings.note(&path, violation.code.as_str(), violation.detail);
            }
            None
        }
    }
}

/// The keys of a scheme, during a rotation both.
fn secrets(findings: &mut Findings, path: &str, scheme: &Scheme, keys: &Keys) -> Option<Secrets> {
    let current = keys.current.as_deref()?;
    let current = findings.take(path, Secret::for_scheme(scheme, current))?;
    let previous = keys
        .previous
        .as_ref()
        .and_then(|(text, until)| Some((Secret::for_scheme(scheme, text).ok()?, *until)));
    Some(match previous {
        Some((previous, until)) => Secrets::rotating(current, previous, until),
        None => Secrets::new(current),
    })
}

/// A source made ready, or everything that is wrong with it.
pub(crate) fn source(source: &Source, keys: &Keys, own_url: &str) -> Result<Judge, Vec<Violation>> {
    let mut findings = Findings::default();
    name(&mut findings, &source.name);
    let scheme = scheme(
        &mut findings,
        "",
        &source.scheme,
        source.custom.as_ref(),
        source.canonical_uri.as_deref(),
    );
    let url = source.signed_url.as_deref().unwrap_or(own_url);
    findings.within("duplicate_window_s", source.duplicate_window_s, 0..=MAX_DUPLICATE_WINDOW_S);
    let dialect = dialect(&mut findings, source);
    let ready = scheme.and_then(|scheme| {
        let preset = scheme.policy();
        let policy = Policy::new(
            source.freshness_s.map_or_else(|| preset.freshness(), Millis::from_secs),
            source.skew_s.map_or_else(|| preset.skew(), Millis::from_secs),
        );
        let policy = findings.take("freshness_s", policy)?;
        let secrets = secrets(&mut findings, "key", &scheme, keys);
        let verifier = Verifier::new(&scheme, url, secrets.as_ref(), policy);
        let verifier = findings.take("signed_url", verifier)?;
        Some((verifier, scheme, policy))
    });
    match (ready, dialect) {
        (Some((verifier, scheme, policy)), Some(dialect)) if findings.0.is_empty() => {
            Ok(Judge { verifier, scheme, policy, dialect, url: url.to_owned() })
        }
        _ => Err(findings.0),
    }
}

fn name(findings: &mut Findings, name: &str) {
    if name.is_empty() || name.chars().count() > 128 || name.chars().any(char::is_control) {
        findings.note("name", "request.name", "a name has 1 to 128 characters, none of control");
    }
}

fn dialect(findings: &mut Findings, source: &Source) -> Option<Dialect> {
    let generic = match &source.generic {
        None => None,
        Some(value) => {
            Some(findings.shape::<RawGenericPaths>("generic", "dialect.shape", value)?)
        }
    };
    let Some(name) = DialectName::from_name(&source.dialect) else {
        let names: Vec<_> = DialectName::ALL.iter().map(|name| name.as_str()).collect();
        findings.note("dialect", "dialect.unknown", format!("one of {}", names.join(", ")));
        return None;
    };
    spoken(findings, name, generic, source.words.as_ref())
}

/// A dialect with what its vendor leaves undocumented.
fn spoken(
    findings: &mut Findings,
    dialect: DialectName,
    generic: Option<RawGenericPaths>,
    words: Option<&Value>,
) -> Option<Dialect> {
    let words = match words {
        None => None,
        Some(value) => {
            let Texts(words) = findings.shape("words", "dialect.shape", value)?;
            Some(words.into_iter().collect())
        }
    };
    match Dialect::try_from(RawDialect { dialect, generic, words }) {
        Ok(dialect) => Some(dialect),
        Err(error) => findings.take(error.field(), Err(error)),
    }
}

/// An endpoint, ready to be called.
pub(crate) struct Target {
    pub(crate) way: Way,
    /// What writes its vendor's bodies, if it gets such.
    pub(crate) writer: Option<Dialect>,
    pub(crate) lanes: Lanes,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Vec<(String, String)>,
}

/// How an endpoint is reached.
pub(crate) enum Way {
    /// By a signed call of a URL.
    Http(Box<(HttpUrl, Signer)>),
    /// By the Worker's own mail binding: to these.
    Email(Vec<String>),
    /// By being kept in the tenant's own notices.
    Site,
}

/// How lanes to an endpoint behave.
pub(crate) struct Lanes {
    pub(crate) ordered: LaneConfig,
    pub(crate) unordered: LaneConfig,
}

/// An endpoint made ready, or everything that is wrong with it.
pub(crate) fn endpoint(
    endpoint: &Endpoint,
    keys: &Keys,
    egress: EgressPolicy,
) -> Result<Target, Vec<Violation>> {
    let mut findings = Findings::default();
    name(&mut findings, &endpoint.name);
    findings.within("timeout_s", endpoint.timeout_s, 1..=30);
    if let Some(rate) = endpoint.rate_per_s {
        findings.within("rate_per_s", u64::from(rate), 1..=10_000);
    }
    let masks = matches!(endpoint.format, Format::CloudEvents | Format::Notice(_));
    if endpoint.secrets == Secrecy::Intact && masks {
        let detail = "secrets stay intact only in the format raw and in vendors' own";
        findings.note("secrets", "endpoint.secrets_format", detail);
    }
    headers(&mut findings, &keys.headers);
    let way = way(&mut findings, endpoint, keys, egress);
    let lanes = lanes(&mut findings, endpoint);
    let writer = match endpoint.format {
        Format::Dialect(name) => spoken(&mut findings, name, None, endpoint.words.as_ref()),
        _ if endpoint.words.is_some() => {
            let detail = "only formats of a vendor have words";
            findings.note("words", "dialect.words_not_used", detail);
            None
        }
        _ => None,
    };
    match (way, lanes) {
        (Some(way), Some(lanes)) if findings.0.is_empty() => Ok(Target {
            way,
            writer,
            lanes,
            endpoint: endpoint.clone(),
            headers: keys.headers.clone(),
        }),
        _ => Err(findings.0),
    }
}

/// How an endpoint is reached, or everything that is wrong with that.
fn way(
    findings: &mut Findings,
    endpoint: &Endpoint,
    keys: &Keys,
    egress: EgressPolicy,
) -> Option<Way> {
    let place = match endpoint.format {
        Format::Notice(place) => Some(place),
        _ => None,
    };
    if let Some(message) = &endpoint.message {
        if !place.is_some_and(Place::takes_message) {
            let detail = "only the formats mail, sms and email have a message";
            findings.note("message", "endpoint.message_not_used", detail);
        }
        let long = message.template.as_ref().is_some_and(|value| value.to_string().len() > 8192);
        if message.to.len() > 50 || long {
            let detail = "at most 50 receivers, and a template of 8 KiB";
            findings.note("message", "endpoint.message", detail);
        }
    }
    match place {
        Some(Place::Site) if endpoint.managed.is_some() => return Some(Way::Site),
        Some(Place::Site) => {
            let detail = "notices are kept where the tenant's live_notify_config says so";
            findings.note("format", "endpoint.format_managed", detail);
            return None;
        }
        Some(Place::Email) => {
            let to = endpoint.url.strip_prefix("mailto:").unwrap_or_default();
            let to: Vec<String> = to.split(',').map(|one| one.trim().to_owned()).collect();
            let fine = |one: &String| {
                one.split_once('@').is_some_and(|(local, host)| {
                    !local.is_empty()
                        && host.contains('.')
                        && one.bytes().all(|b| b.is_ascii_graphic())
                })
            };
            if to.len() > 50 || !to.iter().all(fine) {
                let detail = "for the format email: mailto: and up to 50 addresses, with commas";
                findings.note("url", "endpoint.email", detail);
                return None;
            }
            return Some(Way::Email(to));
        }
        _ => {}
    }
    let url = findings.take("url", HttpUrl::parse(&endpoint.url));
    if let Some(url) = &url {
        findings.take("url", check(url, egress));
    }
    let signer = signer(findings, endpoint, keys, url.is_some());
    Some(Way::Http(Box::new((url?, signer?))))
}

fn signer(
    findings: &mut Findings,
    endpoint: &Endpoint,
    keys: &Keys,
    url_is_fine: bool,
) -> Option<Signer> {
    let Signing { scheme: name, custom, canonical_uri } = &endpoint.signing;
    let scheme = scheme(findings, "signing.", name, custom.as_ref(), canonical_uri.as_deref())?;
    if scheme.signature_in_body() {
        let detail = "a delivery's body is sent as it is: the signature must travel beside it";
        findings.note("signing.custom.signature", "endpoint.signature_in_body", detail);
    }
    let secrets = secrets(findings, "secret", &scheme, keys);
    if scheme.needs_key() && keys.current.is_none() {
        findings.note("secret", "endpoint.secret_missing", "this scheme signs with a secret");
    }
    // What is wrong with the URL itself has been said.
    let signer = url_is_fine.then(|| Signer::new(&scheme, &endpoint.url, secrets.as_ref()))?;
    let signer = findings.take("url", signer)?;
    if scheme.needs_key() && secrets.is_none() {
        return Some(signer);
    }
    // A key that can only verify, say, shows when something is signed.
    let trial = Outgoing { method: "POST", headers: &[], body: b"{}", id: "evt_trial" };
    let signed = signer.sign(&trial, UnixMillis::from_secs(1));
    let of_the_scheme = matches!(signed, Err(SignError::Token | SignError::SchemeIncomplete));
    let at = if of_the_scheme { "signing.scheme" } else { "secret" };
    let _ = findings.take(at, signed)?;
    Some(signer)
}

fn lanes(findings: &mut Findings, endpoint: &Endpoint) -> Option<Lanes> {
    let schedule = match &endpoint.retry {
        None => Schedule::default(),
        Some(Retry { schedule_s, jitter_percent }) => {
            let delays: Vec<u32> =
                schedule_s.iter().map(|secs| u32::try_from(*secs).unwrap_or(u32::MAX)).collect();
            let jitter = jitter_percent.unwrap_or(Schedule::DEFAULT_JITTER_PERCENT);
            findings.take("retry", Schedule::from_secs(&delays, jitter))?
        }
    };
    let block = Millis::from_secs(endpoint.max_block_s);
    let ordered = findings.take("max_block_s", LaneConfig::ordered(schedule.clone(), block))?;
    let unordered = LaneConfig::unordered(schedule, LaneConfig::DEFAULT_IN_FLIGHT);
    Some(Lanes { ordered, unordered: findings.take("retry", unordered)? })
}

/// An endpoint's own headers: tokens and visible text (RFC 9110 §5.1, §5.5), none that the gateway
/// or the runtime sets.
fn headers(findings: &mut Findings, headers: &[(String, String)]) {
    const TAKEN: &[&str] = &[
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "proxy-connection",
    ];
    if headers.len() > 20 {
        findings.note("headers", "endpoint.headers", "at most 20 headers");
    }
    for (name, value) in headers {
        let token = !name.is_empty()
            && name.len() <= 128
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let lower = name.to_ascii_lowercase();
        let taken = TAKEN.contains(&lower.as_str())
            || lower.starts_with("webhook-")
            || lower.starts_with("x-hw-mss-")
            || lower.starts_with("cf-");
        let path = format!("headers.{}", if token { name } else { "?" });
        if !token {
            findings.note(&path, "endpoint.header_name", "a header's name is a token");
        } else if taken {
            findings.note(&path, "endpoint.header_taken", "the gateway or the runtime sets this");
        }
        let visible = value.len() <= 1024
            && value.bytes().all(|b| b == b' ' || b == b'\t' || b.is_ascii_graphic());
        if !visible {
            let detail = "a header's value is visible ASCII, at most 1024 characters";
            findings.note(&path, "endpoint.header_value", detail);
        }
    }
}

/// A subscription's filter, or everything that is wrong with the subscription.
pub(crate) fn subscription(subscription: &Subscription) -> Result<Filter, Vec<Violation>> {
    let mut findings = Findings::default();
    if let Some(text) = &subscription.name {
        name(&mut findings, text);
    }
    let filter = match &subscription.filter {
        Value::Null => "{}".to_owned(),
        other => other.to_string(),
    };
    match Filter::parse(&filter) {
        Ok(filter) if findings.0.is_empty() => Ok(filter),
        Ok(_) => Err(findings.0),
        Err(violations) => {
            for violation in violations {
                let path = format!("filter{}", dotted(&violation.path));
                findings.0.push(Violation::of(&path, &violation.error));
            }
            Err(findings.0)
        }
    }
}

/// A JSON pointer (RFC 6901) in the way that this API writes paths: a dot before each step.
fn dotted(pointer: &str) -> String {
    pointer.replace('/', ".").replace("~1", "/").replace("~0", "~")
}
