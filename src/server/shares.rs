//! The share that one address may have of the connections.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::node::tally::{Holder, Tally, counted};

/// The shares of all addresses. It remembers only addresses with a connection.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    tally: Arc<Mutex<Tally>>,
    most: usize,
}

/// A part of the share of an address. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    tally: Arc<Mutex<Tally>>,
    holder: Holder,
}

impl Shares {
    /// Returns shares of this size.
    pub(super) fn new(most: usize) -> Self {
        Self { tally: Arc::default(), most }
    }

    /// Takes a part of the share of an address. Returns `None` if nothing is left of it.
    pub(super) fn take(&self, address: IpAddr) -> Option<Share> {
        let mut tally = lock(&self.tally);
        let holder = tally.holder(counted(address));
        let has_room = tally.add_below(holder, self.most);
        has_room.then(|| Share { tally: Arc::clone(&self.tally), holder })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        lock(&self.tally).remove(self.holder);
    }
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_back_what_it_gave_back() {
        let shares = Shares::new(3);
        let take = |address: &str| shares.take(address.parse().unwrap());
        let mut held: Vec<Share> = (1..=3).filter_map(|host| take(&format!("2001:db8::{host}"))).collect();
        assert_eq!(held.len(), 3);
        assert!(take("2001:db8::4").is_none(), "the fourth of a /64");
        let bystander = take("2001:db8:0:1::1");
        assert!(bystander.is_some());
        held.pop();
        held.extend(take("2001:db8::4"));
        assert_eq!(held.len(), 3);
        assert!(take("2001:db8::4").is_none());
        drop((held, bystander));
        assert_eq!(lock(&shares.tally).holders(), 0);
    }
}
