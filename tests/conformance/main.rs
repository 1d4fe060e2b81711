//! The gateway's promises, over real sockets. Each test of a session's rules is one function that runs on all
//! three transports. So the tests show that the transports behave alike.
//!
//! # Layout
//! - `gateway`: a gateway for each test, in this process
//! - `http`: requests
//! - `wire`: one interface to the three transports, at the level of raw frames
//! - `backend`: an application that waits for the test before each decision
//! - `remote`: a broker that waits for the test before each answer
//! - `client`: a client that follows the protocol and does not hide the gateway's mistakes
//! - the other files: the rules

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the place says enough")]
#![allow(clippy::large_futures, reason = "a test's future is as large as what it talks about, and lives once")]

mod backend;
mod bad_bodies;
mod bad_requests;
mod bad_sockets;
mod binary;
mod bounds;
mod brokers;
mod channels;
mod client;
mod decisions;
mod door;
mod embedding;
mod fan_out;
mod gateway;
mod half_closed;
mod hellos;
mod http;
mod identity;
mod joining;
mod lines;
mod offers;
mod pages;
mod plain;
mod polls;
mod proof;
mod remote;
mod resume;
mod rules;
mod sessions;
mod shares;
mod stop;
mod surface;
mod switches;
mod turns;
mod upgrades;
mod wire;

/// Makes one test for each rule on each transport: `rule::websocket`, `rule::sse`, `rule::poll`.
macro_rules! on_every_transport {
    ($($(#[$about:meta])* async fn $rule:ident($transport:ident) $body:block)+) => {$(
        mod $rule {
            #[allow(unused_imports)]
            use super::*;
            use throughline::protocol::Transport;

            $(#[$about])*
            async fn rule($transport: Transport) $body

            #[tokio::test]
            async fn websocket() {
                crate::gateway::within_patience(rule(Transport::WebSocket)).await;
            }

            #[tokio::test]
            async fn sse() {
                crate::gateway::within_patience(rule(Transport::Sse)).await;
            }

            #[tokio::test]
            async fn poll() {
                crate::gateway::within_patience(rule(Transport::Poll)).await;
            }
        }
    )+};
}
pub(crate) use on_every_transport;
