//! Looking names up: who asks how many at a time.
//!
//! The system's resolver takes a thread for each name, and of a name whose servers are dead tens of
//! seconds; whoever asked may long be gone then. So an application has a few threads and all have some
//! more, one name is asked for once however many want it, and a failure is an answer for some seconds.

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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::rc::Rc;
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    use dns_lookup::LookupErrorKind;
    use tokio::task::{LocalSet, spawn_local, yield_now};
    use tokio::time::{advance, pause, timeout};

    use super::{Addresses, Asker, DOUBT, DOUBTFUL, FAILED, Failure, MOST, Names, OF_ONE};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A resolver whose names that begin with `dead` get no answer until somebody opens it.
    struct Resolver {
        /// Whether it is open, how many wait, and how many have asked.
        state: Mutex<(bool, usize, usize)>,
        opened: Condvar,
    }

    impl Resolver {
        const fn new() -> Self {
            Self { state: Mutex::new((false, 0, 0)), opened: Condvar::new() }
        }

        fn resolve(&self, name: &str) -> Addresses {
            let mut state = self.state.lock().unwrap();
            state.2 += 1;
            if !name.starts_with("dead") {
                return Ok(vec![HERE]);
            }
            state.1 += 1;
            let mut state = self.opened.wait_while(state, |state| !state.0).unwrap();
            state.1 -= 1;
            Err(Failure::NoName)
        }

        fn open(&self) {
            self.state.lock().unwrap().0 = true;
            self.opened.notify_all();
        }

        fn shut(&self) {
            self.state.lock().unwrap().0 = false;
        }

        async fn waiting(&self, count: usize) {
            while self.state.lock().unwrap().1 != count {
                yield_now().await;
            }
        }

        fn asked(&self) -> usize {
            self.state.lock().unwrap().2
        }
    }

    /// Runs a test within its time, whatever the resolver does.
    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let limited = async { timeout(Duration::from_secs(20), test).await.unwrap() };
        LocalSet::new().block_on(&runtime, limited);
    }

    #[test]
    fn dead_names_of_one_keep_no_other_waiting() {
        static RESOLVER: Resolver = Resolver::new();
        run(async {
            let names = Rc::new(Names::new(|name| RESOLVER.resolve(name)));
            let (one, other) = (names.asker("one"), names.asker("other"));
            let asked: Vec<_> = (0..1_000)
                .map(|n| {
                    let (names, one) = (Rc::clone(&names), one.clone());
                    spawn_local(async move { names.look_up(&format!("dead{n}"), &one).await })
                })
                .collect();
            RESOLVER.waiting(OF_ONE).await;
            assert_eq!(names.look_up("good", &other).await, Ok(vec![HERE]));
            // Who asked goes, and the threads are taken still.
            asked.iter().for_each(tokio::task::JoinHandle::abort);
            yield_now().await;
            assert_eq!(names.look_up("good", &other).await, Ok(vec![HERE]));
            RESOLVER.waiting(OF_ONE).await;
            assert_eq!(RESOLVER.asked(), OF_ONE + 2);
            RESOLVER.open();
            RESOLVER.waiting(0).await;
            assert_eq!(names.look_up("good", &one).await, Ok(vec![HERE]));
        });
    }

    #[test]
    fn all_together_have_so_many_threads() {
        static RESOLVER: Resolver = Resolver::new();
        run(async {
            let names = Rc::new(Names::new(|name| RESOLVER.resolve(name)));
            for n in 0..MOST * 2 {
                let (names, asker) = (Rc::clone(&names), Asker::default());
                spawn_local(async move { names.look_up(&format!("dead{n}"), &asker).await });
            }
            RESOLVER.waiting(MOST).await;
            for _ in 0..100 {
                yield_now().await;
            }
            RESOLVER.waiting(MOST).await;
            RESOLVER.open();
            RESOLVER.waiting(0).await;
        });
    }

    #[test]
    fn a_name_is_asked_for_once_and_a_failure_is_an_answer_for_a_while() {
        static RESOLVER: Resolver = Resolver::new();
        run(async {
            let names = Rc::new(Names::new(|name| RESOLVER.resolve(name)));
            let asker = Asker::default();
            let asked: Vec<_> = (0..100)
                .map(|_| {
                    let (names, asker) = (Rc::clone(&names), asker.clone());
                    spawn_local(async move { names.look_up("dead", &asker).await })
                })
                .collect();
            RESOLVER.waiting(1).await;
            RESOLVER.open();
            for one in asked {
                assert_eq!(one.await.unwrap(), Err(Failure::NoName));
            }
            pause();
            advance(FAILED.saturating_sub(Duration::from_millis(1))).await;
            assert_eq!(names.look_up("dead", &asker).await, Err(Failure::NoName));
            assert_eq!(RESOLVER.asked(), 1);
            advance(Duration::from_millis(2)).await;
            assert_eq!(names.look_up("dead", &asker).await, Err(Failure::NoName));
            assert_eq!(RESOLVER.asked(), 2);
        });
    }

    #[test]
    fn what_failed_of_late_leaves_threads_for_what_did_not() {
        static RESOLVER: Resolver = Resolver::new();
        run(async {
            let names = Rc::new(Names::new(|name| RESOLVER.resolve(name)));
            let asker = Asker::default();
            RESOLVER.open();
            let dead: Vec<_> = (0..OF_ONE * 2).map(|n| format!("dead{n}")).collect();
            for name in &dead {
                assert_eq!(names.look_up(name, &asker).await, Err(Failure::NoName));
            }
            pause();
            advance(FAILED).await;
            RESOLVER.shut();
            let ask = || {
                for name in dead.clone() {
                    let (names, asker) = (Rc::clone(&names), asker.clone());
                    spawn_local(async move { names.look_up(&name, &asker).await });
                }
            };
            ask();
            RESOLVER.waiting(DOUBTFUL).await;
            assert_eq!(names.look_up("good", &asker).await, Ok(vec![HERE]));
            assert!(FAILED < DOUBT);
            RESOLVER.open();
            RESOLVER.waiting(0).await;
        });
    }

    #[test]
    fn what_may_pass_is_known_by_its_kind() {
        for kind in [LookupErrorKind::Again, LookupErrorKind::System, LookupErrorKind::Memory] {
            assert_eq!(Failure::from(kind), Failure::NotNow);
        }
        for kind in [LookupErrorKind::NoName, LookupErrorKind::NoData, LookupErrorKind::Fail] {
            assert_eq!(Failure::from(kind), Failure::NoName);
        }
        assert!(super::resolve("no.such.name.invalid").is_err());
        assert!(super::resolve("localhost").unwrap().iter().all(IpAddr::is_loopback));
    }
}
