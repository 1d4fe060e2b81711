//! A channel as a plain event stream, for `EventSource` and curl: `GET /rt/stream?channel=…`.
//!
//! Read-only and without a session. `id:` is `epoch:offset`; the browser sends the last one back as `Last-Event-ID`, and what was
//! missed follows. Where it cannot, an event of type `reset` says so.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use bytes::Bytes;

use crate::node::Node;
use crate::node::reader::Reader;
use crate::protocol::code::Mistake;
use crate::protocol::{ChannelName, Position, limits};
use crate::transport::http::answer::{self, COMMENT};
use crate::transport::http::query;
use crate::transport::sse::event_stream;
use crate::transport::takeover::half_closed::HalfClosed;
use crate::transport::takeover::state::Bare;

/// A comment that often, so that a dead reader is noticed and a path does not think the stream idle.
const HEARTBEAT: Duration = limits::HEARTBEAT;

/// A reader that was cut comes back after a second; the browsers' own default is three or five.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n");

/// Opens a plain stream.
pub async fn open(
    State(node): State<Arc<Node>>,
    bare: Option<Extension<Bare>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Wanted { channel, since } = match Wanted::read(uri.query().unwrap_or_default(), &headers) {
        Ok(wanted) => wanted,
        Err(mistake) => return answer::refuse(None, &mistake.into()),
    };
    match node.read_channel(channel, since.position()).await {
        Ok(reader) => {
            let lost = !matches!(since, Since::Now) && !reader.start.recovered;
            event_stream(Body::from_stream(events(reader, lost, bare.map(|Extension(bare)| bare))))
        }
        Err(refusal) => answer::refuse(None, &refusal),
    }
}

/// What a reader asks for.
struct Wanted {
    channel: ChannelName,
    since: Since,
}

/// Where a reader begins.
#[derive(Debug, PartialEq, Eq)]
enum Since {
    /// With what comes next.
    Now,
    /// Behind this position.
    Position(Position),
    /// Where it was, which cannot be read: it is told that it missed something.
    Unknown,
}

impl Wanted {
    fn read(query: &str, headers: &HeaderMap) -> Result<Self, Mistake> {
        let channel = query::parameter(query, "channel")?.unwrap_or_default();
        let channel = ChannelName::try_from(&*channel)?;
        // In place of the header, for readers that cannot set one.
        let asked = query::parameter(query, "last_event_id")?;
        let mut stated = headers.get_all("last-event-id").iter();
        let since = match (stated.next(), stated.next()) {
            (_, Some(_)) => return Err(Mistake::SeveralLastIds),
            (Some(header), None) => header.to_str().map_or(Since::Unknown, Since::read),
            (None, None) => asked.as_deref().map_or(Since::Now, Since::read),
        };
        Ok(Self { channel, since })
    }
}

impl Since {
    /// `epoch:offset`, as an `id:` of ours said it.
    fn read(id: &str) -> Self {
        if id.is_empty() {
            return Self::Now;
        }
        position(id).map_or(Self::Unknown, Self::Position)
    }

    const fn position(&self) -> Option<&Position> {
        match self {
            Self::Position(position) => Some(position),
            Self::Now | Self::Unknown => None,
        }
    }
}

fn position(id: &str) -> Option<Position> {
    let (epoch, at) = id.rsplit_once(':')?;
    let at = at.parse().ok().filter(|at| *at < limits::NUMBER)?;
    (epoch.len() <= limits::EPOCH_BYTES).then(|| Position { epoch: epoch.to_owned(), at })
}

fn events(
    mut reader: Reader,
    lost: bool,
    bare: Option<Bare>,
) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
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
                    yield Ok(answer::join([id, line.event().clone()].into_iter()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_an_epoch_and_an_offset() {
        assert_eq!(position("e:1:17"), Some(Position { epoch: "e:1".into(), at: 17 }));
        for bad in ["", "17", "e:", "e:x", "e:-1", "e:99999999999999999999"] {
            assert_eq!(position(bad), None, "{bad:?}");
        }
    }
}
