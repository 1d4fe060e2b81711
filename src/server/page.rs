//! The frame that all pages for people share, and the answer for an address without content.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};

use crate::protocol::code::Mistake;
use crate::transport::refuse;

pub(super) const ICON: &str = include_str!("../pages/shared/icon.svg");
const BASE: &str = include_str!("../pages/shared/base.css");
const STYLE: &str = include_str!("../pages/start/style.css");
const FRAME: &str = include_str!("../pages/start/frame.html");
const MISSING: &str = include_str!("../pages/start/missing.html");

/// Answers that nothing is here. A browser that opens the address gets a page. Every other client gets the same error
/// as on all routes.
pub fn missing(headers: &HeaderMap, message: &str) -> Response {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let opens =
        accepts.flat_map(|list| list.split([',', ';'])).any(|kind| kind.trim().eq_ignore_ascii_case("text/html"));
    if !opens {
        return refuse(None, &Mistake::NothingHere(message.to_owned()).into());
    }
    let page = page("Nothing is here", &MISSING.replace("{message}", &escaped(message)));
    (StatusCode::NOT_FOUND, Html(page)).into_response()
}

/// Returns a page of one column in the common style. `content` is HTML. The page needs no other file, so it looks the
/// same at any path and behind any proxy.
#[must_use]
pub fn page(title: &str, content: &str) -> String {
    // The content comes last, so that nothing in it is a placeholder.
    FRAME
        .replace("{title}", &escaped(title))
        .replace("{icon}", &icon())
        .replace("{style}", &[BASE, STYLE].concat())
        .replace("{content}", content)
}

/// Escapes a text for HTML, in an element or in an attribute's quotes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns the icon as a URL that the page itself contains. Bytes that have a meaning in a URL are escaped.
fn icon() -> String {
    let escape = |byte: u8| match byte {
        b'#' | b'%' | b'"' | b'<' | b'>' => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    format!("data:image/svg+xml,{}", ICON.trim().bytes().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_and_a_title_cannot_bring_markup() {
        let shown = page("<b>", &MISSING.replace("{message}", &escaped("<script>\"&")));
        assert!(shown.contains("<title>&lt;b&gt;"), "{shown}");
        assert!(shown.contains("&lt;script&gt;&quot;&amp;") && !shown.contains("<script>"), "{shown}");
    }
}
