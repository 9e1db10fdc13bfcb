//! What a task does to its destinations, and hears of them.

use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use livegate_core::relay::PushUrl;
use livegate_core::relay::lifecycle::{TargetId, TaskInput};
use livegate_core::relay::push::{Connection, Input, Output, PushState, Report, Step};
use tokio::task::{JoinHandle, spawn_local};

use super::destination::Destination;
use super::running::Running;
use crate::clock;
use crate::net::Asker;
use crate::push::{Address, Connector, Outlet, Told, run};
use crate::store::Change;

impl Running {
    /// Does what one of its pushes says.
    pub(super) fn push(
        self: &Rc<Self>,
        target: TargetId,
        output: Output,
        changes: &mut Vec<Change>,
    ) {
        match output {
            Output::Connect(connection) => self.connect(target, connection),
            Output::Close(connection) => self.with(target, connection, |_, outlet| {
                outlet.leave.notify_one();
            }),
            Output::Abort(connection) => self.with(target, connection, |handle, outlet| {
                handle.abort();
                outlet.queue.borrow_mut().close();
            }),
            Output::SkipToKeyFrame(connection) => self.with(target, connection, |_, outlet| {
                outlet.queue.borrow_mut().skip_to_key_frame();
            }),
            Output::Report(report) => {
                if report.state == PushState::Reconnecting {
                    self.tasks.meters().reconnects.add(1);
                }
                if let Some(url) = self.url(target) {
                    changes.push(self.event(report.at, |about| about.state(&url, &report)));
                    changes.push(self.report(target, &url, report));
                }
            }
            _ => {}
        }
    }

    fn report(&self, target: TargetId, url: &PushUrl, report: Report) -> Change {
        let url = url.as_str().to_owned();
        Change::Push { key: self.key.clone(), target, url, report }
    }

    /// Does something to a destination's connection if it is still that one.
    fn with(
        &self,
        target: TargetId,
        connection: Connection,
        act: impl Fn(&JoinHandle<()>, &Outlet),
    ) {
        let destinations = self.destinations.borrow();
        let Some(Destination { connection: Some((known, handle)), outlet: Some(outlet), .. }) =
            destinations.get(&target)
        else {
            return;
        };
        if *known == connection {
            act(handle, outlet);
        }
    }

    fn connect(self: &Rc<Self>, target: TargetId, connection: Connection) {
        let Some(url) = self.url(target) else { return };
        let mut destinations = self.destinations.borrow_mut();
        let Some(destination) = destinations.get_mut(&target) else { return };
        let outlet = destination.renew(self.tasks.settings().queue, self.tasks.meters());
        let asker = Asker::of(&self.key.app);
        let connector = Connector { asker, ..self.tasks.connector().clone() };
        let this = Rc::downgrade(self);
        let tell = {
            let this = Weak::clone(&this);
            move |told| {
                if let Some(this) = this.upgrade() {
                    this.told(target, connection, told);
                }
            }
        };
        let run = run(connector, Address::of(&url), Rc::clone(&outlet), tell);
        let handle = spawn_local(async move {
            let cause = run.await;
            if let Some(this) = this.upgrade() {
                this.handle(TaskInput::Push(target, Input::Closed(connection, cause)));
            }
        });
        destination.connection = Some((connection, handle));
        drop(destinations);
        self.fanout.add(target, outlet);
    }

    fn told(self: &Rc<Self>, target: TargetId, connection: Connection, told: Told) {
        let input = match told {
            Told::Reached(step) => {
                if step == Step::Publish {
                    self.fanout.open(target, clock::now());
                }
                Input::Reached(connection, step)
            }
            Told::Progress(progress) => Input::Progress(connection, progress),
            Told::Acknowledged(sequence) => Input::Acknowledged(connection, sequence),
        };
        self.handle(TaskInput::Push(target, input));
    }

    /// The address of a destination, of one that the task has no more too until that is told.
    fn url(&self, target: TargetId) -> Option<PushUrl> {
        let mut destinations = self.destinations.borrow_mut();
        if let Some(destination) = destinations.get(&target) {
            return Some(destination.url.clone());
        }
        let life = self.life.borrow();
        let mut pushes = life.pushes(self.began_at);
        let url = pushes.find(|(id, ..)| *id == target).map(|(_, url, _)| url.clone())?;
        destinations.insert(target, Destination::new(url.clone()));
        Some(url)
    }

    /// Forgets destinations that the task has no more.
    pub(super) fn prune(&self) {
        let life = self.life.borrow();
        let ids: BTreeSet<_> = life.pushes(self.began_at).map(|(target, ..)| target).collect();
        self.destinations.borrow_mut().retain(|target, _| ids.contains(target));
        self.fanout.keep(|target| ids.contains(&target));
    }

    /// Takes leave of all destinations. What is returned is done when a connection is.
    pub(super) fn say_goodbye(&self) -> Vec<JoinHandle<()>> {
        let mut destinations = self.destinations.borrow_mut();
        let connections = destinations.values_mut().filter_map(|own| {
            own.outlet.take()?.leave.notify_one();
            Some(own.connection.take()?.1)
        });
        connections.collect()
    }
}
