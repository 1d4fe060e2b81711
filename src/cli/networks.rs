//! The networks that have a name here, and how one is chosen: netlab's, and a few common ones. Pure data.

use std::time::Duration;

use serde::Deserialize;

use crate::netlab::{Answer, Buffer, Headers, Hiccup, Network, Opening, Route, Rule, Until};

/// Name and description of the common networks. The delays are for each way.
const COMMON: [(&str, &str); 5] = [
    ("lan", "A millisecond each way."),
    ("broadband", "10 ms each way and up to 4 more, 6 MB/s."),
    ("mobile", "40 ms each way and up to 40 more, 750 KB/s, one piece in 500 late by 300 ms."),
    ("corporate-proxy", "A proxy 10 ms away that refuses WebSockets with 403."),
    (
        "buffering-proxy",
        "A proxy 10 ms away that refuses WebSockets with 403, and holds streamed responses back until they end.",
    ),
];

/// Returns every name with its meaning.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let hostile = Network::NAMES.into_iter().map(|name| (name, Network::description(name).unwrap_or_default()));
    hostile.chain(COMMON)
}

/// The name that stands for no network: it asks for the names.
pub(super) const LIST: &str = "list";

/// Returns the names with their meanings, a line each.
pub(super) fn list() -> String {
    let lines: Vec<String> = all().map(|(name, meaning)| format!("  {name:40}{meaning}")).collect();
    lines.join("\n")
}

/// Returns the network of this name.
pub(super) fn named(name: &str, seed: u64) -> Option<Network> {
    let network = match name {
        "lan" => Network::new([late(1, 0)]),
        "broadband" => Network::new([Rule { bandwidth: Some(6_000_000), ..late(10, 4) }]),
        "mobile" => {
            let hiccup = Some(Hiccup { chance: 0.002, lasting: Duration::from_millis(300) });
            Network::new([Rule { bandwidth: Some(750_000), hiccup, ..late(40, 40) }])
        }
        "corporate-proxy" => Network::new([refused(), late(10, 0)]),
        "buffering-proxy" => {
            let buffer = Some(Buffer { until: Until::Close, headers: Headers::Held });
            Network::new([refused(), Rule { buffer, route: Route::Stream, ..late(10, 0) }, late(10, 0)])
        }
        other => Network::named(other)?,
    };
    Some(Network { seed, ..network })
}

fn refused() -> Rule {
    Rule { request: Opening::Answer(Answer::status(403)), route: Route::Websocket, ..late(10, 0) }
}

fn late(delay: u64, jitter: u64) -> Rule {
    let (delay, jitter) = (Duration::from_millis(delay), Duration::from_millis(jitter));
    Rule { delay, jitter, ..Rule::on(Route::Any) }
}

/// How a client chooses a network over HTTP: by its name, or whole.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Choice {
    /// One of [`all`].
    Named {
        /// Its name.
        named: String,
    },
    /// Any other.
    Network(Network),
}

impl Choice {
    /// Returns the chosen network, or says why there is none.
    pub(super) fn network(self) -> Result<Network, String> {
        match self {
            Self::Network(network) => Ok(network),
            Self::Named { named: name } => named(&name, 0).ok_or_else(|| format!("no network is named {name:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_network_and_has_a_meaning() {
        for (name, meaning) in all() {
            assert!(named(name, 1).is_some_and(|network| network.seed == 1) && !meaning.is_empty(), "{name}");
        }
        assert!(named("perfect", 1).is_none());
    }
}
