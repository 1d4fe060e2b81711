//! The hostile network does what it says, measured at real sockets on both of its sides.

mod applications;
mod client;
mod fronts;
mod openings;
mod origin;
mod pace;
mod responses;
mod tunnels;

use std::net::{Ipv4Addr, SocketAddr};

use throughline::netlab::{Front, Network, Rule};

use crate::{client::Client, origin::Origin};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An origin and a front before it, with these rules.
struct Lab {
    origin: Origin,
    front: Front,
}

impl Lab {
    async fn new(rules: impl Into<Vec<Rule>>) -> Self {
        let origin = Origin::start().await;
        let front = Front::bind("lab", LOOPBACK, origin.addr).await.expect("a loopback port");
        let lab = Self { origin, front };
        lab.switch(rules);
        lab
    }

    fn switch(&self, rules: impl Into<Vec<Rule>>) {
        self.front.set_network(Network::new(rules));
    }

    /// A client that has sent this.
    async fn client(&self, request: &str) -> Client {
        let mut client = Client::connect(self.front.addr()).await;
        client.send(request).await;
        client
    }

    /// A client whose upgrade has been answered with 101.
    async fn tunnel(&self) -> Client {
        let mut client = self.client(client::UPGRADE).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101"));
        client
    }

    /// A client that has the head of a stream.
    async fn stream(&self) -> Client {
        let mut client = self.client(&client::post("/rt/stream", "hello")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        client
    }
}
