//! The networks that have a name: the demo page and `throughline netlab` offer them, and tests call them by name.

use std::time::Duration;

use super::{
    faults::{Answer, Buffer, Direction, Headers, Hiccup, Lost, Opening, Until, When},
    network::{Network, Route, Rule},
};

const PORTAL: &str =
    "<!doctype html><title>Sign in</title><h1>Welcome to the hotel network</h1><p>Please sign in to go on.";

/// Name and description, in the order in which they are offered.
const PRESETS: [(&str, &str); 12] = [
    ("clear", "Nothing is wrong."),
    ("websocket-refused", "A proxy answers every WebSocket with 403."),
    ("upgrade-stripped", "A proxy removes the Upgrade header, so the server sees a plain GET."),
    ("websocket-black-hole", "WebSocket requests are accepted and never answered."),
    ("websocket-mute", "WebSockets open, and then nothing comes through, either way."),
    ("websocket-killed", "WebSockets open, and are reset after 300 ms, every time."),
    ("streams-buffered", "A proxy holds streamed responses back until they end."),
    (
        "websocket-refused-and-streams-buffered",
        "A proxy refuses WebSockets and holds streams back: only short requests and answers get through.",
    ),
    ("slow", "Everything takes 400 to 600 ms, each way."),
    ("lossy", "One in three POSTs loses its answer; everything stumbles now and then."),
    ("offline", "Every connection is reset."),
    ("portal", "A captive portal answers every request with its own page."),
];

impl Network {
    /// The names that [`Network::named`] knows.
    pub const NAMES: [&'static str; PRESETS.len()] = {
        let mut names = [""; PRESETS.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = PRESETS[place].0;
            place += 1;
        }
        names
    };

    /// Returns the network of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let rules = match name {
            "clear" => vec![],
            "websocket-refused" => vec![websocket_refused()],
            "upgrade-stripped" => vec![begins(Route::Websocket, Opening::StripUpgrade)],
            "websocket-black-hole" => vec![begins(Route::Websocket, Opening::Swallow)],
            "websocket-mute" => vec![Rule { mute: Some(Direction::Both), ..Rule::on(Route::Websocket) }],
            "websocket-killed" => {
                vec![Rule { kill_after: Some(Duration::from_millis(300)), ..Rule::on(Route::Websocket) }]
            }
            "streams-buffered" => vec![streams_buffered()],
            "websocket-refused-and-streams-buffered" => {
                vec![websocket_refused(), streams_buffered()]
            }
            "slow" => vec![slow()],
            "lossy" => lossy(),
            "offline" => vec![begins(Route::Any, Opening::Reset)],
            "portal" => {
                let page = Answer { html: PORTAL.to_owned(), ..Answer::status(200) };
                vec![begins(Route::Any, Opening::Answer(page))]
            }
            _ => return None,
        };
        Some(Self::new(rules))
    }

    /// Describes the network of this name in one line.
    #[must_use]
    pub fn description(name: &str) -> Option<&'static str> {
        PRESETS.iter().find(|(known, _)| *known == name).map(|(_, description)| *description)
    }
}

fn begins(route: Route, request: Opening) -> Rule {
    Rule { request, ..Rule::on(route) }
}

fn websocket_refused() -> Rule {
    begins(Route::Websocket, Opening::Answer(Answer::status(403)))
}

fn streams_buffered() -> Rule {
    let buffer = Buffer { until: Until::Close, headers: Headers::Held };
    Rule { buffer: Some(buffer), ..Rule::on(Route::Stream) }
}

fn slow() -> Rule {
    Rule { delay: Duration::from_millis(400), jitter: Duration::from_millis(200), ..Rule::on(Route::Any) }
}

fn lossy() -> Vec<Rule> {
    let hiccup = Some(Hiccup { chance: 0.02, lasting: Duration::from_secs(1) });
    let losing =
        |route| Rule { when: When::Chance(1.0 / 3.0), hiccup, ..begins(route, Opening::LoseResponse(Lost::Reset)) };
    vec![losing(Route::Send), losing(Route::Poll), Rule { hiccup, ..Rule::on(Route::Any) }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_network_that_survives_its_own_json() {
        for name in Network::NAMES {
            let network = Network::named(name).unwrap();
            let json = serde_json::to_string(&network).unwrap();
            assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network, "{name}");
            assert!(Network::description(name).is_some());
        }
        assert!(Network::named("perfect").is_none());
    }
}
