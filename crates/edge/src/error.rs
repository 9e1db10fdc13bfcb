//! What can go wrong inside the Worker, and what callers of the API are told.

use std::fmt;

use livegate_core::error::Coded;
use wasm_bindgen::JsValue;

use crate::document::document;

/// The result of anything in this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the Worker: a problem to tell a caller, or a failure of the runtime. One pointer, since
/// every result that is handed on is copied.
#[derive(Debug)]
pub(crate) struct Error(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// Told to the caller as it is.
    Problem(Problem),
    /// The runtime, a storage statement or a call between objects failed. Logged; the caller is
    /// told no more than that.
    Runtime(String),
}

impl Error {
    /// A failure of the runtime, or of what the gateway itself wrote.
    pub(crate) fn runtime(what: String) -> Self {
        Self(Box::new(Cause::Runtime(what)))
    }

    /// What JavaScript threw.
    #[expect(clippy::needless_pass_by_value, reason = "used as `map_err(Error::js)`")]
    pub(crate) fn js(thrown: JsValue) -> Self {
        let text = js_sys::Reflect::get(&thrown, &"message".into())
            .ok()
            .and_then(|message| message.as_string())
            .or_else(|| thrown.as_string());
        Self::runtime(text.unwrap_or_else(|| "an unnamed JavaScript error".to_owned()))
    }

    /// What is to be logged, if it is nothing to tell a caller.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &*self.0 {
            Cause::Runtime(what) => Some(what),
            Cause::Problem(_) => None,
        }
    }

    /// Whether somebody else was faster: to be tried again.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(&*self.0, Cause::Problem(problem) if problem.code == "request.conflict")
    }

    /// The problem that an HTTP caller is told.
    pub(crate) fn into_problem(self) -> Problem {
        match *self.0 {
            Cause::Problem(problem) => problem,
            Cause::Runtime(_) => {
                Problem::new(500, "gateway.internal", "the gateway failed; it is logged")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Problem(problem) => write!(f, "{}: {}", problem.status, problem.detail),
            Cause::Runtime(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Cause::Problem(problem)))
    }
}

impl From<worker::Error> for Error {
    fn from(error: worker::Error) -> Self {
        Self::runtime(error.to_string())
    }
}

impl From<Error> for worker::Error {
    fn from(error: Error) -> Self {
        Self::RustError(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::runtime(format!("internal JSON: {error}"))
    }
}

document! {
    /// One thing wrong with a request's body.
    #[derive(Clone, Debug)]
    pub(crate) struct Violation {
        pub(crate) path: String,
        pub(crate) code: String,
        pub(crate) detail: String,
    }
}

impl Violation {
    /// A violation of this API's own making.
    pub(crate) fn new(path: &str, code: &str, detail: impl Into<String>) -> Self {
        Self { path: path.to_owned(), code: code.to_owned(), detail: detail.into() }
    }

    /// A core error about the field at `path`.
    pub(crate) fn of(path: &str, error: &impl Coded) -> Self {
        Self::new(path, error.code().as_str(), error.to_string())
    }
}

document! {
    /// An error of the API, as RFC 9457 has it.
    #[derive(Clone, Debug)]
    pub(crate) struct Problem {
        pub(crate) status: u16,
        pub(crate) code: String,
        pub(crate) detail: String,
        pub(crate) violations: Vec<Violation> = Vec::new(),
    }
}

impl Problem {
    pub(crate) fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), detail: detail.into(), violations: Vec::new() }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "request.not_found", format!("there is no such {what}"))
    }

    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        let count = violations.len();
        let detail = if count == 1 {
            "one thing in the request is not as it should be".to_owned()
        } else {
            format!("{count} things in the request are not as they should be")
        };
        Self { violations, ..Self::new(422, "request.invalid", detail) }
    }

    /// The title that RFC 9457 §3.1.3 wants to be the same for every problem of its type.
    pub(crate) fn title(&self) -> &'static str {
        match self.status {
            400 => "The request could not be read",
            401 => "Not authorised",
            403 => "Not allowed",
            404 => "Not found",
            405 => "Method not allowed",
            409 => "In conflict with the state",
            413 => "Too large",
            415 => "Unsupported content",
            422 => "The request is not valid",
            426 => "Another protocol is needed",
            502 => "The other side failed",
            503 => "Not available now",
            _ => "The gateway failed",
        }
    }
}
