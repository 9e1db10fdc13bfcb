//! Requests in and responses out, for the routes that people and objects call.

use js_sys::{Promise, Uint8Array};
use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response};

use crate::document::{self, Field, Unread};
use crate::error::{Error, Problem, Result};
use crate::json;

/// The largest body that any route takes; a callback's limit is the same.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// The largest message between objects: a document as it was sent, and as it is shown.
const MAX_MESSAGE: usize = 1 << 20;

#[wasm_bindgen(module = "/src/platform.js")]
extern "C" {
    fn head(request: &Request) -> String;
    fn header(request: &Request, name: &str) -> Option<String>;
    fn headers(request: &Request) -> String;
    fn read(request: &Request, most: f64) -> Promise;
    #[wasm_bindgen(catch, js_name = respond)]
    fn make_response(
        status: u16,
        content_type: Option<&str>,
        body: Option<&str>,
    ) -> Result<Response, JsValue>;
}

/// An answer with a body of that type.
pub(crate) fn respond(status: u16, content_type: &str, body: &str) -> Result<Response> {
    make_response(status, Some(content_type), Some(body)).map_err(Error::js)
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> Result<Response> {
    make_response(status, None, None).map_err(Error::js)
}

/// A JSON answer.
pub(crate) fn json(status: u16, value: &Value) -> Result<Response> {
    respond(status, "application/json", &json::text(value))
}

/// An RFC 9457 answer.
pub(crate) fn problem(problem: &Problem, instance: &str) -> Result<Response> {
    let mut document = serde_json::json!({
        "type": format!("https://livegate.dev/problems/{}", problem.code),
        "title": problem.title(),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": instance,
    });
    if !problem.violations.is_empty() {
        document["violations"] = problem.violations.write();
    }
    respond(problem.status, "application/problem+json", &json::text(&document))
}

/// A request, split once.
pub(crate) struct Incoming {
    pub(crate) raw: Request,
    pub(crate) method: String,
    /// Scheme and authority, e.g. `https://gate.example`.
    pub(crate) origin: String,
    /// The path, still percent-encoded.
    pub(crate) path: String,
    /// The query without its `?`, still percent-encoded; empty if there is none.
    pub(crate) query: String,
    /// How long a body may be.
    most: usize,
}

impl Incoming {
    /// What an object was sent.
    pub(crate) fn of(request: &worker::Request) -> Self {
        // The trait's clone is another handle to the same request; the inherent one would tee it.
        Self { most: MAX_MESSAGE, ..Self::new(Clone::clone(request.inner())) }
    }

    pub(crate) fn new(raw: Request) -> Self {
        let head = head(&raw);
        let (method, url) = head.split_once(' ').unwrap_or_default();
        let authority = url.find("://").map_or(0, |at| at + 3);
        let path_at = url.get(authority..).and_then(|rest| rest.find('/'));
        let path_at = path_at.map_or(url.len(), |at| authority + at);
        let (origin, rest) = url.split_at(path_at);
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self {
            method: method.to_owned(),
            origin: origin.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: query.to_owned(),
            most: MAX_BODY,
            raw,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        header(&self.raw, name)
    }

    /// Every header, with `host` as the caller wrote it.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let all = headers(&self.raw);
        let mut lines = all.split('\n').map(str::to_owned);
        let mut pairs = Vec::new();
        while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
            pairs.push((name, value));
        }
        if !pairs.iter().any(|(name, _)| name == "host") {
            let host = self.origin.split_once("://").map_or("", |(_, host)| host);
            pairs.push(("host".to_owned(), host.to_owned()));
        }
        pairs
    }

    /// The value of a query parameter, percent-decoded.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('=').or(Some((pair, ""))))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| percent_decode(value))
    }

    /// The body, if it is no longer than it may be; refused before it is read where its length is
    /// declared.
    pub(crate) async fn body(&self) -> Result<Vec<u8>> {
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
        let body = JsFuture::from(read(&self.raw, self.most as f64)).await.map_err(Error::js)?;
        if body.is_null() {
            return Err(too_large().into());
        }
        Ok(body.unchecked_into::<Uint8Array>().to_vec())
    }

    /// The body as JSON of a known shape.
    pub(crate) async fn json<T: Field>(&self) -> Result<T> {
        let value = self.value();
        document::read(value.await?)
            .map_err(|Unread(violations)| Problem::invalid(violations).into())
    }

    /// The body as JSON; without one, an empty object.
    async fn value(&self) -> Result<Value> {
        let body = self.body().await?;
        let body = if body.is_empty() { b"{}" } else { body.as_slice() };
        json::parse_bytes(body)
            .map_err(|error| Problem::new(400, "request.not_json", error.to_string()).into())
    }
}

fn too_large() -> Problem {
    Problem::new(413, "request.too_large", format!("a body may have at most {MAX_BODY} bytes"))
}

/// Percent-decoding of a query value; what is not valid UTF-8 afterwards is replaced.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => {
                let ahead = rest.as_slice();
                let pair = ahead.get(..2).and_then(|pair| {
                    let mut one = [0];
                    hex::decode_to_slice(pair, &mut one).ok().map(|()| one[0])
                });
                if pair.is_some() {
                    rest.next();
                    rest.next();
                }
                pair.unwrap_or(b'%')
            }
            other => other,
        };
        bytes.push(decoded);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
