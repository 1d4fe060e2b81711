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
use crate::protocol::code::{BadUpgrade, Mistake};
use crate::protocol::{SUBPROTOCOL, WEBSOCKET_VERSION};

/// Returns the answer that upgrades the connection, and whether both sides agreed on permessage-deflate. `deflate`
/// allows that.
///
/// # Errors
/// The request lacks something.
pub(super) fn answer(request: &HeaderMap, deflate: bool) -> Result<(Response, bool), Mistake> {
    if !names(request, &CONNECTION, "upgrade") {
        return Err(BadUpgrade::Connection.into());
    }
    if !names(request, &UPGRADE, "websocket") {
        return Err(BadUpgrade::Protocol.into());
    }
    if only(request, &SEC_WEBSOCKET_VERSION)? != WEBSOCKET_VERSION {
        return Err(Mistake::WebSocketVersion);
    }
    let key = only(request, &SEC_WEBSOCKET_KEY)?.as_bytes();
    if !is_key(key) {
        return Err(BadUpgrade::Key.into());
    }
    let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| BadUpgrade::Key)?;
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

/// The one field of this name.
fn only<'a>(request: &'a HeaderMap, name: &HeaderName) -> Result<&'a HeaderValue, BadUpgrade> {
    let mut fields = request.get_all(name).iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => Ok(field),
        (None, _) => Err(BadUpgrade::Missing(name.to_string())),
        _ => Err(BadUpgrade::Repeated(name.to_string())),
    }
}

/// Returns whether a key is 16 bytes in base64. The four unused bits of its last digit may be any, as in other servers.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

/// Returns whether a header's list has an item, in upper or lower case.
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
