//! Where the unused logs ended. A log that comes back goes on there, so a reader that missed nothing learns that.
//!
//! Pure data of the memory broker. It must never hold more logs than its bound: it forgets those that were left
//! longest ago.
//!
//! All logs begin in one epoch, because a log without publications leaves nothing behind. Once a log is forgotten,
//! others begin in a new epoch. So no position ever means two publications.

use std::collections::HashMap;
use std::sync::Arc;

use crate::protocol::ChannelName;

/// The end of a log.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) epoch: Arc<str>,
    /// The offset of the last publication.
    pub(super) top: u64,
}

/// A rule that is removed.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is remembered, and a log comes back in its old epoch.
    OldEpoch,
    /// Nothing is remembered, and a log comes back in a new epoch.
    Nothing,
    /// A log that was forgotten because there was no room comes back in its old epoch.
    Unnoticed,
}

/// The ends of the unused logs.
#[derive(Debug)]
pub(super) struct Remembered {
    /// The epoch of logs that begin.
    epoch: Arc<str>,
    /// The logs that were left last, and those that were left before them. Each group is forgotten as a whole.
    young: HashMap<ChannelName, Place>,
    old: HashMap<ChannelName, Place>,
    /// The bound of each group.
    most: usize,
    #[cfg(test)]
    pub(super) fault: Option<Fault>,
}

impl Remembered {
    /// Returns a memory of this many logs, but at least two.
    pub(super) fn new(most: usize) -> Self {
        Self {
            epoch: unique(),
            young: HashMap::new(),
            old: HashMap::new(),
            most: (most / 2).max(1),
            #[cfg(test)]
            fault: None,
        }
    }

    /// Returns the place where a log begins that comes into use.
    pub(super) fn begin(&mut self, channel: &ChannelName) -> Place {
        // Usually nothing is remembered. Then the name is not hashed.
        let mut logs = [&mut self.young, &mut self.old].into_iter().filter(|logs| !logs.is_empty());
        let place = logs.find_map(|logs| logs.remove(channel));
        place.unwrap_or_else(|| Place { epoch: Arc::clone(&self.epoch), top: 0 })
    }

    /// Remembers a log with publications that goes out of use.
    pub(super) fn leave(&mut self, channel: ChannelName, place: Place) {
        #[cfg(test)]
        if matches!(self.fault, Some(Fault::OldEpoch | Fault::Nothing)) {
            if self.fault == Some(Fault::Nothing) {
                self.epoch = unique();
            }
            return;
        }
        if self.young.len() >= self.most {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            #[cfg(test)]
            let forgotten = if self.fault == Some(Fault::Unnoticed) { HashMap::new() } else { forgotten };
            if !forgotten.is_empty() {
                self.epoch = unique();
            }
        }
        self.young.insert(channel, place);
    }
}

/// Returns text that no epoch had before.
fn unique() -> Arc<str> {
    uuid::Uuid::new_v4().simple().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(number: usize) -> ChannelName {
        ChannelName::try_from(&*format!("c{number}")).unwrap()
    }

    #[test]
    fn a_log_that_comes_back_stands_where_it_stood() {
        let mut remembered = Remembered::new(10);
        let first = remembered.begin(&channel(1));
        assert_eq!(first.top, 0);
        remembered.leave(channel(1), Place { top: 7, ..first.clone() });
        for number in 2..5 {
            let other = remembered.begin(&channel(number));
            assert_eq!((other.top, &other.epoch), (0, &first.epoch));
            remembered.leave(channel(number), Place { top: 1, ..other });
        }
        let again = remembered.begin(&channel(1));
        assert_eq!((again.top, again.epoch), (7, first.epoch));
    }

    #[test]
    fn so_many_are_remembered_and_others_come_back_in_a_new_epoch() {
        let mut remembered = Remembered::new(10);
        let first = remembered.begin(&channel(0)).epoch;
        for number in 0..1_000 {
            let place = remembered.begin(&channel(number));
            remembered.leave(channel(number), Place { top: 3, ..place });
            assert!(remembered.young.len() + remembered.old.len() <= 10);
            // At least the five logs that were left last.
            let recent = remembered.begin(&channel(number.saturating_sub(2)));
            assert_eq!(recent.top, 3, "{number}");
            remembered.leave(channel(number.saturating_sub(2)), recent);
        }
        let forgotten = remembered.begin(&channel(0));
        assert!(forgotten.top == 0 && forgotten.epoch != first);
    }
}
