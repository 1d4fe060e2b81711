//! The origin of a front, and what its clients see while nothing listens there. Plain data: it connects nothing.

use std::{io, net::SocketAddr};

use super::faults::Answer;

/// An origin on this machine.
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) addrs: Vec<SocketAddr>,
    pub(super) absent: Absent,
}

/// How a front treats a client while the origin does not listen.
#[derive(Debug, Clone)]
pub(super) enum Absent {
    /// A reset, as it would come without a front.
    Reset,
    /// A page of the front's own, as from a proxy.
    Answer(Answer),
}

impl Upstream {
    /// Makes an origin that listens at one of these addresses. While it does not, `answer` stands in for it.
    #[must_use]
    pub fn application(addrs: Vec<SocketAddr>, answer: Answer) -> Self {
        Self { addrs, absent: Absent::Answer(answer) }
    }

    /// Refuses an address that is not loopback: a front must never be an open proxy.
    pub(super) fn check(&self, listen: SocketAddr) -> io::Result<()> {
        match self.addrs.iter().chain([&listen]).find(|addr| !addr.ip().is_loopback()) {
            None => Ok(()),
            Some(addr) => {
                let message = format!("netlab stays on loopback, and {addr} is not loopback");
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}

/// An origin whose clients are reset while it does not listen.
impl From<SocketAddr> for Upstream {
    fn from(addr: SocketAddr) -> Self {
        Self { addrs: vec![addr], absent: Absent::Reset }
    }
}
