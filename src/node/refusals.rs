//! Counts refusals by their kind. The first of each kind in a minute is logged with its reason and remedy.
//!
//! It must never log text of a peer: a broken frame may hold a token anywhere.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::warn;

use super::seldom::Seldom;
use crate::protocol::code::{Code, Kind, Refusal};

/// The counts of refusals, by kind.
pub(super) struct Refusals(Vec<Tally>);

struct Tally {
    kind: Kind,
    counter: Counter,
    log: Seldom,
}

impl Refusals {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let family = Family::<[(&str, &str); 1], Counter>::default();
        registry.register("refusals", "Requests, sockets and frames refused", family.clone());
        let tally = |kind: Kind| {
            let counter = family.get_or_create_owned(&[("reason", kind.name())]);
            Tally { kind, counter, log: Seldom::default() }
        };
        Self(Kind::all().map(tally).collect())
    }

    /// Counts a refusal, and logs it if it is the first of its kind in a minute.
    pub(super) fn note(&self, now: Duration, refusal: &Refusal) {
        let Some(tally) = self.0.iter().find(|tally| tally.kind == refusal.kind()) else { return };
        tally.counter.inc();
        if let Some(untold) = tally.log.happened(now) {
            let (reason, remedy) = (refusal.kind().name(), remedy(refusal.kind()));
            match told(refusal) {
                Some(why) => warn!(reason, untold, "refused: {why}{remedy}"),
                None => warn!(reason, untold, "refused{remedy}"),
            }
        }
    }
}

/// Returns the message of a refusal, if all of it is in the gateway's own words.
fn told(refusal: &Refusal) -> Option<String> {
    let quotes = matches!(refusal.kind(), Kind::Code(Code::BadFrame | Code::UnknownChannel));
    (!quotes).then(|| refusal.message())
}

/// Returns what the operator can do, if the message does not say so.
const fn remedy(kind: Kind) -> &'static str {
    match kind {
        Kind::Code(Code::BadFrame) => {
            ": a client, or a proxy on the way, sent something that is no frame; compare the client's version with the gateway's"
        }
        Kind::Code(Code::UnknownChannel) => {
            ": no rule matches the requested name, or no channel can have it; correct the client, or add a [[channel]] table"
        }
        Kind::Code(Code::TooLarge) => "; the client must send less at once",
        Kind::Code(Code::RateLimited) => "; one client sends too many requests: find out why",
        Kind::Code(Code::Full) => "; raise the limit, or find the clients that hold so many",
        Kind::Code(Code::NotFound) => "; correct the client's URL, which ends in /rt",
        Kind::Code(Code::Refused) => {
            "; offer the transport with `session.transports`, or let the client use another one"
        }
        Kind::Code(Code::Timeout) => {
            "; something connects and stays silent: a health check, or a network that swallows frames"
        }
        Kind::Upgrade => "; a proxy in front must pass on the headers Upgrade and Connection",
        Kind::Version => "; the client speaks an old draft of WebSocket: update it",
        Kind::Proxied => "; the proxy must not pass on /metrics",
        Kind::Host | Kind::Origin | Kind::Code(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::{BadUpgrade, Mistake};

    fn counted(refusals: &Refusals, kind: Kind) -> u64 {
        refusals.0.iter().filter(|tally| tally.kind == kind).map(|tally| tally.counter.get()).sum()
    }

    /// Returns a refusal of this kind.
    fn of(kind: Kind) -> Refusal {
        let mistake = match kind {
            Kind::Code(code) => return Refusal::new(code, "x"),
            Kind::Host => Mistake::Host("x".to_owned()),
            Kind::Origin => Mistake::Origin("x".to_owned()),
            Kind::Upgrade => Mistake::Upgrade(BadUpgrade::Key),
            Kind::Version => Mistake::WebSocketVersion,
            Kind::Proxied => Mistake::Proxied("x".to_owned()),
        };
        mistake.into()
    }

    #[test]
    fn a_refusal_is_counted_under_its_own_kind_and_no_other() {
        for kind in Kind::all() {
            let refusals = Refusals::new(&mut Registry::default());
            refusals.note(Duration::ZERO, &of(kind));
            for other in Kind::all() {
                assert_eq!(counted(&refusals, other), u64::from(other == kind), "{kind:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_message_that_may_quote_a_peer_is_not_logged() {
        assert_eq!(told(&Mistake::NotAFrame("\"a token\"".to_owned()).into()), None);
        let upgrade = Mistake::Upgrade(BadUpgrade::Body);
        assert_eq!(told(&upgrade.into()).as_deref(), Some("not a WebSocket upgrade: it has a body"));
    }
}
