//! The pages for people: the start page, a chat to try, and the doctor. The client's own files are served unchanged.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::Html;
use axum::routing::get;
use include_dir::{Dir, include_dir};

use super::files::Files;
use super::page::{ICON, escaped, page};
use crate::backend::tokens::auth::Auth;

/// The sources, and their bundles for pages that load one file.
static CLIENT: Files = Files::new(&[
    include_dir!("$CARGO_MANIFEST_DIR/client-js/src"),
    include_dir!("$CARGO_MANIFEST_DIR/client-js/bundle"),
]);
/// The files that every page with files loads: the first style sheet, and the icon.
pub const SHARED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/pages/shared");
static DOCTOR: Files = Files::new(&[include_dir!("$CARGO_MANIFEST_DIR/src/pages/doctor"), SHARED]);
/// The words for the doctor's findings, as JSON. Its page and `throughline doctor` use them.
pub const DOCTORS_WORDS: &str = include_str!("../pages/doctor/words.json");
const START: &str = include_str!("../pages/start/index.html");
/// How to sign in, for a gateway that serves users only.
const SIGN_IN: &str = include_str!("../pages/start/sign-in.html");
const BY_COOKIE: &str = include_str!("../pages/start/by-cookie.html");
const WITHOUT_COOKIE: &str = include_str!("../pages/start/without-cookie.html");
/// A chat in as few lines as the client needs. Both READMEs show it.
const CHAT: &str = include_str!("../pages/start/chat.html");

pub(super) fn start(auth: Option<&Auth>) -> Router {
    let page = start_page(auth.filter(|auth| !auth.anonymous));
    Router::new().route("/", get(|| async move { Html(page) }))
}

/// Returns the routes beside the start page. An application may replace the start page itself.
pub(super) fn others() -> Router {
    Router::new()
        .route("/chat", get(|| async { Html(CHAT) }))
        .route(
            "/favicon.ico",
            get(|| async { ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=86400")], ICON) }),
        )
        .route("/doctor", get(|headers: HeaderMap| async move { DOCTOR.answer("index.html", &headers) }))
        .nest("/doctor", files(&DOCTOR))
}

pub(super) fn client() -> Router {
    files(&CLIENT)
}

/// Answers each path with the file of that name.
///
/// It reads the path from the request's own URI. In a router that an application nests, a parameter of the path would
/// also count the application's parameters.
fn files(files: &'static Files) -> Router {
    let answer =
        move |uri: Uri, headers: HeaderMap| async move { files.answer(uri.path().trim_start_matches('/'), &headers) };
    Router::new().route("/{*path}", get(answer))
}

/// Returns the start page. `auth` is how users sign in, if the gateway serves users only.
fn start_page(auth: Option<&Auth>) -> String {
    let sign_in = auth.map(sign_in).unwrap_or_default();
    let bearer = if auth.is_some() { r#"-H "Authorization: Bearer $TOKEN" "# } else { "" };
    let content = START
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{sign-in}", &sign_in)
        .replace("{bearer}", &escaped(bearer))
        .replace("{chat}", &escaped(CHAT.trim_end()));
    page("Throughline is running", &content)
}

/// Says how to sign in.
fn sign_in(auth: &Auth) -> String {
    let by = match &auth.cookie {
        Some(cookie) => BY_COOKIE.replace("{cookie}", &escaped(cookie)),
        None => WITHOUT_COOKIE.to_owned(),
    };
    SIGN_IN.replace("{by}", &by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_page_says_how_to_sign_in_if_the_gateway_serves_users_only() {
        let said = SIGN_IN.split('{').next().unwrap_or_default();
        let open = start_page(None);
        assert!(!said.is_empty() && !open.contains(said) && !open.contains("$TOKEN"), "{open}");
        let mut auth = Auth::default();
        let without = start_page(Some(&auth));
        assert!(without.contains(said) && without.contains("auth.cookie"), "{without}");
        auth.cookie = Some("session".to_owned());
        let by_cookie = start_page(Some(&auth));
        assert!(by_cookie.contains("<code>session</code>"), "{by_cookie}");
    }
}
