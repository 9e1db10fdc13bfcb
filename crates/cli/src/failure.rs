//! What went wrong, where, and what to do next: the one error of the command line.

use std::fmt;

use livegate_core::error::Coded;
use serde_json::{Value, json};

use crate::output::clean;

/// Which exit code a failure ends with; see `livegate help exit-codes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 1: it was tried and did not work, or the gateway said no.
    Failed,
    /// 2: the command line itself is wrong.
    Usage,
    /// 3: a signature did not verify.
    Unverified,
    /// 4: the gateway could not be reached.
    Unreachable,
    /// 5: the gateway refused the token.
    Unauthorised,
}

impl Exit {
    /// The process's exit status.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unverified => 3,
            Self::Unreachable => 4,
            Self::Unauthorised => 5,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Failed => "cli.failed",
            Self::Usage => "cli.usage",
            Self::Unverified => "cli.unverified",
            Self::Unreachable => "cli.unreachable",
            Self::Unauthorised => "cli.unauthorised",
        }
    }
}

/// A failure as a person reads it. It never holds a token or a key.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    points: Vec<String>,
    next: Option<String>,
    code: Option<String>,
    http_status: Option<u16>,
}

impl Failure {
    /// A failure that ends with `exit`.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            points: Vec::new(),
            next: None,
            code: None,
            http_status: None,
        }
    }

    /// It was tried and did not work.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// The command line is wrong.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// What the core refused, with its own code.
    pub(crate) fn coded(error: &dyn Coded) -> Self {
        Self::failed(error.to_string()).code(error.code().as_str())
    }

    /// The gateway's own problem document (RFC 9457 §3) or whatever else it answered.
    pub(crate) fn from_answer(doing: &str, status: u16, body: &str) -> Self {
        let exit = if status == 401 || status == 403 { Exit::Unauthorised } else { Exit::Failed };
        let problem: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
        let said = match (text("title"), text("detail")) {
            ("", "") => format!("the gateway answered {status}"),
            // The title is the same for every problem of its type; the detail says more.
            (one, "") | (_, one) => format!("{one} ({status})"),
        };
        let mut failure = Self::new(exit, format!("{doing}: {said}"));
        failure.http_status = Some(status);
        failure.code = Some(text("code").to_owned()).filter(|code| !code.is_empty());
        let violations = problem.get("violations").and_then(Value::as_array);
        for violation in violations.into_iter().flatten() {
            let part = |key: &str| violation.get(key).and_then(Value::as_str).unwrap_or_default();
            failure.points.push(format!("{}: {} [{}]", part("path"), part("detail"), part("code")));
        }
        match status {
            401 => failure.next(
                "give the right token with --token or LIVEGATE_TOKEN, or the gateway's data \
                 folder with --data",
            ),
            403 => failure.next("this needs another sort of token: see `livegate help tokens`"),
            503 => failure.next("the gateway is full or starting: try again in a moment"),
            _ => failure,
        }
    }

    /// Adds what the person can do about it.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds a line of detail.
    #[must_use]
    pub(crate) fn point(mut self, point: impl Into<String>) -> Self {
        self.points.push(point.into());
        self
    }

    /// Names the failure for machines.
    #[must_use]
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// How the process ends.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure for a machine that asked for `--json`.
    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {
            "code": self.code.as_deref().unwrap_or_else(|| self.exit.code()),
            "message": self.what,
            "details": self.points,
            "next": self.next,
            "http_status": self.http_status,
            "exit": self.exit.status(),
        }})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "livegate: {}", clean(&self.what))?;
        for point in &self.points {
            write!(f, "\n  - {}", clean(point))?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {}", clean(next))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::{Exit, Failure};

    #[test]
    fn shows_a_problem_document_with_every_violation() {
        let body = r#"{"title":"The request is not valid","status":422,"code":"request.invalid",
            "detail":"two things are not as they should be",
            "violations":[{"path":"key","code":"config.too_long","detail":"at most 32 characters"},
                          {"path":"name","code":"config.empty","detail":"a name is needed"}]}"#;
        let failure = Failure::from_answer("cannot create the source", 422, body);
        assert_eq!(failure.exit(), Exit::Failed);
        assert_eq!(
            failure.to_string(),
            "livegate: cannot create the source: two things are not as they should be (422)\n  \
             - key: at most 32 characters [config.too_long]\n  \
             - name: a name is needed [config.empty]"
        );
        assert_eq!(failure.to_json()["error"]["code"], "request.invalid");
    }

    #[test]
    fn an_answer_that_is_no_problem_document_still_says_its_status() {
        let failure = Failure::from_answer("cannot list events", 502, "<html>bad gateway</html>");
        assert_eq!(failure.to_string(), "livegate: cannot list events: the gateway answered 502");
    }

    #[test]
    fn a_refused_token_ends_with_its_own_status_and_says_what_to_do() {
        let failure = Failure::from_answer("cannot list sources", 401, "{}");
        assert_eq!(failure.exit().status(), 5);
        assert!(failure.to_string().contains("LIVEGATE_TOKEN"));
    }

    #[test]
    fn control_characters_of_the_other_side_do_not_reach_the_terminal() {
        let body = r#"{"title":"no","detail":"\u001b[2Jgone"}"#;
        let failure = Failure::from_answer("x", 400, body);
        assert!(!failure.to_string().contains('\u{1b}'));
    }
}
