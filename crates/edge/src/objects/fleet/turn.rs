//! One turn of the fleet: what happened is judged by the core, the rows are written, and what hosts are
//! to be told is put down, all without awaiting; then it is sent.

use livegate_core::relay::lease::LeaseSettings;
use livegate_core::relay::lease::{Grant, Vacancy};
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::link::{self, Command, FleetSays, Published, TaskReport, Tenure};
use livegate_core::relay::placement::{Candidate, choose, should_leave};
use livegate_core::relay::task::Task;
use livegate_core::time::{Millis, UnixMillis};
use worker::Env;

use super::link::Link;
use super::owner;
use super::store::{Hold, Line, Sketch, Store};
use crate::error::Result;
use crate::objects::contract::{Start, Started};
use crate::seal;
use crate::sql::params;

/// Something to tell a host.
#[derive(Debug)]
enum Out {
    /// As it is.
    Say(String, Box<FleetSays>),
    /// The task of that row, granted so when the host's message of that number was there. Its
    /// description has to be opened first.
    Start { seq: u64, grant: Grant, answers: u64 },
    /// The message that the task of that row has of its caller's own, after that was opened.
    Sei(u64),
}

/// See the [module](self).
pub(super) struct Turn {
    pub(super) store: Store,
    links: Vec<Link>,
    leases: LeaseSettings,
    quiet: Millis,
    pub(super) now: UnixMillis,
    out: Vec<Out>,
}

impl Turn {
    pub(super) fn new(store: Store, links: Vec<Link>, now: UnixMillis) -> Result<Self> {
        let leases = store.leases()?;
        // A host that said nothing for so long is given nothing.
        let quiet = Millis(store.link()?.status_ms().saturating_mul(3));
        Ok(Self { store, links, leases, quiet, now, out: Vec::new() })
    }

    /// Whether a host was heard of lately.
    pub(super) fn is_heard(&self, link: &Link) -> bool {
        link.attached.is_greeted && !self.is_quiet_after(self.now.since(link.attached.heard_at))
    }

    /// Whether a host that said nothing for so long is given nothing.
    pub(super) fn is_quiet_after(&self, silence: Millis) -> bool {
        silence > self.quiet
    }

    /// The hosts that are connected and were heard of lately.
    pub(super) fn heard(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| self.is_heard(link))
    }

    pub(super) fn say(&mut self, host: &str, says: FleetSays) {
        self.out.push(Out::Say(host.to_owned(), Box::new(says)));
    }

    /// Starts a task, or changes the one that runs.
    pub(super) fn start(
        &mut self,
        start: &Start,
        sketch: &Sketch,
        sealed: &str,
        key: &str,
    ) -> Result<Started> {
        let there = self.store.live(&start.id)?;
        match (&there, start.change) {
            (Some(_), Some(false)) => return Ok(Started::Exists),
            (None, Some(true)) => return Ok(Started::Missing),
            _ => {}
        }
        if there.is_none() && self.store.count_live(&start.id.app, sketch.mode)? >= start.most {
            return Ok(Started::Quota);
        }
        let holder = there.as_ref().map_or(key, |line| line.key.as_str());
        let mut addresses = self.store.addresses()?;
        if let Err(conflicts) = addresses.claim(holder, &start.addresses, self.now) {
            let Some(first) = conflicts.first() else { return Ok(Started::Exists) };
            let index = u64::try_from(first.index).unwrap_or_default();
            let other = self.store.by_key(&first.task)?.map(|line| line.id);
            let other = other.map(|id| [&*id.vendor, "/", &id.app, "/", &id.task].concat());
            return Ok(Started::Address(index, other.unwrap_or_default(), first.free_at));
        }
        self.store.keep_addresses(&addresses)?;
        let (started, seq) = if let Some(line) = there {
            self.store.describe(line.seq, &start.channel, sketch, sealed, self.now)?;
            (Started::Changed, line.seq)
        } else {
            let id = &start.id;
            let seq = self.store.insert(id, key, &start.channel, sketch, sealed, self.now)?;
            (Started::New, seq)
        };
        if let Some(line) = self.store.line(seq)? {
            self.settle(line)?;
        }
        Ok(started)
    }

    /// Ends a task for good, whoever has it: its host is told to let go of it.
    pub(super) fn stop(
        &mut self,
        line: &mut Line,
        state: TaskState,
        code: Option<&str>,
    ) -> Result<()> {
        self.store.end(line.seq, state, code, self.now)?;
        line.is_ended = true;
        if line.host().is_some() { self.dismiss(line) } else { self.let_go(line) }
    }

    /// A task is to write a message once: with that description.
    pub(super) fn set_sei(&mut self, mut line: Line, sealed: &str) -> Result<()> {
        self.store.0.run(
            "UPDATE relay_tasks SET sealed = ?, updated_at = ? WHERE seq = ?",
            &params![sealed, self.now.0, line.seq],
        )?;
        // What nobody has begun begins with it.
        if line.host().is_some() {
            line.sei = self.store.next_command()?;
            self.store.place(&line)?;
            self.out.push(Out::Sei(line.seq));
        }
        Ok(())
    }

    /// Sees to it that a task is where it should be, as far as that can be now; one that is where it
    /// should be is told how it should be.
    fn settle(&mut self, mut line: Line) -> Result<()> {
        if line.is_ended || line.is_mix {
            return Ok(());
        }
        let Some(host) = line.host().map(str::to_owned) else { return self.offer(line) };
        if line.tenancy.vacancy(self.now) == Vacancy::Free {
            // Its lease has run out, and nobody asked for another.
            line.tenancy.host = None;
            self.store.place(&line)?;
            return self.offer(line);
        }
        if line.hold == Hold::Leaving {
            return Ok(());
        }
        if should_leave(line.feed, &host, &self.candidates(&line)?) {
            line.hold = Hold::Leaving;
            return self.dismiss(&mut line);
        }
        self.resume(line)
    }

    /// Gives a task that nobody has to a host, if there is one for it.
    fn offer(&mut self, mut line: Line) -> Result<()> {
        if line.tenancy.vacancy(self.now) != Vacancy::Free {
            return Ok(());
        }
        let mut candidates = self.candidates(&line)?;
        candidates.retain(|one| line.avoid.as_deref() != Some(one.host));
        let Some(host) = choose(line.feed, line.pushes, &candidates) else { return Ok(()) };
        let host = host.to_owned();
        let started = line.tenancy.start(&host, line.failover, self.leases, self.now);
        let Ok(grant) = started else { return Ok(()) };
        (line.hold, line.sei) = (Hold::Sent, 0);
        line.command = self.store.next_command()?;
        self.store.place(&line)?;
        self.grant(&host, line.seq, grant);
        Ok(())
    }

    /// Tells the host that has a task how it should be now, in the same tenancy.
    pub(super) fn resume(&mut self, mut line: Line) -> Result<()> {
        let Some(host) = line.host().map(str::to_owned) else { return Ok(()) };
        let epoch = line.tenancy.epoch;
        let renewed = line.tenancy.renew(&host, epoch, line.failover, self.leases, self.now);
        let Ok(grant) = renewed else { return Ok(()) };
        line.command = self.store.next_command()?;
        self.store.place(&line)?;
        self.grant(&host, line.seq, grant);
        Ok(())
    }

    fn grant(&mut self, host: &str, seq: u64, grant: Grant) {
        let link = self.links.iter().find(|link| link.is_of(host));
        let answers = link.map_or(0, |link| link.attached.number);
        self.out.push(Out::Start { seq, grant, answers });
    }

    /// Tells a task's host to let go of it.
    fn dismiss(&mut self, line: &mut Line) -> Result<()> {
        line.command = self.store.next_command()?;
        self.store.place(line)?;
        let Some(host) = line.host().map(str::to_owned) else { return Ok(()) };
        self.say(&host, FleetSays::Stop(Command::new(line.command, line.tenure())));
        Ok(())
    }

    /// A task's host has let go of it, or must have: another may have it when it has rested.
    fn let_go(&mut self, line: &mut Line) -> Result<()> {
        if let Some(host) = line.host().map(str::to_owned) {
            let epoch = line.tenancy.epoch;
            line.tenancy.released(&host, epoch, self.leases, self.now);
        }
        self.forsake(line)
    }

    /// Nobody has a task any more.
    fn forsake(&mut self, line: &mut Line) -> Result<()> {
        line.tenancy.host = None;
        (line.hold, line.sei) = (Hold::Sent, 0);
        self.store.place(line)?;
        if line.is_ended {
            self.store.release_addresses(&line.key, self.now)?;
        }
        Ok(())
    }

    /// The hosts that are there, as far as a task is concerned.
    fn candidates(&self, line: &Line) -> Result<Vec<Candidate<'_>>> {
        let given = self.store.given()?;
        let publishers = self.store.publishers(&line.stream)?;
        let of = |list: &[(String, u64)], host: &str| {
            list.iter().find(|(name, _)| name == host).map(|(_, number)| *number)
        };
        let mut all = Vec::new();
        for Link { attached, .. } in self.heard() {
            let mut one = Candidate::new(&attached.host, attached.capacity);
            one.pushes = of(&given, &attached.host).unwrap_or(0);
            one.cpu_permille = attached.cpu_permille;
            one.published = of(&publishers, &attached.host);
            all.push(one);
        }
        Ok(all)
    }

    /// Looks for hosts for all tasks that none has.
    pub(super) fn place_all(&mut self) -> Result<()> {
        for line in self.store.unplaced()? {
            self.settle(line)?;
        }
        Ok(())
    }

    /// A stream came to a host, or went from it.
    pub(super) fn follow(&mut self, stream: &Published) -> Result<()> {
        for line in self.store.of_stream(stream)? {
            // Nothing about it has changed that its host should be told.
            let Some(host) = line.host().map(str::to_owned) else {
                self.offer(line)?;
                continue;
            };
            let mut line = line;
            let leaves = line.hold != Hold::Leaving
                && should_leave(line.feed, &host, &self.candidates(&line)?);
            if leaves {
                line.hold = Hold::Leaving;
                self.dismiss(&mut line)?;
            }
        }
        Ok(())
    }

    /// Time has passed: leases have run out, addresses have rested.
    pub(super) fn expire(&mut self) -> Result<()> {
        let over = "host IS NOT NULL AND kept = 0 AND free_at <= ?";
        for mut line in self.store.lines(over, &params![self.now.0])? {
            self.forsake(&mut line)?;
        }
        self.place_all()
    }

    /// Other leases of tasks that a host has.
    pub(super) fn renew(&mut self, host: &str, answers: u64, tasks: Vec<Tenure>) -> Result<()> {
        let (mut granted, mut fenced) = (Vec::new(), Vec::new());
        for tenure in tasks {
            let Some(mut line) = self.store.by_key(&tenure.key)? else {
                fenced.push(tenure.key);
                continue;
            };
            if line.is_ended || line.hold == Hold::Leaving {
                continue;
            }
            let epoch = tenure.epoch;
            let renewed = line.tenancy.renew(host, epoch, line.failover, self.leases, self.now);
            if renewed.is_ok() {
                self.store.place(&line)?;
                granted.push(tenure);
            } else {
                fenced.push(tenure.key);
            }
        }
        let lease = Millis(self.leases.lease_ms());
        self.say(host, FleetSays::Granted { answers, lease, tasks: granted, fenced });
        Ok(())
    }

    /// What a host says of a task, if it is its own.
    pub(super) fn told(&mut self, host: &str, report: &TaskReport) -> Result<()> {
        match self.store.by_key(&report.tenure.key)? {
            Some(line) if line.tenancy.is_of(host, report.tenure.epoch) => {
                self.report(&line, report)
            }
            _ => Ok(()),
        }
    }

    /// What a host says of a task of its own.
    fn report(&mut self, line: &Line, report: &TaskReport) -> Result<()> {
        if line.is_ended {
            return Ok(());
        }
        let reports = link::PushReport::write_all(&report.pushes);
        self.store.note(line.seq, report.state, report.code.as_deref(), Some(&reports), self.now)
    }

    /// A host has let go of a task, because it was to or because the task is over.
    pub(super) fn ended(&mut self, host: &str, report: &TaskReport) -> Result<()> {
        let key = &report.tenure.key;
        let line = self.store.by_key(key)?;
        if let Some(mut line) = line.filter(|line| line.tenancy.is_of(host, report.tenure.epoch)) {
            if !line.is_ended && line.hold != Hold::Leaving {
                let state = Some(report.state).filter(|state| state.is_last());
                let state = state.unwrap_or(TaskState::Stopped);
                self.report(&line, report)?;
                self.store.end(line.seq, state, report.code.as_deref(), self.now)?;
                line.is_ended = true;
            }
            self.let_go(&mut line)?;
            // There is room for another.
            self.place_all()?;
        }
        self.say(host, FleetSays::Forget { keys: vec![key.clone()] });
        Ok(())
    }

    /// A host has carried out a command, or has not.
    pub(super) fn done(&mut self, host: &str, command: u64, refused: Option<&str>) -> Result<()> {
        let of = "host = ?1 AND (command = ?2 OR sei = ?2)";
        for mut line in self.store.lines(of, &params![host, command])? {
            if line.sei == command {
                line.sei = 0;
                self.store.place(&line)?;
                continue;
            }
            let Some(code) = refused else {
                line.hold = Hold::Confirmed;
                self.store.place(&line)?;
                continue;
            };
            self.store
                .0
                .run("UPDATE relay_tasks SET code = ? WHERE seq = ?", &params![code, line.seq])?;
            // One that runs goes on as it was.
            if line.hold == Hold::Sent {
                // It was never begun there, so there is nothing to wait for.
                line.tenancy.host = None;
                line.tenancy.free_at = Some(self.now);
                line.avoid = Some(host.to_owned());
                self.forsake(&mut line)?;
                self.settle(line)?;
            }
        }
        Ok(())
    }

    /// A host is gone for good, its owner says.
    pub(super) fn drop_host(&mut self, host: &str) -> Result<()> {
        for mut line in self.store.of_host(host)? {
            self.let_go(&mut line)?;
        }
        for table in ["DELETE FROM streams WHERE host = ?", "DELETE FROM hosts WHERE id = ?"] {
            self.store.0.run(table, &params![host])?;
        }
        self.links.retain(|link| link.attached.host != host);
        self.place_all()
    }

    /// What a host that connects has, as it says, against what it should have: the answer, and what
    /// else it is told.
    pub(super) fn reconcile(
        &mut self,
        host: &str,
        reports: &[TaskReport],
        is_other_machine: bool,
        welcome: &mut link::Welcome,
    ) -> Result<()> {
        let (mut resumed, mut messages) = (Vec::new(), Vec::new());
        for mut line in self.store.of_host(host)? {
            let own = |report: &&TaskReport| {
                report.tenure.key == line.key && report.tenure.epoch == line.tenancy.epoch
            };
            let Some(report) = reports.iter().find(own) else {
                if is_other_machine && line.tenancy.free_at.is_some() {
                    // The other machine may hold its lease still.
                    self.forsake(&mut line)?;
                } else if line.hold != Hold::Sent || line.is_ended || is_other_machine {
                    self.let_go(&mut line)?;
                } else {
                    // It never got there.
                    resumed.push(line);
                }
                continue;
            };
            if report.state.is_last() {
                continue;
            }
            if line.tenancy.vacancy(self.now) == Vacancy::Free {
                self.forsake(&mut line)?;
            } else if line.is_ended || line.hold == Hold::Leaving {
                // It is told so below.
            } else {
                line.hold = Hold::Confirmed;
                self.store.place(&line)?;
                self.report(&line, report)?;
                welcome.keep.push(line.tenure());
                if line.sei > 0 {
                    messages.push(line.seq);
                }
                if report.revision != line.revision {
                    resumed.push(line);
                }
            }
        }
        let mut over = Vec::new();
        for report in reports {
            if report.state.is_last() {
                welcome.forget.push(report.tenure.key.clone());
                over.push(report);
            } else if !welcome.keep.contains(&report.tenure) {
                welcome.stop.push(report.tenure.clone());
            }
        }
        self.say(host, FleetSays::Welcome(welcome.clone()));
        for report in over {
            self.ended(host, report)?;
        }
        for line in resumed {
            self.resume(line)?;
        }
        self.out.extend(messages.into_iter().map(Out::Sei));
        // It may be able now to do what it refused before.
        self.store.0.run("UPDATE relay_tasks SET avoid = NULL WHERE avoid = ?", &params![host])?;
        for stream in self.store.streams(Some(host), None)? {
            self.follow(&stream)?;
        }
        self.place_all()
    }

    /// Sends what was decided, in that order.
    pub(super) async fn send(self, env: &Env) -> Result<()> {
        let Self { store, links, out, .. } = self;
        let to = |host: &str, says: &FleetSays| {
            if let Some(link) = links.iter().find(|link| link.is_of(host)) {
                // One that is gone says hello again.
                let _ = link.socket.send_with_str(says.write());
            }
        };
        for one in out {
            let (seq, granted) = match one {
                Out::Say(host, says) => {
                    to(&host, &says);
                    continue;
                }
                Out::Start { seq, grant, answers } => (seq, Some((grant, answers))),
                Out::Sei(seq) => (seq, None),
            };
            let Some(line) = store.line(seq)? else { continue };
            let Some(tenant) = store.tenant()? else { continue };
            let opened = seal::open(env, &owner(tenant, &line.id), &line.sealed).await?;
            // What was decided meanwhile counts, and is told by whoever decided it.
            let Some(now) = store.line(seq)? else { continue };
            let same = now.command == line.command
                && now.tenancy.epoch == line.tenancy.epoch
                && now.sei == line.sei;
            let Some(host) =
                now.host().filter(|_| same && !now.is_ended && now.hold != Hold::Leaving)
            else {
                continue;
            };
            let Some(task) = Task::from_value(&crate::json::parse(&opened)?) else { continue };
            let says = if let Some((grant, answers)) = granted {
                let start = link::Start::new(now.key.clone(), now.revision, grant, answers, task);
                FleetSays::Start(Command::new(now.command, start))
            } else {
                let custom = task.sei.custom.unwrap_or_default();
                FleetSays::Sei(Command::new(now.sei, (now.tenure(), custom)))
            };
            to(host, &says);
        }
        Ok(())
    }
}
