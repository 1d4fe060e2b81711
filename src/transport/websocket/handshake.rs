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
use crate::protocol::code::{Kind, Refusal};
use crate::protocol::{SUBPROTOCOL, WEBSOCKET_VERSION};

/// The answer that makes a request's connection a socket, and whether permessage-deflate was agreed on, which `deflate` allows.
///
/// # Errors
/// What the request lacks.
pub(super) fn answer(request: &HeaderMap, deflate: bool) -> Result<(Response, bool), Refusal> {
    if !names(request, &CONNECTION, "upgrade") {
        return Err(no_upgrade("its Connection header does not say upgrade"));
    }
    if !names(request, &UPGRADE, "websocket") {
        return Err(no_upgrade("its Upgrade header does not say websocket"));
    }
    if only(request, &SEC_WEBSOCKET_VERSION)? != WEBSOCKET_VERSION {
        let message = "this gateway speaks version 13 of WebSocket, and the request asks for another";
        return Err(Refusal::bad_frame(message).kind(Kind::Version));
    }
    let key = only(request, &SEC_WEBSOCKET_KEY)?.as_bytes();
    if !is_key(key) {
        return Err(no_upgrade("its Sec-WebSocket-Key is not 16 bytes in base64"));
    }
    let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| no_upgrade("its key cannot be answered"))?;
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

/// Refuses a request that does not become a socket.
pub(super) fn no_upgrade(why: &str) -> Refusal {
    Refusal::bad_frame(format!("not a WebSocket upgrade: {why}")).kind(Kind::Upgrade)
}

/// The one field of this name.
fn only<'a>(request: &'a HeaderMap, name: &HeaderName) -> Result<&'a HeaderValue, Refusal> {
    let mut fields = request.get_all(name).iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => Ok(field),
        (None, _) => Err(no_upgrade(&format!("it has no {name}"))),
        _ => Err(no_upgrade(&format!("it has more than one {name}"))),
    }
}

/// Whether a key is 16 bytes in base64. The four bits of its last digit that no byte needs may be any, as in other servers.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_16_bytes_in_base64() {
        for good in ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+/=="] {
            assert!(is_key(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZQAA",
            "dGhlIHNhbXBsZSBub25jZQA=",
            "dGhlIHNhbXBsZSBub25j==",
            "dGhlIHNhbXBsZSBub25jZQAA==",
            "_GhlIHNhbXBsZSBub25jZQ==",
            "dGhlIHNhbXBs=SBub25jZQ==",
            "dGhlIHNhbXBs SBub25jZQ==",
        ] {
            assert!(!is_key(bad.as_bytes()), "{bad}");
        }
    }
}
