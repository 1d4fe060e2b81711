//! The one place that the node asks about clients and their rights. Tokens and rules decide first, and the application decides what
//! they leave to it.
//!
//! It must never wait. A decision that takes a while is a future, which the node awaits without a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use futures::FutureExt as _;
use tracing::{debug, warn};

use super::decision::Decision;
use super::rules::decide::{Ask, Verdict, Who};
use super::rules::publications::{Publications, Publishing, SessionSpent};
use super::rules::rule::Tell;
use super::rules::{Found, Rules};
use super::tokens::Tokens;
use super::{Asker, Backend, Connecting, Identity};
use crate::protocol::ChannelName;
use crate::protocol::code::{Fault, Mistake, Refusal};
use crate::protocol::frame::Payload;
use crate::protocol::limits;
use crate::protocol::publication::{Publication, Told};
use crate::protocol::token::Token;

/// The users and channels whose publications are counted at one time, at some 20 bytes each.
const COUNTED: usize = 100_000;

/// Decides about clients, their channels and their publications.
pub struct Access {
    signing_in: Option<SigningIn>,
    /// `None` without any rule: every name is allowed.
    rules: ArcSwapOption<Rules>,
    /// There are rules. Without any a publication costs no more than this look.
    has_rules: AtomicBool,
    publications: Publications,
    /// The minute of the last denial in the log.
    told: AtomicU64,
    /// The identity of all clients without a user. In open mode a session has no other.
    anybody: Arc<Identity>,
    application: Arc<dyn Backend>,
}

/// The way in which clients prove their user.
#[derive(Clone)]
pub struct SigningIn {
    /// The check of their tokens. `None` if it cannot be made. Then every client is refused.
    pub tokens: Option<Tokens>,
    /// What becomes of clients without a token.
    pub guests: Guests,
    /// How long a token is accepted after it expired.
    pub leeway: Duration,
}

/// What becomes of a client without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// It stays, and reaches the channels that are open to `anyone`.
    Stay,
    /// It may prove its path, reaches no channel, and leaves after [`limits::WITHOUT_TOKEN`].
    Leave,
}

/// A client that may attach a leg.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Its identity.
    pub identity: Arc<Identity>,
    /// When its right to be here ends, by the clock of this machine.
    pub until: Option<SystemTime>,
}

/// A client that asks for something on a channel.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Its session and its user.
    pub asker: Asker<'a>,
    /// Returns true if it is subscribed to the channel.
    pub is_subscribed: &'a dyn Fn(&ChannelName) -> bool,
    /// The part of the limits of publications that its session has spent.
    pub spent: Option<&'a Mutex<SessionSpent>>,
}

/// The verdict of the rules, before the application is asked.
enum Ruled {
    Allowed,
    AskApplication,
    Denied(Refusal),
}

impl Access {
    /// Returns what decides by these settings. The application decides the rest.
    #[must_use]
    pub fn new(signing_in: Option<SigningIn>, rules: Rules, application: Arc<dyn Backend>) -> Self {
        let access = Self {
            signing_in,
            rules: ArcSwapOption::empty(),
            has_rules: AtomicBool::new(false),
            publications: Publications::new(COUNTED),
            told: AtomicU64::new(0),
            anybody: Arc::default(),
            application,
        };
        access.set_rules(rules);
        access
    }

    /// Returns open mode, in which the application decides everything.
    #[must_use]
    pub fn open(application: Arc<dyn Backend>) -> Self {
        Self::new(None, Rules::default(), application)
    }

    /// Replaces the rules, for all that is asked from now on.
    pub fn set_rules(&self, rules: Rules) {
        let has_rules = !rules.is_empty();
        self.rules.store(has_rules.then(|| Arc::new(rules)));
        self.has_rules.store(has_rules, Ordering::Release);
    }

    /// Returns the check of tokens, if it is made here, and not by the application.
    #[must_use]
    pub fn tokens(&self) -> Option<&Tokens> {
        self.signing_in.as_ref()?.tokens.as_ref()
    }

    /// Returns true if an operator revoked the token of this identity.
    #[must_use]
    pub fn is_revoked(&self, identity: &Identity) -> bool {
        self.tokens().is_some_and(|tokens| tokens.is_revoked(identity))
    }

    /// Returns true if tokens are checked here, and not by the application.
    #[must_use]
    pub const fn checks_tokens(&self) -> bool {
        self.signing_in.is_some()
    }

    /// Keeps the keys of an identity provider fresh, until it is dropped.
    pub async fn run(&self) {
        if let Some(SigningIn { tokens: Some(tokens), .. }) = &self.signing_in {
            tokens.run().await;
        }
    }

    /// Decides whether a client may attach a leg, and returns its identity.
    pub fn connect(&self, token: Option<&Token>) -> Decision<Result<Admitted, Refusal>> {
        let Some(SigningIn { tokens, guests, leeway }) = &self.signing_in else {
            let anybody = Arc::clone(&self.anybody);
            return then(self.application.connect(&Connecting { token }), move |identity| {
                let is_anybody = identity == *anybody;
                admitted(if is_anybody { anybody } else { Arc::new(identity) }, Duration::ZERO)
            });
        };
        let leeway = *leeway;
        let Some(tokens) = tokens else { return Decision::Now(Err(Fault::Keys.into())) };
        match (token, guests) {
            (Some(token), _) => then(tokens.check(token), move |identity| admitted(identity, leeway)),
            (None, Guests::Stay) => Decision::Now(Ok(admitted(Arc::clone(&self.anybody), leeway))),
            (None, Guests::Leave) => {
                let identity = Arc::new(Identity { is_guest: true, ..Identity::default() });
                Decision::Now(Ok(Admitted { identity, until: Some(SystemTime::now() + limits::WITHOUT_TOKEN) }))
            }
        }
    }

    /// Decides whether a client may receive a channel.
    pub fn subscribe(&self, asking: Asking<'_>, channel: &ChannelName) -> Decision<Result<(), Refusal>> {
        if self.leaves_all_to_application(asking.asker) {
            return self.application.subscribe(asking.asker, channel);
        }
        match self.ruled_and_told(None, asking, channel, Ask::Subscribe).0 {
            Ruled::Allowed => Decision::Now(Ok(())),
            Ruled::AskApplication => self.application.subscribe(asking.asker, channel),
            Ruled::Denied(refusal) => Decision::Now(Err(refusal)),
        }
    }

    /// Returns why a client may no longer have a subscription, after its rights or the rules changed. A subscription
    /// that the application allowed stays.
    ///
    /// # Errors
    /// The rules deny it now.
    pub fn keeps(&self, asking: Asking<'_>, channel: &ChannelName) -> Result<(), Refusal> {
        match self.ruled_and_told(None, asking, channel, Ask::Subscribe).0 {
            Ruled::Allowed | Ruled::AskApplication => Ok(()),
            Ruled::Denied(refusal) => Err(refusal),
        }
    }

    /// Decides whether a client may publish this, and returns what to publish. `now` returns the time on any clock that
    /// does not jump.
    pub fn publish(
        &self,
        now: impl Fn() -> Duration,
        asking: Asking<'_>,
        channel: &ChannelName,
        payload: Payload,
    ) -> Decision<Result<Publication, Refusal>> {
        if self.leaves_all_to_application(asking.asker) {
            let decision = self.application.publish(asking.asker, channel, payload);
            return then(decision, |payload| Publication { payload, told: None });
        }
        let (ruled, tell) = self.ruled_and_told(Some(now()), asking, channel, Ask::Publish);
        let told = told(tell, asking.asker.identity.user.as_deref());
        match ruled {
            Ruled::Allowed => Decision::Now(Ok(Publication { payload, told })),
            Ruled::AskApplication => {
                then(self.application.publish(asking.asker, channel, payload), |payload| Publication { payload, told })
            }
            Ruled::Denied(refusal) => Decision::Now(Err(refusal)),
        }
    }

    /// Returns a publication of the application itself, with what the rule of its channel wants to be told.
    pub fn of_application(&self, channel: &ChannelName, payload: Payload) -> Publication {
        let rules = self.rules.load();
        let tell = rules.as_ref().and_then(|rules| rules.find(channel)).map(|found| found.rule().tell);
        Publication { payload, told: told(tell.unwrap_or_default(), None) }
    }

    /// Returns a publication of one of the application's servers, in the name of this user if the rule of the channel
    /// wants to be told a user.
    ///
    /// # Errors
    /// There are rules, and none of them matches the name of the channel.
    pub fn of_server(&self, channel: &ChannelName, payload: Payload, by: Option<&str>) -> Result<Publication, Refusal> {
        let rules = self.rules.load();
        let Some(rules) = &*rules else { return Ok(payload.into()) };
        let found = rules.find(channel).ok_or(Mistake::NoRule)?;
        Ok(Publication { payload, told: told(found.rule().tell, by) })
    }

    /// Decides about a request to the application itself.
    pub fn request(&self, who: Asker<'_>) -> Decision<Result<(), Refusal>> {
        if who.identity.is_guest {
            return Decision::Now(Err(Mistake::SignIn.into()));
        }
        self.application.request(who)
    }

    /// Returns true if no rule decides about this client. In open mode a command pays only this look.
    fn leaves_all_to_application(&self, asker: Asker<'_>) -> bool {
        !self.has_rules.load(Ordering::Acquire) && !asker.identity.is_guest
    }

    /// Asks the rules, and spends of the limits of the channel's rule if something is published `now`. Without any rule
    /// the application decides.
    fn ruled_and_told(
        &self,
        publishes: Option<Duration>,
        asking: Asking<'_>,
        channel: &ChannelName,
        ask: Ask,
    ) -> (Ruled, Tell) {
        let Asking { asker, is_subscribed, spent } = asking;
        let nothing = Tell::default();
        if asker.identity.is_guest {
            return (Ruled::Denied(Mistake::SignIn.into()), nothing);
        }
        let rules = self.rules.load();
        let Some(rules) = &*rules else { return (Ruled::AskApplication, nothing) };
        let Some(found) = rules.find(channel) else { return (Ruled::Denied(Mistake::NoRule.into()), nothing) };
        let who = Who {
            user: asker.identity.user.as_deref(),
            grants: asker.identity.grants.as_deref(),
            is_subscribed: ask != Ask::Subscribe && is_subscribed(channel),
            is_api_key: false,
        };
        let verdict = found.decide(ask, &who);
        if verdict == Verdict::Denied {
            self.tell_denial(SystemTime::now(), &found, asker, ask);
            return (Ruled::Denied(ask.denied()), nothing);
        }
        if let Some(now) = publishes.filter(|_| found.entry().is_limited())
            && let Err(refusal) = self.spend(now, &found, channel, who.user, spent)
        {
            return (Ruled::Denied(refusal), nothing);
        }
        let ruled = if verdict == Verdict::Allowed { Ruled::Allowed } else { Ruled::AskApplication };
        (ruled, found.rule().tell)
    }

    /// Spends a publication of the limits of its rule.
    fn spend(
        &self,
        now: Duration,
        found: &Found<'_>,
        channel: &ChannelName,
        user: Option<&str>,
        spent: Option<&Mutex<SessionSpent>>,
    ) -> Result<(), Refusal> {
        let mut spent = spent.map(|spent| spent.lock().unwrap_or_else(PoisonError::into_inner));
        let session = spent.as_deref_mut();
        self.publications.spend(now, Publishing { rule: found.entry(), channel, user, session, count: 1 })
    }
}

/// Returns what a rule wants to be told about a publication of this user, now.
fn told(Tell { by, time, .. }: Tell, user: Option<&str>) -> Option<Arc<Told>> {
    let told = Told {
        by: user.filter(|_| by).map(Into::into),
        time: time.then(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds)),
    };
    (told != Told::default()).then(|| Arc::new(told))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Access {
    /// Logs a denial with its rule, at most once in a minute, because strangers must not make a log grow. The level `debug`
    /// shows each.
    fn tell_denial(&self, now: SystemTime, rule: &Found<'_>, Asker { id, identity }: Asker<'_>, ask: Ask) {
        let (user, list) = (identity.user.as_deref(), ask.key());
        let minute = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60);
        if self.told.swap(minute, Ordering::Relaxed) == minute {
            debug!(session = %id, user, %rule, list, "a rule denies it");
        } else {
            warn!(session = %id, user, %rule, list, "a rule denies it");
        }
    }
}

fn admitted(identity: Arc<Identity>, leeway: Duration) -> Admitted {
    let until = identity.expires.map(|expires| expires + leeway);
    Admitted { identity, until }
}

/// Goes on with a decision that allows something.
fn then<T: 'static, U: Send + 'static>(
    decision: Decision<Result<T, Refusal>>,
    map: impl FnOnce(T) -> U + Send + 'static,
) -> Decision<Result<U, Refusal>> {
    match decision {
        Decision::Now(verdict) => Decision::Now(verdict.map(map)),
        Decision::Later(verdict) => Decision::Later(verdict.map(|verdict| verdict.map(map)).boxed()),
    }
}
