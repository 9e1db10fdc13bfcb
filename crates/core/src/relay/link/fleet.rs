//! What a Fleet says.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::Value;

use super::report::Tenure;
use super::{LinkError, list, name, names, number, number_or, object, written};
use crate::config::table::{Object, part, text};
use crate::relay::lease::Grant;
use crate::relay::settings::settings;
use crate::relay::task::{Task, put};
use crate::time::Millis;

settings! {
    /// What a gateway says of how it wants to be told.
    pub struct LinkSettings {
        /// How often a host that has nothing to say says how it is. One that has said nothing for
        /// three times that is not given anything.
        status_ms = 5_000 in 1_000..=30_000,
    }
}

/// What a Fleet's message says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FleetSays {
    /// The answer to a hello.
    Welcome(Welcome),
    /// A task starts, or one that runs becomes this: what is the same stays as it is. To do so twice is
    /// to do so once. It is answered by [`Done`](super::HostSays::Done).
    Start(Command<Start>),
    /// A task is to end. The answer is [`Ended`](super::HostSays::Ended).
    Stop(Command<Tenure>),
    /// A task writes a message of the caller's own once, and has it from now on. It is answered by
    /// [`Done`](super::HostSays::Done); one that was carried out is not again.
    Sei(Command<(Tenure, String)>),
    /// The leases of a `renew`.
    Granted {
        /// The number of what is answered: from when the host sent that, the leases count.
        answers: u64,
        /// For how long.
        lease: Millis,
        /// Of which tasks.
        tasks: Vec<Tenure>,
        /// The tasks that are not the host's, or not any more: it stops them (`push.lease_lost`).
        fenced: Vec<String>,
    },
    /// These ended tasks are written down, or never were the Fleet's.
    Forget {
        /// Which.
        keys: Vec<String>,
    },
}

/// A command and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command<T> {
    /// No other command of that Fleet has it. One that is sent again has the same.
    pub number: u64,
    /// What is to be done.
    pub of: T,
}

impl<T> Command<T> {
    /// A command of that number.
    pub const fn new(number: u64, of: T) -> Self {
        Self { number, of }
    }
}

/// A task that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Start {
    /// Which.
    pub tenure: Tenure,
    /// Goes up with each change of the task.
    pub revision: u64,
    /// For how long the task is the host's; without, until it is told otherwise. It counts from when
    /// the host sent the message `answers`.
    pub lease: Option<Millis>,
    /// The number of the host's newest message that the Fleet had.
    pub answers: u64,
    /// The task.
    pub task: Box<Task>,
}

impl Start {
    /// A task for a host, granted when the Fleet had its message `answers`.
    pub fn new(key: String, revision: u64, grant: Grant, answers: u64, task: Task) -> Self {
        let tenure = Tenure { key, epoch: grant.epoch };
        Self { tenure, revision, lease: grant.lease, answers, task: Box::new(task) }
    }

    /// The grant in it, for [`Held`](crate::relay::lease::Held).
    pub const fn grant(&self) -> Grant {
        Grant { epoch: self.tenure.epoch, lease: self.lease }
    }
}

/// Where a host's events go: callbacks after Standard Webhooks.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The address.
    pub url: String,
    /// The secret, `whsec_…`.
    pub secret: String,
}

impl Callback {
    /// That.
    pub const fn new(url: String, secret: String) -> Self {
        Self { url, secret }
    }
}

/// The address alone.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The answer to a hello. Every task of the hello is in one of its lists; what else is to run comes by
/// `start`, and so does a task of `keep` that has changed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Welcome {
    /// The host's name in the gateway.
    pub host: String,
    /// How the gateway wants to be told.
    pub settings: LinkSettings,
    /// Where the host's events go.
    pub callback: Callback,
    /// The tasks that go on as they are. Leases are not touched by this: the host asks for others.
    pub keep: Vec<Tenure>,
    /// The tasks that stop, as after a `stop`.
    pub stop: Vec<Tenure>,
    /// The tasks that are over, and are so written down: the host need say nothing more of them.
    pub forget: Vec<String>,
}

impl Welcome {
    /// The answer to a hello without tasks.
    pub const fn new(host: String, settings: LinkSettings, callback: Callback) -> Self {
        Self { host, settings, callback, keep: Vec::new(), stop: Vec::new(), forget: Vec::new() }
    }

    fn put(&self, out: &mut Object) {
        put(out, "host", Some(&*self.host));
        let mut settings = Object::new();
        put(&mut settings, "status_ms", Some(self.settings.status_ms));
        put(out, "settings", Some(settings));
        let mut callback = Object::new();
        put(&mut callback, "url", Some(&*self.callback.url));
        put(&mut callback, "secret", Some(&*self.callback.secret));
        put(out, "callback", Some(callback));
        put(out, "keep", Some(written(&self.keep, Tenure::write)));
        put(out, "stop", Some(written(&self.stop, Tenure::write)));
        put(out, "forget", Some(self.forget.clone()));
    }

    fn read(object: &Object) -> Result<Self, LinkError> {
        let callback = part(object, "callback").ok_or(LinkError::Field("callback"))?;
        let mut settings = LinkSettings::default();
        for (name, value) in part(object, "settings").into_iter().flatten() {
            // A newer gateway may have others, and an older one other bounds.
            if let Some(value) = value.as_u64() {
                let _ = settings.set(name, value);
            }
        }
        Ok(Self {
            host: name(object, "host")?,
            settings,
            callback: Callback { url: name(callback, "url")?, secret: name(callback, "secret")? },
            keep: list(object, "keep", Tenure::read)?,
            stop: list(object, "stop", Tenure::read)?,
            forget: names(object, "forget")?,
        })
    }
}

impl FleetSays {
    /// Reads a message.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn read(message: &str) -> Result<Self, LinkError> {
        let object = &object(message)?;
        let kind = text(object, "type").ok_or(LinkError::Field("type"))?;
        let command = || number(object, "command");
        Ok(match kind {
            "welcome" => Self::Welcome(Welcome::read(object)?),
            "start" => Self::Start(Command::new(
                command()?,
                Start {
                    tenure: Tenure::read(object)?,
                    revision: number(object, "revision")?,
                    lease: match number_or(object, "lease_ms", 0)? {
                        0 => None,
                        lease => Some(Millis(lease)),
                    },
                    answers: number(object, "answers")?,
                    task: object
                        .get("task")
                        .and_then(Task::from_value)
                        .map(Box::new)
                        .ok_or(LinkError::Field("task"))?,
                },
            )),
            "stop" => Self::Stop(Command::new(command()?, Tenure::read(object)?)),
            "sei" => {
                let custom = text(object, "custom").ok_or(LinkError::Field("custom"))?;
                let of = (Tenure::read(object)?, String::from(custom));
                Self::Sei(Command::new(command()?, of))
            }
            "granted" => Self::Granted {
                answers: number(object, "answers")?,
                lease: Millis(number(object, "lease_ms")?),
                tasks: list(object, "tasks", Tenure::read)?,
                fenced: names(object, "fenced")?,
            },
            "forget" => Self::Forget { keys: names(object, "keys")? },
            _ => return Err(LinkError::Unknown),
        })
    }

    /// The message as text, **secrets included**.
    pub fn write(&self) -> String {
        let mut out = Object::new();
        let mut of = |name: &str, command: Option<u64>| {
            put(&mut out, "type", Some(name));
            put(&mut out, "command", command);
        };
        match self {
            Self::Welcome(welcome) => {
                of("welcome", None);
                welcome.put(&mut out);
            }
            Self::Start(Command { number, of: start }) => {
                of("start", Some(*number));
                start.tenure.put(&mut out);
                put(&mut out, "revision", Some(start.revision));
                put(&mut out, "lease_ms", start.lease.map(|lease| lease.0));
                put(&mut out, "answers", Some(start.answers));
                put(&mut out, "task", Some(start.task.to_value()));
            }
            Self::Stop(Command { number, of: tenure }) => {
                of("stop", Some(*number));
                tenure.put(&mut out);
            }
            Self::Sei(Command { number, of: (tenure, custom) }) => {
                of("sei", Some(*number));
                tenure.put(&mut out);
                put(&mut out, "custom", Some(&**custom));
            }
            Self::Granted { answers, lease, tasks, fenced } => {
                of("granted", None);
                put(&mut out, "answers", Some(*answers));
                put(&mut out, "lease_ms", Some(lease.0));
                put(&mut out, "tasks", Some(written(tasks, Tenure::write)));
                put(&mut out, "fenced", Some(fenced.clone()));
            }
            Self::Forget { keys } => {
                of("forget", None);
                put(&mut out, "keys", Some(keys.clone()));
            }
        }
        Value::Object(out).to_string()
    }
}
