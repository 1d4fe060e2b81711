//! The end of the node: it asks all clients to leave, and accepts no new session or leg.

use std::time::Duration;

use super::Node;
use super::sessions::going_away;
use crate::protocol::down;
use crate::session::server::Input;

impl Node {
    /// Asks every client to leave within `jitter`, and ends plain readers. From now on the node accepts no new
    /// session and no new leg. Existing legs go on meanwhile.
    pub fn drain(&self, jitter: Duration) {
        self.leaving.send_replace(true);
        let goaway = down::goaway(0, crate::session::milliseconds(jitter));
        self.tell_all(|| Input::Link(goaway.clone()));
    }

    /// Ends every remaining leg with `draining`.
    pub fn end_legs(&self) {
        self.tell_all(|| Input::EndLegs(going_away()));
    }

    /// Returns true after [`Self::drain`].
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.leaving.borrow()
    }
}
