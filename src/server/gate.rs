//! Who may come in while nobody is authenticated: requests whose `Host`, and whose `Origin` if there is one, are loopback
//! or listed. Without this any page a developer visits could talk to the gateway on their machine, and a name that
//! is rebound to 127.0.0.1 could pass for it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};

use crate::protocol::code::{Code, Kind, Refusal};

/// An origin that is welcome: `https://example.org`, with a port if it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin {
    scheme: String,
    authority: String,
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.trim_end_matches('/').split_once("://");
        let plain = |authority: &str| !authority.is_empty() && !authority.contains(['/', '@', '*', ' ']);
        match parts {
            Some((scheme @ ("http" | "https"), authority)) if plain(authority) => {
                Ok(Self { scheme: scheme.to_owned(), authority: authority.to_ascii_lowercase() })
            }
            _ => Err(format!("{text:?} is not an origin; it looks like https://example.org or http://localhost:3000")),
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Gate {
    origins: Vec<AllowedOrigin>,
}

impl Gate {
    /// A gate that lets loopback and these in.
    #[must_use]
    pub const fn new(origins: Vec<AllowedOrigin>) -> Self {
        Self { origins }
    }

    /// Whether a page of this origin may read our answers.
    #[must_use]
    pub fn allows_origin(&self, origin: &HeaderValue) -> bool {
        let Some((scheme, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
            return false;
        };
        let listed =
            |allowed: &AllowedOrigin| allowed.scheme == scheme && allowed.authority.eq_ignore_ascii_case(authority);
        is_loopback(authority) || self.origins.iter().any(listed)
    }

    fn allows_host(&self, host: &str) -> bool {
        is_loopback(host) || self.origins.iter().any(|allowed| allowed.authority.eq_ignore_ascii_case(host))
    }

    /// Whether a request may come in, before anything of it is read.
    ///
    /// # Errors
    /// `forbidden`, with what the operator can do.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !self.allows_host(host) {
            let message = format!(
                "the host {:?} is neither loopback nor listed; the operator can add it with --origin",
                shortened(host)
            );
            return Err(Refusal::new(Code::Forbidden, message).kind(Kind::Host));
        }
        match headers.get(ORIGIN) {
            Some(origin) if !self.allows_origin(origin) => {
                let origin = shortened(origin.to_str().unwrap_or_default());
                let message =
                    format!("pages of {origin:?} are not allowed here; the operator can add them with --origin");
                Err(Refusal::new(Code::Forbidden, message).kind(Kind::Origin))
            }
            _ => Ok(()),
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Whether a host, with or without a port, is this machine by its name or address.
pub(super) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    let name = host.rsplit('.').next().unwrap_or_default();
    name.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_listed_are_let_in_and_nobody_else() {
        let gate = Gate::new(vec!["https://example.org".parse().unwrap()]);
        let origin = |text: &str| gate.allows_origin(&HeaderValue::from_str(text).unwrap());
        for good in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:80",
            "https://example.org",
            "http://a.localhost",
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
        ] {
            assert!(!origin(bad), "{bad}");
        }
        assert!(gate.allows_host("example.org") && gate.allows_host("127.8.9.1:80"));
        assert!(!gate.allows_host("") && !gate.allows_host("rebound.example"));
    }

    #[test]
    fn an_origin_is_a_scheme_and_an_authority() {
        assert!("https://example.org/".parse::<AllowedOrigin>().is_ok());
        for bad in ["example.org", "*", "https://*", "https://a/b", "ftp://a"] {
            assert!(bad.parse::<AllowedOrigin>().is_err(), "{bad}");
        }
    }
}
