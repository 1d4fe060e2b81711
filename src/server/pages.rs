//! The pages for people: the start page, a chat to try, the doctor, and one for an address where nothing is.
//! And the client's own files, which are served as they are: what is read is what runs.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, include_dir};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::files::Files;
use crate::protocol::code::{Code, Refusal};
use crate::transport::refuse;

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
const ICON: &str = include_str!("shared/icon.svg");
const BASE: &str = include_str!("shared/base.css");
const STYLE: &str = include_str!("pages/style.css");

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

/// Nothing is here: a page to a browser that opens it, and the error of all routes to all others.
pub fn missing(headers: &HeaderMap, message: &str) -> Response {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let opens =
        accepts.flat_map(|list| list.split([',', ';'])).any(|kind| kind.trim().eq_ignore_ascii_case("text/html"));
    if !opens {
        return refuse(None, &Refusal::new(Code::NotFound, message));
    }
    let page = page(
        "Nothing is here",
        &html! {
            p { "The answer to this address is " code { "404" } ": " (message) "." }
            p { a href="/" { "To the start page" } }
        },
    );
    (StatusCode::NOT_FOUND, Html(page.into_string())).into_response()
}

/// A page of one column in the style of all: it needs no other file, so it looks the same at any path and behind any proxy.
#[must_use]
pub fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Throughline" }
                link rel="icon" type="image/svg+xml" href=(icon());
                style { (PreEscaped(BASE)) (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    (content)
                }
            }
        }
    }
}

/// The icon in a page itself: what is not ASCII or means something in a URL is escaped.
fn icon() -> String {
    let escape = |byte: u8| match byte {
        b'#' | b'%' | b'"' | b'<' | b'>' => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    format!("data:image/svg+xml,{}", ICON.trim().bytes().map(escape).collect::<String>())
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
