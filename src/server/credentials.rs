//! The token of a request: in its `Authorization` header, or in the cookie that the configuration names.
//!
//! A browser adds cookies by itself, also to the requests of foreign pages. So a cookie counts only where the browser
//! says which page asks, and the gate has let that page in. It must never log a token.

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Request};

use super::gate::Gate;
use crate::protocol::code::Refusal;
use crate::protocol::token::Token;

/// Returns the token of a request that the gate has let in. `cookie` is the name of the cookie that may hold it.
///
/// # Errors
/// The token is too long.
pub(super) fn token<B>(request: &Request<B>, cookie: Option<&str>, gate: &Gate) -> Result<Option<Token>, Refusal> {
    let headers = request.headers();
    if let Some(bearer) = bearer(headers) {
        return Ok(Some(Token::new(bearer)?));
    }
    let Some(name) = cookie.filter(|_| is_of_a_listed_page(request, gate)) else { return Ok(None) };
    Ok(cookie_of(headers, name).map(Token::new).transpose()?)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Returns true if a browser cannot have sent this request for a foreign page. Each POST and each upgrade of a browser
/// has an `Origin`, which must be listed or the gateway's own: a page of another program on this machine is foreign, too. A plain GET of the
/// same origin has none, and a foreign page cannot read its answer.
fn is_of_a_listed_page<B>(request: &Request<B>, gate: &Gate) -> bool {
    let headers = request.headers();
    match headers.get(ORIGIN) {
        Some(origin) => gate.lists_origin(origin) || is_own(origin, headers),
        None => *request.method() == Method::GET && !headers.contains_key("upgrade"),
    }
}

/// Returns true for the origin of the gateway's own pages. The gate has checked the host.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(held, _)| *held == name).map(|(_, value)| value.trim_matches('"')).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(vec!["https://example.org".parse().unwrap()])
    }

    fn request(method: &str, fields: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().method(method);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn found(method: &str, fields: &[(&'static str, &str)]) -> Option<String> {
        let token = token(&request(method, fields), Some("session"), &gate()).unwrap();
        token.map(|token| token.reveal().to_owned())
    }

    #[test]
    fn a_token_stands_in_the_header_or_in_the_cookie() {
        let origin = ("origin", "https://example.org");
        for (fields, expected) in [
            (&[("authorization", "Bearer a.b.c")][..], Some("a.b.c")),
            (&[("authorization", "bearer  a.b.c")], Some("a.b.c")),
            (&[("authorization", "Basic a")], None),
            (&[("authorization", "Bearer ")], None),
            (&[("cookie", "a=1; session=x.y.z; b=2"), origin], Some("x.y.z")),
            (&[("cookie", "a=1"), ("cookie", "session=\"x.y.z\""), origin], Some("x.y.z")),
            (&[("cookie", "session="), origin], None),
            (&[("cookie", "sessions=x.y.z"), origin], None),
            (&[("authorization", "Bearer a"), ("cookie", "session=x"), origin], Some("a")),
        ] {
            assert_eq!(found("POST", fields).as_deref(), expected, "{fields:?}");
        }
    }

    /// 1. A page of a foreign origin makes the browser post to the gateway. No preflight is needed.
    /// 2. The browser adds the cookie of the user.
    #[test]
    fn a_cookie_counts_only_where_the_browser_names_a_listed_page() {
        let cookie = ("cookie", "session=x");
        assert_eq!(found("POST", &[cookie]), None);
        assert_eq!(found("GET", &[cookie, ("upgrade", "websocket")]), None);
        assert_eq!(found("GET", &[cookie]).as_deref(), Some("x"));
        let own = [cookie, ("host", "localhost:8080"), ("origin", "http://localhost:8080")];
        assert_eq!(found("POST", &own).as_deref(), Some("x"));
        let other = [cookie, ("host", "localhost:8080"), ("origin", "http://localhost:8081")];
        assert_eq!(found("POST", &other), None);
        for foreign in ["https://evil.net", "http://localhost:5173"] {
            assert_eq!(found("POST", &[cookie, ("origin", foreign)]), None, "{foreign}");
            assert_eq!(found("GET", &[cookie, ("origin", foreign)]), None, "{foreign}");
        }
        assert_eq!(token(&request("GET", &[cookie]), None, &gate()), Ok(None));
    }

    #[test]
    fn a_long_token_is_refused_wherever_it_stands() {
        let long = format!("Bearer {}", "x".repeat(8_193));
        let refusal = token(&request("GET", &[("authorization", &long)]), None, &gate()).unwrap_err();
        assert_eq!(refusal.code().name(), "too_large");
    }
}
