//! A channel as a plain event stream, for `EventSource` and curl: `GET /rt/stream?channel=…`.
//!
//! Read-only and without a session. `id:` is `epoch:offset`; the browser sends the last one back as `Last-Event-ID`, and what was
//! missed follows. Where it cannot, an event of type `reset` says so.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;

use super::answer;
use super::stream::{FIRST_BYTES, event_stream};
use crate::node::Node;
use crate::node::reader::Reader;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::{ChannelName, Position, limits};

/// A comment that often, so that a dead reader is noticed and a path does not think the stream idle.
const HEARTBEAT: Duration = limits::HEARTBEAT;

/// A reader that was cut comes back after a second; the browsers' own default is three or five.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n");

/// The query of a plain stream.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    channel: String,
    /// In place of the header, for readers that cannot set one.
    #[serde(default)]
    last_event_id: Option<String>,
}

/// Opens a plain stream.
pub async fn open(
    State(node): State<Arc<Node>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(why) => return answer::refuse(None, &Refusal::bad_frame(why.body_text())),
    };
    let channel = match ChannelName::try_from(&*wanted.channel) {
        Ok(channel) => channel,
        Err(why) => return answer::refuse(None, &Refusal::new(Code::UnknownChannel, why)),
    };
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let since = header.or(wanted.last_event_id.as_deref()).filter(|id| !id.is_empty()).map(position);
    let known = since.clone().flatten();
    match node.read_channel(channel, known.as_ref()).await {
        Ok(reader) => {
            let lost = since.is_some() && !reader.start.recovered;
            event_stream(Body::from_stream(events(reader, lost)))
        }
        Err(refusal) => answer::refuse(None, &refusal),
    }
}

/// `epoch:offset`, as an `id:` of ours said it.
fn position(id: &str) -> Option<Position> {
    let (epoch, at) = id.rsplit_once(':')?;
    let at = at.parse().ok().filter(|at| *at < limits::NUMBER)?;
    (epoch.len() <= limits::EPOCH_BYTES).then(|| Position { epoch: epoch.to_owned(), at })
}

fn events(mut reader: Reader, lost: bool) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    async_stream::stream! {
        yield Ok(FIRST_BYTES);
        yield Ok(RETRY);
        let Position { epoch, mut at } = reader.start.position.clone();
        if lost {
            let reset = format!("event: reset\nid: {epoch}:{at}\ndata: {{\"code\":\"gap\",\"epoch\":\"{epoch}\",\"at\":{at}}}\n\n");
            yield Ok(reset.into());
        } else {
            // An id without data is no event, but the reader that drops now comes back to here.
            yield Ok(format!("id: {epoch}:{at}\n\n").into());
        }
        loop {
            match tokio::time::timeout(HEARTBEAT, reader.next()).await {
                Err(_) => yield Ok(Bytes::from_static(b":\n\n")),
                Ok(None) => return,
                Ok(Some(line)) => {
                    at += 1;
                    // One chunk: what holds chunks back must not part an event.
                    let id = Bytes::from(format!("id: {epoch}:{at}\n"));
                    yield Ok(answer::join([id, line.event().clone()].into_iter()));
                }
            }
        }
    }
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
