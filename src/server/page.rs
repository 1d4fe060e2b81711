//! The frame that all pages for people share, and the answer for an address where nothing is.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::protocol::code::Mistake;
use crate::transport::refuse;

pub(super) const ICON: &str = include_str!("shared/icon.svg");
const BASE: &str = include_str!("shared/base.css");
const STYLE: &str = include_str!("pages/style.css");

/// Nothing is here: a page to a browser that opens it, and the error of all routes to all others.
pub fn missing(headers: &HeaderMap, message: &str) -> Response {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let opens =
        accepts.flat_map(|list| list.split([',', ';'])).any(|kind| kind.trim().eq_ignore_ascii_case("text/html"));
    if !opens {
        return refuse(None, &Mistake::NothingHere(message.to_owned()).into());
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
