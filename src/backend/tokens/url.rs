//! The address of a key set.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;

/// The address of a key set: `https`, or `http` on this machine.
///
/// # Examples
/// ```
/// use throughline::KeySetUrl;
///
/// assert!("https://id.example.org/.well-known/jwks.json".parse::<KeySetUrl>().is_ok());
/// assert!("http://127.0.0.1:9000/keys".parse::<KeySetUrl>().is_ok());
/// assert!("http://id.example.org/keys".parse::<KeySetUrl>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetUrl(Uri);

impl KeySetUrl {
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme_str() == Some("http")
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.0
    }
}

impl FromStr for KeySetUrl {
    type Err = BadKeySetUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| BadKeySetUrl)?;
        let authority = uri.authority().ok_or(BadKeySetUrl)?;
        let is_allowed = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_this_machine(authority.host()),
            _ => false,
        };
        // A password in an address would reach the log.
        if is_allowed && !authority.as_str().contains('@') { Ok(Self(uri)) } else { Err(BadKeySetUrl) }
    }
}

impl fmt::Display for KeySetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Text that is not the address of a key set.
///
/// # Examples
/// ```
/// use throughline::{BadKeySetUrl, KeySetUrl};
///
/// assert_eq!("ftp://id.example.org/keys".parse::<KeySetUrl>(), Err(BadKeySetUrl));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be a URL of https without a user, or of http on this machine")]
pub struct BadKeySetUrl;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_comes_over_tls_or_from_this_machine() {
        for good in
            ["https://a.org", "https://a.org:1/k?x=1", "http://localhost:1/k", "http://[::1]/k", "http://127.9.0.1"]
        {
            assert!(good.parse::<KeySetUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a.org",
            "/k",
            "http://a.org",
            "http://localhost.evil.net/k",
            "http://127.0.0.1.evil.net/k",
            "http://10.0.0.1/k",
            "https://user:password@a.org/k",
            "http://localhost@evil.net/k",
            "file:///etc/keys",
        ] {
            assert_eq!(bad.parse::<KeySetUrl>(), Err(BadKeySetUrl), "{bad}");
        }
    }
}
