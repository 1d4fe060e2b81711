//! The id of a client's network. A client must not use its memory of one network in another one. The id does not
//! reveal where the network is.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};

use crate::protocol::NetworkId;

/// The key of the ids. Each run makes its own and stores it nowhere, so each run has other ids. A client then tries
/// anew, once, what it remembers.
#[derive(Default)]
pub(super) struct Networks(RandomState);

impl Networks {
    pub(super) fn id(&self, address: IpAddr) -> NetworkId {
        NetworkId(self.0.hash_one(prefix(address)))
    }
}

/// Returns the part that neighbours share: a /24 of IPv4, a /48 of IPv6.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_have_one_id_and_others_another() {
        let networks = Networks::default();
        let id = |text: &str| networks.id(text.parse().unwrap());
        assert_eq!(id("192.0.2.1"), id("192.0.2.254"));
        assert_eq!(id("192.0.2.1"), id("::ffff:192.0.2.9"));
        assert_eq!(id("2001:db8:1::1"), id("2001:db8:1:ffff::2"));
        let others = ["192.0.2.1", "192.0.3.1", "2001:db8:1::1", "2001:db8:2::1", "::1", "127.0.0.1"].map(id);
        for (place, one) in others.iter().enumerate() {
            assert!(!others[..place].contains(one));
        }
    }

    #[test]
    fn another_run_has_other_ids() {
        let address = "192.0.2.1".parse().unwrap();
        assert_ne!(Networks::default().id(address), Networks::default().id(address));
        assert_eq!(Networks::default().id(address).to_string().len(), 16);
    }
}
