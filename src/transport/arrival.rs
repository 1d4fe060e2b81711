//! The facts that a server passes to the routes about the connection of a request.

use std::net::IpAddr;

use super::takeover::permit::ConnectionPermit;
use super::takeover::state::Takeover;
use crate::node::link::Caller;
use crate::protocol::token::Token;

/// The peer, the permit and the take-over of the connection that a request came on.
///
/// A server that nests `Gateway::router` puts an `Arrival` into the extensions of each request. A handler of
/// `Gateway::start_page` finds the gateway's own there.
///
/// # Examples
/// A server behind a load balancer knows the client from elsewhere:
/// ```
/// use std::net::IpAddr;
/// use throughline::{Arrival, Peer};
///
/// fn arrival(connection: IpAddr, client: IpAddr) -> Arrival {
///     Arrival { peer: Some(Peer { connection, client }), ..Arrival::default() }
/// }
/// ```
#[derive(Clone, Default)]
pub struct Arrival {
    /// None if the server does not know it.
    pub peer: Option<Peer>,
    /// The token in a header or a cookie of the request. The gateway reads it itself, unless it is there already.
    pub token: Option<Token>,
    /// A socket keeps it for as long as it lives. None if the server does not limit its connections.
    pub permit: Option<ConnectionPermit>,
    /// None if the server cannot hand its connections over.
    pub takeover: Option<Takeover>,
}

/// The addresses of the other end of a connection. [`Arrival`] has an example.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address of the connection.
    pub connection: IpAddr,
    /// The address of the client. It differs if a trusted proxy stands between.
    pub client: IpAddr,
}

impl Arrival {
    /// Returns the client, as the node sees it.
    pub(super) fn caller(&self) -> Caller {
        Caller { address: self.peer.map(|peer| peer.client), token: self.token.clone() }
    }

    /// Returns whether the client has shut its sending side behind the request. The client may still read the answer,
    /// or it may be gone. The second write after this fails if the client is gone.
    ///
    /// The future or the body of the answer must call this each time that it is polled. The server polls it again when
    /// this becomes true. Another task is not woken. Without a take-over this stays false.
    #[must_use]
    pub fn is_half_closed(&self) -> bool {
        self.takeover.as_ref().is_some_and(Takeover::is_half_closed)
    }

    /// Forbids the take-over: HTTP must write the answer to its end.
    #[must_use]
    pub fn without_takeover(self) -> Self {
        Self { takeover: self.takeover.map(Takeover::denied), ..self }
    }
}
