//! The end of the node: all clients are told to leave, and nothing new begins.

use std::time::Duration;

use super::Node;
use super::sessions::going_away;
use crate::protocol::down;
use crate::session::server::Input;

impl Node {
    /// Tells every client to leave within `jitter`, ends plain readers, and takes no new session and no new leg from now on.
    /// The legs that are there go on meanwhile.
    pub fn drain(&self, jitter: Duration) {
        self.leaving.send_replace(true);
        let goaway = down::goaway(0, crate::session::milliseconds(jitter));
        self.tell_all(|| Input::Link(goaway.clone()));
    }

    /// Ends every leg that is left, with `draining`.
    pub fn end_legs(&self) {
        self.tell_all(|| Input::EndLegs(going_away()));
    }

    pub(super) fn is_draining(&self) -> bool {
        *self.leaving.borrow()
    }
}
