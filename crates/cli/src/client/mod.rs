//! The gateway's API over HTTP, blocking.

pub(crate) mod sse;

use std::fmt::Write as _;
use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{Request, Response};
use ureq::{Agent, Body, Proxy};

use crate::args::Args;
use crate::failure::{Exit, Failure};
use crate::settings::{Settings, is_loopback};

/// The largest answer that is read; a page of 200 events with bodies is well below.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;
/// A tail says something at least every 15 s; three silences in a row are a lost connection.
const TAIL_SILENCE: Duration = Duration::from_secs(45);

/// An answer of the API.
pub(crate) struct Answer {
    /// The body as it came: what `--json` prints.
    pub(crate) text: String,
    /// The body as JSON; null if there was none.
    pub(crate) json: Value,
}

/// A page or all pages of a list.
pub(crate) struct Listing {
    /// The items.
    pub(crate) items: Vec<Value>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// A client of one gateway.
pub(crate) struct Client {
    agent: Agent,
    settings: Settings,
}

/// Parameters of a query, not yet percent-encoded.
pub(crate) type Query<'a> = &'a [(&'a str, String)];

impl Client {
    /// A client with the settings that the command line and the environment give.
    pub(crate) fn of(args: &Args) -> Result<Self, Failure> {
        let settings = Settings::of(args)?;
        let agent = agent(&settings.url, Duration::from_mins(1));
        Ok(Self { agent, settings })
    }

    /// The gateway's address.
    pub(crate) fn url(&self) -> &str {
        &self.settings.url
    }

    /// Reads. `doing` begins the message if it fails, e.g. `cannot list the sources`.
    pub(crate) fn get(&self, doing: &str, path: &str, query: Query<'_>) -> Result<Answer, Failure> {
        self.call(doing, "GET", path, query, None)
    }

    /// Makes or does something.
    pub(crate) fn post(&self, doing: &str, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.call(doing, "POST", path, &[], Some(body))
    }

    /// Changes some fields.
    pub(crate) fn patch(&self, doing: &str, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.call(doing, "PATCH", path, &[], Some(body))
    }

    /// Removes.
    pub(crate) fn delete(&self, doing: &str, path: &str) -> Result<Answer, Failure> {
        self.call(doing, "DELETE", path, &[], None)
    }

    /// One page from `cursor`, or every page.
    pub(crate) fn list(
        &self,
        doing: &str,
        path: &str,
        query: Query<'_>,
        every_page: bool,
    ) -> Result<Listing, Failure> {
        let mut query = query.to_vec();
        let mut all = Listing { items: Vec::new(), next: None };
        loop {
            let mut page = self.get(doing, path, &query)?.json;
            let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
                return Err(Failure::failed(format!("{doing}: the answer is not a list")));
            };
            all.items.extend(items);
            all.next = page.get("next").and_then(Value::as_str).map(str::to_owned);
            match &all.next {
                Some(next) if every_page => {
                    query.retain(|(name, _)| *name != "cursor");
                    query.push(("cursor", next.clone()));
                }
                _ => return Ok(all),
            }
        }
    }

    /// The object of that id or name, from the list at `path`; ids begin with `prefix`, or without
    /// one are digits alone.
    pub(crate) fn find(&self, path: &str, prefix: &str, wanted: &str) -> Result<Value, Failure> {
        let doing = format!("cannot find `{wanted}`");
        if is_id(prefix, wanted) {
            let path = format!("{path}/{}", segment(wanted));
            return Ok(self.get(&doing, &path, &[])?.json);
        }
        let all = self.list(&doing, path, &[("limit", "200".to_owned())], true)?.items;
        let mut named = all.into_iter().filter(|item| item["name"] == wanted);
        match (named.next(), named.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => {
                let begins = if prefix.is_empty() { "a digit" } else { prefix };
                Err(Failure::failed(format!("{doing}: several have that name"))
                    .next(format!("give the id, which begins with {begins}")))
            }
            (None, _) => Err(Failure::failed(format!("{doing}: nothing has that id or name"))),
        }
    }

    /// Like [`find`](Self::find), but only the id; one that looks like an id is not looked up.
    pub(crate) fn id_of(&self, path: &str, prefix: &str, wanted: &str) -> Result<String, Failure> {
        if is_id(prefix, wanted) {
            return Ok(wanted.to_owned());
        }
        let found = self.find(path, prefix, wanted)?;
        found["id"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::failed(format!("`{wanted}` came without an id")))
    }

    /// Opens a tail; the reader ends with an error when the gateway falls silent.
    pub(crate) fn tail(
        &self,
        query: Query<'_>,
        last_event_id: Option<&str>,
    ) -> Result<(impl Read + use<>, Option<Duration>), TailFailure> {
        let mut request = self.request("GET", "/api/v1/tail", query);
        request = request.header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request
            .body(())
            .map_err(|error| TailFailure::Fatal(Failure::failed(format!("cannot ask: {error}"))))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(None)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_per_read(Some(TAIL_SILENCE))
            .build();
        let response =
            self.agent.run(request).map_err(|error| TailFailure::Passing(explain(&error), None))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        if status == 200 {
            let kind = header(&response, "content-type");
            if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
                let what = "the answer is not an event stream";
                return Err(TailFailure::Fatal(Failure::failed(what)));
            }
            return Ok((response.into_body().into_reader(), retry_after));
        }
        let body = read_text(response).unwrap_or_default();
        let failure = Failure::from_answer("cannot listen", status, &body);
        if status == 429 || status >= 500 {
            return Err(TailFailure::Passing(
                format!("the gateway answered {status}"),
                retry_after,
            ));
        }
        Err(TailFailure::Fatal(failure))
    }

    fn request(&self, method: &str, path: &str, query: Query<'_>) -> ureq::http::request::Builder {
        let mut url = format!("{}{path}", self.settings.url);
        for (index, (name, value)) in query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            let _ = write!(url, "{mark}{}={}", segment(name), segment(value));
        }
        let mut request = Request::builder().method(method).uri(url);
        if let Some(token) = &self.settings.token {
            request = request.header("authorization", token.bearer());
        }
        if let Some(tenant) = &self.settings.tenant {
            request = request.header("livegate-tenant", tenant);
        }
        request
    }

    fn call(
        &self,
        doing: &str,
        method: &str,
        path: &str,
        query: Query<'_>,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, query);
        let unsendable = |error| Failure::failed(format!("{doing}: cannot ask: {error}"));
        let response = match body {
            Some(body) => {
                let request = request
                    .header("content-type", "application/json")
                    .body(body.to_string())
                    .map_err(unsendable)?;
                self.agent.run(request)
            }
            None => self.agent.run(request.body(()).map_err(unsendable)?),
        };
        let response = response.map_err(|error| self.unreachable(doing, &error))?;
        let status = response.status().as_u16();
        let text = read_text(response).map_err(|error| self.unreachable(doing, &error))?;
        if !(200..300).contains(&status) {
            let failure = Failure::from_answer(doing, status, &text);
            return Err(match (&self.settings.token, status) {
                (None, 401) => failure.point("no token was given, and none was found in --data"),
                (Some(token), 401) => {
                    failure.point(format!("the token came from {}", token.origin))
                }
                _ => failure,
            });
        }
        let json = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)
                .map_err(|_| Failure::failed(format!("{doing}: the answer is not JSON")))?
        };
        Ok(Answer { text, json })
    }

    fn unreachable(&self, doing: &str, error: &ureq::Error) -> Failure {
        let what = format!("{doing}: {} at {}", explain(error), self.settings.url);
        Failure::new(Exit::Unreachable, what)
            .next("start the gateway with `make run`, or name another with --url or LIVEGATE_URL")
    }
}

/// Why a tail could not be opened.
pub(crate) enum TailFailure {
    /// It may work later: why, and when the gateway asks to be tried again.
    Passing(String, Option<Duration>),
    /// Trying again would not help.
    Fatal(Failure),
}

/// An agent that follows no redirects and treats every status as an answer.
pub(crate) fn agent(url: &str, limit: Duration) -> Agent {
    let proxy = if is_loopback(url) { None } else { Proxy::try_from_env() };
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(limit))
        .user_agent(concat!("livegate/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy)
        .build()
        .new_agent()
}

/// The body as text; bytes that are not UTF-8 are replaced.
pub(crate) fn read_text(response: Response<Body>) -> Result<String, ureq::Error> {
    let bytes = response.into_body().into_with_config().limit(MAX_ANSWER).read_to_vec()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), at most a minute.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds: u64 = header(response, "retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(60)))
}

/// A transport error in a few plain words.
pub(crate) fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            std::io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
            std::io::ErrorKind::UnexpectedEof => "connection closed".to_owned(),
            _ => error.to_string(),
        },
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "no such host".to_owned(),
        other => other.to_string(),
    }
}

/// Whether it is an id and no name.
fn is_id(prefix: &str, wanted: &str) -> bool {
    if prefix.is_empty() {
        return !wanted.is_empty() && wanted.bytes().all(|b| b.is_ascii_digit());
    }
    wanted.starts_with(prefix)
}

/// A text as one segment of a path or one part of a query: everything but RFC 3986's unreserved
/// characters (§2.3) percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A listing as `--json` prints it.
impl Listing {
    /// `{"items":[…],"next":…}`.
    pub(crate) fn to_json(&self) -> Value {
        json!({"items": self.items, "next": self.next})
    }
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn reserved_characters_and_wide_ones_are_encoded() {
        // Expected: Python urllib.parse.quote(TEXT, safe='').
        assert_eq!(segment("a-b_c.d~e"), "a-b_c.d~e");
        assert_eq!(segment("a/b?c=d&e f%"), "a%2Fb%3Fc%3Dd%26e%20f%25");
        assert_eq!(segment("段"), "%E6%AE%B5");
    }
}
