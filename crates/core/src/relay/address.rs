//! Push addresses: which text is one, and which two are the same.
//!
//! Of one stream two publishers at once destroy each other, so an address belongs to one task at a
//! time, and not to the next within [`COOLING`] after it was given up: the servers that it leads to
//! need that to let go of it.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::config::Problem;
use crate::error::{Code, Coded, Fault};
use crate::layout::Picture;
use crate::time::{Millis, UnixMillis};
use crate::url::HttpUrl;

/// How long an address rests after its task has stopped (`StartLiveMPUTask`, `StreamURL`).
pub const COOLING: Millis = Millis::from_secs(10);

/// The user of an address of a relay host that names none.
pub const SOLE: &str = "main";

/// An address that a stream can be pushed to: `rtmp` or `rtmps`, with a host and at least the
/// name of an application. Its grammar else is [`HttpUrl`]'s.
#[derive(Clone, PartialEq, Eq)]
pub struct PushUrl {
    text: String,
    /// The same with `http` for `rtmp`: one grammar for both.
    parts: HttpUrl,
    port: u16,
}

impl PushUrl {
    /// Parses an address of at most 2,048 bytes.
    ///
    /// # Errors
    /// What is wrong with it: [`Problem::NotRtmp`] or [`Problem::Url`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (scheme, rest) = text.split_once("://").ok_or(Problem::NotRtmp)?;
        let (stand_in, port) = match scheme {
            _ if scheme.eq_ignore_ascii_case("rtmp") => ("http://", 1935),
            _ if scheme.eq_ignore_ascii_case("rtmps") => ("https://", 443),
            _ => return Err(Problem::NotRtmp),
        };
        let parts = HttpUrl::parse(&[stand_in, rest].concat()).map_err(Problem::Url)?;
        if parts.path().trim_matches('/').is_empty() {
            return Err(Problem::NoApplication);
        }
        let port = parts.port().unwrap_or(port);
        Ok(Self { text: text.to_owned(), parts, port })
    }

    /// The address with a stream key behind it, as clients that keep the two apart join them.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn with_key(&self, key: &str) -> Result<Self, Problem> {
        if key.is_empty() {
            return Ok(self.clone());
        }
        let slash = if self.text.ends_with('/') { "" } else { "/" };
        Self::parse(&[&self.text, slash, key].concat())
    }

    /// The text it was parsed from, secrets included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is `rtmps`.
    pub fn is_secure(&self) -> bool {
        self.text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("rtmps"))
    }

    /// The port that it names, or that of its scheme: 1935, or 443 for `rtmps`.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The host and the rest of the address as one to call: for
    /// [`crate::url::egress::check`], which knows the networks that are not public. `rtmp` is `http`
    /// there, so ask with a policy that allows it.
    pub const fn as_http(&self) -> &HttpUrl {
        &self.parts
    }

    /// What two addresses of one stream have in common: host, port, path, and of the query what names
    /// the stream.
    ///
    /// - The scheme only says the port: `rtmps` and `rtmp` to one port are one server.
    /// - The query does not count, since tokens change and the stream stays, but for the virtual host,
    ///   and for `user` and `source`, by which a relay host of livegate tells streams apart; each is
    ///   compared as it is written. Where the path has an application's name alone, the stream's is in
    ///   the query, as with `rtmp://host/app/?streamname=…`: then all of it counts, as it is written.
    /// - The path is compared byte for byte: servers tell cases apart.
    pub fn identity(&self) -> String {
        let path = self.parts.path();
        let query = self.parts.query().unwrap_or("");
        let stream = path.trim_start_matches('/').split_once('/').map_or("", |(_, stream)| stream);
        let counts = if stream.is_empty() { query.to_owned() } else { named(query) };
        let host = self.parts.host().to_string();
        let port = self.port.to_string();
        let mark = if counts.is_empty() { "" } else { "?" };
        [&host, ":", &port, path, mark, &counts].concat()
    }
}

/// Of a query what names a stream beside the path: the first `vhost`, and the last `user` and `source`
/// unless they are what counts where none is named.
fn named(query: &str) -> String {
    let mut of = ["vhost", "user", "source"].map(|name| (name, None));
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match of.iter_mut().find(|(name, _)| *name == key) {
            Some(("vhost", Some(_))) | None => {}
            Some((_, last)) => *last = Some(value),
        }
    }
    let plain = [("user", SOLE), ("source", Picture::Camera.as_str())];
    let named = of.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let named = named.filter(|pair| !plain.contains(pair));
    named.map(|(name, value)| [name, "=", value].concat()).collect::<Vec<_>>().join("&")
}

/// The address, masked.
impl fmt::Debug for PushUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushUrl({})", crate::dialect::redact::push_url(&self.text))
    }
}

/// Which task has which address. Its truth is elsewhere, in rows: it is made of them by
/// [`Addresses::restore`].
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    held: BTreeMap<String, Hold>,
}

/// Who has an address, and until when if it was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hold {
    task: String,
    rests_until: Option<UnixMillis>,
}

/// An address that a task cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// Which of the addresses that were asked for, counted from 0.
    pub index: usize,
    /// The task that has it or had it.
    pub task: String,
    /// When it is free again; `None` while its task has it.
    pub free_at: Option<UnixMillis>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.index.saturating_add(1);
        match self.free_at {
            None => write!(f, "push address {index} is that of task {}", self.task),
            Some(time) => write!(
                f,
                "push address {index} was that of task {} and may be used again from {time}",
                self.task
            ),
        }
    }
}

impl core::error::Error for Conflict {}

impl Coded for Conflict {
    fn code(&self) -> Code {
        Code::new(match self.free_at {
            None => "relay.address_taken",
            Some(_) => "relay.address_resting",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}

impl Addresses {
    /// Puts back a row: [`PushUrl::identity`], or whatever stands for it (a hash, where identities are
    /// not to be kept: they hold stream keys), the task, and until when it rests if it does.
    pub fn restore(&mut self, identity: String, task: String, rests_until: Option<UnixMillis>) {
        self.held.insert(identity, Hold { task, rests_until });
    }

    /// Every row that is needed still, as [`Self::restore`] takes it.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, Option<UnixMillis>)> {
        self.held.iter().map(|(identity, hold)| (&**identity, &*hold.task, hold.rests_until))
    }

    /// Gives a task the addresses of these identities and no others: those it had before and has no
    /// more rest from now on. An address that rests is nobody's, its former task's neither.
    ///
    /// # Errors
    /// Every [`Conflict`], in the order of the addresses; then nothing has changed.
    pub fn claim(
        &mut self,
        task: &str,
        wanted: &[String],
        now: UnixMillis,
    ) -> Result<(), Vec<Conflict>> {
        self.forget(now);
        let mut conflicts = Vec::new();
        for (index, identity) in wanted.iter().enumerate() {
            match self.held.get(identity) {
                Some(hold) if hold.task != task || hold.rests_until.is_some() => conflicts
                    .push(Conflict { index, task: hold.task.clone(), free_at: hold.rests_until }),
                // One task would push twice to one place.
                _ if wanted.iter().take(index).any(|before| before == identity) => {
                    conflicts.push(Conflict { index, task: task.to_owned(), free_at: None });
                }
                _ => {}
            }
        }
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        self.release(task, now);
        for identity in wanted {
            self.held.insert(identity.clone(), Hold { task: task.to_owned(), rests_until: None });
        }
        Ok(())
    }

    /// Takes a task's addresses from it: they rest for [`COOLING`].
    pub fn release(&mut self, task: &str, now: UnixMillis) {
        self.forget(now);
        for hold in self.held.values_mut() {
            if hold.task == task && hold.rests_until.is_none() {
                hold.rests_until = Some(now.plus(COOLING));
            }
        }
    }

    /// Takes a task's addresses from it that it never pushed to: they need no rest.
    pub fn take_back(&mut self, task: &str) {
        self.held.retain(|_, hold| hold.task != task || hold.rests_until.is_some());
    }

    /// These addresses need not rest any longer: whoever gives them out has counted it.
    pub fn end_rests(&mut self, of: &[String]) {
        self.held.retain(|identity, hold| hold.rests_until.is_none() || !of.contains(identity));
    }

    /// Drops what has rested.
    fn forget(&mut self, now: UnixMillis) {
        self.held.retain(|_, hold| hold.rests_until.is_none_or(|until| now < until));
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::{Addresses, UnixMillis};

    #[test]
    fn what_was_never_pushed_to_needs_no_rest() {
        let now = UnixMillis(1_000_000);
        let (old, new) = (["a".to_string()], ["b".to_string()]);
        let mut addresses = Addresses::default();
        addresses.claim("one", &old, now).unwrap();
        addresses.release("one", now);
        addresses.claim("one", &new, now).unwrap();
        addresses.take_back("one");
        assert_eq!(addresses.claim("two", &new, now), Ok(()));
        assert!(addresses.claim("two", &old, now).is_err(), "it rests still");
    }

    #[test]
    fn a_rest_that_was_counted_elsewhere_ends_and_a_task_that_runs_keeps_its_own() {
        let now = UnixMillis(1_000_000);
        let (rested, own) = (["a".to_string()], ["b".to_string()]);
        let mut addresses = Addresses::default();
        addresses.claim("one", &rested, now).unwrap();
        addresses.claim("two", &own, now).unwrap();
        addresses.release("one", now);
        assert!(addresses.claim("one", &rested, now).is_err(), "it rests");
        addresses.end_rests(&[rested[0].clone(), own[0].clone()]);
        assert_eq!(addresses.claim("one", &rested, now), Ok(()));
        assert!(addresses.claim("three", &own, now).is_err(), "it is the second's");
    }
}
