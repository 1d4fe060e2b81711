//! A plain stream as the body of HTTP's answer. HTTP keeps the connection to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::node::reader::Reader;
use crate::protocol::{Position, limits};
use crate::transport::http::answer::COMMENT;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::Takeover;

/// A comment is written this often. It shows a dead reader, and no proxy cuts the stream as idle.
const HEARTBEAT: Duration = limits::HEARTBEAT;

/// A reader reconnects after a second. Browsers wait three or five by default.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n");

/// The events of a channel, one chunk each. `lost`: the reader missed something, and an event says so.
pub(super) fn events(
    mut reader: Reader,
    lost: bool,
    takeover: Option<Takeover>,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        yield Ok(COMMENT);
        yield Ok(RETRY);
        let Position { epoch, mut at } = reader.start.position.clone();
        if lost {
            let reset = format!("event: reset\nid: {epoch}:{at}\ndata: {{\"code\":\"gap\",\"epoch\":\"{epoch}\",\"at\":{at}}}\n\n");
            yield Ok(reset.into());
        } else {
            // An id without data is not an event. But a reader that is cut now begins here again.
            yield Ok(format!("id: {epoch}:{at}\n\n").into());
        }
        let mut half_closed = HalfClosed::default();
        loop {
            let next = tokio::select! {
                line = reader.next() => Some(line),
                () = quiet(takeover.as_ref(), &mut half_closed) => None,
            };
            match next {
                None => yield Ok(COMMENT),
                Some(None) => return,
                Some(Some(line)) => {
                    at += 1;
                    // One chunk: a proxy that holds chunks back must not part an event.
                    let id = Bytes::from(format!("id: {epoch}:{at}\n"));
                    yield Ok(join([id, line.event().clone()].into_iter()));
                }
            }
        }
    }
}

/// Ready when a comment is due.
async fn quiet(takeover: Option<&Takeover>, half_closed: &mut HalfClosed) {
    let asks = poll_fn(|cx| {
        if takeover.is_some_and(Takeover::is_half_closed) {
            half_closed.begin();
        }
        half_closed.poll_tick(cx)
    });
    // A comment is due in both cases.
    let _ = tokio::time::timeout(HEARTBEAT, asks).await;
}

/// Joins pieces, so that one write is enough.
fn join(pieces: impl Iterator<Item = Bytes> + Clone) -> Bytes {
    let mut joined = BytesMut::with_capacity(pieces.clone().map(|piece| piece.len()).sum());
    pieces.for_each(|piece| joined.extend_from_slice(&piece));
    joined.freeze()
}
