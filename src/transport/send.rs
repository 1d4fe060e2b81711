//! What goes up beside a stream or a poll: `POST /rt/send`. Answered at once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;

use super::{answer, body};
use crate::driver::Driver;

/// One send.
pub async fn send(State(driver): State<Arc<Driver>>, request: Body) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refusal) => return answer::refuse(None, &refusal),
    };
    match driver.send(&body) {
        Ok(lines) => answer::lines(&lines),
        Err(refused) => answer::refused(&refused),
    }
}
