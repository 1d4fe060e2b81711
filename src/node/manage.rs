//! What an operator and the application's servers ask of the node: to publish in its name, to list sessions, and to end
//! them.

use std::sync::Arc;
use std::time::SystemTime;

use super::Node;
use super::session::Session;
use crate::backend::Identity;
use crate::backend::tokens::revoked::Full;
use crate::driver::cycle;
use crate::hub::Outcome;
use crate::protocol::code::{BadToken, Limit, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::limits;
use crate::protocol::{ChannelName, SessionId};
use crate::session::server::Input;

/// The place of a publication that the broker stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its offset.
    pub at: u64,
    /// The epoch of its channel, if the broker states it with the offset.
    pub epoch: Option<Arc<str>>,
}

/// A living session, for a list.
#[derive(Debug, Clone)]
pub struct About {
    /// Its place in the list. Later sessions have greater ones.
    pub place: u64,
    /// Its public id.
    pub id: SessionId,
    /// Its user.
    pub user: Option<Box<str>>,
    /// The number of channels to which it subscribes.
    pub channels: usize,
    /// A client reads it now.
    pub is_connected: bool,
}

/// The sessions that are meant.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The session with this id.
    Session(&'a SessionId),
    /// All sessions of this user.
    User(&'a str),
}

impl Which<'_> {
    fn means(&self, session: &Session) -> bool {
        match self {
            Self::Session(id) => session.id == **id,
            Self::User(user) => session.identity().user.as_deref() == Some(user),
        }
    }
}

/// The end that sessions get.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The sessions are over.
    Session(Refusal),
    /// Their legs end, and the sessions go on.
    Legs(Refusal),
}

impl Node {
    /// Publishes for one of the application's servers, in the name of this user if the rule of the channel wants to be
    /// told a user.
    ///
    /// # Errors
    /// No rule matches the name, the publication is too large, or as [`crate::hub::Hub::publish`].
    pub async fn publish_for_server(
        &self,
        channel: &ChannelName,
        payload: Payload,
        by: Option<&str>,
    ) -> Result<Stored, Refusal> {
        // The bound of a client's line holds here too, so every client can receive the publication.
        if payload.bytes() > limits::LINE_BYTES {
            return Err(Limit::LineBytes(payload.bytes()).into());
        }
        let publication = self.access.of_server(channel, payload, by)?;
        let (outcome, epoch) = self.operations.publish_one(channel, &publication);
        let at = match outcome {
            Outcome::Now(at) => at,
            Outcome::Later(at) => at.await,
        }?;
        Ok(Stored { at, epoch })
    }

    /// Lists at most `most` sessions behind a place, of this user if one is given. There are more if the last value is
    /// true.
    #[must_use]
    pub fn list_sessions(&self, user: Option<&str>, after: u64, most: usize) -> (Vec<About>, bool) {
        let mut found = self.sessions.all();
        found.retain(|session| session.key > after && user.is_none_or(|user| Which::User(user).means(session)));
        found.sort_unstable_by_key(|session| session.key);
        let is_more = found.len() > most;
        let about = |session: &Arc<Session>| About {
            place: session.key,
            id: session.id.clone(),
            user: session.identity().user.clone(),
            channels: session.channels().len(),
            is_connected: session.cell.has_reader(self.clock.now()),
        };
        (found.iter().take(most).map(about).collect(), is_more)
    }

    /// Ends sessions, and returns how many.
    pub fn disconnect(&self, which: Which<'_>, ending: &Ending) -> usize {
        let mut found = self.sessions.all();
        found.retain(|session| which.means(session));
        for session in &found {
            let input = match ending.clone() {
                Ending::Session(refusal) => Input::End(refusal),
                Ending::Legs(refusal) => Input::EndLegs(refusal),
            };
            // A session that ended meanwhile misses nothing.
            let _ = cycle::input(self, session, input);
        }
        found.len()
    }

    /// Refuses the tokens of a user that were issued before a time, and ends the legs that such a token opened. Returns
    /// how many sessions lost their legs, or `None` if the application checks the tokens.
    ///
    /// # Errors
    /// The tokens of too many users are revoked.
    pub fn revoke(&self, user: &str, issued_before: SystemTime) -> Result<Option<usize>, Full> {
        let Some(tokens) = self.access.tokens() else { return Ok(None) };
        tokens.revoke(user, issued_before)?;
        let mut found = self.sessions.all();
        found.retain(|session| Which::User(user).means(session) && tokens.is_revoked(&session.identity()));
        for session in &found {
            let _ = cycle::input(self, session, Input::EndLegs(BadToken::Revoked.into()));
        }
        // Plain readers look at their rights again.
        self.changes.send_modify(|changes| *changes += 1);
        Ok(Some(found.len()))
    }

    /// Ends the legs of a session that a revoked token has just opened. The token may be revoked after it was judged,
    /// and before its leg was there to be ended.
    pub(super) fn end_if_revoked(&self, session: &Arc<Session>, identity: &Identity) {
        if self.access.is_revoked(identity) {
            let _ = cycle::input(self, session, Input::EndLegs(BadToken::Revoked.into()));
        }
    }
}
