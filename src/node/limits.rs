//! The limits of a node by user and address, beside the number of its sessions.
//!
//! A client without an address has no limit by address: its server does not know it. A listed proxy has none either,
//! because it carries many clients.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::tally;
use crate::backend::rules::gcra::{Rate, whole_milliseconds};
use crate::backend::rules::limiter::Limiter;
use crate::protocol::code::{Limit, Refusal};

/// How many addresses the limit of attaches remembers. Each takes some 20 bytes.
const ADDRESSES: usize = 100_000;

/// The limits of a node. `usize::MAX` and `None` mean that there is no limit.
pub struct Limits {
    /// The most sessions.
    pub sessions: usize,
    /// The most sessions of one user.
    pub sessions_per_user: usize,
    /// The most sessions of one address.
    pub sessions_per_address: usize,
    /// The most sessions of one address that have no token, where every user needs one.
    pub guests_per_address: usize,
    /// How often one address may attach a new leg.
    pub attaches: Option<Rate>,
    /// How often one session may subscribe.
    pub subscribes: Option<Rate>,
    /// The most bytes that all sessions keep for replay.
    pub replay_bytes: usize,
    /// Returns true for the address of a listed proxy.
    pub is_proxy: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: usize::MAX,
            sessions_per_user: usize::MAX,
            sessions_per_address: usize::MAX,
            guests_per_address: usize::MAX,
            attaches: None,
            subscribes: None,
            replay_bytes: usize::MAX,
            is_proxy: Box::new(|_| false),
        }
    }
}

impl Limits {
    /// Returns the address as the limits count it, if they do.
    pub(super) fn counted(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        address.filter(|address| !(self.is_proxy)(*address)).map(tally::counted)
    }
}

/// The attaches of addresses.
#[derive(Debug)]
pub(super) struct Attaches {
    limiter: Mutex<Limiter>,
    hasher: RandomState,
}

impl Default for Attaches {
    fn default() -> Self {
        Self { limiter: Mutex::new(Limiter::new(ADDRESSES)), hasher: RandomState::new() }
    }
}

impl Attaches {
    /// Spends one attach of an address.
    ///
    /// # Errors
    /// The address reached its limit.
    pub(super) fn spend(&self, limits: &Limits, now: Duration, address: Option<IpAddr>) -> Result<(), Refusal> {
        let Some(rate) = limits.attaches else { return Ok(()) };
        let Some(address) = limits.counted(address) else { return Ok(()) };
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter
            .spend(self.hasher.hash_one(address), rate, now, 1)
            .map_err(|wait| Limit::AddressAttaches { a_second: rate.a_second(), wait: whole_milliseconds(wait) }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(limits: &Limits, attaches: &Attaches, ms: u64, address: &str) -> Option<Duration> {
        let spent = attaches.spend(limits, Duration::from_millis(ms), Some(address.parse().unwrap()));
        spent.err().and_then(|refusal| refusal.retry_after())
    }

    #[test]
    fn a_burst_of_an_address_passes_and_one_more_waits_for_the_rate() {
        let limits = Limits { attaches: Some(Rate::new(4, 3)), ..Limits::default() };
        let attaches = Attaches::default();
        for _ in 0..3 {
            assert_eq!(at(&limits, &attaches, 1_000, "2001:db8::1"), None);
        }
        let wait = Some(Duration::from_millis(250));
        assert_eq!(at(&limits, &attaches, 1_000, "2001:db8::1"), wait);
        assert_eq!(at(&limits, &attaches, 1_000, "2001:db8::ffff"), wait, "the same /64");
        assert_eq!(at(&limits, &attaches, 1_000, "2001:db8:0:1::1"), None, "a bystander");
        assert_eq!(at(&limits, &attaches, 1_250, "2001:db8::1"), None);
        assert_eq!(at(&limits, &attaches, 1_250, "2001:db8::1"), wait);
    }

    #[test]
    fn a_client_without_an_address_and_a_listed_proxy_have_no_limit() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let is_proxy = Box::new(move |address| address == proxy);
        let limits = Limits { attaches: Some(Rate::new(1, 1)), is_proxy, ..Limits::default() };
        let attaches = Attaches::default();
        for _ in 0..9 {
            assert_eq!(attaches.spend(&limits, Duration::ZERO, None), Ok(()));
            assert_eq!(attaches.spend(&limits, Duration::ZERO, Some(proxy)), Ok(()));
        }
        assert!(Attaches::default().spend(&Limits::default(), Duration::ZERO, Some(proxy)).is_ok());
    }
}
