//! Looking names up: who asks how many at a time.
//!
//! The system's resolver takes a thread for each name, and of a name whose servers are dead tens of
//! seconds; whoever asked may long be gone then. So an application has a few threads and all have some
//! more, one name is asked for once however many want it, and a failure is an answer for some seconds.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// Names that are looked up at a time: fewer than the runtime has threads for.
const MOST: usize = 128;

/// Of them one application's, and of these such as failed of late.
const OF_ONE: usize = 8;
const DOUBTFUL: usize = 2;

/// For how long a failure is an answer.
const FAILED: Duration = Duration::from_secs(5);

/// For how long after one a name may take few threads only, and after how long a lookup is one too.
const DOUBT: Duration = Duration::from_mins(1);
const SLOW: Duration = Duration::from_secs(5);

/// How many names are remembered before those that say nothing any more are forgotten, and before all
/// are.
const TIDY: usize = 1_024;
const MOST_KNOWN: usize = 8_192;

/// Why there are no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such name, or it has none.
    NoName,
    /// Nobody could be asked now.
    NotNow,
}

impl From<LookupErrorKind> for Failure {
    /// A name server that is away for a while ends no push.
    fn from(kind: LookupErrorKind) -> Self {
        match kind {
            LookupErrorKind::Again | LookupErrorKind::Memory | LookupErrorKind::System => {
                Self::NotNow
            }
            _ => Self::NoName,
        }
    }
}

/// Who asks: an application, or a part of the host. Cloning it gives the same one.
#[derive(Clone, Debug)]
pub struct Asker(Arc<Slots>);

#[derive(Debug)]
struct Slots {
    all: Arc<Semaphore>,
    doubtful: Arc<Semaphore>,
}

impl Asker {
    /// That of an application: what fetches and pushes its streams asks as one.
    pub fn of(app: &str) -> Self {
        NAMES.with(|names| names.asker(app))
    }
}

/// One of its own.
impl Default for Asker {
    fn default() -> Self {
        let slots = |most| Arc::new(Semaphore::new(most));
        Self(Arc::new(Slots { all: slots(OF_ONE), doubtful: slots(DOUBTFUL) }))
    }
}

type Addresses = Result<Vec<IpAddr>, Failure>;

/// What came of a lookup.
#[derive(Clone, Debug)]
struct Answer {
    at: Instant,
    took: Duration,
    found: Addresses,
}

/// What was asked for: there is an answer, or it is under way.
type Asked = watch::Receiver<Option<Answer>>;

/// What to do about a name.
enum Next {
    Wait(Asked),
    Fail(Failure),
    Ask { is_doubtful: bool },
}

/// Kept until the lookup is done, whoever waits for it.
type Permits = [Option<OwnedSemaphorePermit>; 3];

struct Names {
    resolve: fn(&str) -> Addresses,
    slots: Arc<Semaphore>,
    asked: RefCell<BTreeMap<String, Asked>>,
    askers: RefCell<BTreeMap<String, Asker>>,
}

thread_local! {
    static NAMES: Rc<Names> = Rc::new(Names::new(resolve));
}

/// The addresses of a name.
pub(super) async fn look_up(name: &str, asker: &Asker) -> Addresses {
    let names = NAMES.with(Rc::clone);
    names.look_up(name, asker).await
}

impl Names {
    fn new(resolve: fn(&str) -> Addresses) -> Self {
        let slots = Arc::new(Semaphore::new(MOST));
        Self { resolve, slots, asked: RefCell::default(), askers: RefCell::default() }
    }

    fn asker(&self, app: &str) -> Asker {
        let mut askers = self.askers.borrow_mut();
        if let Some(asker) = askers.get(app) {
            return asker.clone();
        }
        if askers.len() >= TIDY {
            askers.retain(|_, asker| Arc::strong_count(&asker.0) > 1);
        }
        askers.entry(app.to_owned()).or_default().clone()
    }

    async fn look_up(&self, name: &str, asker: &Asker) -> Addresses {
        let mut asked = match self.next(name) {
            Next::Wait(asked) => asked,
            Next::Fail(failure) => return Err(failure),
            Next::Ask { is_doubtful } => {
                let permits = self.permits(asker, is_doubtful).await;
                let permits = permits.map_err(|_| Failure::NotNow)?;
                // Somebody may have asked for it meanwhile.
                match self.next(name) {
                    Next::Wait(asked) => asked,
                    Next::Fail(failure) => return Err(failure),
                    Next::Ask { .. } => self.ask(name, permits),
                }
            }
        };
        let answered = asked.wait_for(Option::is_some).await;
        let answer = answered.ok().and_then(|answer| answer.clone());
        answer.map_or(Err(Failure::NotNow), |answer| answer.found)
    }

    fn next(&self, name: &str) -> Next {
        let all = self.asked.borrow();
        let Some(asked) = all.get(name) else { return Next::Ask { is_doubtful: false } };
        let answer = asked.borrow();
        match &*answer {
            None if asked.has_changed().is_ok() => Next::Wait(asked.clone()),
            Some(Answer { at, found: Err(failure), .. }) if at.elapsed() < FAILED => {
                Next::Fail(*failure)
            }
            answer => Next::Ask { is_doubtful: answer.as_ref().is_some_and(Answer::is_doubtful) },
        }
    }

    async fn permits(&self, asker: &Asker, is_doubtful: bool) -> Result<Permits, AcquireError> {
        let Slots { all, doubtful } = &*asker.0;
        let few =
            if is_doubtful { Some(Arc::clone(doubtful).acquire_owned().await?) } else { None };
        let own = Arc::clone(all).acquire_owned().await?;
        Ok([few, Some(own), Some(Arc::clone(&self.slots).acquire_owned().await?)])
    }

    fn ask(&self, name: &str, permits: Permits) -> Asked {
        let (answer, asked) = watch::channel(None);
        let mut all = self.asked.borrow_mut();
        if all.len() >= TIDY {
            let is_full = all.len() >= MOST_KNOWN;
            all.retain(|_, asked| match &*asked.borrow() {
                None => asked.has_changed().is_ok(),
                Some(answer) => !is_full && answer.is_doubtful(),
            });
        }
        all.insert(name.to_owned(), asked.clone());
        let (resolve, name) = (self.resolve, name.to_owned());
        spawn_blocking(move || {
            let began = Instant::now();
            let found = resolve(&name);
            let at = Instant::now();
            drop(permits);
            answer.send_replace(Some(Answer { at, took: at - began, found }));
        });
        asked
    }
}

impl Answer {
    fn is_doubtful(&self) -> bool {
        (self.found.is_err() || self.took >= SLOW) && self.at.elapsed() < DOUBT
    }
}

fn resolve(name: &str) -> Addresses {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(name), None, Some(hints)).map_err(|error| error.kind())?;
    let found: io::Result<Vec<_>> = found.map(|one| Ok(one?.sockaddr.ip())).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Failure::NoName),
    }
}
