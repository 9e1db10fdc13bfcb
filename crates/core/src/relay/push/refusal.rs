//! What a destination means by its refusal.
//!
//! RTMP 1.0 §7.2.1.1 and §7.2.2 leave to the server which `code` and `description` an error carries.
//! The words here are those that servers are known to send: `NetConnection.Connect.InvalidApp`,
//! `NetConnection.Connect.Rejected` with `authmod=` or `code=403` in its description,
//! `NetStream.Publish.BadName`, `NetStream.Publish.Denied`. They are a reading and no standard, so
//! how often credentials may be refused before a push ends is a setting (`auth_tries`).

use super::cause::{Cause, Step};

/// Parts of a `code` or `description` that speak of who one is.
const OF_CREDENTIALS: &[&str] =
    &["authmod=", "need auth", "authfailed", "unauthorized", "code=403", "publish.denied"];

/// Why a command was refused, by the `code` and `description` of the answer. A word that is not
/// known is no refusal of credentials: the push goes on trying.
pub fn refusal(step: Step, code: &str, description: &str) -> Cause {
    let has = |text: &str, part: &str| {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
    };
    if OF_CREDENTIALS.iter().any(|part| has(code, part) || has(description, part)) {
        Cause::AuthRefused
    } else if step == Step::Publish {
        Cause::PublishRefused
    } else {
        Cause::AppRefused
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;
    use crate::relay::push::{Cause, Step};

    #[test]
    fn words_that_servers_send_are_told_apart() {
        let need_auth = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
        for (step, code, description, cause) in [
            (Step::Connect, "NetConnection.Connect.Rejected", need_auth, Cause::AuthRefused),
            (Step::Connect, "NetConnection.Connect.Rejected", "no such app", Cause::AppRefused),
            (Step::Connect, "NetConnection.Connect.InvalidApp", "", Cause::AppRefused),
            (Step::Connect, "", "", Cause::AppRefused),
            (
                Step::Publish,
                "NetStream.Publish.BadName",
                "Already publishing",
                Cause::PublishRefused,
            ),
            (Step::Publish, "NetStream.Publish.Denied", "", Cause::AuthRefused),
            (Step::Publish, "NetStream.Publish.Unauthorized", "", Cause::AuthRefused),
            (Step::Publish, "", "something else", Cause::PublishRefused),
        ] {
            assert_eq!(refusal(step, code, description), cause, "{code} {description}");
        }
    }
}
