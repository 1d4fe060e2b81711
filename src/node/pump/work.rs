//! What a session keeps while something is waited for: its lanes, and the task that drives the steps of their heads. It exists in
//! each session, so it holds next to nothing while nothing is waited for.

use std::task::Waker;

use futures::future::BoxFuture;
use tokio::task::AbortHandle;

use super::decided::{Queued, Step};
use super::lanes::{Lanes, Ticket};

/// A step of a lane's head, which comes later.
pub(super) type Answer = BoxFuture<'static, (Ticket, Step)>;

/// See the module.
pub(in crate::node) struct Work {
    pub(super) lanes: Lanes<Queued>,
    task: Option<Box<Task>>,
}

/// The task that drives the steps. Dropping this cancels it.
struct Task {
    /// The task has not taken these up yet.
    arrived: Vec<Answer>,
    /// Wakes the task, once it waits.
    waker: Option<Waker>,
    handle: AbortHandle,
}

impl Work {
    pub(in crate::node) const fn new() -> Self {
        Self { lanes: Lanes::new(), task: None }
    }

    /// A command comes. Gives it back if it waits for no other.
    pub(super) fn admit(&mut self, queued: Queued, bytes: usize) -> Option<Queued> {
        let channel = queued.channel().cloned();
        self.lanes.admit(channel.as_ref(), queued, bytes)
    }

    /// Hands a step that comes later to the task, which `spawn` starts if there is none.
    pub(super) fn hand_over(&mut self, answer: Answer, spawn: impl FnOnce() -> AbortHandle) {
        if self.lanes.has_ended() {
            return;
        }
        let task =
            self.task.get_or_insert_with(|| Box::new(Task { arrived: Vec::new(), waker: None, handle: spawn() }));
        task.arrived.push(answer);
        task.waker.take().into_iter().for_each(Waker::wake);
    }

    /// The steps that the task has to take up. It is woken for the next ones.
    pub(super) fn take_up(&mut self, waker: &Waker) -> Vec<Answer> {
        let Some(task) = &mut self.task else { return Vec::new() };
        task.waker = Some(waker.clone());
        std::mem::take(&mut task.arrived)
    }

    /// The task drives no step any more. Whether it may end: nothing has arrived meanwhile.
    pub(super) fn may_end_task(&mut self) -> bool {
        self.task.take_if(|task| task.arrived.is_empty());
        self.task.is_none()
    }

    /// The session is over, so all of it is. The task is cancelled.
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
