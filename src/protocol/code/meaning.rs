//! The code of each reason, its kind, and the time after which another try is welcome.

use std::time::Duration;

use super::{BadHello, Code, Fault, Kind, Leaving, Limit, Mistake, Reason};

/// How long a client waits after the gateway had no room for it.
pub(super) const FULL_WAIT: Duration = Duration::from_secs(5);
/// How long a client waits after it sent faster than the gateway carries out its commands.
const BACKLOG_WAIT: Duration = Duration::from_secs(1);

impl Reason {
    /// Returns the code. A mistake without a code of its own is `bad_frame`, and a fault of ours is `internal`.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Mistake(mistake) => match mistake {
                Mistake::Hello(BadHello::Token)
                | Mistake::Token(_)
                | Mistake::TokenExpired
                | Mistake::NoToken
                | Mistake::SignIn
                | Mistake::OtherUser => Code::Unauthorized,
                Mistake::Channel(_) | Mistake::NoRule => Code::UnknownChannel,
                Mistake::NothingHere(_) => Code::NotFound,
                Mistake::Gap { .. } => Code::Gap,
                Mistake::Host(_)
                | Mistake::Origin(_)
                | Mistake::Remote
                | Mistake::Proxied(_)
                | Mistake::NoApplication
                | Mistake::Denied(_) => Code::Forbidden,
                _ => Code::BadFrame,
            },
            Self::Limit(limit) => match limit {
                Limit::Sessions { .. }
                | Limit::Guests { .. }
                | Limit::Connections(_)
                | Limit::AddressConnections(_)
                | Limit::SessionsOf { .. }
                | Limit::Channels { .. }
                | Limit::Broker => Code::Full,
                Limit::Attaches(_)
                | Limit::AddressAttaches { .. }
                | Limit::Subscribes { .. }
                | Limit::Backlog(_)
                | Limit::Publications { .. }
                | Limit::Early => Code::RateLimited,
                Limit::Legs => Code::Refused,
                _ => Code::TooLarge,
            },
            Self::Leaving(leaving) => match leaving {
                Leaving::Gateway => Code::Draining,
                Leaving::Session | Leaving::Expired | Leaving::Incarnation | Leaving::Bye => Code::Gone,
                Leaving::Replaced => Code::Replaced,
                Leaving::NotOffered(_) | Leaving::Unproven => Code::Refused,
                Leaving::Silent | Leaving::Undecided | Leaving::NoHello => Code::Timeout,
            },
            Self::Fault(Fault::Undecided(_)) => Code::Timeout,
            Self::Fault(Fault::Keys) => Code::Unavailable,
            Self::Fault(_) => Code::Internal,
            Self::Application { code, .. } => *code,
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Mistake(mistake) => match mistake {
                Mistake::Host(_) | Mistake::SeveralHosts | Mistake::OtherHost { .. } | Mistake::Target => Kind::Host,
                Mistake::Origin(_) | Mistake::SeveralOrigins => Kind::Origin,
                Mistake::Upgrade(_) => Kind::Upgrade,
                Mistake::WebSocketVersion => Kind::Version,
                Mistake::Proxied(_) => Kind::Proxied,
                _ => Kind::Code(self.code()),
            },
            _ => Kind::Code(self.code()),
        }
    }

    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Leaving(Leaving::Gateway)
            | Self::Limit(
                Limit::Sessions { .. }
                | Limit::SessionsOf { .. }
                | Limit::Guests { .. }
                | Limit::Connections(_)
                | Limit::AddressConnections(_),
            )
            | Self::Fault(Fault::Keys) => Some(FULL_WAIT),
            Self::Limit(
                Limit::Attaches(wait)
                | Limit::AddressAttaches { wait, .. }
                | Limit::Subscribes { wait, .. }
                | Limit::Publications { wait, .. },
            ) => Some(*wait),
            Self::Limit(Limit::Backlog(_)) => Some(BACKLOG_WAIT),
            Self::Application { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
