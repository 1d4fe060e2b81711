//! An origin of the configuration: of one host, or of all hosts below one.

use std::fmt;
use std::str::FromStr;

use super::{is_label, without_port_of};

/// An origin that may call: `https://example.org`, with a port if it is not the default of the scheme, or
/// `https://*.example.org` for all hosts below one.
///
/// # Examples
/// ```
/// use throughline::{AllowedOrigin, BadOrigin, Config};
///
/// let mut config = Config::default();
/// config.server.origins.push("https://example.org".parse()?);
/// assert!("example.org".parse::<AllowedOrigin>().is_err());
/// # Ok::<(), BadOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin {
    pub(super) scheme: String,
    /// Behind `*.` if the origin stands for all hosts below it.
    authority: String,
    is_wild: bool,
}

/// Text that is no [`AllowedOrigin`], which has an example.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin; it looks like https://example.org or http://localhost:3000")]
pub struct BadOrigin(pub String);

impl FromStr for AllowedOrigin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.trim_end_matches('/').split_once("://");
        let plain = |authority: &str| !authority.is_empty() && !authority.contains(['/', '@', '*', ' ']);
        match parts {
            Some((scheme @ ("http" | "https"), given)) if plain(below(given).unwrap_or(given)) => {
                let (authority, is_wild) = (below(given).unwrap_or(given), below(given).is_some());
                // A browser leaves the default port of the scheme out of an origin.
                let authority = without_port_of(scheme, authority).to_ascii_lowercase();
                Ok(Self { scheme: scheme.to_owned(), authority, is_wild })
            }
            _ => Err(BadOrigin(text.to_owned())),
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, if self.is_wild { "*." } else { "" }, self.authority)
    }
}

/// Returns the host below which an origin with a star allows all hosts. A star stands for whole labels, and at least two
/// labels follow it: no origin allows a whole top-level domain.
fn below(authority: &str) -> Option<&str> {
    authority.strip_prefix("*.").filter(|host| host.contains('.') && !host.starts_with('.'))
}

impl AllowedOrigin {
    /// Returns true if it allows this host, with its port if that is not the scheme's own.
    pub(super) fn allows(&self, authority: &str) -> bool {
        if !self.is_wild {
            return self.authority.eq_ignore_ascii_case(authority);
        }
        let Some(place) = authority.len().checked_sub(self.authority.len() + 1) else { return false };
        let Some((labels, rest)) = authority.split_at_checked(place) else { return false };
        let Some(host) = rest.strip_prefix('.') else { return false };
        host.eq_ignore_ascii_case(&self.authority) && labels.split('.').all(is_label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_an_authority() {
        assert!("https://example.org/".parse::<AllowedOrigin>().is_ok());
        for bad in [
            "example.org",
            "*",
            "https://*",
            "https://*.org",
            "https://*.",
            "https://a.*.org",
            "https://*a.example.org",
            "https://a/b",
            "ftp://a",
        ] {
            assert_eq!(bad.parse::<AllowedOrigin>(), Err(BadOrigin(bad.to_owned())));
        }
    }
}
