//! The measurements: clients driven by a plan. Each file is one kind of measurement; none prints.
//!
//! # Layout
//! - `load`: many connections under a schedule
//! - `member`: one of them
//! - `throughput`: the most that one connection carries
//! - `switch`: from each transport to each other in mid-stream
//! - `cut`: all sessions cut at one instant
//! - `probe`: a subscribed client to try things with; recovery and switches beside a load

pub(super) mod cut;
pub(super) mod load;
mod member;
pub(super) mod probe;
pub(super) mod switch;
pub(super) mod throughput;

use std::time::Duration;

/// A message that has not come so long after the last one is lost.
const GRACE: Duration = Duration::from_secs(10);
