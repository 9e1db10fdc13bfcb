//! `livegate relay`: a relay host, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use livegate_core::error::Coded as _;
use livegate_core::relay::host::Settings;
use livegate_core::url::HttpUrl;
use livegate_core::url::egress::EgressPolicy;
use livegate_relay::{Config, Egress, Gateway, Ready, Rtmps, run as run_host};

use crate::args::Args;
use crate::args::table::{Command, Reach, switch, value, values};
use crate::failure::Failure;
use crate::output;

/// Where RTMP is spoken unless it is said.
const RTMP: &str = "127.0.0.1:1935";

/// Where HTTP is answered unless it is said.
const HTTP: &str = "127.0.0.1:8936";

/// How many pushes a host takes unless it is said.
const CAPACITY: u64 = 1_000;

/// The most that it may be said: all tasks of a host are in one message to the gateway.
const MOST_CAPACITY: u64 = 2_000;

/// Where what is kept is kept unless it is said.
const DATA: &str = ".livegate-relay";

/// `relay`
pub(crate) const RELAY: Command = Command {
    words: &["relay"],
    summary: "run a relay host: streams in by RTMP, out to many",
    about: "Publishers come by rtmp://HOST/APP/CHANNEL?user=USER&token=TOKEN (`livegate token`).\n\
            Relay tasks, their pushes and the state events that are not told yet outlive the\n\
            process in the data folder. It stops at Ctrl-C or SIGTERM and reads the credentials\n\
            again at SIGHUP. docs/relay-host.md has the credentials' form.",
    operands: &[],
    options: &[
        value("rtmp", "ADDRESS", "where RTMP is spoken (default 127.0.0.1:1935; none for nowhere)"),
        value("rtmps", "ADDRESS", "where RTMP over TLS is spoken"),
        value(
            "http",
            "ADDRESS",
            "where HTTP is answered (default 127.0.0.1:8936; none for nowhere)",
        ),
        value("certificate", "FILE", "the PEM certificate of RTMPS, and those above it"),
        value("certificate-key", "FILE", "its PEM key"),
        value("gateway", "URL", "join this gateway, such as https://gateway.example.com"),
        value("token-file", "FILE", "the host's token there [LIVEGATE_HOST_TOKEN]"),
        value("capacity", "PUSHES", "how many pushes it takes from a gateway (default 1000)"),
        value("credentials", "FILE", "who may publish, watch and command"),
        value("data", "FOLDER", "the folder of what is kept (default .livegate-relay)"),
        value("authorities", "FILE", "PEM authorities trusted beside the public ones"),
        switch("private-networks", "push to and pull from private addresses too"),
        values("set", "NAME=NUMBER", "a setting of docs/spec/relay.md, such as coalesce_ms=0"),
    ],
    reach: Reach::Local,
    examples: &[
        "livegate relay --credentials relay.json",
        "livegate relay --rtmp 0.0.0.0:1935 --data /var/lib/livegate --credentials relay.json",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let config = config(args)?;
    run_host(config, announce).map_err(|error| {
        // What is wrong with a file is a line for each place.
        let text = error.to_string();
        let mut lines = text.lines();
        let failure = Failure::failed(lines.next().unwrap_or_default());
        lines.fold(failure.code(error.code().as_str()), |failure, line| failure.point(line.trim()))
    })
}

fn config(args: &Args) -> Result<Config, Failure> {
    let policy = if args.switch("private-networks") {
        EgressPolicy::DEVELOPMENT
    } else {
        EgressPolicy::PUBLIC
    };
    let data = PathBuf::from(args.text("data").unwrap_or(DATA));
    let mut config = Config::new(data, Egress::Only(policy));
    config.rtmp = listening(args, "rtmp", RTMP)?;
    config.http = listening(args, "http", HTTP)?;
    config.rtmps = rtmps(args)?;
    config.gateway = gateway(args)?;
    config.credentials = args.text("credentials").map(PathBuf::from);
    config.authorities = args.text("authorities").map(PathBuf::from);
    config.settings = settings(args)?;
    Ok(config)
}

fn gateway(args: &Args) -> Result<Option<Gateway>, Failure> {
    let Some(url) = args.text("gateway") else { return Ok(None) };
    let url = HttpUrl::parse(url).map_err(|error| args.usage(format!("--gateway: {error}")))?;
    let token = match args.text("token-file") {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::failed(format!("cannot read {path}: {error}")))?,
        None => std::env::var("LIVEGATE_HOST_TOKEN").unwrap_or_default(),
    };
    let token = token.trim();
    if token.is_empty() {
        return Err(args.usage("--gateway needs the host's token").next(
            "make one with `livegate relay-hosts create NAME`, and give it by --token-file",
        ));
    }
    let capacity = args.number("capacity", 1..=MOST_CAPACITY)?.unwrap_or(CAPACITY);
    Ok(Some(Gateway::new(url, token.to_owned(), capacity)))
}

fn rtmps(args: &Args) -> Result<Option<Rtmps>, Failure> {
    let Some(text) = args.text("rtmps") else { return Ok(None) };
    match (args.text("certificate"), args.text("certificate-key")) {
        (Some(certificate), Some(key)) => Ok(Some(Rtmps {
            address: address(args, "rtmps", text)?,
            certificate: certificate.into(),
            key: key.into(),
        })),
        _ => Err(args.usage("--rtmps needs --certificate and --certificate-key")),
    }
}

fn listening(args: &Args, option: &str, usual: &str) -> Result<Option<SocketAddr>, Failure> {
    match args.text(option).unwrap_or(usual) {
        "none" => Ok(None),
        text => address(args, option, text).map(Some),
    }
}

fn address(args: &Args, option: &str, text: &str) -> Result<SocketAddr, Failure> {
    text.parse().map_err(|_| {
        args.usage(format!("--{option} wants an address and a port, such as 0.0.0.0:1935"))
    })
}

fn settings(args: &Args) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    for text in args.each("set") {
        let pair = text.split_once('=').and_then(|(name, value)| {
            let value: u64 = value.parse().ok()?;
            Some((name, value))
        });
        let (name, value) =
            pair.ok_or_else(|| args.usage("--set wants NAME=NUMBER, such as coalesce_ms=0"))?;
        settings.set(name, value).map_err(|error| {
            args.usage(format!("--set {name}: {error}"))
                .next("docs/spec/relay.md has every setting and its bounds")
        })?;
    }
    Ok(settings)
}

/// Says where the host listens, for whoever started it.
fn announce(ready: &Ready) {
    let places = [("rtmp", ready.rtmp), ("rtmps", ready.rtmps), ("http", ready.http)];
    for (scheme, address) in places.into_iter().filter_map(|(scheme, at)| Some((scheme, at?))) {
        output::note(&format!("{scheme}://{address} is served"));
    }
}

#[cfg(test)]
mod tests {
    use super::{RELAY, config};
    use crate::args::parse::{Request, parse};

    fn configured(line: &str) -> Result<livegate_relay::Config, String> {
        let words = line.split_whitespace().map(Into::into);
        let request = parse(&[RELAY], words).map_err(|failure| failure.to_string())?;
        let Request::Run(_, args) = request else { return Err("help".to_owned()) };
        config(&args).map_err(|failure| failure.to_string())
    }

    #[test]
    fn takes_addresses_and_settings() {
        let config =
            configured("relay --rtmp 0.0.0.0:1 --set coalesce_ms=0 --set stall_ms=5000").unwrap();
        assert_eq!(config.rtmp.unwrap().to_string(), "0.0.0.0:1");
        assert_eq!(config.settings.host.coalesce_ms(), 0);
        assert_eq!(config.settings.push.stall_ms(), 5_000);
        assert!(configured("relay --rtmp none").unwrap().rtmp.is_none());
        assert_eq!(configured("relay").unwrap().rtmp.unwrap().port(), 1935);
    }

    #[test]
    fn says_what_is_wrong() {
        for line in [
            "relay --rtmp localhost",
            "relay --rtmps 0.0.0.0:443",
            "relay --set coalesce_ms",
            "relay --set coalesce_ms=-1",
            "relay --set coalesce_ms=9999",
            "relay --set nothing=1",
        ] {
            assert!(configured(line).is_err(), "{line}");
        }
    }
}
