//! The start page, the doctor's page, and the client's own files, which are served as they are: what is read is what runs.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, include_dir};

use crate::protocol::code::{Code, Refusal};
use crate::transport::refuse;

static CLIENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/client-js/src");
static DOCTOR: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/server/doctor");
/// What the doctor's findings are called, as JSON: by its page, and by `throughline doctor`.
pub const DOCTORS_WORDS: &str = include_str!("doctor/words.json");
const START: &str = include_str!("start.html");

pub(super) fn start() -> Router {
    Router::new().route("/", get(|| async { Html(START) }))
}

pub(super) fn client() -> Router {
    Router::new().route("/{*path}", get(|Path(path): Path<String>| async move { file(&CLIENT, &path) }))
}

/// The page that tries each transport from where its reader is.
pub(super) fn doctor() -> Router {
    Router::new()
        .route("/doctor", get(|| async { file(&DOCTOR, "index.html") }))
        .route("/doctor/{*path}", get(|Path(path): Path<String>| async move { file(&DOCTOR, &path) }))
}

/// A file of an embedded folder, to be asked for again each time: it changes with the binary.
#[must_use]
pub fn file(folder: &'static Dir<'static>, path: &str) -> Response {
    let Some(found) = folder.get_file(path) else {
        return refuse(None, &Refusal::new(Code::NotFound, "no such file"));
    };
    let kind = match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "js" => "text/javascript; charset=utf-8",
        // The types of the client, for people.
        "ts" => "text/plain; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], found.contents()).into_response()
}
