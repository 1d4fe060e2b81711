//! Decides which requests may come in, because the gateway authenticates no client. The `Host` of a request must be
//! loopback or listed, and so must its `Origin` if it has one.
//!
//! Without this any page that a developer visits could talk to the gateway on the developer's machine. And a name that
//! is rebound to 127.0.0.1 could pass for the gateway.
//!
//! A request names one host and at most one origin. Otherwise a proxy might check one of two, and the gateway the
//! other.

mod origin;

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Request, Uri};

pub use self::origin::{AllowedOrigin, BadOrigin};
use crate::protocol::code::{Mistake, Refusal};

/// The gate of one gateway: it lets loopback and the listed origins in.
#[derive(Debug)]
pub struct Gate {
    origins: Vec<AllowedOrigin>,
}

impl Gate {
    /// Returns a gate that lets loopback and these origins in.
    #[must_use]
    pub const fn new(origins: Vec<AllowedOrigin>) -> Self {
        Self { origins }
    }

    /// Returns true if a page of this origin may read our answers.
    #[must_use]
    pub fn allows_origin(&self, origin: &HeaderValue) -> bool {
        let is_local = parts(origin).is_some_and(|(scheme, authority)| is_scheme(scheme) && is_loopback(authority));
        is_local || self.lists_origin(origin)
    }

    /// Returns true if the configuration lists this origin. Its pages may send cookies, and pages of this machine may not.
    #[must_use]
    pub fn lists_origin(&self, origin: &HeaderValue) -> bool {
        let Some((scheme, authority)) = parts(origin) else { return false };
        self.origins.iter().any(|allowed| allowed.scheme == scheme && allowed.allows(authority))
    }

    fn allows_host(&self, host: &str) -> bool {
        let listed = |allowed: &AllowedOrigin| allowed.allows(without_port_of(&allowed.scheme, host));
        is_loopback(host) || self.origins.iter().any(listed)
    }

    /// Checks that a request may come in, before its body is read.
    ///
    /// # Errors
    /// `forbidden`, with advice for the operator, or `bad_frame` as in `check_form`.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let Named { host, target, origin } = Named::read(request.uri(), request.headers())?;
        if let Some(foreign) = target.into_iter().chain([host]).find(|host| !self.allows_host(host)) {
            return Err(Mistake::Host(shortened(foreign)).into());
        }
        if let Some(target) = target {
            return Err(Mistake::OtherHost { target: shortened(target), host: shortened(host) }.into());
        }
        match origin {
            Some(origin) if !self.allows_origin(origin) => {
                Err(Mistake::Origin(shortened(origin.to_str().unwrap_or_default())).into())
            }
            _ => Ok(()),
        }
    }
}

/// Returns the scheme and the authority of an origin.
fn parts(origin: &HeaderValue) -> Option<(&str, &str)> {
    origin.to_str().ok()?.split_once("://")
}

/// Checks that a request names one host and at most one origin. Any host and origin will do.
///
/// # Errors
/// `bad_frame`.
pub(super) fn check_form<B>(request: &Request<B>) -> Result<(), Refusal> {
    Named::read(request.uri(), request.headers()).map(drop)
}

/// The host and the origin that a request names.
struct Named<'a> {
    /// The host. Empty if there is none.
    host: &'a str,
    /// The host of the target, if it differs from `host`.
    target: Option<&'a str>,
    origin: Option<&'a HeaderValue>,
}

impl<'a> Named<'a> {
    fn read(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let host = only(headers, &HOST, Mistake::SeveralHosts)?.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let origin = only(headers, &ORIGIN, Mistake::SeveralOrigins)?;
        let target = match (uri.authority(), uri.scheme_str()) {
            (None, _) => None,
            (Some(target), Some("https")) => other_than(target.as_str(), host, ":443"),
            // `CONNECT` has no scheme.
            (Some(target), Some("http") | None) => other_than(target.as_str(), host, ":80"),
            _ => return Err(Mistake::Target.into()),
        };
        Ok(Self { host, target, origin })
    }
}

/// Returns a host without its port, if that is the default of the scheme.
fn without_port_of<'a>(scheme: &str, host: &'a str) -> &'a str {
    host.strip_suffix(if scheme == "https" { ":443" } else { ":80" }).unwrap_or(host)
}

/// Returns the only field of this name, if there is one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName, several: Mistake) -> Result<Option<&'a HeaderValue>, Mistake> {
    let mut fields = headers.get_all(name).iter();
    match (fields.next(), fields.next()) {
        (field, None) => Ok(field),
        _ => Err(several),
    }
}

/// Returns the host of a target, if `Host` names another one. Either may leave the scheme's default port out.
fn other_than<'a>(target: &'a str, host: &str, port: &str) -> Option<&'a str> {
    let [one, other] = [target, host].map(|host| host.strip_suffix(port).unwrap_or(host));
    (!one.eq_ignore_ascii_case(other)).then_some(target)
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Returns true if a host, with or without a port, is this machine by its name or address.
pub(super) fn is_loopback(authority: &str) -> bool {
    if let Some(literal) = authority.strip_prefix('[') {
        let parts = literal.split_once(']');
        return parts.is_some_and(|(address, port)| {
            is_port(port) && address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
        });
    }
    let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let (before, name) = host.rsplit_once('.').map_or((None, host), |(before, name)| (Some(before), name));
    let is_local =
        || name.eq_ignore_ascii_case("localhost") && before.is_none_or(|before| before.split('.').all(is_label));
    is_port(port) && (is_local() || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

/// Returns true if this is the rest of an authority behind its host: nothing, or a colon and a port.
fn is_port(rest: &str) -> bool {
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let is_stated = port.len() < rest.len();
    port.is_empty() || (is_stated && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Returns true if this is a URL's scheme (RFC 3986, section 3.1).
fn is_scheme(scheme: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_listed_are_let_in() {
        let gate = Gate::new(vec!["https://example.org".parse().unwrap()]);
        let origin = |text: &str| gate.allows_origin(&HeaderValue::from_str(text).unwrap());
        for good in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:80",
            "https://example.org",
            "http://a.localhost",
            "http://a-1.b_2.LOCALHOST:65535",
            "capacitor://localhost",
        ] {
            assert!(origin(good), "{good}");
        }
        for bad in [
            "null",
            "http://example.org",
            "https://example.org.evil.net",
            "http://127.0.0.1.evil.net",
            "http://localhost.evil.net",
            "http://10.0.0.1",
            "https://evil.net,http://localhost",
            "null http://localhost",
            "://localhost",
            "1x://localhost",
            "http://localhost/path",
        ] {
            assert!(!origin(bad), "{bad}");
        }
        assert!(gate.allows_host("example.org") && gate.allows_host("127.8.9.1:80"));
        assert!(!gate.allows_host("") && !gate.allows_host("rebound.example"));
    }

    #[test]
    fn the_default_port_of_a_scheme_may_be_stated_or_left_out() {
        for (listed, port, other) in [("https://example.org", ":443", ":80"), ("http://example.org:80", ":80", ":443")]
        {
            let gate = Gate::new(vec![listed.parse().unwrap()]);
            let scheme = listed.split_once("://").unwrap().0;
            assert!(gate.allows_origin(&HeaderValue::from_str(&format!("{scheme}://example.org")).unwrap()));
            assert!(gate.allows_host("example.org") && gate.allows_host(&format!("example.org{port}")));
            assert!(!gate.allows_host(&format!("example.org{other}")));
        }
    }

    #[test]
    fn a_star_stands_for_the_labels_below_a_host() {
        let gate = Gate::new(vec!["https://*.example.org".parse().unwrap()]);
        let lists = |text: &str| gate.lists_origin(&HeaderValue::from_str(text).unwrap());
        assert!(
            lists("https://a.example.org") && lists("https://a.b.Example.org") && gate.allows_host("rt.example.org")
        );
        for bad in [
            "https://example.org",
            "http://a.example.org",
            "https://.example.org",
            "https://a..example.org",
            "https://aexample.org",
            "https://a.example.org.evil.net",
            "https://a.example.org:8443",
            "https://evil.net/.example.org",
            "https://evil.net#.example.org",
            "https://user@a.example.org",
        ] {
            assert!(!lists(bad), "{bad}");
        }
        assert!(!gate.lists_origin(&HeaderValue::from_static("http://localhost")));
        let origin: AllowedOrigin = "https://*.example.org".parse().unwrap();
        assert_eq!(origin.to_string(), "https://*.example.org");
    }

    #[test]
    fn a_host_is_loopback_only_as_a_whole() {
        for good in [
            "localhost",
            "LocalHost:8080",
            "localhost:",
            "a.b.localhost:1",
            "127.0.0.1",
            "127.255.0.9:65535",
            "[::1]",
            "[::1]:80",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            ":80",
            ".localhost",
            "a..localhost",
            "localhost.",
            "localhost:x",
            "localhost:80:90",
            "localhost:65536",
            "localhost:+80",
            "user@localhost",
            "user@a.localhost",
            "evil.net,a.localhost",
            "evil.net, a.localhost",
            "evil.net/.localhost",
            "evil.net#.localhost",
            "localhost, evil.net",
            "[::1]evil.net",
            "[::1",
            "[::2]",
            "[127.0.0.1]",
            "::1",
            "127.0.0.1.",
            "127.1",
            "\u{e4}.localhost",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    fn request(target: &str, fields: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_request_names_one_host_and_one_origin() {
        let gate = Gate::new(vec!["https://example.org".parse().unwrap()]);
        let outcome = |target, fields: &[_]| gate.check(&request(target, fields));
        let (local, listed) = (("host", "localhost"), ("host", "example.org"));
        for (target, host) in [
            ("/rt/ws", local),
            ("http://localhost/", local),
            ("http://LOCALHOST:80/", local),
            ("http://localhost/", ("host", "localhost:80")),
            ("https://example.org/", listed),
            ("https://example.org:443/", listed),
            ("http://[::1]:8080/", ("host", "[::1]:8080")),
        ] {
            assert_eq!(outcome(target, &[host]), Ok(()), "{target} {host:?}");
        }
        let foreign = |host: &str| Mistake::Host(host.to_owned());
        let other = |target: &str| Mistake::OtherHost { target: target.to_owned(), host: "localhost".to_owned() };
        for (target, fields, why) in [
            ("/", &[local, local][..], Mistake::SeveralHosts),
            ("/", &[local, ("host", "evil.net")], Mistake::SeveralHosts),
            ("/", &[local, ("origin", "http://localhost"), ("origin", "http://localhost")], Mistake::SeveralOrigins),
            ("/", &[local, ("origin", "http://evil.net")], Mistake::Origin("http://evil.net".to_owned())),
            ("/", &[("host", "localhost, localhost")], foreign("localhost, localhost")),
            ("/", &[], foreign("")),
            ("http://localhost/", &[], foreign("")),
            ("http://evil.net/", &[local], foreign("evil.net")),
            ("https://evil.net/", &[local], foreign("evil.net")),
            ("http://localhost/", &[("host", "evil.net")], foreign("evil.net")),
            ("http://user@localhost/", &[local], foreign("user@localhost")),
            ("http://localhost:81/", &[local], other("localhost:81")),
            ("https://localhost:80/", &[local], other("localhost:80")),
            ("http://127.0.0.1/", &[local], other("127.0.0.1")),
            ("ftp://localhost/", &[local], Mistake::Target),
            ("ws://localhost/", &[local], Mistake::Target),
        ] {
            assert_eq!(outcome(target, fields), Err(why.into()), "{target} {fields:?}");
        }
    }
}
