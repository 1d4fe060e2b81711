//! The tokens that an operator revoked: for each user, all that were issued before a time.
//!
//! Time is an argument. The list is bounded, and an entry leaves it only after the longest token that it refuses has
//! expired. So a full list refuses a further user. To drop an older entry would let revoked tokens in again.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::backend::Identity;

/// The list of revoked tokens.
#[derive(Debug)]
pub(super) struct Revoked {
    users: HashMap<Box<str>, Entry>,
    most: usize,
    keep: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    issued_before: SystemTime,
    /// When no token that it refuses can be valid any more.
    until: SystemTime,
}

/// The list of revoked tokens has no room for a further user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tokens of {0} users are revoked, and there is no room for another user: change the keys of [auth]")]
pub struct Full(pub usize);

impl Revoked {
    /// Returns an empty list for at most this many users. It keeps each for this time, which must be the life of the
    /// longest token.
    pub(super) fn new(most: usize, keep: Duration) -> Self {
        Self { users: HashMap::new(), most, keep }
    }

    /// Refuses the tokens of a user that were issued before a time. An earlier entry with a later time holds on.
    ///
    /// # Errors
    /// The list is full, and nothing changes.
    pub(super) fn revoke(&mut self, user: &str, issued_before: SystemTime, now: SystemTime) -> Result<(), Full> {
        let until = now.max(issued_before) + self.keep;
        if let Some(entry) = self.users.get_mut(user) {
            entry.issued_before = entry.issued_before.max(issued_before);
            entry.until = entry.until.max(until);
            return Ok(());
        }
        if self.users.len() >= self.most {
            self.users.retain(|_, entry| entry.until > now);
        }
        if self.users.len() >= self.most {
            return Err(Full(self.most));
        }
        self.users.insert(user.into(), Entry { issued_before, until });
        Ok(())
    }

    /// Returns true if the token of this identity is revoked. A token that does not say when it was issued may be as
    /// old as any.
    pub(super) fn refuses(&self, identity: &Identity) -> bool {
        let entry = identity.user.as_deref().and_then(|user| self.users.get(user));
        entry.is_some_and(|entry| identity.issued.is_none_or(|issued| issued < entry.issued_before))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    fn identity(user: &str, issued: Option<u64>) -> Identity {
        Identity { issued: issued.map(at), ..Identity::user(user) }
    }

    #[test]
    fn the_older_tokens_of_a_user_are_revoked_and_no_others() {
        let mut revoked = Revoked::new(9, Duration::from_secs(100));
        assert!(!revoked.refuses(&identity("ali", None)));
        revoked.revoke("ali", at(50), at(60)).unwrap();
        for (user, issued, refuses) in [
            ("ali", None, true),
            ("ali", Some(49), true),
            ("ali", Some(50), false),
            ("bea", Some(1), false),
            ("bea", None, false),
        ] {
            assert_eq!(revoked.refuses(&identity(user, issued)), refuses, "{user} {issued:?}");
        }
        assert!(!revoked.refuses(&Identity::default()));
    }

    #[test]
    fn an_earlier_time_takes_nothing_back() {
        let mut revoked = Revoked::new(9, Duration::from_secs(100));
        revoked.revoke("ali", at(50), at(60)).unwrap();
        revoked.revoke("ali", at(40), at(61)).unwrap();
        assert!(revoked.refuses(&identity("ali", Some(49))));
        revoked.revoke("ali", at(55), at(62)).unwrap();
        assert!(revoked.refuses(&identity("ali", Some(54))));
    }

    #[test]
    fn a_full_list_refuses_a_user_until_an_entry_has_served_its_time() {
        let mut revoked = Revoked::new(2, Duration::from_secs(100));
        revoked.revoke("ali", at(10), at(10)).unwrap();
        revoked.revoke("bea", at(20), at(20)).unwrap();
        assert_eq!(revoked.revoke("cem", at(30), at(109)), Err(Full(2)));
        assert!(revoked.refuses(&identity("ali", Some(9))) && !revoked.refuses(&identity("cem", Some(9))));
        // A user of the list needs no room.
        revoked.revoke("bea", at(30), at(109)).unwrap();
        revoked.revoke("cem", at(30), at(110)).unwrap();
        assert!(!revoked.refuses(&identity("ali", Some(9))) && revoked.refuses(&identity("bea", Some(9))));
    }
}
