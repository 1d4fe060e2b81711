//! What the application decides.
//!
//! [`Backend`] has one method for each decision, and a default for each: all that needs no application is allowed. The node asks
//! before it acts. A backend must never act on a session or a channel itself, and it names neither hub nor driver.
//!
//! # Layout
//! - [`decision`]: now or later
//! - [`open`]: open mode: everybody may do everything

pub mod decision;
pub mod open;

use self::decision::Decision;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::token::Token;
use crate::protocol::{ChannelName, SessionId};

/// Decides for the application. A refusal is told to the client.
///
/// A decision about a command may come later. Commands of one session about one channel wait for each other, and for no other.
/// A decision that comes after the end of its session is dropped.
pub trait Backend: Send + Sync + 'static {
    /// May this client attach a leg, and which user is it? Nothing may begin before a decision that comes later is polled: legs
    /// of one session that arrive together share the first one, and the others are dropped unpolled.
    fn connect(&self, asking: &Connecting<'_>) -> Decision<Result<Identity, Refusal>> {
        let _ = asking;
        Decision::Now(Ok(Identity::default()))
    }

    /// May this session receive a channel?
    fn subscribe(&self, who: Asker<'_>, channel: &ChannelName) -> Decision<Result<(), Refusal>> {
        let _ = (who, channel);
        Decision::Now(Ok(()))
    }

    /// May this session publish this? Decides which data is published, which may be other data.
    fn publish(&self, who: Asker<'_>, channel: &ChannelName, payload: Payload) -> Decision<Result<Payload, Refusal>> {
        let _ = (who, channel);
        Decision::Now(Ok(payload))
    }

    /// A request to the application itself (`req` or `msg`). Without an application nobody can answer it.
    fn request(&self, who: Asker<'_>) -> Decision<Result<(), Refusal>> {
        let _ = who;
        Decision::Now(Err(Mistake::NoApplication.into()))
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
