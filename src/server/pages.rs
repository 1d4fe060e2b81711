//! The pages for people: the start page, a chat to try, the doctor. And the client's own files, which are served as they are.

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Html;
use axum::routing::get;
use include_dir::{Dir, include_dir};
use maud::{Markup, PreEscaped, html};

use super::files::Files;
use super::page::{ICON, page};

/// The sources, and what is bundled of them for pages that load one file.
static CLIENT: Files = Files::new(&[
    include_dir!("$CARGO_MANIFEST_DIR/client-js/src"),
    include_dir!("$CARGO_MANIFEST_DIR/client-js/bundle"),
]);
/// The files of every page that loads files: the first style sheet, and the icon.
pub const SHARED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/server/shared");
static DOCTOR: Files = Files::new(&[include_dir!("$CARGO_MANIFEST_DIR/src/server/doctor"), SHARED]);
/// What the doctor's findings are called, as JSON: by its page, and by `throughline doctor`.
pub const DOCTORS_WORDS: &str = include_str!("doctor/words.json");
/// A chat in as few lines as the client needs; both READMEs show it.
const CHAT: &str = include_str!("pages/chat.html");

pub(super) fn start() -> Router {
    Router::new().route("/", get(|| async { Html(start_page().into_string()) }))
}

/// What stands beside the start page, whichever that is.
pub(super) fn others() -> Router {
    Router::new()
        .route("/chat", get(|| async { Html(CHAT) }))
        .route(
            "/favicon.ico",
            get(|| async { ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=86400")], ICON) }),
        )
        .route("/doctor", get(|headers: HeaderMap| async move { DOCTOR.answer("index.html", &headers) }))
        .route(
            "/doctor/{*path}",
            get(|Path(path): Path<String>, headers: HeaderMap| async move { DOCTOR.answer(&path, &headers) }),
        )
}

pub(super) fn client() -> Router {
    let answer = |Path(path): Path<String>, headers: HeaderMap| async move { CLIENT.answer(&path, &headers) };
    Router::new().route("/{*path}", get(answer))
}

fn start_page() -> Markup {
    const CURL: &str =
        "document.getElementById('curl').textContent = `curl -N '${location.origin}/rt/stream?channel=chat'`;";
    page(
        "Throughline is running",
        &html! {
            p.lead {
                "Version " (env!("CARGO_PKG_VERSION")) ". This gateway serves sessions over WebSocket, SSE with POST, and long-poll under "
                code { "/rt" } "."
            }
            section {
                h2 { "A chat in two tabs" }
                p { "Open " a href="chat" { "this page" } " twice, and send something. This is all of it:" }
                pre tabindex="0" aria-label="The source of the chat" { (CHAT.trim_end()) }
            }
            section {
                h2 { "From a terminal" }
                pre id="curl" tabindex="0" aria-label="A command" { "curl -N 'http://127.0.0.1:8080/rt/stream?channel=chat'" }
                script { (PreEscaped(CURL)) }
            }
            section {
                h2 { "Further" }
                ul {
                    li { a href="doctor" { "What does the network between us let through?" } }
                    li { "For a script tag: " a href="rt/client/throughline.min.js" { code { "/rt/client/throughline.min.js" } } }
                    li { "As one module: " a href="rt/client/throughline.esm.min.js" { code { "/rt/client/throughline.esm.min.js" } } }
                    li { "The sources, with types: " a href="rt/client/index.js" { code { "/rt/client/index.js" } } }
                }
            }
        },
    )
}
