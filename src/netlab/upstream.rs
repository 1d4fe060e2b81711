//! Where a front carries to, and what its clients see while nothing listens there. Plain data: it connects nothing.

use std::{io, net::SocketAddr};

use super::faults::Answer;

/// An origin on this machine.
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) addrs: Vec<SocketAddr>,
    pub(super) absent: Absent,
}

/// What a client sees while the origin does not listen.
#[derive(Debug, Clone)]
pub(super) enum Absent {
    /// A reset: it looks as it would without us.
    Reset,
    /// A page of ours, as from a proxy.
    Answer(Answer),
}

impl Upstream {
    /// An origin that listens at one of these addresses. While it does not, `answer` stands in for it.
    #[must_use]
    pub fn application(addrs: Vec<SocketAddr>, answer: Answer) -> Self {
        Self { addrs, absent: Absent::Answer(answer) }
    }

    /// This must never be an open proxy.
    pub(super) fn check(&self, listen: SocketAddr) -> io::Result<()> {
        match self.addrs.iter().chain([&listen]).find(|addr| !addr.ip().is_loopback()) {
            None => Ok(()),
            Some(addr) => {
                let message = format!("netlab stays on loopback, {addr} is not");
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
