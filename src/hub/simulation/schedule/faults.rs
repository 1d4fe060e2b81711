//! The broker's side: requests reach it, and its answers may be late, repeated, lost or reordered.

use super::*;

/// The usual time on the way, and the longest of a late message.
const USUAL_MS: u64 = 40;
const LATE_MS: u64 = 3_000;

impl Schedule {
    /// Notes a fault for all subscribers of the channel that it strikes.
    pub(super) fn strike(&mut self, fault: Fault, channel: usize) {
        let readers = &self.worlds[channel].readers;
        let is_anybody_live = readers.iter().any(Reader::is_live);
        for reader in readers {
            self.counts.note(fault, reader.state(is_anybody_live));
        }
    }

    /// Returns one of these faults, or none.
    fn fault(&mut self, among: &[Fault]) -> Option<Fault> {
        let is_faulty = !self.is_quiet() && self.random.percent(self.chance);
        is_faulty.then(|| among[self.random.place(among.len())])
    }

    fn way(&mut self, is_late: bool) -> Duration {
        let usual = self.random.milliseconds(USUAL_MS);
        if is_late { usual + self.random.milliseconds(LATE_MS) } else { usual }
    }

    /// Sends a request. Requests of one channel keep their order.
    pub(super) fn send(&mut self, channel: usize, request: Request) {
        let is_question = matches!(request, Request::Append(..) | Request::Fetch(..));
        let fault = self.fault(&[Fault::Late, Fault::Twice, Fault::Never, Fault::Error]).filter(|_| is_question);
        if let Some(fault) = fault {
            self.strike(fault, channel);
        }
        let at = self.now + self.way(false);
        let world = &mut self.worlds[channel];
        world.up_last = world.up_last.max(at);
        self.agenda.plan(world.up_last, Event::Arrives(channel, request, fault));
    }

    pub(super) fn arrives(&mut self, channel: usize, request: Request, fault: Option<Fault>) {
        match request {
            Request::Watch => self.worlds[channel].is_watched = true,
            Request::Unwatch => self.worlds[channel].is_watched = false,
            Request::Append(ticket, contents) => self.asked_to_append(channel, ticket, &contents, fault),
            Request::Fetch(ticket, after) => match fault {
                Some(Fault::Error) => self.reply(channel, fault, || Input::Failed(ticket, Failure::Unknown)),
                _ => {
                    let stretches = self.worlds[channel].truth.fetch(&after);
                    self.reply(channel, fault, || Input::Fetched(ticket, stretches.clone()));
                }
            },
        }
    }

    fn asked_to_append(&mut self, channel: usize, ticket: Ticket, contents: &[u64], fault: Option<Fault>) {
        // A request without an answer, or with an unknown outcome, may have been carried out or not.
        let is_known = self.random.percent(50);
        let is_lost = match fault {
            Some(Fault::Error) => true,
            Some(Fault::Never) => self.random.percent(50),
            _ => false,
        };
        if fault == Some(Fault::Error) && is_known {
            return self.reply(channel, fault, || Input::Failed(ticket, Failure::NotDone));
        }
        if is_lost && self.random.percent(50) {
            return self.reply(channel, fault, || Input::Failed(ticket, Failure::Unknown));
        }
        let first = self.append(channel, contents);
        self.worlds[channel].stored.insert(ticket, first);
        if fault == Some(Fault::Error) {
            return self.reply(channel, fault, || Input::Failed(ticket, Failure::Unknown));
        }
        self.reply(channel, fault, || Input::Appended(ticket, first));
    }

    /// Stores publications of this node or another one, and sends the message about them.
    pub(super) fn append(&mut self, channel: usize, contents: &[u64]) -> u64 {
        let message = self.worlds[channel].truth.append(contents);
        let first = message.before + 1;
        if !self.worlds[channel].is_watched {
            return first;
        }
        let fault = self.fault(&[Fault::Late, Fault::Twice, Fault::Unheard]);
        if let Some(fault) = fault {
            self.strike(fault, channel);
        }
        if fault == Some(Fault::Unheard) {
            self.worlds[channel].is_checked = true;
            return first;
        }
        let copies = if fault == Some(Fault::Twice) { 2 } else { 1 };
        for _ in 0..copies {
            let at = self.now + self.way(fault == Some(Fault::Late));
            let world = &mut self.worlds[channel];
            world.down_last = world.down_last.max(at);
            self.agenda.plan(world.down_last, Event::Message(channel, message.clone()));
        }
        first
    }

    /// Sends an answer back. Answers do not keep their order.
    fn reply(&mut self, channel: usize, fault: Option<Fault>, input: impl Fn() -> Input<u64>) {
        if fault == Some(Fault::Never) {
            return;
        }
        self.answers += 1;
        let number = self.answers;
        self.under_way.push((number, channel));
        let at = self.now + self.way(fault == Some(Fault::Late));
        self.agenda.plan(at, Event::Answer(channel, number, input()));
        if fault == Some(Fault::Twice) {
            let again = at + self.way(true);
            self.agenda.plan(again, Event::Answer(channel, 0, input()));
        }
    }

    /// Hands in an answer. Notes the first copy if it overtakes an answer of another channel.
    pub(super) fn answer(&mut self, channel: usize, number: u64, input: Input<u64>) -> Result<(), String> {
        if let Some(place) = self.under_way.iter().position(|(other, _)| *other == number) {
            self.under_way.swap_remove(place);
            if self.under_way.iter().any(|(other, elsewhere)| *other < number && *elsewhere != channel) {
                self.strike(Fault::Overtaken, channel);
            }
        }
        self.handle(channel, input)
    }
}
