//! The codes of errors and of `end`, each with its HTTP status. One table gives a fault the same word on every
//! transport.
//!
//! # Layout
//! - `mistake`, `reason`: why the gateway refuses something, split by fault; `bad_token`: the faults of a token
//! - `meaning`: the code of each reason, and the time to wait

mod bad_token;
mod meaning;
mod mistake;
mod reason;

use std::fmt::{self, Display};
use std::time::Duration;

pub use self::bad_token::BadToken;
pub use self::mistake::{BadHello, BadPayload, BadText, BadUpgrade, Mistake};
pub use self::reason::{Fault, Holder, Leaving, Limit, Publisher, Reason};

/// Why something was refused or ended.
///
/// # Examples
/// ```
/// use throughline::Code;
///
/// assert_eq!((Code::Full.name(), Code::Full.status()), ("full", 503));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// Not a frame, or a frame that is not allowed at this place. The peer misbehaved.
    BadFrame,
    /// Longer than a limit allows, or more of it.
    TooLarge,
    /// Too often. Another try is welcome after the stated time.
    RateLimited,
    /// The gateway has no room for another one. Another try is welcome after the stated time.
    Full,
    /// The gateway misses something that it needs from another server. Another try is welcome after the stated time.
    Unavailable,
    /// No token, or one that is not valid.
    Unauthorized,
    /// The peer is known, and may not do this.
    Forbidden,
    /// No rule matches the name, or no channel can have such a name.
    UnknownChannel,
    /// No such route exists.
    NotFound,
    /// A fault of the gateway.
    Internal,
    /// The session does not exist any more. No other code ends a session.
    Gone,
    /// This leg lost its turn.
    Replaced,
    /// This leg skipped a number.
    Gap,
    /// The gateway is going away.
    Draining,
    /// The gateway does not want this leg or its transport, or the leg did not prove itself.
    Refused,
    /// The leg was silent for too long.
    Timeout,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 16] = [
        Self::BadFrame,
        Self::TooLarge,
        Self::RateLimited,
        Self::Full,
        Self::Unavailable,
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

    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// Returns the status of an HTTP answer that carries this code.
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
            Self::Unavailable => ("unavailable", 503),
            Self::Unauthorized => ("unauthorized", 401),
            Self::Forbidden => ("forbidden", 403),
            Self::UnknownChannel => ("unknown_channel", 404),
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

/// The word under which the gateway counts and logs a refusal. It is the code, or the cause if the causes of one
/// code have different remedies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The code says enough.
    Code(Code),
    /// The requested host is not listed, or the request names several.
    Host,
    /// The page's origin is not listed, or the request names several.
    Origin,
    /// A request for a WebSocket lacks something that makes it one.
    Upgrade,
    /// A request is for another version of WebSocket.
    Version,
    /// A proxy asks for something that only this machine may see.
    Proxied,
}

impl Kind {
    /// Returns every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        let causes = [Self::Host, Self::Origin, Self::Upgrade, Self::Version, Self::Proxied];
        Code::ALL.into_iter().map(Self::Code).chain(causes)
    }

    /// Returns the word in metrics and logs.
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

/// A refusal: a word for programs, a sentence for people, and the [`Reason`] for the code that handles it.
///
/// It is as small as a pointer, because many results have room for one and hardly ever fail.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use throughline::{Code, Refusal};
///
/// let refusal = Refusal::new(Code::RateLimited, "one order a second").retrying_after(Duration::from_secs(1));
/// assert_eq!(refusal.to_string(), "rate_limited: one order a second");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.code(), .0)]
pub struct Refusal(Box<Reason>);

impl Refusal {
    /// Returns a refusal in the words of an application.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Reason::Application { code, message: message.into(), retry_after: None }.into()
    }

    /// Adds a time after which another try is welcome. It changes only an application's refusal, because the other
    /// reasons state the time themselves.
    #[must_use]
    pub fn retrying_after(mut self, wait: Duration) -> Self {
        if let Reason::Application { retry_after, .. } = &mut *self.0 {
            *retry_after = Some(wait);
        }
        self
    }

    /// Returns whose fault it is, and what happened.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.0
    }

    /// Returns the code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code()
    }

    /// Returns the word under which it is counted and logged.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// Returns the sentence. It never holds a secret or a token.
    #[must_use]
    pub fn message(&self) -> String {
        self.0.to_string()
    }

    /// Returns when to try again, if that helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after()
    }

    /// Returns when to try again in whole milliseconds, if a limit is reached that will have room by itself.
    pub(crate) fn retry_after_ms(&self) -> Option<u64> {
        let is_limit = matches!(self.code(), Code::RateLimited | Code::Full);
        let wait = self.retry_after().filter(|_| is_limit)?;
        u64::try_from(wait.as_nanos().div_ceil(1_000_000)).ok()
    }

    /// Returns true if the status of an HTTP answer reports it. An `end` reports the others, which are not errors.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.code().status() != 200
    }
}

impl<T: Into<Reason>> From<T> for Refusal {
    fn from(reason: T) -> Self {
        Self(Box::new(reason.into()))
    }
}

/// Groups the thousands of a number: 56,320.
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
    use super::meaning::FULL_WAIT;
    use super::*;

    #[test]
    fn an_exceeded_limit_is_reported_with_both_figures() {
        let refusal = Refusal::from(Limit::LineBytes(62_013));
        assert_eq!(refusal.to_string(), "too_large: a line of 62,013 bytes; the limit is 56,320");
        assert_eq!(["1", "999", "1000", "1234567"].map(|number| grouped(&number)), ["1", "999", "1,000", "1,234,567"]);
    }

    /// A result of a hot path has room for a refusal, even if there is none.
    #[test]
    fn a_refusal_is_as_small_as_a_pointer() {
        assert_eq!(size_of::<Result<(), Refusal>>(), size_of::<usize>());
    }

    #[test]
    fn each_fault_has_its_code_its_kind_and_its_time_to_wait() {
        let wait = Duration::from_secs(7);
        for (refusal, code, kind, retry_after) in [
            (Mistake::NotUtf8.into(), Code::BadFrame, Kind::Code(Code::BadFrame), None),
            (Mistake::Hello(BadHello::Token).into(), Code::Unauthorized, Kind::Code(Code::Unauthorized), None),
            (BadToken::Expired.into(), Code::Unauthorized, Kind::Code(Code::Unauthorized), None),
            (Limit::TokenBytes(8_193).into(), Code::TooLarge, Kind::Code(Code::TooLarge), None),
            (Fault::Keys.into(), Code::Unavailable, Kind::Code(Code::Unavailable), Some(FULL_WAIT)),
            (Mistake::Host("a".to_owned()).into(), Code::Forbidden, Kind::Host, None),
            (Mistake::Upgrade(BadUpgrade::Key).into(), Code::BadFrame, Kind::Upgrade, None),
            (Limit::Connections(1).into(), Code::Full, Kind::Code(Code::Full), Some(FULL_WAIT)),
            (Limit::Attaches(wait).into(), Code::RateLimited, Kind::Code(Code::RateLimited), Some(wait)),
            (
                Limit::Publications { by: Publisher::User, a_second: 10, wait }.into(),
                Code::RateLimited,
                Kind::Code(Code::RateLimited),
                Some(wait),
            ),
            (Mistake::NoRule.into(), Code::UnknownChannel, Kind::Code(Code::UnknownChannel), None),
            (Mistake::Denied("publish").into(), Code::Forbidden, Kind::Code(Code::Forbidden), None),
            (Leaving::Gateway.into(), Code::Draining, Kind::Code(Code::Draining), Some(FULL_WAIT)),
            (Fault::Broker.into(), Code::Internal, Kind::Code(Code::Internal), None),
            (
                Refusal::new(Code::Forbidden, "not you").retrying_after(wait),
                Code::Forbidden,
                Kind::Code(Code::Forbidden),
                Some(wait),
            ),
        ] as [(Refusal, _, _, _); 15]
        {
            assert_eq!((refusal.code(), refusal.kind(), refusal.retry_after()), (code, kind, retry_after), "{refusal}");
        }
    }

    /// The test compares the place in the list with the place in the enum, so it finds a code that is missing.
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
