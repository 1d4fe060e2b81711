//! A plain stream as the body of HTTP's answer. HTTP keeps the connection to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::node::reader::Reader;
use crate::protocol::{Position, limits};
use crate::transport::http::answer::COMMENT;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::Bare;

/// A comment that often, so that a dead reader is noticed and a path does not think the stream idle.
const HEARTBEAT: Duration = limits::HEARTBEAT;

/// A reader that was cut comes back after a second; the browsers' own default is three or five.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n");

/// The events of a channel, one chunk each. `lost`: the reader missed something, and an event says so.
pub(super) fn events(
    mut reader: Reader,
    lost: bool,
    bare: Option<Bare>,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        yield Ok(COMMENT);
        yield Ok(RETRY);
        let Position { epoch, mut at } = reader.start.position.clone();
        if lost {
            let reset = format!("event: reset\nid: {epoch}:{at}\ndata: {{\"code\":\"gap\",\"epoch\":\"{epoch}\",\"at\":{at}}}\n\n");
            yield Ok(reset.into());
        } else {
            // An id without data is no event, but the reader that drops now comes back to here.
            yield Ok(format!("id: {epoch}:{at}\n\n").into());
        }
        let mut half_closed = HalfClosed::default();
        loop {
            let next = tokio::select! {
                line = reader.next() => Some(line),
                () = quiet(bare.as_ref(), &mut half_closed) => None,
            };
            match next {
                None => yield Ok(COMMENT),
                Some(None) => return,
                Some(Some(line)) => {
                    at += 1;
                    // One chunk: what holds chunks back must not part an event.
                    let id = Bytes::from(format!("id: {epoch}:{at}\n"));
                    yield Ok(join([id, line.event().clone()].into_iter()));
                }
            }
        }
    }
}

/// Ready when a comment is due.
async fn quiet(bare: Option<&Bare>, half_closed: &mut HalfClosed) {
    let asks = poll_fn(|cx| {
        if bare.is_some_and(Bare::is_shut) {
            half_closed.begin();
        }
        half_closed.poll_tick(cx)
    });
    // Whichever it is, a comment shows it.
    let _ = tokio::time::timeout(HEARTBEAT, asks).await;
}

/// Several pieces as one: one write for all.
fn join(pieces: impl Iterator<Item = Bytes> + Clone) -> Bytes {
    let mut joined = BytesMut::with_capacity(pieces.clone().map(|piece| piece.len()).sum());
    pieces.for_each(|piece| joined.extend_from_slice(&piece));
    joined.freeze()
}
