//! Why a route of the inner listener refuses a request.

use std::time::Duration;

use super::key::Scope;
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
    /// The body is longer than this many bytes.
    #[error("the body has more than {0} bytes")]
    Long(usize),
    /// The body broke off, or came too slowly.
    #[error("the body broke off, or took longer than 20 s")]
    Broken,
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
            Self::Scope(_) | Self::Channel(_) => Code::Forbidden,
            Self::TooOften { .. } => Code::RateLimited,
            Self::Long(_) => Code::TooLarge,
            Self::Body(_) | Self::Broken | Self::User | Self::Method => Code::BadFrame,
            Self::NotFound => Code::NotFound,
            Self::Failed => Code::Internal,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let refusal = Self::new(fault.code(), fault.to_string());
        if let Fault::TooOften { wait, .. } = fault { refusal.retrying_after(wait) } else { refusal }
    }
}
