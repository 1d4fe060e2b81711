//! Decides which commands of one session wait for which. Pure: it asks no backend, carries nothing out and reads no
//! clock.
//!
//! The decision about a command may come later, and so may the end of carrying it out. These are the steps of a
//! command. The command's lane is closed until its last step has come: later commands about the same channel wait
//! behind it, in their order. Commands about other channels, or about none, never wait for it.

use std::collections::VecDeque;

use crate::driver::cell::Backlog;
use crate::protocol::ChannelName;

/// The name of a later step. No two steps of a session share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket(u64);

/// A rule that is removed, for the simulation.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// All commands of a session wait for each other.
    OneQueue,
    /// A decision that comes after the end is carried out.
    AnswerAfterEnd,
    /// A decision that comes twice is carried out twice.
    CarriedOutTwice,
}

/// The lanes of one session.
#[derive(Debug)]
pub(super) struct Lanes<C> {
    closed: Vec<Lane<C>>,
    /// The commands with an open step, and those behind them.
    backlog: Backlog,
    tickets: u64,
    has_ended: bool,
    #[cfg(test)]
    pub(super) mutant: Option<Mutant>,
}

/// A lane that is closed by a command at its head.
#[derive(Debug)]
struct Lane<C> {
    /// The channel. `None` for a command about no channel: nothing waits behind that.
    channel: Option<ChannelName>,
    /// The open step of the head.
    ticket: Ticket,
    /// The step came, and its consequences are being carried out.
    has_come: bool,
    /// The cost of the head.
    bytes: usize,
    /// The commands behind the head, each with its cost.
    behind: VecDeque<(C, usize)>,
}

impl<C> Lanes<C> {
    pub(super) const fn new() -> Self {
        Self {
            closed: Vec::new(),
            backlog: Backlog::new(),
            tickets: 0,
            has_ended: false,
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Returns true if the session is over.
    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Returns true if no lane is closed.
    pub(super) const fn is_free(&self) -> bool {
        self.closed.is_empty()
    }

    /// Returns the commands that wait.
    pub(super) const fn backlog(&self) -> Backlog {
        self.backlog
    }

    /// Admits a command with this cost. Returns it if its lane is open; otherwise the command waits.
    pub(super) fn admit(&mut self, channel: Option<&ChannelName>, command: C, bytes: usize) -> Option<C> {
        let Some(lane) = self.closed_lane(channel) else { return Some(command) };
        lane.behind.push_back((command, bytes));
        self.backlog.add(bytes);
        None
    }

    /// Closes the lane of an admitted command, because one of its steps comes later. Returns `None` after the end.
    pub(super) fn close(&mut self, channel: Option<ChannelName>, bytes: usize) -> Option<Ticket> {
        if self.has_ended {
            return None;
        }
        let ticket = self.next_ticket();
        self.closed.push(Lane { channel, ticket, has_come: false, bytes, behind: VecDeque::new() });
        self.backlog.add(bytes);
        Some(ticket)
    }

    /// Notes that a step came. Returns true if it must be carried out: once, and not after the end.
    pub(super) fn came(&mut self, ticket: Ticket) -> bool {
        #[cfg(test)]
        let twice = self.mutant == Some(Mutant::CarriedOutTwice);
        #[cfg(not(test))]
        let twice = false;
        let Some(lane) = self.closed.iter_mut().find(|lane| lane.ticket == ticket) else { return false };
        let first = !std::mem::replace(&mut lane.has_come, true);
        first || twice
    }

    /// Starts another step of the head, under a ticket of its own. Returns `None` after the end.
    pub(super) fn wait_on(&mut self, ticket: Ticket) -> Option<Ticket> {
        let next = self.next_ticket();
        let lane = self.closed.iter_mut().find(|lane| lane.ticket == ticket && lane.has_come)?;
        (lane.ticket, lane.has_come) = (next, false);
        Some(next)
    }

    /// Ends the command at the head. Returns the next command of its lane, under a ticket of its own. If there is
    /// none, the lane is open again.
    pub(super) fn next(&mut self, ticket: Ticket) -> Option<(Ticket, C)> {
        let place = self.closed.iter().position(|lane| lane.ticket == ticket && lane.has_come)?;
        let next = self.next_ticket();
        let lane = &mut self.closed[place];
        self.backlog.remove(lane.bytes);
        let Some((command, bytes)) = lane.behind.pop_front() else {
            self.closed.swap_remove(place);
            return None;
        };
        (lane.ticket, lane.has_come, lane.bytes) = (next, false, bytes);
        Some((next, command))
    }

    /// Ends the session: all waiting commands are dropped, and later steps have no consequences.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
        #[cfg(test)]
        if self.mutant == Some(Mutant::AnswerAfterEnd) {
            self.backlog = Backlog::new();
            return;
        }
        self.clear();
    }

    /// Drops all waiting commands.
    fn clear(&mut self) {
        self.closed = Vec::new();
        self.backlog = Backlog::new();
    }

    fn closed_lane(&mut self, channel: Option<&ChannelName>) -> Option<&mut Lane<C>> {
        #[cfg(test)]
        if self.mutant == Some(Mutant::OneQueue) {
            return self.closed.first_mut();
        }
        let channel = channel?;
        self.closed.iter_mut().find(|lane| lane.channel.as_ref() == Some(channel))
    }

    const fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}
