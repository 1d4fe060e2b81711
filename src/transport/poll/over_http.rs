//! A poll that waits while HTTP keeps its connection. HTTP writes the answer.

use std::future::poll_fn;

use crate::node::link::Link;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::Takeover;

/// Puts the lines into `answer` once there are some.
pub(super) async fn wait(link: &mut Link, takeover: Option<&Takeover>, answer: &mut Vec<u8>) {
    let mut half_closed = HalfClosed::default();
    let lines = poll_fn(|cx| {
        if takeover.is_some_and(Takeover::is_half_closed) {
            half_closed.begin();
        }
        if half_closed.poll_tick(cx).is_ready() {
            link.hurry();
        }
        link.poll_lines(cx, |line| answer.extend_from_slice(line.record()))
    });
    lines.await;
}
