//! Which gateway, with which token, as which tenant.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::failure::Failure;

/// Where a gateway started with `make run` listens.
const DEFAULT_URL: &str = "http://127.0.0.1:8787";

/// How to reach the gateway.
pub(crate) struct Settings {
    /// Scheme and authority, and a path before the API's if there is one; no slash at the end.
    pub(crate) url: String,
    /// The token and where it came from, if there is one.
    pub(crate) token: Option<Token>,
    /// The tenant to act on, if one was named.
    pub(crate) tenant: Option<String>,
}

/// A bearer token. It shows itself to nobody.
pub(crate) struct Token {
    text: String,
    /// Where it was found, for messages.
    pub(crate) origin: String,
}

impl Token {
    /// The token as the `Authorization` header has it.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(from {})", self.origin)
    }
}

impl Settings {
    /// From the options, else the environment, else the defaults.
    pub(crate) fn of(args: &Args) -> Result<Self, Failure> {
        Self::from(args, |name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(args: &Args, var: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let given =
            |option: &str, name: &str| args.text(option).map(str::to_owned).or_else(|| var(name));
        let url = given("url", "LIVEGATE_URL").unwrap_or_else(|| DEFAULT_URL.to_owned());
        let url = base_url(&url).map_err(|what| args.usage(what))?;
        let token = if let Some(text) = args.text("token") {
            Some(Token { text: text.to_owned(), origin: "--token".to_owned() })
        } else if let Some(text) = var("LIVEGATE_TOKEN") {
            Some(Token { text, origin: "LIVEGATE_TOKEN".to_owned() })
        } else {
            let folder = given("data", "DATA").unwrap_or_else(|| ".livegate".to_owned());
            token_file(&PathBuf::from(folder).join("admin-token"))?
        };
        if let Some(token) = &token {
            if token.text.is_empty() || token.text.bytes().any(|b| !b.is_ascii_graphic()) {
                return Err(Failure::usage(format!(
                    "the token from {} is empty or holds a character that no token has",
                    token.origin
                )));
            }
            if !args.switch("allow-http") && url.starts_with("http://") && !is_loopback(&url) {
                return Err(Failure::usage(format!("the token would travel unencrypted to {url}"))
                    .next("use https, or give --allow-http if the way there is safe"));
            }
        }
        Ok(Self { url, token, tenant: given("tenant", "LIVEGATE_TENANT") })
    }
}

fn token_file(path: &Path) -> Result<Option<Token>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let first = text.lines().next().unwrap_or_default().trim().to_owned();
            Ok(Some(Token { text: first, origin: path.display().to_string() }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let what = format!("cannot read the token in {}: {error}", path.display());
            Err(Failure::failed(what).next("give a token with --token or LIVEGATE_TOKEN"))
        }
    }
}

fn base_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['?', '#', '\\']);
    if authority.is_empty() || authority.contains('@') || !plain {
        return Err("the gateway's URL is http:// or https://, a host and maybe a port".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether the URL's host is this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{Settings, is_loopback};
    use crate::args::Args;
    use crate::args::parse::{Request, parse};
    use crate::commands::COMMANDS;

    fn args(line: &str) -> Args {
        let words = line.split_whitespace().map(Into::into);
        match parse(COMMANDS, words) {
            Ok(Request::Run(_, args)) => args,
            _ => panic!("`{line}` is no command"),
        }
    }

    fn settings(line: &str, vars: &[(&str, &str)]) -> Result<Settings, String> {
        let var = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::from(&args(line), var).map_err(|failure| failure.to_string())
    }

    #[test]
    fn options_come_before_the_environment_and_that_before_defaults() {
        let vars = [("LIVEGATE_URL", "http://127.0.0.1:1/"), ("LIVEGATE_TOKEN", "lgt_env")];
        let line = "sources list --data /nonexistent";
        let none = settings(line, &[]).unwrap();
        assert_eq!(none.url, "http://127.0.0.1:8787");
        assert!(none.token.is_none());
        let from_env = settings(line, &vars).unwrap();
        assert_eq!(from_env.url, "http://127.0.0.1:1");
        assert_eq!(from_env.token.unwrap().bearer(), "Bearer lgt_env");
        let line = "sources list --url https://gate.example --token lgt_option --tenant acme";
        let from_options = settings(line, &vars).unwrap();
        assert_eq!(from_options.url, "https://gate.example");
        assert_eq!(from_options.token.unwrap().bearer(), "Bearer lgt_option");
        assert_eq!(from_options.tenant.as_deref(), Some("acme"));
    }

    #[test]
    fn a_token_is_not_sent_in_the_clear_to_another_machine() {
        let line = "sources list --token lgt_secret --url http://gate.example";
        let refused = settings(line, &[]).err().unwrap();
        assert!(refused.contains("unencrypted"), "{refused}");
        assert!(!refused.contains("lgt_secret"));
        assert!(settings(&format!("{line} --allow-http"), &[]).is_ok());
    }

    #[test]
    fn refuses_what_is_no_gateway_address() {
        for bad in ["gate.example", "ftp://x", "http://", "http://a@b", "http://x?y", "http://x\\y"]
        {
            assert!(settings(&format!("sources list --url {bad}"), &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_in_no_debug_output() {
        let found = settings("sources list --token lgt_secret", &[]).unwrap().token.unwrap();
        assert!(!format!("{found:?}").contains("lgt_secret"));
    }

    #[test]
    fn this_machine_has_a_few_names() {
        for here in
            ["http://127.0.0.1:8787", "http://127.9.9.9/x", "http://[::1]:1", "http://localhost"]
        {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in
            ["http://127.0.0.1.example", "http://10.0.0.1", "https://localhost.example"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
