//! Answers and errors as HTTP.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use serde::Serialize;

use crate::driver::{Refusal, Refused};
use crate::protocol::{Line, Nonce, VERSION, deflate};

/// Below this, in bytes, an answer is not compressed: it fits a packet as it is, headers and all.
const GZIP_FROM: usize = 1_024;

/// A refusal as a status with a body that says why. The nonce shows that the answer is ours.
#[must_use]
pub fn refuse(nonce: Option<&Nonce>, refusal: &Refusal) -> Response {
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        v: u32,
        nonce: Option<&'a Nonce>,
        code: &'a str,
        message: &'a str,
    }
    let body = ErrorBody { v: VERSION, nonce, code: refusal.code.name(), message: &refusal.message };
    // Strings and numbers only: this cannot fail.
    let text = serde_json::to_string(&body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
    }
    response
}

pub(super) fn refused(refused: &Refused) -> Response {
    refuse(refused.nonce.as_ref(), &refused.refusal)
}

/// Lines as the body of an answer.
pub(super) fn lines(lines: &[Line]) -> Response {
    let mut body = Vec::with_capacity(lines.iter().map(|line| line.cost() + 1).sum());
    lines.iter().for_each(|line| body.extend_from_slice(line.record()));
    text(body.into())
}

/// The same, put together already.
pub(super) fn text(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// A poll's answer compressed, where it may be, is long enough and becomes shorter.
pub(super) fn zipped(lines: &[u8], gzip: bool) -> Option<Vec<u8>> {
    (gzip && lines.len() >= GZIP_FROM).then(|| deflate::gzip(lines)).flatten()
}

/// Several pieces as one: one write for all.
pub(super) fn join(pieces: impl Iterator<Item = Bytes> + Clone) -> Bytes {
    let mut joined = BytesMut::with_capacity(pieces.clone().map(|piece| piece.len()).sum());
    pieces.for_each(|piece| joined.extend_from_slice(&piece));
    joined.freeze()
}
