//! Names that are looked up with a resolver that answers when it is told to.

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
