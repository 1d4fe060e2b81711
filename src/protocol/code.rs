//! The codes of errors and of `end`, with the HTTP status each has. One table, so that a fault is told in
//! the same word on every transport.

use std::fmt;

/// Why something was refused or came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// Not a frame, or one that is not allowed there. The peer misbehaved.
    BadFrame,
    /// Longer or more than a limit allows.
    TooLarge,
    /// Too often; try again after the time told.
    RateLimited,
    /// No token, or one that does not hold.
    Unauthorized,
    /// Known, and not allowed.
    Forbidden,
    /// No such channel, or no channel can have such a name.
    UnknownChannel,
    /// No such route.
    NotFound,
    /// Our own fault.
    Internal,
    /// The session does not exist any more. The only code that ends a session.
    Gone,
    /// This leg lost its turn.
    Replaced,
    /// A number was left out on this leg.
    Gap,
    /// The gateway is going away.
    Draining,
    /// The leg was not taken, or nobody made use of it.
    Refused,
    /// The leg was silent for too long.
    Timeout,
}

impl Code {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The status of an HTTP answer that carries this code.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().1
    }

    const fn row(self) -> (&'static str, u16) {
        match self {
            Self::BadFrame => ("bad_frame", 400),
            Self::TooLarge => ("too_large", 413),
            Self::RateLimited => ("rate_limited", 429),
            Self::Unauthorized => ("unauthorized", 401),
            Self::Forbidden => ("forbidden", 403),
            Self::UnknownChannel => ("unknown_channel", 400),
            Self::NotFound => ("not_found", 404),
            Self::Internal => ("internal", 500),
            Self::Gone => ("gone", 200),
            Self::Replaced => ("replaced", 200),
            Self::Gap => ("gap", 200),
            Self::Draining => ("draining", 503),
            Self::Refused => ("refused", 200),
            Self::Timeout => ("timeout", 200),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refusal: what happened, in a word for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The word.
    pub code: Code,
    /// The sentence; never holds a secret or a token.
    pub message: String,
    /// When to try again, where that helps.
    pub retry_after: Option<std::time::Duration>,
}

impl Refusal {
    /// A refusal that does not change by waiting.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// The most common one.
    pub fn bad_frame(message: impl Into<String>) -> Self {
        Self::new(Code::BadFrame, message)
    }

    /// Whether an HTTP answer tells it by its status. What is no error is told by an `end`.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        self.code.status() != 200
    }

    /// The same refusal with a time after which another try is welcome.
    #[must_use]
    pub fn retry_after(mut self, wait: std::time::Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}
