//! Commands of one session that came together, one after another.

use std::sync::Arc;

use super::Pump;
use super::act::{Batch, Unfinished};
use super::decided::{Asked, Decided, Deed, Queued};
use crate::node::session::Session;
use crate::protocol::up::Command;

/// Commands of one session that came together.
struct Run<'a> {
    pump: &'a Arc<Pump>,
    session: &'a Arc<Session>,
    /// Decided publications. They are published before anything else is carried out.
    batch: Option<Batch>,
    /// No lane is closed. Only this run closes lanes, so no lock is needed until it does.
    is_free: bool,
}

impl Pump {
    /// Carries out commands in their order, as far as their decisions are there and the broker finishes within the
    /// call.
    pub(in crate::node) fn run(self: &Arc<Self>, session: &Arc<Session>, commands: Vec<Command>) {
        self.guard(session, || {
            let mut run = Run::new(self, session);
            commands.into_iter().for_each(|command| run.take(command));
            run.flush();
        });
    }
}

impl<'a> Run<'a> {
    fn new(pump: &'a Arc<Pump>, session: &'a Arc<Session>) -> Self {
        Self { pump, session, batch: None, is_free: session.work().lanes.is_free() }
    }

    /// Carries out a command, or lets it wait.
    fn take(&mut self, command: Command) {
        let cost = command.cost;
        let command = if self.is_free {
            command
        } else {
            match self.pump.admit(self.session, Queued::Command(command), cost) {
                Some(Queued::Command(command)) => command,
                _ => return,
            }
        };
        match self.pump.ask(self.session, command) {
            Asked::Now(Decided::Channel { id, channel, deed: Ok(Deed::Publish(payload)) }) => match &mut self.batch {
                Some(batch) if batch.is_for(&channel) => batch.push(id, payload, cost),
                _ => {
                    self.flush();
                    // The earlier batch was for another channel, so this one's lane is still open.
                    self.batch = Some(Batch::new(channel, id, payload, cost));
                }
            },
            asked => self.go_on(asked, cost),
        }
    }

    /// Publishes the batch.
    fn flush(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        let bytes = batch.bytes();
        if let Some(unfinished) = self.pump.acts.publish(self.session, batch) {
            self.close(unfinished, bytes);
        }
    }

    /// Carries out a command after all earlier decisions. If the broker has not finished those, this command waits
    /// too.
    fn go_on(&mut self, asked: Asked, cost: usize) {
        self.flush();
        let asked = if self.is_free {
            asked
        } else {
            match self.pump.admit(self.session, Queued::Asked(asked), cost) {
                Some(Queued::Asked(asked)) => asked,
                _ => return,
            }
        };
        match asked {
            Asked::Now(decided) => {
                if let Some(unfinished) = self.pump.acts.carry_out(self.session, decided) {
                    self.close(unfinished, cost);
                }
            }
            Asked::Later(later) => {
                self.pump.close(self.session, later.channel.clone(), cost, later.step());
                self.is_free = false;
            }
        }
    }

    fn close(&mut self, Unfinished { channel, step }: Unfinished, bytes: usize) {
        self.pump.close(self.session, Some(channel), bytes, step);
        self.is_free = false;
    }
}
