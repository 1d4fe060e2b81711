//! `[inner]`: the listener for the operator and for the application's servers. Without the table there is none.

use std::net::SocketAddr;

use super::section::{Key, Section, put, quoted};
use super::server::address;
use super::setting::Reload;

/// The section `[inner]`: the listener for the operator and for the application's servers.
///
/// # Examples
/// ```
/// use throughline::{Config, InnerSection};
///
/// let mut config = Config::default();
/// config.inner = Some(InnerSection::default());
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inner {
    /// The address that it listens on. Default 127.0.0.1:8081.
    pub listen: SocketAddr,
}

impl Default for Inner {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8081)) }
    }
}

/// The section is on if the table stands in the file.
impl Section for Option<Inner> {
    const TABLE: &'static str = "inner";
    const ABOUT: &'static str = "A second listener, for the operator and for the application's servers. It serves the \
                                 HTTP API, `/metrics` and `/readyz`. Each server has a key, in a table `[[key]]`. \
                                 Clients must not reach this listener. Without this table there is none.";
    const IS_OPTIONAL: bool = true;
    const KEYS: &'static [Key<Self>] = &[Key {
        name: "listen",
        about: "The address and the port. It does not speak TLS. Beyond loopback only a network of your own must reach \
                it.",
        example: "\"127.0.0.1:8081\"",
        bounds: None,
        reload: Reload::Restart,
        read: |inner, given| put(&mut inner.get_or_insert_default().listen, given.text(address)),
        show: |inner| quoted(&inner.as_ref().map_or_else(|| Inner::default().listen, |inner| inner.listen)),
    }];

    fn present(&mut self) {
        self.get_or_insert_default();
    }
}
