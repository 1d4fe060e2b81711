//! A network as data: rules by route, read from and written to JSON. It never acts and knows no socket.

use std::{sync::LazyLock, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    faults::{Buffer, Direction, Hiccup, Idle, Opening, When},
    milliseconds,
};

/// The faults between a client and its origin. Without rules the network is clean.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// The seed of every chance in it. With several exchanges at once, their interleaving still decides which one draws
    /// what.
    pub seed: u64,
    /// The rules. The first one whose route matches holds alone: rules are never merged.
    pub rules: Vec<Rule>,
}

impl Network {
    /// Returns the network with these rules, and seed 0.
    #[must_use]
    pub fn new(rules: impl Into<Vec<Rule>>) -> Self {
        Self { seed: 0, rules: rules.into() }
    }

    /// Returns the rule that holds on this route, and its place in the list (none for the clean default).
    pub(super) fn rule(&self, route: Route) -> (Option<usize>, &Rule) {
        static CLEAR: LazyLock<Rule> = LazyLock::new(Rule::default);
        let found = self.rules.iter().enumerate().find(|(_, rule)| rule.route.covers(route));
        found.map_or((None, &CLEAR), |(place, rule)| (Some(place), rule))
    }

    /// Returns whether everything on this route is reset.
    pub(super) fn resets(&self, route: Route) -> bool {
        let (_, rule) = self.rule(route);
        rule.request == Opening::Reset && rule.when == When::Always
    }

    /// Returns whether no request can get anywhere, so that connections need not be accepted.
    pub(super) fn resets_all(&self) -> bool {
        Route::ALL.iter().all(|route| self.resets(*route))
    }
}

/// The requests that a rule is for. `classify` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Route {
    /// A request with `Upgrade: websocket`, whatever its path.
    Websocket,
    /// A path that ends in `/rt/stream`, or a request that accepts `text/event-stream`. Every other answer without a
    /// length counts from its head on.
    Stream,
    /// A path that ends in `/rt/send`, and elsewhere a request that is no `GET`, `HEAD` or `OPTIONS`.
    Send,
    /// A path that ends in `/rt/poll`.
    Poll,
    /// A path that ends in `/rt/control`.
    Control,
    /// Every request. As the route of a request: none of the routes above.
    #[default]
    Any,
}

impl Route {
    const ALL: [Self; 6] = [Self::Websocket, Self::Stream, Self::Send, Self::Poll, Self::Control, Self::Any];

    pub(super) fn covers(self, request: Self) -> bool {
        self == Self::Any || self == request
    }
}

/// The faults of one route. All named faults hold together; the default has none.
///
/// An arriving request fixes `request`, `when` and `buffer`. All others hold at once, also for what is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The requests that it is for.
    pub route: Route,
    /// How an exchange begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub request: Opening,
    /// Which requests `request` strikes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// Holds the response back. Not for upgrades.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Buffer>,
    /// Makes bytes vanish: after the 101 of an upgrade, and after the head of a request or response. An exchange that
    /// has lost a byte stays mute until it is closed, even if the rule is lifted. Ends do not pass either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute: Option<Direction>,
    /// Stops everything, heads and ends too. When the rule is lifted, everything goes on where it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall: Option<Direction>,
    /// Resets an upgrade this long after its 101, and anything else this long after its request.
    #[serde(
        default,
        rename = "kill_after_ms",
        with = "milliseconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub kill_after: Option<Duration>,
    /// Ends the exchange cleanly this long after the 101 or the request. A chunked response is terminated, a tunnel
    /// gets FIN both ways, and a request without an answer has its connection closed.
    #[serde(
        default,
        rename = "cut_after_ms",
        with = "milliseconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub cut_after: Option<Duration>,
    /// What happens to an exchange on which nothing moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Idle>,
    /// The delay of everything, each way: a latency, so it does not limit the rate.
    #[serde(default, rename = "delay_ms", with = "milliseconds", skip_serializing_if = "Duration::is_zero")]
    pub delay: Duration,
    /// The most that is added to the delay at random. Order is kept.
    #[serde(default, rename = "jitter_ms", with = "milliseconds", skip_serializing_if = "Duration::is_zero")]
    pub jitter: Duration,
    /// Bytes a second, for each exchange and each direction by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
    /// Makes a piece late now and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hiccup: Option<Hiccup>,
    /// The largest piece that arrives, in bytes: an MTU hole. A piece is one read from a socket, or one chunk of a
    /// body. Nothing that follows a lost piece arrives either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<usize>,
}

impl Rule {
    /// Returns a rule for this route, without faults.
    #[must_use]
    pub fn on(route: Route) -> Self {
        Self { route, ..Self::default() }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_covers_a_route_holds() {
        let network = Network::new([Rule::on(Route::Poll), Rule::on(Route::Any), Rule::on(Route::Send)]);
        assert_eq!(network.rule(Route::Poll).0, Some(0));
        assert_eq!(network.rule(Route::Send).0, Some(1));
        assert_eq!(Network::default().rule(Route::Send).0, None);
    }
}
