//! The settings of an operator, from a TOML file, the environment and the command line. Each value is checked once,
//! when it is read.
//!
//! Each table of the file is a section in a file of its own: a struct with its defaults, and its keys. A new key is one
//! row of its section. A new table is a file beside the others, a field of [`Config`], and a place in its lists of
//! sections.
//!
//! # Layout
//! - `server`, `session`, `limits`, `history`, `auth`, `inner`: the sections
//! - `channel`: the rules of channels, and `keys`: the keys of the API. Both are lists of tables
//! - `section`: the parts of a section, and the reading of a value; `setting`: a key, as other modules see it
//! - `environment`: the variables that override the file
//! - `fault`: the errors of a file; `hints`: the corrections of unknown names
//! - [`mod@reference`]: the reference for operators, made from the sections

mod auth;
mod channel;
mod environment;
mod fault;
mod hints;
mod history;
mod inner;
mod keys;
mod limits;
pub mod reference;
mod section;
mod server;
mod session;
mod setting;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use toml::de::DeTable;

use self::fault::Fault;
pub use self::fault::{BadFile, BadPath, BadVariable, Conflict, Wrong};
use self::hints::Known;
pub use self::history::History;
pub use self::inner::Inner;
pub use self::limits::Limits;
use self::section::{Table, first};
pub use self::server::{Server, address, drain};
pub use self::session::Session;
pub use self::setting::{Reload, Setting};
use crate::backend::rules::rule::Rule;
use crate::backend::rules::{BadRules, Rules};
use crate::backend::tokens::auth::Auth;
use crate::broker::Retention;
use crate::hub::Bounds;
use crate::protocol::ChannelName;
use crate::server::inner::key::ApiKey;

/// A whole configuration: a section for each table of the file.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use throughline::{Config, Gateway};
///
/// let mut config = Config::default();
/// config.session.heartbeat = Duration::from_secs(10);
/// config.limits.sessions = 5_000;
/// let gateway = Gateway::new(config);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Config {
    /// The gateway's address, access rules, proxies, compression and stop.
    pub server: Server,
    /// The transports and their times, and how long a session lives.
    pub session: Session,
    /// The most sessions, connections and channels at one time.
    pub limits: Limits,
    /// The messages that channels keep for clients that come back.
    pub history: History,
    /// The keys that verify tokens. Without them every client may do everything. Default none.
    pub auth: Option<Auth>,
    /// The rules of channels. Without any, every client may do everything on every channel.
    pub channels: Vec<Rule>,
    /// The listener for the operator and for the application's servers. Default none.
    pub inner: Option<Inner>,
    /// The keys of the API, which that listener serves.
    pub keys: Vec<ApiKey>,
}

impl Config {
    /// Reads a file over the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or it holds no valid configuration. The error names the file, and the place in it.
    ///
    /// # Examples
    /// ```
    /// use throughline::{BadPath, Config};
    ///
    /// let config = Config::from_file("examples/gateway.toml")?;
    /// assert_eq!(config.limits.sessions, 100_000);
    /// # Ok::<(), BadPath>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, BadPath> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|why| BadPath::Unreadable { path: path.into(), why })?;
        Self::from_toml(&text).map_err(|why| BadPath::Faulty { path: path.into(), why })
    }

    /// Reads the text of a file over the defaults.
    ///
    /// # Errors
    /// The text is not a valid configuration. The error shows the place, the reason, and the correction.
    ///
    /// # Examples
    /// ```
    /// use throughline::{BadFile, Config};
    ///
    /// let config = Config::from_toml("[limits]\nsessions = 5_000\n")?;
    /// assert_eq!((config.limits.sessions, config.limits.channels), (5_000, 100_000));
    /// # Ok::<(), BadFile>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, BadFile> {
        Self::read(text).map_err(|fault| fault.show(text))
    }

    /// Reads variables of the environment over the present values, as `throughline serve` does. Variables of other
    /// programs may be among them. docs/CONFIGURATION.md has the rules.
    ///
    /// # Errors
    /// A variable has a wrong value, or stands for no key. The error names it, and the correction.
    ///
    /// # Examples
    /// ```
    /// use throughline::{BadVariable, Config};
    ///
    /// let config = Config::default().with_environment(std::env::vars_os())?;
    /// let config = config.with_environment([("THROUGHLINE_LIMITS__SESSIONS", "5_000"), ("HOME", "/root")])?;
    /// assert_eq!(config.limits.sessions, 5_000);
    /// # Ok::<(), BadVariable>(())
    /// ```
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Result<Self, BadVariable> {
        let known = self.known();
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        environment::read(&mut self.sections_mut(), &known, variables)?;
        Ok(self)
    }

    /// Returns every key with its value, in the order of the reference.
    ///
    /// # Examples
    /// ```
    /// use throughline::Config;
    ///
    /// for setting in Config::default().settings() {
    ///     println!("{} = {}", setting.name(), setting.value);
    /// }
    /// ```
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.sections().iter().flat_map(|section| section.settings()).collect()
    }

    /// Returns the keys that have another value in `other`. The first list holds the keys that a reload changes. The
    /// second one holds the keys that only a restart changes.
    ///
    /// # Examples
    /// ```
    /// use throughline::{BadFile, Config};
    ///
    /// let file = Config::from_toml("session.heartbeat_s = 5\nlimits.sessions = 5_000\n")?;
    /// let (by_reload, by_restart) = Config::default().changes(&file);
    /// assert_eq!(by_reload[0].to_string(), "session.heartbeat_s = 5 (was 15)");
    /// assert_eq!(by_restart[0].key, "limits.sessions");
    /// # Ok::<(), BadFile>(())
    /// ```
    #[must_use]
    pub fn changes(&self, other: &Self) -> (Vec<Change>, Vec<Change>) {
        let changed = self.settings().into_iter().zip(other.settings()).filter(|(from, to)| from.value != to.value);
        let (now, later): (Vec<_>, Vec<_>) = changed.partition(|(from, _)| from.reload != Reload::Restart);
        let change = |(from, to): (Setting, Setting)| Change { key: from.name(), from: from.value, to: to.value };
        let rules = channel::changes(&self.channels, &other.channels);
        let keys = keys::changes(&self.keys, &other.keys);
        (now.into_iter().map(change).chain(rules).chain(keys).collect(), later.into_iter().map(change).collect())
    }

    /// Returns a sentence about each value that is valid, but can hardly be meant.
    #[must_use]
    pub fn oddities(&self) -> Vec<String> {
        let unused = (self.inner.is_none() && !self.keys.is_empty())
            .then(|| "the tables [[key]] let nothing in, because there is no table [inner]".to_owned());
        self.sections().iter().flat_map(|section| section.odd()).chain(unused).collect()
    }

    /// Checks that the keys do not contradict each other. `throughline serve` calls this before it listens.
    ///
    /// # Errors
    /// Names the keys that contradict each other, and the remedy.
    ///
    /// # Examples
    /// ```
    /// use throughline::{Config, Conflict};
    ///
    /// let mut config = Config::default();
    /// config.server.listen = "0.0.0.0:8080".parse().unwrap();
    /// assert_eq!(config.check(), Err(Conflict::Exposed(config.server.listen)));
    ///
    /// config.server.open = true;
    /// config.check()?;
    /// # Ok::<(), Conflict>(())
    /// ```
    pub fn check(&self) -> Result<(), Conflict> {
        self.sections().iter().try_for_each(|section| section.checked())?;
        let Server { listen, open, origins, .. } = &self.server;
        if self.auth.is_none() && !listen.ip().is_loopback() && !open {
            return Err(Conflict::Exposed(*listen));
        }
        let has_cookie = self.auth.as_ref().is_some_and(|auth| auth.cookie.is_some());
        if has_cookie && origins.is_empty() {
            return Err(Conflict::Cookie);
        }
        self.rules()?;
        Ok(())
    }

    /// Returns the rules of channels, ready for look-ups.
    ///
    /// # Errors
    /// They contradict each other. A file with such rules is not read.
    pub(super) fn rules(&self) -> Result<Rules, BadRules> {
        Rules::new(&self.channels)
    }

    /// Returns the bounds of channels and their histories.
    pub(super) const fn bounds(&self) -> Bounds {
        let all_history_bytes = self.history.all_bytes;
        Bounds { retention: self.history.retention(), channels: self.limits.channels, all_history_bytes }
    }

    /// Returns the retention of each channel, by its rule, or `usual`. Rules that contradict each other count as none.
    pub(super) fn retentions(&self, usual: Retention) -> impl Fn(&ChannelName) -> Retention + Send + Sync + 'static {
        channel::retentions(self.rules().unwrap_or_default(), usual)
    }

    /// Returns every section. The pattern names each field, so a new one does not compile without its place here.
    fn sections(&self) -> [&dyn Table; 6] {
        let Self { server, session, limits, history, auth, inner, channels: _, keys: _ } = self;
        [server, session, limits, history, auth, inner]
    }

    fn sections_mut(&mut self) -> [&mut dyn Table; 6] {
        let Self { server, session, limits, history, auth, inner, channels: _, keys: _ } = self;
        [server, session, limits, history, auth, inner]
    }

    fn known(&self) -> Known {
        let tables = self.sections().into_iter().map(Table::name).chain([channel::table(), keys::table()]).collect();
        let settings = self.settings().into_iter().chain(channel::settings()).chain(keys::settings()).collect();
        Known { tables, settings }
    }

    fn read(text: &str) -> Result<Self, Fault> {
        let mut config = Self::default();
        let known = config.known();
        let file = DeTable::parse(text).map_err(|error| known.not_toml(text, &error))?;
        let faults = file.get_ref().iter().filter_map(|(name, value)| {
            if name.get_ref() == channel::table() {
                return channel::read(value, text, &known).map(|rules| config.channels = rules).err();
            }
            if name.get_ref() == keys::table() {
                return keys::read(value, &known).map(|keys| config.keys = keys).err();
            }
            let mut sections = config.sections_mut().into_iter();
            let Some(section) = sections.find(|section| section.name() == name.get_ref()) else {
                return Some(known.no_table(name, value));
            };
            section.read(value, &known).err()
        });
        first(faults)?;
        Ok(config)
    }
}

/// A key whose value another configuration has changed.
///
/// # Examples
/// ```
/// use throughline::{BadFile, Config};
///
/// let file = Config::from_toml("server.drain_s = 30")?;
/// let (_, by_restart) = Config::default().changes(&file);
/// assert_eq!(by_restart[0].to_string(), "server.drain_s = 30 (was 10)");
/// # Ok::<(), BadFile>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name of the key, with its table: `limits.sessions`.
    pub key: String,
    from: String,
    to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} (was {})", self.key, self.to, self.from)
    }
}

#[cfg(test)]
mod tests;
