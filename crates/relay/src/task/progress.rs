//! How far what was asked of a task has come: core's [`Standing`], and who waits for an answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use livegate_core::relay::push::Cause;
use livegate_core::relay::standing::{Outcome, Output, Phase, Standing, Ticket, Wish};
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::StartError;
use crate::store::StoreError;

/// What somebody is answered who asked something of a task: that it is on disk.
pub(super) struct Answer(Receiver<Result<(), StartError>>);

impl Future for Answer {
    type Output = Result<(), StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = Pin::new(&mut self.0).poll(cx);
        // Nobody answers any more where the host has stopped.
        answered.map(|answer| answer.unwrap_or(Err(StartError::Store(StoreError::Closed))))
    }
}

/// How far what was asked of one task has come.
pub(super) struct Progress {
    standing: RefCell<Standing>,
    waiting: RefCell<BTreeMap<Wish, Sender<Result<(), StartError>>>>,
    /// Why the disk took nothing last.
    refusal: RefCell<StoreError>,
}

impl Progress {
    /// Of a task that is to start, and what that is answered.
    pub(super) fn start() -> (Self, Answer) {
        let own = Self::of(Standing::new());
        let answer = own.wait(Wish(1));
        (own, answer)
    }

    /// Of a task that is on disk.
    pub(super) fn restored() -> Self {
        Self::of(Standing::restored())
    }

    fn of(standing: Standing) -> Self {
        Self {
            standing: RefCell::new(standing),
            waiting: RefCell::default(),
            refusal: RefCell::new(StoreError::Closed),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.standing.borrow().phase()
    }

    pub(super) fn is_on_disk(&self) -> bool {
        self.standing.borrow().is_on_disk()
    }

    pub(super) fn change(&self) -> Option<Answer> {
        let wish = self.standing.borrow_mut().change()?;
        Some(self.wait(wish))
    }

    pub(super) fn stop(&self, cause: Cause) -> Option<Answer> {
        let wish = self.standing.borrow_mut().stop(cause)?;
        Some(self.wait(wish))
    }

    pub(super) fn ended(&self) {
        self.standing.borrow_mut().ended();
    }

    pub(super) fn leave(&self) {
        self.standing.borrow_mut().leave();
    }

    pub(super) fn again(&self) {
        self.standing.borrow_mut().again();
    }

    pub(super) fn settled(&self, ticket: Ticket, written: Result<(), StoreError>) {
        let is_on_disk = written.is_ok();
        if let Err(error) = written {
            self.refusal.replace(error);
        }
        self.standing.borrow_mut().settled(ticket, is_on_disk);
    }

    /// Why the disk took nothing last.
    pub(super) fn refusal(&self) -> StoreError {
        self.refusal.borrow().clone()
    }

    pub(super) fn poll(&self) -> Option<Output> {
        self.standing.borrow_mut().poll()
    }

    /// Answers all that was asked for up to that one.
    pub(super) fn answer(&self, up_to: Wish, outcome: Outcome) {
        let later = self.waiting.borrow_mut().split_off(&Wish(up_to.0.saturating_add(1)));
        let answered = self.waiting.replace(later);
        for caller in answered.into_values() {
            // Whoever asked may have gone away.
            let _ = caller.send(match outcome {
                Outcome::Kept => Ok(()),
                Outcome::Unkept => Err(StartError::Unkept(self.refusal())),
                Outcome::Never => Err(StartError::Store(self.refusal())),
            });
        }
    }

    fn wait(&self, wish: Wish) -> Answer {
        let (caller, answer) = channel();
        self.waiting.borrow_mut().insert(wish, caller);
        Answer(answer)
    }
}
