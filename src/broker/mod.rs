//! Where a channel's publications get their offsets and are kept for a while.
//!
//! The memory broker is the form for one node: an epoch lasts as long as the process remembers the channel. It knows nothing
//! of subscribers.

mod memory;

pub use memory::{Budget, ChannelLog, Retention, fresh_epoch};
