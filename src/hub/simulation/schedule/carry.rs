//! Carries out the machine's outputs, and checks its answers.

use super::*;
use crate::hub::events::Output;

/// The longest time until a subscriber usually reads. A slow one takes longer.
const READS_WITHIN_MS: u64 = 100;
const SLOW_MS: u64 = 3_000;

impl Schedule {
    pub(super) fn handle(&mut self, channel: usize, input: Input<u64>) -> Result<(), String> {
        let mut outputs = Outputs::new();
        self.worlds[channel].machine.handle(self.now, input, &mut outputs);
        for output in outputs {
            self.carry_out(channel, output)?;
        }
        self.check_bounds(channel)?;
        self.arm(channel);
        self.look_after_readers(channel)
    }

    fn carry_out(&mut self, channel: usize, output: Output) -> Result<(), String> {
        let must_recover = self.settings.held.frames == HELD_MANY;
        let world = &mut self.worlds[channel];
        match output {
            Output::Append(ticket) => {
                let contents = world.open.get(&ticket).cloned().ok_or("an append without a publication")?;
                self.send(channel, Request::Append(ticket, contents));
            }
            Output::Fetch(ticket, after) => self.send(channel, Request::Fetch(ticket, after)),
            Output::Watch => self.send(channel, Request::Watch),
            Output::Unwatch => self.send(channel, Request::Unwatch),
            Output::Deliver(part) => {
                let World { machine, readers, truth, .. } = world;
                for reader in readers.iter_mut().filter(|reader| machine.live().contains_key(&reader.key)) {
                    reader.takes(&part, truth)?;
                }
            }
            Output::Published(ticket, outcome) => self.published(channel, ticket, outcome)?,
            Output::Started { ticket, which, start, missed } => {
                let key = *world.machine.started(which).ok_or("no subscriber is started")?;
                let World { readers, truth, .. } = world;
                let reader = readers.iter_mut().find(|reader| reader.key == key).ok_or("an unknown subscriber")?;
                reader.started(ticket, start, &missed, truth, must_recover)?;
            }
            Output::Refused(ticket, _) => {
                let refused = world.readers.iter_mut().position(|reader| reader.refused(ticket));
                if let Some(reader) = refused {
                    let pause = Duration::from_secs(1) + self.random.milliseconds(1_000);
                    self.agenda.plan(self.now + pause, Event::Comes(channel, reader));
                }
            }
        }
        Ok(())
    }

    fn published(&mut self, channel: usize, ticket: Ticket, outcome: Result<u64, Failure>) -> Result<(), String> {
        let world = &mut self.worlds[channel];
        if world.open.remove(&ticket).is_none() {
            return Err(format!("{ticket:?} is answered twice"));
        }
        let stored = world.stored.get(&ticket).copied();
        match outcome {
            Ok(first) if stored != Some(first) => {
                Err(format!("{ticket:?} is said to be at {first}, and is at {stored:?}"))
            }
            Err(Failure::NotDone) if stored.is_some() => Err(format!("{ticket:?} is said to be not done, and is done")),
            _ => Ok(()),
        }
    }

    fn check_bounds(&self, channel: usize) -> Result<(), String> {
        let [held, appends, joining] = self.worlds[channel].machine.kept();
        if held > self.settings.held.frames || appends > APPENDS || joining > READERS {
            return Err(format!("{held} lines are held, {appends} appends are under way, {joining} subscribers wait"));
        }
        Ok(())
    }

    fn arm(&mut self, channel: usize) {
        let world = &mut self.worlds[channel];
        let due = world.machine.poll_timeout();
        if let Some(at) = due.filter(|at| world.armed.is_none_or(|armed| *at < armed)) {
            let at = at.max(self.now);
            world.armed = Some(at);
            self.agenda.plan(at, Event::Timer(channel));
        }
    }

    /// Lets a subscriber with lines read them at some time. If it has too many, it is cut off, and comes back.
    fn look_after_readers(&mut self, channel: usize) -> Result<(), String> {
        for place in 0..READERS {
            let is_slow = !self.is_quiet() && self.random.percent(20);
            let reader = &mut self.worlds[channel].readers[place];
            if reader.is_cut_off() {
                let (key, pause) = (reader.key, self.random.milliseconds(1_000));
                self.agenda.plan(self.now + pause, Event::Comes(channel, place));
                self.handle(channel, Input::Unsubscribe(key))?;
            } else if reader.wants_to_read() {
                reader.will_read = true;
                let pause = self.random.milliseconds(if is_slow { SLOW_MS } else { READS_WITHIN_MS });
                self.agenda.plan(self.now + pause, Event::Reads(channel, place));
            }
        }
        Ok(())
    }
}
