//! The route of a request. This module looks at a head, never at a body, and changes nothing.
//!
//! The routes of our gateway have names of their own. Other applications have none, so the headers of a request decide.

use hyper::{HeaderMap, Method, Request, Response, body::Body, header};

use super::network::Route;

impl Route {
    /// Returns the route of a request, before its answer is known.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        if names(request.headers(), header::UPGRADE, "websocket") {
            return Self::Websocket;
        }
        match request.uri().path().rsplit_once("/rt/").map(|(_, last)| last) {
            Some("stream") => Self::Stream,
            Some("send") => Self::Send,
            Some("poll") => Self::Poll,
            Some("control") => Self::Control,
            _ if names(request.headers(), header::ACCEPT, "text/event-stream") => Self::Stream,
            _ if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) => Self::Send,
            _ => Self::Any,
        }
    }
}

/// Returns whether an answer is a stream, whatever its request asked for: it begins without a length.
pub(super) fn streams<B: Body>(response: &Response<B>) -> bool {
    !response.body().is_end_stream() && response.body().size_hint().exact().is_none()
}

/// Returns whether a header lists this value, with or without parameters.
fn names(headers: &HeaderMap, name: header::HeaderName, value: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    let mut items = lists.flat_map(|list| list.split(',')).filter_map(|item| item.split(';').next());
    items.any(|item| item.trim().eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str, name: &str, value: &str) -> Route {
        Route::of(&Request::builder().method(method).uri(path).header(name, value).body(()).unwrap())
    }

    #[test]
    fn an_upgrade_comes_before_the_path_and_the_path_before_all_else() {
        assert_eq!(route("GET", "/rt/stream", "upgrade", "WebSocket"), Route::Websocket);
        assert_eq!(route("POST", "/rt/stream", "accept", "*/*"), Route::Stream);
        assert_eq!(route("POST", "/below/rt/poll", "accept", "*/*"), Route::Poll);
        assert_eq!(route("GET", "/rt/streams", "accept", "*/*"), Route::Any);
        assert_eq!(route("GET", "/", "upgrade", "h2c"), Route::Any);
    }

    #[test]
    fn a_request_of_any_application_is_known_by_what_it_asks_for() {
        assert_eq!(route("GET", "/socket.io/?transport=websocket", "upgrade", "websocket"), Route::Websocket);
        assert_eq!(route("GET", "/events", "accept", "text/event-stream"), Route::Stream);
        assert_eq!(route("GET", "/events", "accept", "text/html, text/event-stream;q=0.5"), Route::Stream);
        assert_eq!(route("POST", "/socket.io/?transport=polling", "accept", "*/*"), Route::Send);
        assert_eq!(route("GET", "/socket.io/?transport=polling", "accept", "*/*"), Route::Any);
    }
}
