//! `token`: a publish token for a relay host.

use livegate_core::relay::token::{Claims, PublishKeys, Sources};
use livegate_core::scheme::{KeyForm, Secret, Secrets};
use livegate_core::time::Millis;
use serde_json::json;

use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value};
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
    summary: "make a publish token for a relay host",
    about: "The key is the host's, of at least 32 bytes. Who has the token may publish:\n\
            it goes into the query of rtmp://HOST/APP/CHANNEL?user=USER&token=TOKEN.",
    operands: &[needs("APP", "the application")],
    options: &[
        KEY_FILE,
        value("channel", "CHANNEL", "the channel (default: any of the application)"),
        value("user", "USER", "the user (default: any)"),
        value("source", "SOURCE", "camera or screen (default: either)"),
        value("lasts", "SPAN", "how long it counts, such as 90s, 15m, 2h or 3d (default 12h)"),
    ],
    reach: Reach::Local,
    examples: &[
        "livegate token live --key-file publish.key --channel room1 --user ann",
        "livegate token live --key-file publish.key --channel room1 --source screen --lasts 2h",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let Some(key) = input::key(args)? else {
        return Err(args
            .usage("there is no key to sign with")
            .next("give it with --key-file FILE or LIVEGATE_KEY; see `livegate help keys`"));
    };
    let secret = Secret::parse(KeyForm::Text, &key).map_err(|error| Failure::coded(&error))?;
    let keys = PublishKeys::new(&Secrets::new(secret)).map_err(|error| Failure::coded(&error))?;
    let Some(lasts) = span_ms(args.text("lasts").unwrap_or(LASTS)).filter(|span| *span >= 1_000)
    else {
        return Err(args.usage("--lasts wants a span of at least 1s, such as 90s, 15m, 2h or 3d"));
    };
    let sources = match args.text("source") {
        None => Sources::Any,
        Some("*") => return Err(args.usage("--source wants camera or screen")),
        Some(name) => {
            Sources::from_name(name).ok_or_else(|| args.usage("--source wants camera or screen"))?
        }
    };
    let mut claims = Claims::new(args.operand(0), now().plus(Millis(lasts)));
    claims.channel = args.text("channel").map(str::to_owned);
    claims.user = args.text("user").map(str::to_owned);
    claims.sources = sources;
    let token = keys.sign(&claims).map_err(|error| Failure::coded(&error))?;
    if args.switch("json") {
        let expires = claims.expires_at.to_string();
        return output::json(&json!({"token": token, "expires_at": expires}));
    }
    output::line(&token)
}
