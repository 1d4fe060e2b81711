//! What is done: clients driven by a plan. Each file is one thing that is measured; none prints.
//!
//! # Layout
//! - `load`: many connections under a schedule
//! - `member`: one of them
//! - `probe`: a subscribed client to try things with; recovery and switches beside a load

pub(super) mod load;
mod member;
pub(super) mod probe;
