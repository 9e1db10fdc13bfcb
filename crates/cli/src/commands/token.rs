//! `token`: a publish or play token for a relay host.

use livegate_core::layout::Picture;
use livegate_core::relay::token::{Claims, PlayKeys, PublishKeys, Sources};
use livegate_core::scheme::{KeyForm, Secret, Secrets};
use livegate_core::time::{Millis, UnixMillis};
use serde_json::json;

use crate::args::Args;
use crate::args::table::{Command, Reach, needs, switch, value};
use crate::args::values::span_ms;
use crate::clock::now;
use crate::failure::Failure;
use crate::input::{self, KEY_FILE};
use crate::output;

/// How long a token counts unless another time is given: a day's work.
const LASTS: &str = "12h";

/// `token`
pub(crate) const TOKEN: Command = Command {
    words: &["token"],
    summary: "make a publish or play token for a relay host",
    about: "The key is the host's, of at least 32 bytes. Who has the token may publish:\n\
            it goes into the query of rtmp://HOST/APP/CHANNEL?user=USER&token=TOKEN.\n\
            With --play, who has it may watch: http://HOST/live/APP/CHANNEL.flv?token=TOKEN.",
    operands: &[needs("APP", "the application")],
    options: &[
        KEY_FILE,
        switch("play", "a token to watch with"),
        value("channel", "CHANNEL", "the channel (default: any of the application)"),
        value("user", "USER", "the user (default: any)"),
        value("source", "SOURCE", "camera or screen (default: either)"),
        value("lasts", "SPAN", "how long it counts, such as 90s, 15m, 2h or 3d (default 12h)"),
    ],
    reach: Reach::Local,
    examples: &[
        "livegate token live --key-file publish.key --channel room1 --user ann",
        "livegate token live --key-file publish.key --channel room1 --source screen --lasts 2h",
        "livegate token live --key-file publish.key --play --channel room1",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let Some(key) = input::key(args)? else {
        return Err(args
            .usage("there is no key to sign with")
            .next("give it with --key-file FILE or LIVEGATE_KEY; see `livegate help keys`"));
    };
    let claims = claims(args, now())?;
    let token = sign(&key, &claims, args.switch("play"))?;
    if args.switch("json") {
        let expires = claims.expires_at.to_string();
        return output::json(&json!({"token": token, "expires_at": expires}));
    }
    output::line(&token)
}

fn claims(args: &Args, now: UnixMillis) -> Result<Claims, Failure> {
    let lasts = span_ms(args.text("lasts").unwrap_or(LASTS)).filter(|span| *span >= 1_000);
    let lasts = lasts.ok_or_else(|| {
        args.usage("--lasts wants a span of at least 1s, such as 90s, 15m, 2h or 3d")
    })?;
    let mut claims = Claims::new(args.operand(0), now.plus(Millis(lasts)));
    claims.channel = args.text("channel").map(str::to_owned);
    claims.user = args.text("user").map(str::to_owned);
    if let Some(name) = args.text("source") {
        let picture = Picture::from_name(name)
            .ok_or_else(|| args.usage("--source wants camera or screen"))?;
        claims.sources = Sources::Only(picture);
    }
    Ok(claims)
}

fn sign(key: &str, claims: &Claims, is_to_play: bool) -> Result<String, Failure> {
    let secret = Secret::parse(KeyForm::Text, key).map_err(|error| Failure::coded(&error))?;
    let secrets = Secrets::new(secret);
    let signed = if is_to_play {
        PlayKeys::new(&secrets).and_then(|keys| keys.sign(claims))
    } else {
        PublishKeys::new(&secrets).and_then(|keys| keys.sign(claims))
    };
    signed.map_err(|error| Failure::coded(&error))
}

#[cfg(test)]
mod tests {
    use super::{TOKEN, claims, sign};
    use crate::args::parse::{Request, parse};
    use livegate_core::time::UnixMillis;

    fn token(line: &str, key: &str) -> Result<String, String> {
        let words = line.split_whitespace().map(Into::into);
        let request = parse(&[TOKEN], words).map_err(|failure| failure.to_string())?;
        let Request::Run(_, args) = request else { return Err("help".to_owned()) };
        // Two hours before 2024-09-10 00:30:00Z, and some of a second.
        let now = UnixMillis(1_725_921_000_700);
        let token = claims(&args, now).and_then(|claims| sign(key, &claims, args.switch("play")));
        token.map_err(|failure| failure.to_string())
    }

    #[test]
    fn makes_the_token_that_openssl_makes() {
        // C=$(printf 'live\nroom1\nann\n1725928200\n*' | basenc --base64url -w0 | tr -d =)
        // printf "lgp1.$C" | openssl dgst -sha256 -hmac KEY -binary | basenc --base64url | tr -d =
        let key = "0123456789abcdef0123456789abcdef";
        let line = "token live --channel room1 --user ann --lasts 2h";
        let expected =
            "lgp1.bGl2ZQpyb29tMQphbm4KMTcyNTkyODIwMAoq.ncfslvgaKs6TDygHmq7miXqQrTRwMzOfmPYFi1-9sp8";
        assert_eq!(token(line, key).as_deref(), Ok(expected));
        // The same with `lgv1`.
        let line = "token live --play --channel room1 --user ann --lasts 2h";
        let expected =
            "lgv1.bGl2ZQpyb29tMQphbm4KMTcyNTkyODIwMAoq.K2TMhMgvOxxOqJlZDLyq9UleYGFAzyVffbU--7q5RC4";
        assert_eq!(token(line, key).as_deref(), Ok(expected));
    }

    #[test]
    fn says_what_is_wrong() {
        let key = "0123456789abcdef0123456789abcdef";
        for (line, key) in [
            ("token live --lasts 0s", key),
            ("token live --lasts soon", key),
            ("token live --source *", key),
            ("token live --user *", key),
            ("token live", "short"),
        ] {
            assert!(token(line, key).is_err(), "{line}");
        }
    }
}
