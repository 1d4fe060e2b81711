//! Why a route of the inner listener refuses a request.

use std::time::Duration;

use super::key::Scope;
use crate::backend::grants::BadGrants;
use crate::backend::tokens::revoked::Full;
use crate::backend::tokens::sign::BadStatement;
use crate::protocol::BadOffer;
use crate::protocol::code::{Code, Refusal};

/// A fault of a request, or of the key that came with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// No key came.
    #[error("this route needs a key, in the header `Authorization: Bearer tlk_…`")]
    NoKey,
    /// No table of the configuration has the key.
    #[error("no [[key]] table of this gateway has this key")]
    UnknownKey,
    /// The key lacks this scope.
    #[error("this route needs the scope {0}, and the [[key]] table of this key does not have it")]
    Scope(Scope),
    /// No pattern of the key matches the channel.
    #[error("no pattern of the key matches the channel {0:?}")]
    Channel(String),
    /// The key was used too often.
    #[error("this key may have {a_second} calls and publications a second")]
    TooOften {
        /// The rate.
        a_second: u32,
        /// When another try is welcome.
        wait: Duration,
    },
    /// The body cannot be read. Holds the parser's message.
    #[error("the body: {0}")]
    Body(String),
    /// The body, or a publication of a batch, is a list.
    #[error("the body: it must be an object, and it is a list")]
    NoObject,
    /// The body is longer than this many bytes.
    #[error("the body has more than {0} bytes")]
    Long(usize),
    /// The body broke off, or came too slowly.
    #[error("the body broke off, or took longer than 20 s")]
    Broken,
    /// A batch has more than this many publications.
    #[error("a batch has {0} publications at most")]
    Many(usize),
    /// The query has a parameter that the route does not have.
    #[error("this route has no parameter {0:?}")]
    Parameter(String),
    /// A parameter of the query is no number, or out of range.
    #[error("`{0}` in the query must be a number that this route states or allows")]
    Number(&'static str),
    /// No session can have the id.
    #[error("no session can have that id")]
    Session,
    /// A request names no sessions, or names them in two ways.
    #[error("the body must have `session` or `user`, and not both")]
    OneOf,
    /// A time is too far in the future.
    #[error("`issued_before` counts seconds since 1970, and may be one hour in the future at most")]
    Ahead,
    /// A token would live too long, or not at all.
    #[error("`ttl_s` must be 1 to {0}")]
    Lifetime(u64),
    /// A grant of a token is wrong.
    #[error(transparent)]
    Grants(BadGrants),
    /// The key does not reach all channels that a grant of a token is for.
    #[error("the key does not have all channels of the pattern {0:?}")]
    Grant(String),
    /// No gateway would accept the token.
    #[error(transparent)]
    Statement(BadStatement),
    /// The gateway has no secret that signs.
    #[error("[auth] of this gateway has no secret, so it makes no tokens")]
    NoSecret,
    /// The gateway checks no tokens.
    #[error("this gateway has no [auth], so it has no tokens to revoke")]
    NoTokens,
    /// There is no room for a further revocation.
    #[error(transparent)]
    Full(Full),
    /// The gateway cannot offer these transports.
    #[error(transparent)]
    Offer(BadOffer),
    /// The user's name is empty or too long.
    #[error("a user's name has 1 to 128 bytes")]
    User,
    /// No route has this path.
    #[error("nothing is here; the API is under /api/v1, and /api/v1/openapi.json describes it")]
    NotFound,
    /// The route does not answer this method.
    #[error("this route does not answer this method")]
    Method,
    /// The route failed.
    #[error("the gateway failed at this request, which its log describes")]
    Failed,
}

impl Fault {
    const fn code(&self) -> Code {
        match self {
            Self::NoKey | Self::UnknownKey => Code::Unauthorized,
            Self::Scope(_) | Self::Channel(_) | Self::Grant(_) => Code::Forbidden,
            Self::TooOften { .. } => Code::RateLimited,
            Self::Long(_) | Self::Many(_) => Code::TooLarge,
            Self::Full(_) => Code::Full,
            Self::NotFound | Self::NoSecret | Self::NoTokens => Code::NotFound,
            Self::Failed => Code::Internal,
            _ => Code::BadFrame,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let refusal = Self::new(fault.code(), fault.to_string());
        if let Fault::TooOften { wait, .. } = fault { refusal.retrying_after(wait) } else { refusal }
    }
}
