//! The node as the owner of its sessions: the methods that the driver's cycle calls, and the actions on all
//! sessions.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use super::Node;
use super::pump::Pump;
use super::session::Session;
use crate::driver::cell::Cell;
use crate::driver::cycle::{self, Owner};
use crate::protocol::code::{Fault, Refusal};
use crate::protocol::token::Token;
use crate::protocol::up::Command;
use crate::protocol::{LegNumber, Transport};
use crate::session::Time;
use crate::session::server::Input;

/// The interval of the sweeps for unused channels.
const SWEEP: Duration = Duration::from_secs(30);

impl Owner for Node {
    type Session = Session;

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn cell<'a>(&self, session: &'a Session) -> &'a Cell {
        &session.cell
    }

    fn arm(&self, at: Time, session: &Arc<Session>) {
        self.timers.arm(at, session.key, session);
    }

    fn run_commands(&self, session: &Arc<Session>, commands: Vec<Command>) {
        self.pump.run(session, commands);
    }

    fn check_token(&self, session: &Arc<Session>, leg: LegNumber, token: Token) {
        if let Some(node) = self.myself.upgrade() {
            node.check_fresh(session, leg, &token);
        }
    }

    fn forget(&self, session: &Arc<Session>) {
        debug!(session = %session.id, "a session is over");
        self.sessions.remove(session);
        Pump::end(session);
        self.operations.leave(session);
    }
}

impl Node {
    /// Hands the time to sessions and the hub, hands the hub its broker's events, and forgets idle channels, until
    /// it is dropped. Run it once, beside the server.
    pub async fn run(self: Arc<Self>) {
        let mut sweep = tokio::time::interval(SWEEP);
        let (mut keys, mut relief) =
            (pin!(self.keep_keys()), pin!(self.relief.run(&self.sessions, &self.counters, self.clock)));
        loop {
            tokio::select! {
                () = self.timers.run(self.clock.origin, |session, at| cycle::timer_fired(&*self, session, at)) => {}
                () = self.operations.run() => {}
                () = &mut keys => {}
                () = &mut relief => {}
                _ = sweep.tick() => self.operations.sweep(self.clock.now()),
            }
        }
    }

    /// Keeps the keys of tokens fresh. It never ends.
    async fn keep_keys(&self) {
        self.access.run().await;
        std::future::pending::<()>().await;
    }

    /// Ends a session after one of its commands failed half-way.
    pub(super) fn end_failed(&self, session: &Arc<Session>) {
        let refusal = Refusal::from(Fault::Command);
        self.counters.note(&refusal);
        // The end of a session is not refused. A session that is over needs none.
        let _ = cycle::input(self, session, Input::End(refusal));
    }

    /// Offers other transports from now on, best first, and announces them to all clients. Clients on any other
    /// transport have `jitter` and a little more to change over. Nothing happens if these transports are offered
    /// already.
    pub fn set_transports(&self, transports: &Arc<[Transport]>, jitter: Duration) {
        self.settings.offer(transports, || self.tell_all(|| Input::Offer(Arc::clone(transports), jitter)));
    }

    /// Hands each living session an input that no session refuses.
    pub(super) fn tell_all(&self, input: impl Fn() -> Input) {
        for session in self.sessions.all() {
            // A session that ended meanwhile misses nothing.
            let _ = cycle::input(self, &session, input());
        }
    }
}
