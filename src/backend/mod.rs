//! The decisions of the application.
//!
//! [`Backend`] has one method for each decision. Each method has a default, which allows everything that needs no
//! application. The node asks before it acts. A backend must never act on a session or a channel itself, and it
//! names neither hub nor driver.
//!
//! # Layout
//! - [`access`]: the one place that the node asks
//! - [`decision`]: a decision now or later
//! - [`grants`]: what a token grants on channels
//! - [`open`]: open mode, in which everybody may do everything
//! - [`tokens`]: verifies tokens
//! - [`pattern`]: patterns of channel names
//! - [`rules`]: the rules of channels, and the limits of publications

pub mod access;
pub mod decision;
pub mod grants;
pub mod open;
pub mod pattern;
pub mod rules;
pub mod tokens;

use std::sync::Arc;
use std::time::SystemTime;

use self::decision::Decision;
use self::grants::Grants;
use crate::protocol::code::{Mistake, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::token::Token;
use crate::protocol::{ChannelName, SessionId};

/// Decides for the application. The client receives a refusal.
///
/// A decision about a command may come later. Commands of one session about one channel wait for each other, and
/// for no other. The node drops a decision that comes after the end of its session.
///
/// # Examples
/// A backend of one method. The channel `news` is for reading only:
/// ```
/// use std::sync::Arc;
/// use throughline::{Asker, Backend, ChannelName, Code, Config, Decision, Gateway, Payload, Refusal};
///
/// struct Newsroom;
///
/// impl Backend for Newsroom {
///     fn publish(&self, _: Asker<'_>, channel: &ChannelName, data: Payload) -> Decision<Result<Payload, Refusal>> {
///         Decision::Now(match channel.as_str() {
///             "news" => Err(Refusal::new(Code::Forbidden, "only the newsroom publishes here")),
///             _ => Ok(data),
///         })
///     }
/// }
///
/// let gateway = Gateway::with_backend(Config::default(), Arc::new(Newsroom));
/// ```
pub trait Backend: Send + Sync + 'static {
    /// Decides whether this client may attach a leg, and which user it is. A later decision must begin nothing
    /// before it is polled: legs of one session that arrive together share the first one, and the others are
    /// dropped unpolled.
    fn connect(&self, asking: &Connecting<'_>) -> Decision<Result<Identity, Refusal>> {
        let _ = asking;
        Decision::Now(Ok(Identity::default()))
    }

    /// Decides whether this session may receive a channel.
    fn subscribe(&self, who: Asker<'_>, channel: &ChannelName) -> Decision<Result<(), Refusal>> {
        let _ = (who, channel);
        Decision::Now(Ok(()))
    }

    /// Decides whether this session may publish this, and returns the data to publish, which may be other data.
    fn publish(&self, who: Asker<'_>, channel: &ChannelName, payload: Payload) -> Decision<Result<Payload, Refusal>> {
        let _ = (who, channel);
        Decision::Now(Ok(payload))
    }

    /// Decides about a request to the application itself (`req` or `msg`). Without an application there is no
    /// answer to it.
    fn request(&self, who: Asker<'_>) -> Decision<Result<(), Refusal>> {
        let _ = who;
        Decision::Now(Err(Mistake::NoApplication.into()))
    }
}

/// A client that wants to attach a leg.
///
/// # Examples
/// ```
/// use throughline::{Asker, Backend, Code, Connecting, Decision, Identity, Refusal};
///
/// struct OneSecret;
///
/// impl Backend for OneSecret {
///     fn connect(&self, asking: &Connecting<'_>) -> Decision<Result<Identity, Refusal>> {
///         Decision::Now(match asking.token.map(|token| token.reveal()) {
///             Some("open sesame") => Ok(Identity::user("ali")),
///             _ => Err(Refusal::new(Code::Unauthorized, "another token is needed")),
///         })
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Connecting<'a> {
    /// The token in its hello.
    pub token: Option<&'a Token>,
}

/// A client, from the application's view.
///
/// # Examples
/// ```
/// use throughline::Identity;
///
/// assert_eq!(Identity::user("42").user.as_deref(), Some("42"));
/// assert_eq!(Identity::default().user, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Identity {
    /// The user, or `None` without a token.
    pub user: Option<Box<str>>,
    /// What the user's token grants on channels, if it says so.
    pub grants: Option<Arc<Grants>>,
    /// When the token expires, by the clock of this machine.
    pub expires: Option<SystemTime>,
    /// It has no token yet, where every user needs one. It reaches no channel.
    pub(crate) is_guest: bool,
    /// When the token was issued, if it says so.
    pub issued: Option<SystemTime>,
}

impl Identity {
    /// Returns the identity of a user.
    #[must_use]
    pub fn user(name: impl Into<Box<str>>) -> Self {
        Self { user: Some(name.into()), ..Self::default() }
    }
}

/// A session that requests something.
///
/// # Examples
/// ```
/// use throughline::{Asker, Code, Refusal};
///
/// fn only_users(who: Asker<'_>) -> Result<(), Refusal> {
///     let user = who.identity.user.as_ref().ok_or_else(|| Refusal::new(Code::Forbidden, "sign in first"))?;
///     println!("{user} asks by session {}", who.id);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Asker<'a> {
    /// The public id of the session.
    pub id: &'a SessionId,
    /// The identity of the client that the backend let in.
    pub identity: &'a Identity,
}
