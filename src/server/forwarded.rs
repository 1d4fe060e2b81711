//! Finds the address of a client behind proxies.
//!
//! Any client may write `X-Forwarded-For`. So the gateway believes only the part that the operator's listed proxies
//! wrote. It reads backwards from the connection's peer, up to the first address that is not listed.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;

use crate::transport::Peer;

/// An address or a prefix of addresses: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
///
/// # Examples
/// ```
/// use throughline::{BadPrefix, Config, Prefix};
///
/// let mut config = Config::default();
/// config.server.trusted_proxies.push("10.0.0.0/8".parse()?);
/// assert!("10.0.0.0/33".parse::<Prefix>().is_err());
/// # Ok::<(), BadPrefix>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    bits: u128,
    /// How many of the bits count. IPv4 addresses are mapped to IPv6, as `::ffff:0:0/96`.
    length: u32,
}

/// The length of the prefix that holds all IPv4 addresses.
const MAPPED: u32 = 96;

/// Text that is no [`Prefix`], which has an example.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a prefix; it looks like 192.0.2.7 or 10.0.0.0/8")]
pub struct BadPrefix(pub String);

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || BadPrefix(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (longest, before) = if address.is_ipv4() { (32, MAPPED) } else { (128, 0) };
        let length = length.unwrap_or(longest);
        if length > longest {
            return Err(wrong());
        }
        Ok(Self { bits: bits(address), length: length + before })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.bits);
        let v4 = address.to_ipv4_mapped().filter(|_| self.length >= MAPPED);
        match (v4, self.length) {
            (Some(v4), 128) => v4.fmt(f),
            (Some(v4), length) => write!(f, "{v4}/{}", length - MAPPED),
            (None, 128) => address.fmt(f),
            (None, length) => write!(f, "{address}/{length}"),
        }
    }
}

impl Prefix {
    fn holds(self, address: IpAddr) -> bool {
        (bits(address) ^ self.bits).checked_shr(128 - self.length).unwrap_or(0) == 0
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Returns true if the operator lists this address as that of a proxy.
pub(super) fn is_trusted(address: IpAddr, trusted: &[Prefix]) -> bool {
    trusted.iter().any(|prefix| prefix.holds(address))
}

/// Replaces the proxy's address with the client's.
pub(super) fn unwrap(peer: Peer, headers: &HeaderMap, trusted: &[Prefix]) -> Peer {
    Peer { client: client(peer.connection, headers, trusted), ..peer }
}

fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Prefix]) -> IpAddr {
    let mut client = peer;
    for header in headers.get_all("x-forwarded-for").iter().rev() {
        for hop in header.to_str().unwrap_or_default().rsplit(',') {
            if !is_trusted(client, trusted) {
                return client;
            }
            let Some(before) = address(hop.trim()) else { return client };
            client = before;
        }
    }
    client
}

/// Reads an address. Some proxies write the port as well.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<Prefix> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_the_words_of_a_listed_proxy_are_believed() {
        assert_eq!(of("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1");
        assert_eq!(of("192.0.2.1", &["203.0.113.9"], &["10.0.0.0/8"]), "192.0.2.1");
        assert_eq!(of("10.1.2.3", &["203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        // The client itself wrote the first of these.
        assert_eq!(of("10.1.2.3", &["198.51.100.1, 203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(of("10.1.2.3", &["198.51.100.1, 203.0.113.9, 10.9.9.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(of("::1", &["198.51.100.1", "203.0.113.9:4711 ,[::1]:80"], &["::1"]), "203.0.113.9");
        assert_eq!(of("::ffff:10.0.0.1", &["2001:db8::7"], &["10.0.0.0/8"]), "2001:db8::7");
    }

    #[test]
    fn the_last_known_address_counts_if_the_header_ends_or_breaks() {
        assert_eq!(of("10.1.2.3", &[], &["10.0.0.0/8"]), "10.1.2.3");
        assert_eq!(of("10.1.2.3", &["10.4.4.4"], &["10.0.0.0/8"]), "10.4.4.4");
        for broken in ["", "unknown", "203.0.113.9, ", "300.1.1.1"] {
            assert_eq!(of("10.1.2.3", &[broken], &["10.0.0.0/8"]), "10.1.2.3", "{broken:?}");
        }
    }

    #[test]
    fn a_prefix_is_an_address_and_a_length() {
        for good in ["0.0.0.0/0", "::/0", "127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "::1/128"] {
            let prefix = good.parse::<Prefix>().unwrap();
            assert_eq!(prefix.to_string().parse(), Ok(prefix), "{good} is written as {prefix}");
        }
        for bad in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "1.2.3.4:80"] {
            assert_eq!(bad.parse::<Prefix>(), Err(BadPrefix(bad.to_owned())));
        }
        assert_eq!(of("2001:db8::1", &["192.0.2.1"], &["::/0"]), "192.0.2.1");
        assert_eq!(of("192.0.2.9", &["2001:db8::1"], &["0.0.0.0/0"]), "2001:db8::1");
        assert_eq!(of("2001:db8::1", &["192.0.2.1"], &["0.0.0.0/0"]), "2001:db8::1");
    }
}
