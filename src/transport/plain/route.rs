//! The route `GET /rt/stream`: the channel that a reader asks for, and where it begins.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::over_http::events;
use crate::node::Node;
use crate::protocol::code::Mistake;
use crate::protocol::{ChannelName, Position, limits};
use crate::transport::arrival::Arrival;
use crate::transport::http::{answer, query};

/// Opens a plain stream.
pub async fn open(
    State(node): State<Arc<Node>>,
    Extension(arrival): Extension<Arrival>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Asked { channel, since } = match Asked::read(uri.query().unwrap_or_default(), &headers) {
        Ok(asked) => asked,
        Err(mistake) => return answer::refuse(None, &mistake.into()),
    };
    match node.open_channel(arrival.token.as_ref(), channel, since.position()).await {
        Ok(reader) => {
            let lost = !matches!(since, Since::Now) && !reader.start.recovered;
            answer::event_stream(Body::from_stream(events(reader, lost, arrival.takeover)))
        }
        Err(refusal) => answer::refuse(None, &refusal),
    }
}

/// The query and the header of a reader.
struct Asked {
    channel: ChannelName,
    since: Since,
}

/// Where a reader begins.
#[derive(Debug, PartialEq, Eq)]
enum Since {
    /// With what comes next.
    Now,
    /// After this position.
    Position(Position),
    /// Where it stopped, but its position cannot be read. The stream says that it may have missed something.
    Unknown,
}

impl Asked {
    fn read(query: &str, headers: &HeaderMap) -> Result<Self, Mistake> {
        let channel = query::parameter(query, "channel")?.unwrap_or_default();
        let channel = ChannelName::try_from(&*channel)?;
        // Instead of the header, for readers that cannot set one.
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
    /// Reads `epoch:offset`, as it stood in an `id:` of ours.
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
