//! What an `ApsaraVideo` Live client is told that asked for something that cannot be: `{RequestId,
//! HostId, Code, Message}` (docs/spec/control-plane.md lists the codes).

use livegate_core::config::{self, Violations};
use livegate_core::scheme::request::RequestError;
use serde_json::json;
use web_sys::Response;

use crate::error::{Error, Problem, Result};
use crate::http;
use crate::vendor::signed::Refused;

const INVALID: &str = "InvalidParam";

/// A parameter is not what it should be.
pub(super) fn parameter(name: &str, what: &str) -> Error {
    Problem::new(400, INVALID, format!("{name} {what}")).into()
}

/// The application is not one of the caller's.
pub(super) fn app_id() -> Error {
    Problem::new(400, "InvalidAppId", "The AppId does not exist").into()
}

/// There are as many as there may be, or something stands against it.
pub(super) fn denied(what: &str) -> Error {
    Problem::new(403, "OperationDenied", what).into()
}

/// An operation that the vendor has, or not, and the gateway has not.
pub(super) fn unsupported(action: &str) -> Error {
    let known = action.len() <= 64 && action.bytes().all(|b| b.is_ascii_alphanumeric());
    let named = if known { action } else { "the action" };
    let what = format!("The specified API is not found or not supported here: {named}");
    Problem::new(404, "InvalidAction.NotFound", what).into()
}

/// Everything that is wrong with a call.
pub(super) fn violations(violations: &Violations) -> Error {
    let missing = violations.iter().all(|one| one.problem == config::Problem::Missing);
    let all: Vec<String> =
        violations.iter().map(|one| format!("{} {}", one.path, one.problem)).collect();
    let (status, code) = if missing { (404, "MissingParam") } else { (400, INVALID) };
    Problem::new(status, code, all.join("; ")).into()
}

/// Why a request was not let in.
pub(super) fn refused(refused: Refused) -> Error {
    let (status, code, what) = match refused {
        Refused::Error(error) => return error,
        Refused::Key => {
            let what = "The access key does not exist, or the signature is not its own".to_owned();
            (403, "SignatureDoesNotMatch", what)
        }
        Refused::Repeated => {
            (400, "SignatureNonceUsed", "A request with this nonce came before".to_owned())
        }
        Refused::Claim(error) => {
            let code = match error {
                RequestError::Unsigned => "MissingAccessKeyId",
                RequestError::Stale { .. } | RequestError::Future { .. } => {
                    "InvalidTimeStamp.Expired"
                }
                RequestError::Params(_) => INVALID,
                _ => "IncompleteSignature",
            };
            (400, code, error.to_string())
        }
    };
    Problem::new(status, code, what).into()
}

/// The answer that says so.
pub(super) fn answer(error: Error, id: &str) -> Result<Response> {
    if let Some(what) = error.failure() {
        worker::console_error!("alibaba: {what}");
    }
    let problem = error.into_problem();
    let code = match problem.status {
        // A code of the vendor's begins with a capital, the gateway's own do not.
        _ if problem.code.starts_with(|c: char| c.is_ascii_uppercase()) => problem.code.as_str(),
        500.. => "InternalError",
        403 | 409 => "OperationDenied",
        _ => INVALID,
    };
    let body = json!({
        "RequestId": id, "HostId": "live.aliyuncs.com", "Code": code, "Message": problem.detail,
    });
    http::json(problem.status, &body)
}
