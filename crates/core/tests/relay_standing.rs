//! What was answered of a task is true after any crash: random calls against a disk that takes and
//! refuses, a host that leaves, and one that is killed.
//!
//! The shell here is the smallest one that keeps `standing`'s rules: one task's key, an incarnation of it
//! after the other, and a disk that writes what waits in its order, all or nothing, as the store does.

use std::collections::BTreeMap;

use livegate_core::relay::push::Cause;
use livegate_core::relay::standing::{Outcome, Output, Phase, Standing, Ticket, Wish};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

/// Which incarnation of the task.
type Life = usize;

/// What is done to the host.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// It is started, or changed.
    Start,
    Sei,
    Stop,
    /// It ends by itself.
    EndsItself,
    Written,
    Refused,
    /// The pause after a refusal is over.
    Pass,
    Sigterm,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{Crash, EndsItself, Pass, Refused, Sei, Sigterm, Start, Stop, Written};
    prop_oneof![
        6 => Just(Start),
        3 => Just(Sei),
        4 => Just(Stop),
        1 => Just(EndsItself),
        6 => Just(Written),
        4 => Just(Refused),
        3 => Just(Pass),
        1 => Just(Sigterm),
        1 => Just(Crash),
    ]
}

/// What waits for the disk.
#[derive(Clone, Copy, Debug)]
enum Write {
    Row(Life, Wish, Option<Ticket>),
    End(Life),
    Ask(Life, Ticket),
}

/// What was asked, and what it was answered.
#[derive(Clone, Copy, Debug)]
struct Asked {
    life: Life,
    wish: Wish,
    is_stop: bool,
    answered: Option<Outcome>,
}

/// One incarnation, of which nothing but the disk outlives the process.
struct Own {
    standing: Standing,
    /// What its row would have now: the newest wish that changed it.
    row: Wish,
    began: bool,
    pauses: bool,
    /// Whether it has its addresses.
    holds: bool,
}

#[derive(Default)]
struct World {
    lives: BTreeMap<Life, Own>,
    newest: Life,
    queue: Vec<Write>,
    /// The row on disk, and all that were there, in their order.
    disk: Option<(Life, Wish)>,
    history: Vec<(Life, Wish)>,
    ended: Vec<Life>,
    /// Which told anything: they began.
    told: Vec<Life>,
    asked: Vec<Asked>,
    is_leaving: bool,
    /// Whether one began that was stopped, or of a host that leaves.
    is_untimely: bool,
}

impl World {
    fn present(&mut self) -> Option<&mut Own> {
        let newest = self.newest;
        let own = self.lives.get_mut(&newest)?;
        (!matches!(own.standing.phase(), Phase::Over | Phase::Never)).then_some(own)
    }

    fn put(&mut self, own: Standing, wish: Wish, began: bool) {
        self.newest += 1;
        self.lives.insert(
            self.newest,
            Own { standing: own, row: wish, began, pauses: false, holds: true },
        );
    }

    fn ask(&mut self, wish: Option<Wish>, is_stop: bool) {
        let Some(wish) = wish else { return };
        let life = self.newest;
        self.asked.push(Asked { life, wish, is_stop, answered: None });
    }

    fn start(&mut self) {
        if self.is_leaving {
            return;
        }
        let wish = if let Some(own) = self.present() {
            let wish = own.standing.change();
            own.row = wish.unwrap_or(own.row);
            wish
        } else {
            self.put(Standing::new(), Wish(1), false);
            Some(Wish(1))
        };
        self.ask(wish, false);
        self.act(self.newest);
    }

    fn sei(&mut self) {
        let Some(own) = self.present() else { return };
        if matches!(own.standing.phase(), Phase::Withdrawn(_)) {
            return;
        }
        let wish = own.standing.change();
        own.row = wish.unwrap_or(own.row);
        self.ask(wish, false);
        self.act(self.newest);
    }

    fn stop(&mut self) {
        let Some(own) = self.present() else { return };
        let wish = own.standing.stop(Cause::Stopped);
        self.ask(wish, true);
        self.act(self.newest);
    }

    /// As the shell ends a task that runs: its row goes with the end if it is not on disk.
    fn end(&mut self, life: Life) {
        let own = self.lives.get_mut(&life).unwrap();
        if !own.standing.is_on_disk() {
            self.queue.push(Write::Row(life, own.row, None));
        }
        self.queue.push(Write::End(life));
        own.holds = false;
        own.standing.ended();
    }

    fn act(&mut self, life: Life) {
        while let Some(output) = self.lives.get_mut(&life).and_then(|own| own.standing.poll()) {
            let own = self.lives.get_mut(&life).unwrap();
            match output {
                Output::Write(ticket) => self.queue.push(Write::Row(life, own.row, Some(ticket))),
                Output::Keep => self.queue.push(Write::Row(life, own.row, None)),
                Output::Ask(ticket) => self.queue.push(Write::Ask(life, ticket)),
                Output::Pause => own.pauses = true,
                Output::Begin => {
                    own.began = true;
                    self.is_untimely |= self.is_leaving || own.standing.phase() != Phase::Runs;
                    self.told.push(life);
                }
                Output::Stop(_) => self.end(life),
                Output::End(_) => {
                    own.holds = false;
                    self.queue.push(Write::End(life));
                }
                Output::Fall => own.holds = false,
                Output::Answer(up_to, outcome) => {
                    let waits = |one: &&mut Asked| one.life == life && one.answered.is_none();
                    for one in self.asked.iter_mut().filter(waits) {
                        if one.wish <= up_to {
                            one.answered = Some(outcome);
                        }
                    }
                }
            }
        }
    }

    /// What waits is one transaction; of one that fails only what is kept stays.
    fn disk(&mut self, takes: bool) {
        let queue = std::mem::take(&mut self.queue);
        let mut answers = Vec::new();
        for write in queue {
            match write {
                Write::Row(_, _, Some(ticket)) | Write::Ask(_, ticket) if !takes => {
                    answers.push((write.life(), ticket));
                }
                _ if !takes => self.queue.push(write),
                Write::Row(life, wish, ticket) => {
                    self.disk = Some((life, wish));
                    self.history.push((life, wish));
                    answers.extend(ticket.map(|ticket| (life, ticket)));
                }
                Write::End(life) => {
                    if self.disk.take().is_some() {
                        self.ended.push(life);
                    }
                }
                Write::Ask(life, ticket) => answers.push((life, ticket)),
            }
        }
        for (life, ticket) in answers {
            if let Some(own) = self.lives.get_mut(&life) {
                own.standing.settled(ticket, takes);
                self.act(life);
            }
        }
    }

    fn pass(&mut self) {
        for life in self.lives.keys().copied().collect::<Vec<_>>() {
            let own = self.lives.get_mut(&life).unwrap();
            if std::mem::take(&mut own.pauses) {
                own.standing.again();
                self.act(life);
            }
        }
    }

    fn sigterm(&mut self) {
        self.is_leaving = true;
        for life in self.lives.keys().copied().collect::<Vec<_>>() {
            self.lives.get_mut(&life).unwrap().standing.leave();
            self.act(life);
        }
    }

    /// What was neither answered nor written is not heard of any more. What runs again is what is on disk.
    fn crash(&mut self) {
        self.lives.clear();
        self.queue.clear();
        self.is_leaving = false;
        self.asked.retain(|one| one.answered.is_some());
        if self.disk.is_some() {
            // It goes on as the next one: wishes are counted anew.
            self.put(Standing::restored(), Wish(0), true);
            self.disk = Some((self.newest, Wish(0)));
            self.told.push(self.newest);
        }
    }

    /// What holds at every moment.
    fn check(&self) -> Result<(), TestCaseError> {
        for (life, own) in &self.lives {
            let rows =
                self.queue.iter().filter(|write| matches!(write, Write::Row(of, ..) if of == life));
            let kept = matches!(own.standing.phase(), Phase::Left | Phase::Over);
            prop_assert!(rows.count() <= 1 + usize::from(kept), "rows of {life}: {:?}", self.queue);
            let phase = own.standing.phase();
            let nothing = matches!(phase, Phase::Held | Phase::Withdrawn(_) | Phase::Never);
            prop_assert!(!(nothing && own.began), "{life} is {phase:?} and has begun");
            prop_assert_eq!(own.holds, !matches!(phase, Phase::Over | Phase::Never));
        }
        prop_assert!(!self.is_untimely);
        let sorted = self.history.windows(2).all(|pair| pair[0] <= pair[1]);
        prop_assert!(sorted, "{:?}", self.history);
        for Asked { life, wish, is_stop, answered } in self.asked.iter().copied() {
            match answered {
                Some(Outcome::Never) => {
                    prop_assert!(!self.told.contains(&life), "{life} told something");
                    prop_assert!(self.history.iter().all(|(of, _)| *of != life));
                }
                // What the disk has is what came of it: a crash now would show it.
                Some(Outcome::Kept) if is_stop => {
                    let runs = self.disk.is_some_and(|on_disk| on_disk < (life, wish));
                    prop_assert!(!runs, "{life} was stopped, and is there: {:?}", self.disk);
                }
                Some(Outcome::Kept) => {
                    let is_there = self.disk.is_some_and(|on_disk| on_disk >= (life, wish));
                    let is_over = self.ended.iter().any(|of| *of >= life);
                    prop_assert!(is_there || is_over, "{life} {wish:?} is not there");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Write {
    const fn life(&self) -> Life {
        match *self {
            Self::Row(life, ..) | Self::End(life) | Self::Ask(life, _) => life,
        }
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_was_answered_is_true_after_any_crash(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::default();
        for step in steps {
            match step {
                Step::Start => world.start(),
                Step::Sei => world.sei(),
                Step::Stop => world.stop(),
                Step::EndsItself => {
                    let newest = world.newest;
                    let runs = world.present().is_some_and(|own| own.standing.phase() == Phase::Runs);
                    if runs {
                        world.end(newest);
                        world.act(newest);
                    }
                }
                Step::Written => world.disk(true),
                Step::Refused => world.disk(false),
                Step::Pass => world.pass(),
                Step::Sigterm => world.sigterm(),
                Step::Crash => world.crash(),
            }
            world.check()?;
        }
        // A disk that takes everything again leaves nobody without an answer, and no row unwritten.
        for _ in 0..4 {
            world.pass();
            world.disk(true);
            world.check()?;
        }
        prop_assert!(world.queue.is_empty());
        prop_assert!(world.asked.iter().all(|one| one.answered.is_some()), "{:?}", world.asked);
        for (life, own) in &world.lives {
            let there = matches!(own.standing.phase(), Phase::Runs | Phase::Left);
            prop_assert_eq!(there, world.disk.is_some_and(|(of, _)| of == *life));
            prop_assert!(!there || world.disk == Some((*life, own.row)));
        }
    }
}
