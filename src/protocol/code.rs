//! The codes of errors and of `end`, with the HTTP status each has. One table, so that a fault is told in
//! the same word on every transport.

use std::fmt::{self, Display};

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
    /// The gateway has no room for another of these; try again after the time told.
    Full,
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
    /// Every code.
    pub const ALL: [Self; 15] = [
        Self::BadFrame,
        Self::TooLarge,
        Self::RateLimited,
        Self::Full,
        Self::Unauthorized,
        Self::Forbidden,
        Self::UnknownChannel,
        Self::NotFound,
        Self::Internal,
        Self::Gone,
        Self::Replaced,
        Self::Gap,
        Self::Draining,
        Self::Refused,
        Self::Timeout,
    ];

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
            Self::Full => ("full", 503),
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

/// What refusals are counted and logged by: their code, or, where one code has causes with different remedies, the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The code says enough.
    Code(Code),
    /// The host that was asked for is not listed, or a request names several.
    Host,
    /// The page's origin is not listed, or a request names several.
    Origin,
    /// A request for a WebSocket without what makes it one.
    Upgrade,
    /// A request for a WebSocket of another version.
    Version,
    /// A proxy asks for what is for this machine only.
    Proxied,
}

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        let causes = [Self::Host, Self::Origin, Self::Upgrade, Self::Version, Self::Proxied];
        Code::ALL.into_iter().map(Self::Code).chain(causes)
    }

    /// The word in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code(code) => code.name(),
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Upgrade => "upgrade",
            Self::Version => "version",
            Self::Proxied => "proxied",
        }
    }
}

impl Display for Code {
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
    /// What it is counted and logged by.
    pub kind: Kind,
    /// The sentence; never holds a secret or a token.
    pub message: String,
    /// When to try again, where that helps.
    pub retry_after: Option<std::time::Duration>,
}

impl Refusal {
    /// A refusal that does not change by waiting.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, kind: Kind::Code(code), message: message.into(), retry_after: None }
    }

    /// The most common one.
    pub fn bad_frame(message: impl Into<String>) -> Self {
        Self::new(Code::BadFrame, message)
    }

    /// More bytes than a limit allows, with both figures.
    #[must_use]
    pub fn too_large(what: &str, bytes: impl Display, limit: usize) -> Self {
        let message = format!("{what} of {} bytes; the limit is {}", grouped(&bytes), grouped(&limit));
        Self::new(Code::TooLarge, message)
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

    /// The same refusal, counted and logged by this.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }
}

/// A number with its thousands parted: 56,320.
#[must_use]
pub fn grouped(number: &impl Display) -> String {
    let digits = number.to_string();
    let parted = |place: usize| place > 0 && (digits.len() - place).is_multiple_of(3);
    digits
        .chars()
        .enumerate()
        .flat_map(|(place, digit)| parted(place).then_some(',').into_iter().chain([digit]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_told_with_both_figures() {
        let refusal = Refusal::too_large("a frame", 62_013, 56_320);
        assert_eq!(refusal.to_string(), "too_large: a frame of 62,013 bytes; the limit is 56,320");
        assert_eq!(["1", "999", "1000", "1234567"].map(|number| grouped(&number)), ["1", "999", "1,000", "1,234,567"]);
    }

    /// The place in the list is the place in the enum, so a code that is left out shows.
    #[test]
    fn every_code_is_in_the_list_under_a_name_of_its_own() {
        for (place, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, place, "{code}");
        }
        assert_eq!(Code::Timeout as usize + 1, Code::ALL.len(), "the last code is the last in the list");
        let names: std::collections::HashSet<_> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), Kind::all().count());
    }
}
