//! What the application decides.
//!
//! [`Backend`] has one method for each decision, and a default for each: all that needs no application is allowed. The node asks
//! before it acts. A backend must never act on a session or a channel itself, and it names neither hub nor driver.
//!
//! # Layout
//! - [`open`]: open mode: everybody may do everything

pub mod open;

use crate::protocol::code::{Code, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::token::Token;
use crate::protocol::{ChannelName, SessionId};

/// Decides for the application. A refusal is told to the client.
pub trait Backend: Send + Sync + 'static {
    /// May this client attach a leg, and which user is it?
    ///
    /// # Errors
    /// The reason for turning the client away.
    fn connect(&self, asking: &Connecting<'_>) -> Result<Identity, Refusal> {
        let _ = asking;
        Ok(Identity::default())
    }

    /// May this session receive a channel?
    ///
    /// # Errors
    /// The reason for refusing the subscription.
    fn subscribe(&self, who: Asker<'_>, channel: &ChannelName) -> Result<(), Refusal> {
        let _ = (who, channel);
        Ok(())
    }

    /// May this session publish this? Returns the data to be published, which may be other data.
    ///
    /// # Errors
    /// The reason for refusing the publication.
    fn publish(&self, who: Asker<'_>, channel: &ChannelName, payload: Payload) -> Result<Payload, Refusal> {
        let _ = (who, channel);
        Ok(payload)
    }

    /// A request to the application itself (`req` or `msg`).
    ///
    /// # Errors
    /// The reason for not answering. Without an application there is always one.
    fn request(&self, who: Asker<'_>) -> Result<(), Refusal> {
        let _ = who;
        Err(Refusal::new(Code::Forbidden, "no application stands behind this gateway to answer that"))
    }
}

/// A client that wants to attach a leg.
#[derive(Debug, Clone, Copy)]
pub struct Connecting<'a> {
    /// The token in its hello.
    pub token: Option<&'a Token>,
}

/// A client as the application knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The user; none in open mode.
    pub user: Option<Box<str>>,
}

/// A session that asks for something.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The public id of the session.
    pub id: &'a SessionId,
    /// The client that the backend let in.
    pub identity: &'a Identity,
}
