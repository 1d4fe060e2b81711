//! The parts of HTTP that all transports use.
//!
//! # Layout
//! - [`query`]: reads the parameters of a query
//! - `body`: reads a POST within its bounds
//! - `answer`: makes answers and errors

pub(super) mod answer;
pub(super) mod body;
pub mod query;
