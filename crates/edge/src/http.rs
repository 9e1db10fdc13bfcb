//! Requests in and responses out, for the routes that people and objects call.

use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Request, Response, ResponseInit};

use crate::error::{Error, Problem, Result, Violation};
use crate::json;

/// The largest body that any route takes; a callback's limit is the same.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// An answer with a body of that type.
pub(crate) fn respond(status: u16, content_type: &str, body: &str) -> Result<Response> {
    let headers = Headers::new().map_err(Error::js)?;
    headers.set("content-type", content_type).map_err(Error::js)?;
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(Some(body), &init).map_err(Error::js)
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> Result<Response> {
    let init = ResponseInit::new();
    init.set_status(status);
    Response::new_with_opt_str_and_init(None, &init).map_err(Error::js)
}

/// A JSON answer.
pub(crate) fn json(status: u16, value: &impl Serialize) -> Result<Response> {
    respond(status, "application/json", &serde_json::to_string(value)?)
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
        document["violations"] = json::value(&problem.violations)?;
    }
    respond(problem.status, "application/problem+json", &document.to_string())
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
}

impl Incoming {
    /// What an object was sent.
    pub(crate) fn of(request: &worker::Request) -> Self {
        // The trait's clone is another handle to the same request; the inherent one would tee it.
        Self::new(Clone::clone(request.inner()))
    }

    pub(crate) fn new(raw: Request) -> Self {
        let url = raw.url();
        let authority = url.find("://").map_or(0, |at| at + 3);
        let path_at = url.get(authority..).and_then(|rest| rest.find('/'));
        let path_at = path_at.map_or(url.len(), |at| authority + at);
        let (origin, rest) = url.split_at(path_at);
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self {
            method: raw.method(),
            origin: origin.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: query.to_owned(),
            raw,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.raw.headers().get(name).ok().flatten()
    }

    /// The value of a query parameter, percent-decoded.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('=').or(Some((pair, ""))))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| percent_decode(value))
    }

    /// The body, if it is at most [`MAX_BODY`] long; refused before it is read where its length is
    /// declared.
    pub(crate) async fn body(&self) -> Result<Vec<u8>> {
        let declared = self.header("content-length").and_then(|text| text.parse::<usize>().ok());
        if declared.is_some_and(|length| length > MAX_BODY) {
            return Err(too_large().into());
        }
        if self.raw.body().is_none() {
            return Ok(Vec::new());
        }
        if declared.is_none() {
            return read_bounded(&self.raw).await;
        }
        let promise = self.raw.array_buffer().map_err(Error::js)?;
        let buffer = JsFuture::from(promise).await.map_err(Error::js)?;
        let bytes = Uint8Array::new(&buffer);
        if bytes.length() as usize > MAX_BODY {
            return Err(too_large().into());
        }
        Ok(bytes.to_vec())
    }

    /// The body as JSON of a known shape.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let body = self.body().await?;
        let body = if body.is_empty() { b"{}".to_vec() } else { body };
        json::check(&body)
            .map_err(|error| Problem::new(400, "request.not_json", error.to_string()))?;
        json::parse_bytes(&body).map_err(|error| {
            let violation = Violation::new("", "request.shape", error.to_string());
            Problem::invalid(vec![violation]).into()
        })
    }
}

fn too_large() -> Problem {
    Problem::new(413, "request.too_large", format!("a body may have at most {MAX_BODY} bytes"))
}

/// Reads a body of undeclared length, giving up as soon as it is too long.
async fn read_bounded(request: &Request) -> Result<Vec<u8>> {
    use wasm_bindgen::{JsCast, JsValue};
    let Some(stream) = request.body() else { return Ok(Vec::new()) };
    let reader: web_sys::ReadableStreamDefaultReader =
        stream.get_reader().dyn_into().map_err(|_| Error::js(JsValue::from("no reader")))?;
    let mut body = Vec::new();
    loop {
        let step = JsFuture::from(reader.read()).await.map_err(Error::js)?;
        let field = |name: &str| js_sys::Reflect::get(&step, &name.into()).unwrap_or_default();
        if field("done").is_truthy() {
            return Ok(body);
        }
        body.extend_from_slice(&crate::js::bytes_of(&field("value")));
        if body.len() > MAX_BODY {
            // The caller is told; whether the rest could be cancelled changes nothing.
            let _ = JsFuture::from(reader.cancel()).await;
            return Err(too_large().into());
        }
    }
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
