//! The measurements to make, as plain data. Every report contains the plan, and two runs are compared only if it is
//! the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::protocol::Transport;

/// A kind of measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scenario {
    /// The transports one after the other under the same load, as the options say
    Compare,
    /// The same with 1,000 connections, 10 messages a second each, 1 KB, 60 s, held to bounds
    Standard,
    /// As many small publications as one connection carries
    Throughput,
    /// From each transport to each other in mid-stream: how late messages get
    Switch,
    /// All sessions cut at one instant: the time until all are resumed
    Cut,
}

/// The senders and the receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Pattern {
    /// Each connection publishes to a channel of its own and receives what it published
    Echo,
    /// One publisher, all connections receive
    FanOut,
    /// Connections that only wait; at the end each must still carry a message
    Idle,
}

/// The measurements to make. Options that a scenario does not use keep their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) scenario: Scenario,
    pub(super) pattern: Pattern,
    /// The names of the transports, in the order of running.
    pub(super) transports: Vec<String>,
    pub(super) connections: u32,
    /// Messages a second: of each connection, or of the one publisher.
    pub(super) rate: u32,
    /// Bytes of a message's content.
    pub(super) size: usize,
    pub(super) duration_s: u32,
    pub(super) network: Option<String>,
    pub(super) repeats: u32,
    pub(super) seed: u64,
}

impl Scenario {
    /// Returns the plan of a scenario without options.
    pub(super) fn plan(self) -> Plan {
        let plan = Plan {
            scenario: self,
            pattern: Pattern::Echo,
            transports: Transport::ALL.map(|transport| transport.name().to_owned()).into(),
            connections: 100,
            rate: 10,
            size: 1024,
            duration_s: 10,
            network: None,
            repeats: 1,
            seed: 1,
        };
        match self {
            Self::Compare => plan,
            Self::Standard => Plan { connections: 1000, duration_s: 60, ..plan },
            Self::Throughput => Plan { connections: 1, size: 64, duration_s: 5, ..plan },
            Self::Switch => Plan { connections: 10, rate: 200, size: 128, ..plan },
            Self::Cut => Plan { connections: 5000, size: 128, ..plan },
        }
    }
}

impl Plan {
    pub(super) fn duration(&self) -> Duration {
        Duration::from_secs(self.duration_s.into())
    }

    /// Returns the transports themselves.
    pub(super) fn transports(&self) -> impl Iterator<Item = Transport> {
        Transport::ALL.into_iter().filter(|transport| self.transports.iter().any(|name| name == transport.name()))
    }

    /// Returns the number of sockets that this process holds at once.
    pub(super) fn files(&self) -> u64 {
        let each = if self.transports().any(|transport| transport != Transport::WebSocket) { 2 } else { 1 };
        // A network in between accepts each connection, and dials it again.
        let behind = if self.network.is_some() { 3 } else { 1 };
        u64::from(self.connections) * each * behind + 200
    }

    /// Returns whether the scenario runs as it stands, without a network between. Only then its bounds hold.
    pub(super) fn is_as_it_stands(&self) -> bool {
        let standard = self.scenario.plan();
        let same = Self { transports: standard.transports.clone(), repeats: 1, seed: 1, ..self.clone() };
        same == standard
    }

    /// Describes the plan in words.
    pub(super) fn told(&self) -> String {
        let Self { connections, rate, size, duration_s, .. } = self;
        let what = match (self.scenario, self.pattern) {
            (Scenario::Throughput, _) => format!("one connection, messages of {size} B, for {duration_s} s"),
            (Scenario::Switch, _) => {
                format!("{connections} sessions × {rate} messages/s × {size} B, each switching 20 times for each pair")
            }
            (Scenario::Cut, _) => format!("{connections} sessions cut at one instant"),
            (_, Pattern::Echo) => {
                format!("echo: {connections} connections × {rate} messages/s × {size} B × {duration_s} s")
            }
            (_, Pattern::FanOut) => {
                format!("fan-out: {rate} messages/s × {size} B to {connections} connections, {duration_s} s")
            }
            (_, Pattern::Idle) => format!("idle: {connections} connections for {duration_s} s"),
        };
        let network = self.network.as_ref().map_or_else(String::new, |network| format!(", network {network}"));
        let repeats = if self.repeats > 1 { format!(", {} times", self.repeats) } else { String::new() };
        format!("{what}{network}{repeats}")
    }
}
