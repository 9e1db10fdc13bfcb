//! A call of the vendor's API, whoever takes it: which operation it is, and what it is answered.
//!
//! What the vendor answers is documented for a sibling alone: `{code, message, traceId}`, 0 for
//! success; codes of failures here are the HTTP statuses.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::{Value, json};

use crate::config::Violations;

/// How many tasks of a sort an application may have.
pub const MAX_TASKS: u32 = 200;

/// The longest trace id that is repeated, in characters.
const LONGEST_TRACE: usize = 128;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `startrtmp`: a task is to start, or to change.
    Start,
    /// `stoprtmp`: one is to stop.
    Stop,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There are no credentials, or they do not count.
    Unauthorized,
    /// There is no such operation.
    NotFound,
    /// It is asked for by another method than `POST`.
    Method,
    /// The application in the path is not the caller's.
    OtherApp,
    /// The body has another application than the path.
    OtherBody,
    /// The body cannot be read: an HTTP status, and why.
    Unread {
        /// Its HTTP status.
        status: u16,
        /// Why.
        detail: String,
    },
    /// The body is not as it should be.
    Invalid(Violations),
    /// An address may not be pushed to from here.
    Forbidden,
    /// An address is another task's, or rests.
    Address {
        /// Which, counted from 0.
        index: usize,
    },
    /// The application has as many tasks as it may.
    Quota,
    /// There is no such task.
    NoTask,
    /// It cannot be done here, such as mixing.
    Unsupported,
    /// It could not be done. The log has the reason.
    Internal,
    /// It is done, and not on disk: a restart of the host before it is undoes it.
    Unkept,
    /// The host is stopping, so nothing was done.
    Stopping,
}

impl Refusal {
    /// The HTTP status; also the `code` of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unread { status, .. } => *status,
            Self::OtherBody
            | Self::Invalid(_)
            | Self::Forbidden
            | Self::Address { .. }
            | Self::Unsupported => 400,
            Self::Unauthorized => 401,
            Self::OtherApp | Self::Quota => 403,
            Self::NotFound | Self::NoTask => 404,
            Self::Method => 405,
            Self::Internal => 500,
            Self::Unkept | Self::Stopping => 503,
        }
    }
}

impl From<Violations> for Refusal {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthorized => "send `token: Basic base64(restful_id:restful_secret)`",
            Self::NotFound => "the API is not supported here",
            Self::Method => "this takes POST",
            Self::OtherApp => "the appid is not the caller's",
            Self::OtherBody => "appid is not that of the path",
            Self::Unread { detail, .. } => detail,
            Self::Invalid(violations) => {
                let all: Vec<String> = violations
                    .iter()
                    .map(|one| [&*one.path, " ", &one.problem.to_string()].concat())
                    .collect();
                return f.write_str(&all.join("; "));
            }
            Self::Forbidden => "rtmpurl has an address that cannot be pushed to",
            Self::Address { index } => {
                let number = index.saturating_add(1);
                return write!(f, "address {number} of rtmpurl is another task's");
            }
            Self::Quota => "the application has as many tasks as it may",
            Self::NoTask => "there is no such task",
            Self::Unsupported => "streamtype 1 is not supported here",
            Self::Internal => "it failed here; it is logged",
            Self::Unkept => {
                "it is done, but not on disk yet: a restart of the host before it is undoes it"
            }
            Self::Stopping => "the host is stopping, so nothing was done",
        })
    }
}

impl core::error::Error for Refusal {}

/// Which operation is asked for, and of which application: what follows the prefix of a path.
///
/// # Errors
/// [`Refusal::NotFound`] or [`Refusal::Method`].
pub fn route<'p>(method: &str, path: &[&'p str]) -> Result<(&'p str, Operation), Refusal> {
    let [app, "v2", "rtmpforward", operation] = *path else { return Err(Refusal::NotFound) };
    let operation = match operation {
        "startrtmp" => Operation::Start,
        "stoprtmp" => Operation::Stop,
        _ => return Err(Refusal::NotFound),
    };
    if method == "POST" { Ok((app, operation)) } else { Err(Refusal::Method) }
}

/// Whether the application of a body is that of the path.
///
/// # Errors
/// [`Refusal::OtherBody`].
pub fn same_app(path: &str, body: &str) -> Result<(), Refusal> {
    if path == body { Ok(()) } else { Err(Refusal::OtherBody) }
}

/// The HTTP status and the body of an answer. Of the caller's trace id that much is repeated as can
/// do no harm.
pub fn answer(done: &Result<(), Refusal>, trace: &str) -> (u16, Value) {
    let trace: String = trace.chars().filter(|c| !c.is_control()).take(LONGEST_TRACE).collect();
    let (status, code, message) = match done {
        Ok(()) => (200, 0, String::from("success")),
        Err(refusal) => (refusal.status(), refusal.status(), refusal.to_string()),
    };
    (status, json!({ "code": code, "message": message, "traceId": trace }))
}

#[cfg(test)]
mod tests {
    use super::{Operation, Refusal, answer, route};
    use serde_json::json;

    #[test]
    fn two_operations_are_known_and_take_post() {
        let start = ["7", "v2", "rtmpforward", "startrtmp"];
        assert_eq!(route("POST", &start), Ok(("7", Operation::Start)));
        assert_eq!(
            route("POST", &["7", "v2", "rtmpforward", "stoprtmp"]),
            Ok(("7", Operation::Stop))
        );
        assert_eq!(route("GET", &start), Err(Refusal::Method));
        for other in [
            &start[..3],
            &["7", "v1", "rtmpforward", "startrtmp"],
            &["7", "v2", "rtmpforward", "listrtmp"],
            &["7", "v2", "rtmpforward", "startrtmp", ""],
        ] {
            assert_eq!(route("POST", other), Err(Refusal::NotFound), "{other:?}");
        }
    }

    #[test]
    fn the_callers_trace_id_comes_back() {
        let success = json!({ "code": 0, "message": "success", "traceId": "t-1" });
        assert_eq!(answer(&Ok(()), "t-\u{1b}1"), (200, success));
        let (status, body) = answer(&Err(Refusal::Address { index: 1 }), &"x".repeat(200));
        assert_eq!((status, &body["code"]), (400, &json!(400)));
        assert_eq!(body["message"], "address 2 of rtmpurl is another task's");
        assert_eq!(body["traceId"].as_str().unwrap().len(), 128);
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let found = crate::relay::jocloud::stop(b"{}").unwrap_err();
        let (status, body) = answer(&Err(found.into()), "");
        assert_eq!(status, 400);
        assert_eq!(body["message"], "appid is needed; taskid is needed");
    }
}
