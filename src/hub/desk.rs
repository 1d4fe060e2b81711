//! One channel behind its lock: the machine, its log, and the callers that wait.
//!
//! It carries out the outputs of the machine. It must never decide anything about a channel itself.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::channel::Channel;
use super::events::{Deliveries, Delivery, Input, Output, Outputs, Start};
use super::late::{Caller, Callers, refusal};
use super::subscriber::Subscriber;
use crate::broker::{Answer, Event, Failure, Log, Stretch, Ticket};
use crate::protocol::code::Refusal;
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, down};

/// A subscriber in the machine.
type Member = Arc<dyn Subscriber>;

/// Makes the line that answers a subscription, if one is wanted.
pub(super) type MakeAnswer<'c> = &'c mut dyn FnMut(&Start) -> Option<Line>;

/// A call of the hub: the request of its caller, and the consequences within the call.
#[derive(Default)]
pub(super) struct Call<'c, 'p> {
    request: Request<'c, 'p>,
    /// The wakers of the tasks that wait for the delivered lines.
    pub(super) wakers: Vec<Waker>,
}

/// The request of a caller. `outcome` is set if the outcome comes within the call.
#[derive(Default)]
pub(super) enum Request<'c, 'p> {
    /// None that has an outcome: a subscription ends, the broker has an event, or time has passed.
    #[default]
    Nothing,
    /// Publish these.
    Publish {
        ticket: Ticket,
        publications: &'c mut dyn Iterator<Item = &'p Publication>,
        outcome: &'c mut Option<Result<u64, Refusal>>,
        /// The epoch of the channel, if the caller wants it and it comes within the call.
        epoch: Option<&'c mut Option<Arc<str>>>,
    },
    /// Subscribe. `answer` makes the answer to an accepted subscription.
    Subscribe { ticket: Ticket, answer: MakeAnswer<'c>, outcome: &'c mut Option<Result<Start, Refusal>> },
}

impl<'c, 'p> Call<'c, 'p> {
    pub(super) const fn new(request: Request<'c, 'p>) -> Self {
        Self { request, wakers: Vec::new() }
    }
}

/// One channel: its machine, its log, and the callers that wait.
pub(super) struct Desk {
    pub(super) machine: Channel<Member>,
    pub(super) log: Box<dyn Log>,
    pub(super) callers: Callers,
    /// The machine's deadline, as the hub knows it.
    pub(super) armed: Option<Duration>,
}

impl Desk {
    pub(super) fn new(machine: Channel<Member>, log: Box<dyn Log>) -> Self {
        Self { machine, log, callers: Callers::default(), armed: None }
    }

    /// Handles an input, and carries out within the call everything that follows from it.
    pub(super) fn carry_out(
        &mut self,
        now: Duration,
        name: &ChannelName,
        input: Input<Member>,
        call: &mut Call<'_, '_>,
    ) {
        let mut outputs = Outputs::new();
        let mut next = Some(input);
        while let Some(input) = next.take() {
            self.machine.handle(now, input, &mut outputs);
            // The loop pops from the end, and the first output must come first.
            outputs.reverse();
            while let Some(output) = outputs.pop() {
                // An input leads to at most one request that is answered within the call.
                next = self.carry_out_one(now, name, output, call).or(next);
            }
        }
    }

    /// Carries out an output. Returns the broker's answer if it comes within the call.
    #[inline]
    fn carry_out_one(
        &mut self,
        now: Duration,
        name: &ChannelName,
        output: Output,
        call: &mut Call<'_, '_>,
    ) -> Option<Input<Member>> {
        match output {
            Output::Append(ticket) => match self.append(now, name, ticket, call) {
                Answer::Now(Ok(stretch)) => return Some(Input::Stored(ticket, stretch)),
                Answer::Now(Err(failure)) => return Some(Input::Failed(ticket, failure)),
                Answer::Later => {}
            },
            Output::Fetch(ticket, after) => match self.log.fetch(now, ticket, &after) {
                Answer::Now(Ok(stretches)) => return Some(Input::Fetched(ticket, stretches)),
                Answer::Now(Err(failure)) => return Some(Input::Failed(ticket, failure)),
                Answer::Later => {}
            },
            Output::Watch => self.log.watch(),
            Output::Unwatch => self.log.unwatch(),
            Output::Deliver(part) => self.deliver(name, &part, call),
            Output::Published(ticket, outcome) => self.published(ticket, outcome, call),
            Output::Started { ticket, which, start, missed } => self.started(name, ticket, which, start, missed, call),
            Output::Refused(ticket, failure) => self.refused(ticket, failure, call),
        }
        None
    }

    /// Handles an event of a broker that does not answer within the call.
    pub(super) fn hear(&mut self, now: Duration, name: &ChannelName, event: Event, call: &mut Call<'_, '_>) {
        let input = match event {
            Event::Appended { ticket, first } => Input::Appended(ticket, first),
            Event::Fetched(ticket, stretches) => {
                Input::Fetched(ticket, stretches.into_iter().map(|stretch| encoded(name, stretch)).collect())
            }
            Event::Failed(ticket, failure) => Input::Failed(ticket, failure),
            Event::Heard(stretch) => Input::Heard(encoded(name, stretch)),
            Event::Interrupted => Input::Interrupted,
        };
        self.carry_out(now, name, input, call);
    }

    fn append(
        &mut self,
        now: Duration,
        name: &ChannelName,
        ticket: Ticket,
        call: &mut Call<'_, '_>,
    ) -> Answer<Stretch<Line>> {
        // The machine appends only for the call that publishes.
        let Request::Publish { publications, epoch, .. } = &mut call.request else {
            return Answer::Now(Err(Failure::NotDone));
        };
        let encode = &mut |at, publication: &Publication| down::publication(name, at, publication);
        let answer = self.log.append(now, ticket, *publications, encode);
        if let (Some(epoch), Answer::Now(Ok(stretch))) = (epoch, &answer) {
            **epoch = Some(Arc::clone(&stretch.epoch));
        }
        answer
    }

    /// Delivers a part to every live subscriber. It looks each subscriber up once for all lines: with a thousand
    /// subscribers that is most of a publication's cost here.
    fn deliver(&self, name: &ChannelName, part: &Delivery, call: &mut Call<'_, '_>) {
        let live = self.machine.live();
        call.wakers.reserve(live.len());
        match part {
            Delivery::Lines(lines) => {
                call.wakers.extend(live.values().filter_map(|subscriber| subscriber.deliver(lines)));
            }
            Delivery::Reset { position, recovered } => {
                let frame = down::reset(name, position, *recovered);
                call.wakers.extend(live.values().filter_map(|subscriber| subscriber.reset(&frame)));
            }
        }
    }

    fn published(&mut self, ticket: Ticket, outcome: Result<u64, Failure>, call: &mut Call<'_, '_>) {
        let outcome = outcome.map_err(refusal);
        if let Request::Publish { ticket: own, outcome: own_outcome, .. } = &mut call.request
            && *own == ticket
        {
            **own_outcome = Some(outcome);
        } else if let Some(Caller::Publisher(caller)) = self.callers.take(ticket) {
            // A caller that has stopped waiting needs no answer.
            let _ = caller.send(outcome);
        }
    }

    /// Delivers the answer of a subscription first, then the missed publications.
    fn started(
        &mut self,
        name: &ChannelName,
        ticket: Ticket,
        which: usize,
        start: Start,
        missed: Deliveries,
        call: &mut Call<'_, '_>,
    ) {
        let mut lines: Vec<Line> = Vec::new();
        if let Request::Subscribe { ticket: own, answer, outcome } = &mut call.request
            && *own == ticket
        {
            lines.extend(answer(&start));
            **outcome = Some(Ok(start));
        } else if let Some(Caller::Subscriber(answer, caller)) = self.callers.take(ticket) {
            lines.extend(answer(&start));
            let _ = caller.send(Ok(start));
        }
        let Some(subscriber) = self.machine.started(which) else { return };
        for part in missed {
            match part {
                Delivery::Lines(more) => lines.extend(more),
                Delivery::Reset { position, recovered } => {
                    call.wakers.extend(subscriber.deliver(&lines));
                    lines.clear();
                    call.wakers.extend(subscriber.reset(&down::reset(name, &position, recovered)));
                }
            }
        }
        call.wakers.extend(subscriber.deliver(&lines));
    }

    fn refused(&mut self, ticket: Ticket, failure: Failure, call: &mut Call<'_, '_>) {
        if let Request::Subscribe { ticket: own, outcome, .. } = &mut call.request
            && *own == ticket
        {
            **outcome = Some(Err(refusal(failure)));
        } else if let Some(Caller::Subscriber(_, caller)) = self.callers.take(ticket) {
            let _ = caller.send(Err(refusal(failure)));
        }
    }
}

/// Encodes publications as lines, which all subscribers share.
fn encoded(name: &ChannelName, stretch: Stretch<Publication>) -> Stretch<Line> {
    let Stretch { epoch, before, items } = stretch;
    let items = (before + 1..).zip(&items).map(|(at, publication)| down::publication(name, at, publication)).collect();
    Stretch { epoch, before, items }
}
