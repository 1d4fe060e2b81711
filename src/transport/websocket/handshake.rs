//! The opening handshake (RFC 6455, section 4.2): whether a request is an upgrade, and its answer.

use axum::body::Body;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::extension;
use crate::protocol::SUBPROTOCOL;

/// The answer that makes a request's connection a socket, and whether permessage-deflate was agreed on, which `deflate` allows.
///
/// # Errors
/// What the request lacks.
pub(super) fn answer(request: &HeaderMap, deflate: bool) -> Result<(Response, bool), &'static str> {
    if !names(request, &CONNECTION, "upgrade") {
        return Err("its Connection header does not say upgrade");
    }
    if !names(request, &UPGRADE, "websocket") {
        return Err("its Upgrade header does not say websocket");
    }
    if request.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err("its Sec-WebSocket-Version is not 13");
    }
    let key = request.get(SEC_WEBSOCKET_KEY).ok_or("it has no Sec-WebSocket-Key")?;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| "its key cannot be answered")?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if names(request, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let agreed = deflate.then(|| items(request, &SEC_WEBSOCKET_EXTENSIONS).find_map(extension::agree)).flatten();
    if let Some(parameters) = agreed {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(parameters));
    }
    Ok((response, agreed.is_some()))
}

/// Whether a header's list has an item, in whatever case.
fn names(headers: &HeaderMap, header: &HeaderName, item: &str) -> bool {
    items(headers, header).any(|other| other.eq_ignore_ascii_case(item))
}

/// The items of a header's lists.
fn items<'a>(headers: &'a HeaderMap, header: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lists = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim)
}
