//! Commands to a live job: `ControlSmartLiveReq` of the `MetaStudio` API reference.
//!
//! The parameters of `REFRESH_OUTPUT_URL` are not documented (`RefreshOutputUrlConfig`, which the
//! vendor's SDK does not have either): here they have the names that a job's start has.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::live_exit::{self, LiveExitConfig};
use super::room::{OUTPUT_URLS, STREAM_KEYS, keys_of_outputs, outputs};
use super::table::{
    Chars, Form, Kind, Object, Rest, Shape, Walk, may, must, part, read, shape, text,
};
use super::violation::{Problem, Violations};
use crate::relay::address::PushUrl;

/// The most bytes of a command: those that are not carried out here have scripts in them.
pub const MAX_BODY: usize = 256 * 1024;

const COMMAND: Shape = Shape {
    rows: &[must("command", Kind::Text { max: 64, of: Chars::Word })],
    also: None,
    rest: Rest::Kept,
};

const OUTPUTS: Shape =
    Shape { rows: &[OUTPUT_URLS, STREAM_KEYS], also: Some(keys_of_outputs), rest: Rest::Dropped };

const REFRESH: Shape = shape(&[must("params", Kind::Object(&OUTPUTS))]);

const RESET: Shape = shape(&[may("params", Kind::Object(&live_exit::SHAPE))]);

/// What a live job is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LiveCommand {
    /// `REFRESH_OUTPUT_URL`: it is pushed there from now on, each address with its stream key.
    Refresh(Vec<PushUrl>),
    /// `RESET_EXIT_CONFIG`: it stops by itself so from now on.
    ResetExit(LiveExitConfig),
    /// Another command of that name.
    Other(String),
}

impl LiveCommand {
    /// Reads a command.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        let sent = read(body, MAX_BODY)?;
        let mut walk = Walk::new(Form::Json);
        let kept = walk.object(&COMMAND, sent);
        match text(&kept, "command") {
            Some("REFRESH_OUTPUT_URL") => {
                let urls = walk.params(&REFRESH, &kept);
                let urls = urls.as_ref().map(outputs).unwrap_or_default();
                if urls.is_empty() && !walk.has_found("params") {
                    walk.report("params.output_urls", Problem::Missing);
                }
                walk.settle(Self::Refresh(urls))
            }
            Some("RESET_EXIT_CONFIG") => {
                let exit = walk.params(&RESET, &kept).unwrap_or_default();
                walk.settle(Self::ResetExit(LiveExitConfig::from_checked(&exit)))
            }
            name => walk.settle(Self::Other(String::from(name.unwrap_or("")))),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Refresh(_) => "REFRESH_OUTPUT_URL",
            Self::ResetExit(_) => "RESET_EXIT_CONFIG",
            Self::Other(name) => name,
        }
    }
}

impl Walk {
    fn params(&mut self, shape: &Shape, kept: &Object) -> Option<Object> {
        let mut whole = Object::new();
        whole.insert(String::from("params"), kept.get("params").cloned().unwrap_or(Value::Null));
        part(&self.object(shape, whole), "params").cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::LiveCommand;
    use crate::config::Longest;
    use crate::time::Millis;
    use std::string::ToString;
    use std::vec::Vec;

    fn found(body: &str) -> Vec<(std::string::String, &'static str)> {
        let violations = LiveCommand::from_json(body.as_bytes()).unwrap_err();
        violations.iter().map(|one| (one.path.clone(), one.code().as_str())).collect()
    }

    #[test]
    fn outputs_are_refreshed_with_their_keys() {
        let body = br#"{"command": "REFRESH_OUTPUT_URL", "params": {
            "output_urls": ["rtmp://a.example.com/live"], "stream_keys": ["k?t=1"]}}"#;
        let command = LiveCommand::from_json(body).unwrap();
        let LiveCommand::Refresh(urls) = &command else { panic!("another command") };
        let urls: Vec<_> = urls.iter().map(|url| url.as_str().to_string()).collect();
        assert_eq!(urls, ["rtmp://a.example.com/live/k?t=1"]);
        assert_eq!(command.name(), "REFRESH_OUTPUT_URL");
    }

    #[test]
    fn exit_settings_are_reset_as_the_vendors_example_has_them() {
        let body = br#"{"command":"RESET_EXIT_CONFIG","params":{"max_live_duration":168,
            "auto_stop_mode":"FORCE_EXIT","max_exception_waiting_duration":60}}"#;
        let LiveCommand::ResetExit(exit) = LiveCommand::from_json(body).unwrap() else {
            panic!("another command")
        };
        assert_eq!(exit.longest_live(), Longest::Span(Millis::from_hours(168)));
        assert_eq!(exit.longest_exception(), Longest::Span(Millis::from_mins(60)));
    }

    #[test]
    fn another_command_is_named() {
        let other = LiveCommand::from_json(br#"{"command": "SHOW_LAYER", "params": []}"#).unwrap();
        assert_eq!(other.name(), "SHOW_LAYER");
    }

    #[test]
    fn mistakes_have_their_paths() {
        let url = "rtmp://a.example.com/live";
        for (params, expected) in [
            ("null", ("params", "config.missing")),
            ("[]", ("params", "config.wrong_type")),
            ("{}", ("params.output_urls", "config.missing")),
            (r#"{"output_urls": ["http://a"]}"#, ("params.output_urls[0]", "config.not_rtmp")),
            (
                &std::format!(r#"{{"output_urls": ["{url}"], "stream_keys": ["a", "b"]}}"#),
                ("params.stream_keys", "config.unmatched"),
            ),
        ] {
            let body = std::format!(r#"{{"command": "REFRESH_OUTPUT_URL", "params": {params}}}"#);
            assert_eq!(found(&body), [(expected.0.to_string(), expected.1)], "{params}");
        }
        let body = r#"{"command": "RESET_EXIT_CONFIG", "params": {"max_live_duration": 169}}"#;
        let path = "params.max_live_duration".to_string();
        assert_eq!(found(body), [(path, "config.out_of_range")]);
        assert_eq!(found("{}"), [("command".to_string(), "config.missing")]);
    }
}
