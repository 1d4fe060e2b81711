//! Who may do what: the one place that the node asks. Tokens and rules decide first, and the application decides what
//! they leave to it.

use std::sync::Arc;
use std::time::SystemTime;

use super::decision::Decision;
use super::{Asker, Backend, Connecting, Identity};
use crate::protocol::ChannelName;
use crate::protocol::code::Refusal;
use crate::protocol::frame::Payload;
use crate::protocol::token::Token;

/// Decides who may do what.
pub struct Access {
    application: Arc<dyn Backend>,
}

/// A client that may attach a leg.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// When it must have proven that again, by the clock of this machine.
    pub until: Option<SystemTime>,
}

impl Access {
    /// Returns open mode, in which the application decides everything.
    #[must_use]
    pub fn open(application: Arc<dyn Backend>) -> Self {
        Self { application }
    }

    /// Returns true if sessions have a right that may end: tokens are checked here, and not by the application.
    #[must_use]
    pub const fn checks_tokens(&self) -> bool {
        false
    }

    /// Decides whether a client may attach a leg, and who it is.
    pub fn connect(&self, token: Option<&Token>) -> Decision<Result<Admitted, Refusal>> {
        use futures::FutureExt as _;

        match self.application.connect(&Connecting { token }) {
            Decision::Now(verdict) => Decision::Now(verdict.map(admitted)),
            Decision::Later(verdict) => Decision::Later(verdict.map(|verdict| verdict.map(admitted)).boxed()),
        }
    }

    /// Decides whether a client may receive a channel.
    pub fn subscribe(&self, who: Asker<'_>, channel: &ChannelName) -> Decision<Result<(), Refusal>> {
        self.application.subscribe(who, channel)
    }

    /// Decides whether a client keeps a subscription, after its rights or the rules changed. The application is not
    /// asked again.
    pub fn keeps(&self, _: Asker<'_>, _: &ChannelName) -> Decision<Result<(), Refusal>> {
        Decision::Now(Ok(()))
    }

    /// Decides whether a client may publish this, and returns the data to publish.
    pub fn publish(
        &self,
        who: Asker<'_>,
        channel: &ChannelName,
        payload: Payload,
    ) -> Decision<Result<Payload, Refusal>> {
        self.application.publish(who, channel, payload)
    }

    /// Decides about a request to the application itself.
    pub fn request(&self, who: Asker<'_>) -> Decision<Result<(), Refusal>> {
        self.application.request(who)
    }
}

fn admitted(identity: Identity) -> Admitted {
    let until = identity.expires;
    Admitted { identity: Arc::new(identity), until }
}
