//! Counts what each holder has: the connections of an address, the sessions of a user.
//!
//! It keeps a number only for a holder of something, so it is no larger than the number of things. Its keys are random
//! hashes, so no client can choose a name that shares the number of another one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};

/// How many things each holder has.
#[derive(Debug, Default)]
pub struct Tally {
    held: HashMap<Holder, u32, BuildHasherDefault<AsItIs>>,
    hasher: RandomState,
}

/// A holder of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder(u64);

/// Hashes a holder by its number, which is a random hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a holder is one number")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Tally {
    /// Returns the holder of this name.
    pub fn holder(&self, name: impl Hash) -> Holder {
        Holder(self.hasher.hash_one(name))
    }

    /// Returns how many things a holder has.
    #[must_use]
    pub fn held(&self, holder: Holder) -> usize {
        self.held.get(&holder).map_or(0, |held| usize::try_from(*held).unwrap_or(usize::MAX))
    }

    /// Adds a thing to those of a holder, unless it has the most already. Returns whether it did.
    pub fn add_below(&mut self, holder: Holder, most: usize) -> bool {
        let held = self.held.entry(holder).or_default();
        let has_room = usize::try_from(*held).is_ok_and(|held| held < most);
        *held = held.saturating_add(u32::from(has_room));
        has_room
    }

    /// Adds a thing to those of a holder.
    pub fn add(&mut self, holder: Holder) {
        let held = self.held.entry(holder).or_default();
        *held = held.saturating_add(1);
    }

    /// Removes a thing from those of a holder.
    pub fn remove(&mut self, holder: Holder) {
        let Entry::Occupied(mut entry) = self.held.entry(holder) else { return };
        match entry.get().saturating_sub(1) {
            0 => drop(entry.remove()),
            left => drop(entry.insert(left)),
        }
    }

    /// Returns the number of holders.
    #[must_use]
    pub fn holders(&self) -> usize {
        self.held.len()
    }
}

/// Returns the part of an address that counts as one client. One client usually has a whole /64 of IPv6.
#[must_use]
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_counts_are_those_of_a_list(steps in proptest::collection::vec((0_u8..6, proptest::bool::ANY), 0..200)) {
            let (mut tally, mut list) = (Tally::default(), Vec::new());
            for (name, comes) in steps {
                let holder = tally.holder(name);
                if comes {
                    tally.add(holder);
                    list.push(name);
                } else {
                    tally.remove(holder);
                    list.iter().position(|other| *other == name).map(|place| list.remove(place));
                }
                for name in 0..6 {
                    let count = list.iter().filter(|other| **other == name).count();
                    prop_assert_eq!(tally.held(tally.holder(name)), count);
                }
                list.sort_unstable();
                let mut names = list.clone();
                names.dedup();
                prop_assert_eq!(tally.holders(), names.len(), "only holders of something are kept");
            }
        }
    }

    #[test]
    fn an_ipv6_address_counts_by_its_64_and_an_ipv4_address_by_itself() {
        let same = |one: &str, other: &str| counted(one.parse().unwrap()) == counted(other.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::9"));
        assert!(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2") && !same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }
}
