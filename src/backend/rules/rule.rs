//! A rule: the settings of one `[[channel]]` table.

use std::fmt;
use std::time::Duration;

use crate::backend::pattern::Pattern;

/// A rule: the allowed actions on the channels of a pattern, and how these channels behave.
///
/// A rule that was just made allows nothing to any client. A list that a file leaves out therefore opens no channel.
///
/// # Examples
/// ```
/// use throughline::{BadPattern, Config, Pattern, Rule, Word};
///
/// let mut room = Rule::new(Pattern::try_from("room/{room}")?);
/// room.subscribe = vec![Word::User];
/// room.publish = vec![Word::Token];
/// let mut config = Config::default();
/// config.channels.push(room);
/// # Ok::<(), BadPattern>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The names of the channels.
    pub pattern: Pattern,
    /// The line of the table in its file.
    pub line: Option<usize>,
    /// The clients that may subscribe. An empty list allows no client, here and in the other lists.
    pub subscribe: Vec<Word>,
    /// The clients that may publish.
    pub publish: Vec<Word>,
    /// The clients that may be present, and those that may see the members.
    pub presence: Presence,
    /// The history of each channel, and the clients that may read it.
    pub history: Kept,
    /// The statements of each publication beside its data.
    pub tell: Tell,
    /// The limits of publications.
    pub rate: RateLimits,
}

impl Rule {
    /// Returns a rule that allows nothing to any client.
    #[must_use]
    pub fn new(pattern: Pattern) -> Self {
        Self {
            pattern,
            line: None,
            subscribe: Vec::new(),
            publish: Vec::new(),
            presence: Presence::default(),
            history: Kept::default(),
            tell: Tell::default(),
            rate: RateLimits::default(),
        }
    }

    /// Returns true if it has the word `backend`, so that the gateway needs one.
    #[must_use]
    pub fn asks_backend(&self) -> bool {
        self.words().iter().any(|(_, words)| words.contains(&Word::Backend))
    }

    /// Returns every list of words, with its key.
    pub(super) fn words(&self) -> [(&'static str, &[Word]); 5] {
        let Self { subscribe, publish, presence, history, .. } = self;
        [
            ("subscribe", subscribe),
            ("publish", publish),
            ("presence.join", &presence.join),
            ("presence.see", &presence.see),
            ("history.read", &history.read),
        ]
    }
}

/// A word of a rule: one kind of client. Any word of a list is enough.
///
/// # Examples
/// ```
/// use throughline::Word;
///
/// assert_eq!("owner".parse(), Ok(Word::Owner));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Word {
    /// Each client that may connect, also without a token.
    Anyone,
    /// Each user with a valid token.
    User,
    /// No client. Only an API key passes.
    Nobody,
    /// The user whose name stands in the place of `{user}` in the pattern.
    Owner,
    /// A user whose token lists the channel in its claim `channels`.
    Token,
    /// A client that is subscribed.
    Subscriber,
    /// A client that the backend accepts.
    Backend,
}

impl Word {
    /// Every word.
    pub const ALL: [Self; 7] =
        [Self::Anyone, Self::User, Self::Nobody, Self::Owner, Self::Token, Self::Subscriber, Self::Backend];

    /// Returns the word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::User => "user",
            Self::Nobody => "nobody",
            Self::Owner => "owner",
            Self::Token => "token",
            Self::Subscriber => "subscriber",
            Self::Backend => "backend",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Word {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|word| word.name() == text).ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// Text that is no [`Word`].
///
/// # Examples
/// ```
/// use throughline::{UnknownWord, Word};
///
/// assert_eq!("users".parse::<Word>(), Err(UnknownWord("users".to_owned())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of `anyone`, `user`, `nobody`, `owner`, `token`, `subscriber` and `backend`")]
pub struct UnknownWord(pub String);

/// The clients that may be present in a channel, and those that may see its members.
///
/// # Examples
/// ```
/// use throughline::{Presence, Word};
///
/// let mut presence = Presence::default();
/// presence.join = vec![Word::Subscriber];
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presence {
    /// The clients that may be present.
    pub join: Vec<Word>,
    /// The clients that may see its members.
    pub see: Vec<Word>,
}

/// The history of each channel of a rule. A bound that is `None` is that of all channels.
///
/// # Examples
/// ```
/// use throughline::{Kept, Word};
///
/// assert_eq!(Kept::default().read, [Word::Subscriber]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The clients that may read it. The default is every subscriber: it receives what follows anyway.
    pub read: Vec<Word>,
    /// The maximum number of messages.
    pub messages: Option<usize>,
    /// Their greatest age.
    pub age: Option<Duration>,
    /// The maximum number of bytes.
    pub bytes: Option<usize>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { read: vec![Word::Subscriber], messages: None, age: None, bytes: None }
    }
}

/// The statements of each publication beside its data.
///
/// # Examples
/// ```
/// use throughline::Tell;
///
/// let mut tell = Tell::default();
/// tell.by = true;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tell {
    /// The user that published it.
    pub by: bool,
    /// The time at which the gateway received it.
    pub time: bool,
}

/// The limits of publications, in publications a second. `None` is no limit.
///
/// # Examples
/// ```
/// use throughline::RateLimits;
///
/// let mut rate = RateLimits::default();
/// (rate.session, rate.burst) = (Some(5), Some(20));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimits {
    /// The limit of one session, in all channels of the rule together.
    pub session: Option<u32>,
    /// The limit of one user, in all channels of the rule together.
    pub user: Option<u32>,
    /// The limit of one channel.
    pub channel: Option<u32>,
    /// How many publications each limit lets pass at once. The default is one second's worth of the limit.
    pub burst: Option<u32>,
}
