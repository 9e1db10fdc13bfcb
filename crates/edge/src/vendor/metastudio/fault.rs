//! What a `MetaStudio` client is told that asked for something that cannot be: `{error_code,
//! error_msg}` (docs/spec/control-plane.md lists the codes).

use livegate_core::config::Violations;
use serde_json::json;
use web_sys::Response;

use crate::error::{Error, Problem, Result};
use crate::http;

const UNAUTHORIZED: &str = "MSS.00000001";
const BODY: &str = "MSS.00000002";
const PARAMETER: &str = "MSS.00000003";
const INTERNAL: &str = "MSS.00000004";

/// The call is not signed, or not by whom it says, or not any more.
pub(super) fn unauthorized(why: &str) -> Error {
    Problem::new(401, UNAUTHORIZED, format!("Unauthorized: {why}")).into()
}

/// A valid credential, but another tenant's project.
pub(super) fn other_tenant() -> Error {
    Problem::new(403, "MSS.00010009", "The project is not the credential's").into()
}

/// The body is no JSON object.
pub(super) fn body() -> Error {
    Problem::new(400, BODY, "Invalid body: a JSON object is expected").into()
}

/// A parameter is not what it should be.
pub(super) fn parameter(name: &str, what: &str) -> Error {
    Problem::new(400, PARAMETER, format!("Invalid parameter: {name} {what}")).into()
}

/// What a path or a body names is not there.
pub(super) fn missing(name: &str) -> Error {
    let what = format!("Invalid parameter: {name} does not exist");
    Problem::new(404, PARAMETER, what).into()
}

/// An operation that the vendor has, or not, and the gateway has not.
pub(super) fn unsupported() -> Error {
    let what = "The API does not exist, or is not supported here";
    Problem::new(404, "MSS.00010003", what).into()
}

/// A path of an operation, with another method.
pub(super) fn method() -> Error {
    Problem::new(405, "MSS.00010004", "The method is not allowed").into()
}

/// What there is stands against it.
pub(super) fn conflict(what: &str) -> Error {
    Problem::new(409, PARAMETER, what).into()
}

/// What another host, whom the operation needs, did wrong.
pub(super) fn other_side(what: &str) -> Error {
    Problem::new(502, INTERNAL, what).into()
}

/// Everything that is wrong with a body.
pub(super) fn violations(violations: &Violations) -> Error {
    let all: Vec<String> = violations
        .iter()
        .map(|one| {
            let path = if one.path.is_empty() { "the body" } else { one.path.as_str() };
            format!("{path} {}", one.problem)
        })
        .collect();
    Problem::new(400, PARAMETER, format!("Invalid parameter: {}", all.join("; "))).into()
}

/// The answer that says so.
pub(super) fn answer(error: Error) -> Result<Response> {
    if let Some(what) = error.failure() {
        worker::console_error!("metastudio: {what}");
    }
    let problem = error.into_problem();
    let code = match problem.status {
        _ if problem.code.starts_with("MSS.") => problem.code.as_str(),
        401 => UNAUTHORIZED,
        413 => BODY,
        500.. => INTERNAL,
        _ => PARAMETER,
    };
    http::json(problem.status, &json!({ "error_code": code, "error_msg": problem.detail }))
}
