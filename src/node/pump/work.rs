//! The waiting commands of a session: its lanes, and the task that drives the steps of their heads. Each session
//! has one, so it takes hardly any memory while nothing waits.

use std::task::Waker;

use futures::future::BoxFuture;
use tokio::task::AbortHandle;

use super::decided::{Queued, Step};
use super::lanes::{Lanes, Ticket};

/// A step of a lane's head, which comes later, with the ticket of the lane.
pub(super) type ComingStep = BoxFuture<'static, (Ticket, Step)>;

/// The lanes of a session, and the task that drives their steps.
pub(in crate::node) struct Work {
    pub(super) lanes: Lanes<Queued>,
    task: Option<Box<Task>>,
}

/// The task that drives the steps. Dropping this cancels it.
struct Task {
    /// The steps that the task has not picked up yet.
    arrived: Vec<ComingStep>,
    /// Wakes the task, once it waits.
    waker: Option<Waker>,
    handle: AbortHandle,
}

impl Work {
    pub(in crate::node) const fn new() -> Self {
        Self { lanes: Lanes::new(), task: None }
    }

    /// Admits a command. Returns it if it waits for no other.
    pub(super) fn admit(&mut self, queued: Queued, bytes: usize) -> Option<Queued> {
        let channel = queued.channel().cloned();
        self.lanes.admit(channel.as_ref(), queued, bytes)
    }

    /// Hands a later step to the task, which `spawn` starts if there is none.
    pub(super) fn hand_over(&mut self, step: ComingStep, spawn: impl FnOnce() -> AbortHandle) {
        if self.lanes.has_ended() {
            return;
        }
        let task =
            self.task.get_or_insert_with(|| Box::new(Task { arrived: Vec::new(), waker: None, handle: spawn() }));
        task.arrived.push(step);
        task.waker.take().into_iter().for_each(Waker::wake);
    }

    /// Returns the steps that the task must pick up. The waker wakes it for the next ones.
    pub(super) fn take_up(&mut self, waker: &Waker) -> Vec<ComingStep> {
        let Some(task) = &mut self.task else { return Vec::new() };
        task.waker = Some(waker.clone());
        std::mem::take(&mut task.arrived)
    }

    /// Notes that the task drives no step any more. Returns true if it may end, because nothing has arrived
    /// meanwhile.
    pub(super) fn may_end_task(&mut self) -> bool {
        self.task.take_if(|task| task.arrived.is_empty());
        self.task.is_none()
    }

    /// Ends all lanes with their session, and cancels the task.
    pub(super) fn end(&mut self) {
        self.lanes.end();
        self.task = None;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
