//! What a host says.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::report::{Published, TaskReport, Tenure};
use super::{LinkError, PROTOCOL, list, maybe_name, name, number, number_or, object, written};
use crate::config::table::{Object, part, text};
use crate::relay::task::put;

/// A host's message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FromHost {
    /// Which of the connection's: from 1, each one more than the one before.
    pub number: u64,
    /// What it says.
    pub says: HostSays,
}

/// What a host's message says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostSays {
    /// Who it is and what runs on it.
    Hello(Hello),
    /// How it is.
    Status {
        /// How much it does.
        load: Load,
        /// The tasks whose state or whose pushes' states have changed.
        tasks: Vec<TaskReport>,
    },
    /// Published streams.
    Streams {
        /// Those that came.
        came: Vec<Published>,
        /// Those that went.
        gone: Vec<Published>,
    },
    /// It asks for other leases of these tasks.
    Renew {
        /// Which.
        tasks: Vec<Tenure>,
    },
    /// What came of a `start` or a `sei`.
    Done {
        /// The command.
        command: u64,
        /// Why it was not carried out, if it was not.
        refused: Option<Refused>,
    },
    /// A task is over, and all of its pushes are closed: by itself, or because it was to stop. This is
    /// the answer to a `stop`, for a task that the host does not know, too.
    Ended(TaskReport),
}

/// Why a host does not carry out a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// A code of docs/errors.md, such as `relay.host_full`.
    pub code: String,
    /// The same for people, without secrets.
    pub reason: String,
}

impl Refused {
    /// That.
    pub const fn new(code: String, reason: String) -> Self {
        Self { code, reason }
    }
}

/// The first message of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hello {
    /// A name that the host made for itself and keeps on disk: what tells two machines apart that have
    /// one token.
    pub instance: String,
    /// livegate's version there, for people.
    pub version: String,
    /// What it can take.
    pub capacity: Capacity,
    /// How much it does.
    pub load: Load,
    /// All tasks that it has, those that are over and not forgotten among them.
    pub tasks: Vec<TaskReport>,
    /// All streams that are published to it.
    pub streams: Vec<Published>,
}

impl Hello {
    /// That of a host that does nothing yet.
    pub const fn new(instance: String, version: String, capacity: Capacity) -> Self {
        Self {
            instance,
            version,
            capacity,
            load: Load { pushes: 0, cpu_permille: 0 },
            tasks: Vec::new(),
            streams: Vec::new(),
        }
    }
}

/// What a host can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// Pushes at a time.
    pub pushes: u64,
}

impl Capacity {
    /// So many pushes.
    pub const fn of(pushes: u64) -> Self {
        Self { pushes }
    }
}

/// How much a host does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Its pushes, whoever they are for.
    pub pushes: u64,
    /// How much of the machine's processors is in use, in thousandths.
    pub cpu_permille: u64,
}

impl Load {
    /// That.
    pub const fn new(pushes: u64, cpu_permille: u64) -> Self {
        Self { pushes, cpu_permille }
    }

    fn write(self) -> Value {
        let mut out = Object::new();
        put(&mut out, "pushes", Some(self.pushes));
        put(&mut out, "cpu_permille", Some(self.cpu_permille));
        out.into()
    }

    fn read(object: &Object) -> Result<Self, LinkError> {
        match part(object, "load") {
            None => Ok(Self::default()),
            Some(load) => Ok(Self {
                pushes: number_or(load, "pushes", 0)?,
                cpu_permille: number_or(load, "cpu_permille", 0)?.min(1000),
            }),
        }
    }
}

impl FromHost {
    /// A message of that number.
    pub const fn new(number: u64, says: HostSays) -> Self {
        Self { number, says }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn read(message: &str) -> Result<Self, LinkError> {
        let object = &object(message)?;
        let kind = text(object, "type").ok_or(LinkError::Field("type"))?;
        let says = match kind {
            "hello" => HostSays::Hello(Hello::read(object)?),
            "status" => HostSays::Status {
                load: Load::read(object)?,
                tasks: list(object, "tasks", TaskReport::read)?,
            },
            "streams" => HostSays::Streams {
                came: list(object, "came", Published::read)?,
                gone: list(object, "gone", Published::read)?,
            },
            "renew" => HostSays::Renew { tasks: list(object, "tasks", Tenure::read)? },
            "done" => {
                let refused = match maybe_name(object, "code")? {
                    Some(code) => {
                        let reason = maybe_name(object, "reason")?.unwrap_or_default();
                        Some(Refused { code, reason })
                    }
                    None => None,
                };
                HostSays::Done { command: number(object, "command")?, refused }
            }
            "ended" => HostSays::Ended(TaskReport::read(object)?),
            _ => return Err(LinkError::Unknown),
        };
        Ok(Self { number: number(object, "number")?, says })
    }

    /// The message as text.
    pub fn write(&self) -> String {
        let mut out = Object::new();
        let mut of = |name: &str| put(&mut out, "type", Some(name));
        match &self.says {
            HostSays::Hello(hello) => {
                of("hello");
                hello.put(&mut out);
            }
            HostSays::Status { load, tasks } => {
                of("status");
                put(&mut out, "load", Some(load.write()));
                put(&mut out, "tasks", Some(written(tasks, TaskReport::write)));
            }
            HostSays::Streams { came, gone } => {
                of("streams");
                for (name, list) in [("came", came), ("gone", gone)] {
                    put(&mut out, name, Some(written(list, Published::write)));
                }
            }
            HostSays::Renew { tasks } => {
                of("renew");
                put(&mut out, "tasks", Some(written(tasks, Tenure::write)));
            }
            HostSays::Done { command, refused } => {
                of("done");
                put(&mut out, "command", Some(*command));
                put(&mut out, "code", refused.as_ref().map(|refused| &*refused.code));
                put(&mut out, "reason", refused.as_ref().map(|refused| &*refused.reason));
            }
            HostSays::Ended(report) => {
                of("ended");
                if let Value::Object(own) = report.write() {
                    out.extend(own);
                }
            }
        }
        put(&mut out, "number", Some(self.number));
        Value::Object(out).to_string()
    }
}

impl Hello {
    fn put(&self, out: &mut Object) {
        put(out, "protocol", Some(PROTOCOL));
        put(out, "instance", Some(&*self.instance));
        put(out, "version", Some(&*self.version));
        let mut capacity = Object::new();
        put(&mut capacity, "pushes", Some(self.capacity.pushes));
        put(out, "capacity", Some(capacity));
        put(out, "load", Some(self.load.write()));
        put(out, "tasks", Some(written(&self.tasks, TaskReport::write)));
        put(out, "streams", Some(written(&self.streams, Published::write)));
    }

    fn read(object: &Object) -> Result<Self, LinkError> {
        if number(object, "protocol")? != PROTOCOL {
            return Err(LinkError::Protocol);
        }
        let capacity = part(object, "capacity").ok_or(LinkError::Field("capacity"))?;
        Ok(Self {
            instance: name(object, "instance")?,
            version: name(object, "version")?,
            capacity: Capacity { pushes: number(capacity, "pushes")? },
            load: Load::read(object)?,
            tasks: list(object, "tasks", TaskReport::read)?,
            streams: list(object, "streams", Published::read)?,
        })
    }
}
