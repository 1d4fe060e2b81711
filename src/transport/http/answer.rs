//! Makes answers and errors of HTTP.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
    SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use crate::node::link::Refused;
use crate::protocol::code::{Code, Kind, Refusal};
use crate::protocol::{Line, Nonce, VERSION, WEBSOCKET_VERSION};

/// A comment of an event stream.
pub(in crate::transport) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Makes a refusal into a status with a body that says why. The nonce shows that the gateway itself answers. The
/// refusal is an extension of the response: [`echo`] reads it, and the front counts it.
#[must_use]
pub fn refuse(nonce: Option<&Nonce>, refusal: &Refusal) -> Response {
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        v: u32,
        nonce: Option<&'a Nonce>,
        code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    }
    let (code, message) = (refusal.code().name(), &refusal.message());
    let body = ErrorBody { v: VERSION, nonce, code, message, retry_after_ms: refusal.retry_after_ms() };
    // This cannot fail, since the body has only strings and numbers.
    let text = serde_json::to_string(&body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(refusal.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if refusal.kind() == Kind::Version {
        // RFC 6455, section 4.4, and RFC 9110, section 15.5.22.
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        let headers = response.headers_mut();
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(WEBSOCKET_VERSION));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    if refusal.code() == Code::Unauthorized {
        // RFC 6750, section 3.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(wait) = refusal.retry_after() {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
    }
    response.extensions_mut().insert(refusal.clone());
    response
}

/// Puts the nonce of the request's query into a refusal. Any other answer stays as it is. Each page may read the
/// refusal, also a page of an origin that is not allowed. It learns the reason, and nothing else.
#[must_use]
pub fn echo(mut response: Response, nonce: &Nonce) -> Response {
    let Some(refusal) = response.extensions_mut().remove::<Refusal>() else { return response };
    *response.body_mut() = refuse(Some(nonce), &refusal).into_body();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Makes the answer to a hello that the node refused.
pub(in crate::transport) fn refused(refused: &Refused) -> Response {
    refuse(refused.nonce.as_ref(), &refused.refusal)
}

/// Makes an answer with these lines as its body.
pub(in crate::transport) fn lines(lines: &[Line]) -> Response {
    let mut body = Vec::with_capacity(lines.iter().map(|line| line.cost() + 1).sum());
    lines.iter().for_each(|line| body.extend_from_slice(line.record()));
    text(body.into())
}

/// Makes an answer with this text as its body.
pub(in crate::transport) fn text(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// Makes an answer whose body is an event stream.
pub(in crate::transport) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}
