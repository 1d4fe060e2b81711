//! What ends a session.

use super::rules::{Bench, at};
use crate::protocol::Transport;
use crate::protocol::code::Fault;
use crate::session::server::{Input, Settings};

#[test]
fn a_session_that_fails_says_so_on_every_leg_and_is_over() {
    let mut bench = Bench::new(Settings::default());
    bench.attach(0, 1, Transport::WebSocket, r#","turn":1,"received":0"#);
    bench.attach(0, 2, Transport::Sse, r#","received":0"#);
    bench.session.handle(at(1), Input::End(Fault::Command.into())).unwrap();
    assert_eq!(bench.ends(), [(1, "internal".to_owned()), (2, "internal".to_owned())]);
    assert!(bench.session.is_expired());
    assert_eq!(bench.session.poll_timeout(), None);
}
