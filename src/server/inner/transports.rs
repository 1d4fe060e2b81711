//! `POST /api/v1/transports`.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Inner;
use super::ask;
use super::fault::Fault;
use super::key::Scope;
use super::refused::{Problem, Refused};
use crate::protocol::Transport;

/// The transports to offer (`true`) or to withdraw (`false`). The others stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// WebSocket.
    websocket: Option<bool>,
    /// SSE with POST.
    sse: Option<bool>,
    /// Long-poll.
    poll: Option<bool>,
}

impl Change {
    const fn of(&self, transport: Transport) -> Option<bool> {
        match transport {
            Transport::WebSocket => self.websocket,
            Transport::Sse => self.sse,
            Transport::Poll => self.poll,
        }
    }

    /// Returns the list of transports after the change. One that comes back takes its usual place among the others.
    fn applied(&self, offered: &[Transport]) -> Vec<Transport> {
        let mut list: Vec<Transport> = offered.to_vec();
        list.retain(|transport| self.of(*transport) != Some(false));
        for transport in Transport::ALL {
            if self.of(transport) == Some(true) && !list.contains(&transport) {
                let place = list.iter().position(|other| other.place() > transport.place());
                list.insert(place.unwrap_or(list.len()), transport);
            }
        }
        list
    }
}

/// The transports that are offered now.
#[derive(Serialize, ToSchema)]
pub(super) struct Offered {
    /// Their names, the best first.
    transports: Vec<&'static str>,
}

/// Withdraw transports, or offer them again. A reload of the configuration sets them as its file says.
#[utoipa::path(
    post, path = "/api/v1/transports", request_body = Change, security(("key" = ["manage"])),
    responses((status = 200, body = Offered), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Result<Json<Offered>, Refused> {
    let (holder, change): (_, Change) = inner.asked(request, Scope::Manage).await?;
    ask::log(&holder, "transports");
    // The lock also keeps two calls from undoing each other.
    let jitter = inner.jitter.lock().unwrap_or_else(PoisonError::into_inner);
    let list = change.applied(&inner.node.transports());
    let offer = Transport::offer(&list).map_err(Fault::Offer)?;
    inner.node.set_transports(&offer, *jitter);
    Ok(Json(Offered { transports: offer.iter().map(|transport| transport.name()).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_comes_back_to_its_usual_place() {
        use Transport::{Poll, Sse, WebSocket};
        let change = |websocket, sse, poll| Change { websocket, sse, poll };
        for (change, before, after) in [
            (change(Some(false), None, None), &Transport::ALL[..], &[Sse, Poll][..]),
            (change(Some(true), None, None), &[Sse, Poll], &Transport::ALL),
            (change(None, Some(true), None), &[WebSocket, Poll], &Transport::ALL),
            (change(None, Some(true), Some(false)), &[Poll, WebSocket], &[WebSocket, Sse]),
            (change(Some(true), Some(true), Some(true)), &[Poll, Sse], &[WebSocket, Poll, Sse]),
            (change(None, None, None), &[Poll], &[Poll]),
            (change(None, None, Some(false)), &[Poll], &[]),
        ] {
            assert_eq!(change.applied(before), after);
        }
    }
}
