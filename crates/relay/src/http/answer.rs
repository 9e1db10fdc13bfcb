//! Answers: JSON, problems (RFC 9457), text, streams.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use livegate_core::config::Violations;
use serde_json::{Value, json};

use super::pieces::Pieces;
use super::play::Playing;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// What is left of a whole one.
    Whole(Pieces),
    /// A stream, until it ends.
    Playing(Box<Playing>),
}

impl Body {
    pub(super) fn of(text: impl Into<Bytes>) -> Self {
        Self::Whole(Pieces::from(text.into()))
    }
}

impl HyperBody for Body {
    type Data = Pieces;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(pieces) if pieces.has_remaining() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(pieces)))))
            }
            Self::Whole(_) => Poll::Ready(None),
            Self::Playing(playing) => {
                playing.poll_next(cx).map(|next| Ok(Frame::data(next?)).into())
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(pieces) if !pieces.has_remaining())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(pieces) => SizeHint::with_exact(pieces.len() as u64),
            Self::Playing(_) => SizeHint::default(),
        }
    }
}

pub(crate) type Answer = Response<Body>;

/// An answer with this body.
pub(super) fn answer(status: u16, content_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What is shown is of this moment, and nobody else's.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A JSON answer.
pub(super) fn json(status: u16, value: &Value) -> Answer {
    answer(status, "application/json", Body::of(value.to_string()))
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Answer {
    let mut answer = answer(status, "", Body::of(""));
    answer.headers_mut().remove(CONTENT_TYPE);
    answer
}

/// What went wrong, as a caller is told.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) detail: String,
    violations: Option<Value>,
    /// The methods that a route takes, of `405`.
    allowed: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), violations: None, allowed: None }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(404, "request.not_found", format!("there is no such {what}"))
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        let detail = format!("this route takes {allowed}");
        let problem = Self::new(405, "request.method_not_allowed", detail);
        Self { allowed: Some(allowed), ..problem }
    }

    pub(super) fn parameter(name: &str, detail: &str) -> Self {
        let violation = json!([{ "path": name, "code": "request.parameter", "detail": detail }]);
        Self { violations: Some(violation), ..Self::new(422, "request.invalid", ONE) }
    }

    pub(super) fn invalid(violations: &Violations) -> Self {
        let count = violations.iter().count();
        let detail = match count {
            1 => ONE.to_owned(),
            _ => format!("{count} things in the request are not as they should be"),
        };
        let violations = serde_json::to_value(violations).ok();
        Self { violations, ..Self::new(422, "request.invalid", detail) }
    }

    /// With violations of its own.
    pub(super) fn with(self, violations: Value) -> Self {
        Self { violations: Some(violations), ..self }
    }

    /// The title that RFC 9457 §3.1.3 wants to be the same for every problem of its type.
    const fn title(&self) -> &'static str {
        match self.status {
            400 => "The request could not be read",
            401 => "Not authorised",
            403 => "Not allowed",
            404 => "Not found",
            405 => "Method not allowed",
            408 => "Too slow",
            409 => "In conflict with the state",
            413 => "Too large",
            422 => "The request is not valid",
            501 => "Not supported",
            503 => "Not available now",
            _ => "The host failed",
        }
    }

    /// The answer; `instance` is the path that was asked for.
    pub(super) fn into_answer(self, instance: &str) -> Answer {
        let mut document = json!({
            "type": format!("https://livegate.dev/problems/{}", self.code),
            "title": self.title(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": instance,
        });
        if let Some(violations) = self.violations {
            document["violations"] = violations;
        }
        let body = Body::of(document.to_string());
        let mut answer = answer(self.status, "application/problem+json", body);
        if let Some(allowed) = self.allowed {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if self.status == 401 {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

const ONE: &str = "one thing in the request is not as it should be";
