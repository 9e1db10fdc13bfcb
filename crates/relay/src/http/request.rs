//! A request, split once, with everything about it bounded.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap};
use hyper::{Method, Request, Version};
use tokio::time::timeout;

use super::answer::Problem;
use super::framing::Head;
use crate::percent::decode;

/// The longest body that any route takes; the gateway's limit is the same.
const MAX_BODY: usize = 256 * 1024;

/// What was asked for.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The parts of the path, decoded.
    pub(super) path: Vec<String>,
    /// The path as it was sent.
    pub(super) instance: String,
    query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl Call {
    /// Splits a request.
    pub(super) fn new(request: &Request<Incoming>) -> Result<Self, Problem> {
        let uri = request.uri();
        let unreadable =
            || Problem::new(400, "request.path", "the path or query is not percent-encoded UTF-8");
        // `*` and `host:port` are of methods that are not taken.
        let path = uri.path().strip_prefix('/').ok_or_else(|| Problem::not_found("route"))?;
        let path: Option<Vec<String>> = path.split('/').map(|part| decode(part, false)).collect();
        let query = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query: Option<Vec<(String, String)>> = query
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name, true)?, decode(value, true)?))
            })
            .collect();
        Ok(Self {
            method: request.method().clone(),
            path: path.ok_or_else(unreadable)?,
            instance: uri.path().to_owned(),
            query: query.ok_or_else(unreadable)?,
            headers: request.headers().clone(),
        })
    }

    /// A parameter of the query, the first of that name.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header, if it is there once and is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?.to_str().ok()?;
        if all.next().is_some() { None } else { Some(first) }
    }

    /// The bearer token (RFC 6750 §2.1).
    pub(super) fn bearer(&self) -> Option<&str> {
        let (word, token) = self.header(AUTHORIZATION.as_str())?.split_once(' ')?;
        word.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// Whether everybody reads a request alike (RFC 9112 §3.2, §6.1).
pub(super) fn judge(request: &Request<Incoming>, head: Head) -> Result<(), Problem> {
    if head.is_ambiguous() {
        let detail = "the length is given by Content-Length and by Transfer-Encoding";
        return Err(Problem::new(400, "request.length", detail));
    }
    let named = request.headers().get_all(HOST).iter().count();
    if named > 1 || named == 0 && request.version() >= Version::HTTP_11 {
        return Err(Problem::new(400, "request.host", "a request has one Host"));
    }
    Ok(())
}

/// A request's body, if it is no longer than it may be and comes in time.
pub(super) async fn body(
    mut body: Incoming,
    headers: &HeaderMap,
    within: Duration,
) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::new(413, "request.too_large", format!("a body has at most {MAX_BODY} bytes"));
    let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if said.is_some_and(|length: usize| length > MAX_BODY) {
        return Err(too_large());
    }
    let reading = async {
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let cut = || Problem::new(400, "request.cut", "the body does not come to its end");
            let Ok(data) = frame.map_err(|_| cut())?.into_data() else { continue };
            if whole.len() + data.remaining() > MAX_BODY {
                return Err(too_large());
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    };
    let late = |_| Problem::new(408, "request.timeout", "the body did not come in time");
    timeout(within, reading).await.map_err(late)?
}
