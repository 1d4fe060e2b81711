//! The pieces of work of a whole gateway: a connection until its welcome, on each transport.
//!
//! Gateway and client share one thread and take turns in it, the same turns in each run. The client's instructions
//! count too, and they are the same for each gateway. The kernel's do not count.

use std::future::pending;

use throughline::protocol::Transport;
use throughline::server::Gateway;
use throughline::server::config::Config;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::MOST;
use crate::gateway::client::{greet, resume};
use crate::work::{Piece, Work};

/// All pieces of this kind.
pub(crate) const ALL: [Piece; 6] = [
    ("a connection until its first welcome, websocket", || first(Transport::WebSocket)),
    ("a connection until its first welcome, sse", || first(Transport::Sse)),
    ("a connection until its first welcome, poll", || first(Transport::Poll)),
    ("a connection until it has resumed, websocket", || again(Transport::WebSocket)),
    ("a connection until it has resumed, sse", || again(Transport::Sse)),
    ("a connection until it has resumed, poll", || again(Transport::Poll)),
];

fn first(transport: Transport) -> Work {
    let (runtime, address) = gateway();
    let mut connections = Vec::with_capacity(MOST);
    Box::new(move || {
        let (connection, _) = runtime.block_on(greet(transport, &address, connections.len()));
        connections.push(connection);
    })
}

/// Resumes the same session again and again. Its connection breaks each time.
fn again(transport: Transport) -> Work {
    let (runtime, address) = gateway();
    let (connection, id) = runtime.block_on(greet(transport, &address, 0));
    let (mut connection, mut leg) = (Some(connection), 1);
    Box::new(move || {
        drop(connection.take());
        leg += 1;
        connection = Some(runtime.block_on(resume(transport, &address, 0, &id, leg, 0)));
    })
}

/// Returns a gateway, which is served whenever its runtime runs, and its address.
fn gateway() -> (Runtime, String) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let mut config = Config::default();
    config.session.attaches_a_minute = u32::MAX;
    drop(runtime.spawn(Gateway::new(config).serve(listener, pending())));
    (runtime, address)
}
