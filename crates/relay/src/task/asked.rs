//! What is asked of a task, and what is written and answered for it: core's `standing` decides.

use std::rc::Rc;
use std::time::Duration;

use livegate_core::error::Coded as _;
use livegate_core::relay::Task;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{Lifecycle, Plan, TaskInput};
use livegate_core::relay::push::{Cause, Media};
use livegate_core::relay::standing::{Output, Ticket};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use super::TaskView;
use super::progress::Answer;
use super::running::Running;
use super::source::{media, wanted};
use crate::store::Change;
use crate::{clock, log};

/// The pause before a row is written again that the disk refused.
const AGAIN: Duration = Duration::from_millis(500);

impl Running {
    /// The task is to be this from now on; what that is answered.
    pub(super) fn change(self: &Rc<Self>, task: &Task, epoch: Option<Epoch>) -> Option<Answer> {
        let answer = self.progress.change()?;
        let before = self.task.replace(task.clone());
        self.epoch.set(epoch);
        // Its row is on its way to the disk before what is reported of the change.
        self.go_on();
        self.adopt(task, &before);
        Some(answer)
    }

    fn adopt(self: &Rc<Self>, task: &Task, before: &Task) {
        self.fanout.configure(media(task), task);
        let plan = Plan::of(task);
        if !self.runs() {
            let settings = self.tasks.settings();
            *self.life.borrow_mut() =
                Lifecycle::new(settings.task, settings.push, plan, self.began_at);
            return;
        }
        self.handle(TaskInput::Plan(plan));
        self.prune();
        // Whoever took no pictures has to be given what a decoder needs for them.
        let wants = wanted(task) != wanted(before)
            || task.pull != before.pull
            || media(task) != media(before);
        if wants {
            self.interest.take();
            self.fanout.end();
            self.handle(TaskInput::Source(Media::Gone));
            self.listen();
        }
    }

    /// Writes a message into the stream once, the same as before too. It is the task's from now on.
    pub(super) fn set_sei(self: &Rc<Self>, message: String) -> Option<Answer> {
        let answer = self.progress.change()?;
        let task = {
            let mut task = self.task.borrow_mut();
            task.sei.custom = Some(message);
            task.clone()
        };
        self.go_on();
        self.fanout.configure(media(&task), &task);
        self.fanout.repeat_sei();
        Some(answer)
    }

    /// Stops it, and says what that is answered; none if there is nothing to stop.
    pub(super) fn stop(self: &Rc<Self>, cause: Cause) -> Option<Answer> {
        let answer = self.progress.stop(cause)?;
        self.go_on();
        Some(answer)
    }

    /// Takes leave of all destinations, because the host stops: the task goes on at its next start.
    /// What is returned is done when a connection is.
    pub(super) fn leave(self: &Rc<Self>) -> Vec<JoinHandle<()>> {
        self.progress.leave();
        self.go_on();
        self.say_goodbye()
    }

    /// Does what is to be done for what was asked.
    pub(super) fn go_on(self: &Rc<Self>) {
        while let Some(output) = self.progress.poll() {
            match output {
                Output::Write(ticket) => self.write(ticket, self.rows()),
                Output::Ask(ticket) => self.write(ticket, Vec::new()),
                Output::Keep => self.tasks.store().keep(self.rows()),
                Output::Pause => {
                    let refusal = self.progress.refusal().code().as_str();
                    if log::admits(refusal) {
                        tracing::warn!(code = refusal, task = %self.key, "a change is not on disk");
                    }
                    let this = Rc::clone(self);
                    spawn_local(async move {
                        sleep(AGAIN).await;
                        this.progress.again();
                        this.go_on();
                    });
                }
                Output::Begin => self.begin(),
                Output::Stop(cause) => self.handle(TaskInput::Stop(cause)),
                Output::End(cause) => self.withdraw(cause),
                Output::Fall => self.tasks.never(&self.key),
                Output::Answer(up_to, outcome) => self.progress.answer(up_to, outcome),
            }
        }
    }

    fn write(self: &Rc<Self>, ticket: Ticket, rows: Vec<Change>) {
        let written = self.tasks.store().write(rows);
        let this = Rc::clone(self);
        spawn_local(async move {
            this.progress.settled(ticket, written.await);
            this.go_on();
        });
    }

    /// Its row and its addresses, as they are now.
    fn rows(&self) -> Vec<Change> {
        vec![self.row(), self.tasks.addresses(&self.key)]
    }

    pub(super) fn row(&self) -> Change {
        let task = Box::new(self.task.borrow().clone());
        Change::Task { task, epoch: self.epoch.get(), began_at: self.began_at }
    }

    /// It was stopped before it began: nobody is told anything of its pushes.
    fn withdraw(&self, cause: Cause) {
        let now = clock::now();
        self.ended.set(Some((cause, now)));
        self.life.borrow_mut().handle(TaskInput::Stop(cause), now, clock::dice());
        let view = TaskView { pushes: Vec::new(), ..self.view() };
        let mut changes = Vec::new();
        self.tasks.withdrawn(view, &mut changes);
        self.tasks.store().keep(changes);
    }
}
