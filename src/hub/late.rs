//! Answers that come after the call, for callers that can wait for them.
//!
//! The memory broker never needs them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::oneshot::{self, Receiver, Sender};

use super::events::Start;
use crate::broker::{Failure, Ticket};
use crate::protocol::Line;
use crate::protocol::code::{Fault, Limit, Refusal};

/// How a call ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// Within the call.
    Now(Result<T, Refusal>),
    /// The broker answers later.
    Later(Waiting<T>),
}

impl<T> Outcome<T> {
    /// Returns the outcome if it is there within the call.
    pub fn now(self) -> Option<Result<T, Refusal>> {
        match self {
            Self::Now(outcome) => Some(outcome),
            Self::Later(_) => None,
        }
    }
}

/// The outcome of a call whose broker answers later. Dropping it undoes nothing.
#[derive(Debug)]
pub struct Waiting<T>(Receiver<Result<T, Refusal>>);

impl<T> Waiting<T> {
    /// Gives `hand_over` the end that answers.
    pub(super) fn new(hand_over: impl FnOnce(Sender<Result<T, Refusal>>)) -> Self {
        let (sender, receiver) = oneshot::channel();
        hand_over(sender);
        Self(receiver)
    }
}

impl<T> Future for Waiting<T> {
    type Output = Result<T, Refusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or_else(|_| Err(refusal(Failure::Unknown))))
    }
}

/// The line that answers a subscription.
pub(super) type SubscriptionAnswer = Box<dyn FnOnce(&Start) -> Option<Line> + Send>;

/// A caller whose call has returned without an answer.
pub(super) enum Caller {
    Publisher(Sender<Result<u64, Refusal>>),
    Subscriber(SubscriptionAnswer, Sender<Result<Start, Refusal>>),
}

/// The waiting callers of one channel. There are none if the broker answers within the call.
#[derive(Default)]
pub(super) struct Callers(Vec<(Ticket, Caller)>);

impl Callers {
    pub(super) fn add(&mut self, ticket: Ticket, caller: Caller) {
        self.0.push((ticket, caller));
    }

    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Caller> {
        let place = self.0.iter().position(|(other, _)| *other == ticket)?;
        Some(self.0.swap_remove(place).1)
    }
}

/// Returns the refusal for a client after the broker failed.
pub(super) fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::NotDone => Limit::Broker.into(),
        Failure::Unknown => Fault::Broker.into(),
    }
}
