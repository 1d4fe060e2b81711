//! What the server knows of the connection that a request came on.

use std::net::IpAddr;

use super::takeover::permit::ConnectionPermit;
use super::takeover::state::Takeover;

/// See the module. Each request has one. A server that nests `Gateway::router` puts its own into the extensions of the request. A
/// handler of `Gateway::start_page` finds it there.
#[derive(Clone, Default)]
pub struct Arrival {
    /// None if the server does not know it.
    pub peer: Option<Peer>,
    /// A socket keeps it for as long as it lives. None if the server does not limit its connections.
    pub permit: Option<ConnectionPermit>,
    /// None if the server cannot hand its connections over.
    pub takeover: Option<Takeover>,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address of the connection.
    pub connection: IpAddr,
    /// The address of the client. It differs if a trusted proxy stands between.
    pub client: IpAddr,
}

impl Arrival {
    /// The address of the client.
    pub(super) fn client(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.client)
    }

    /// The same for a request whose answer HTTP must write to its end.
    #[must_use]
    pub fn without_takeover(self) -> Self {
        Self { takeover: self.takeover.map(Takeover::denied), ..self }
    }
}
