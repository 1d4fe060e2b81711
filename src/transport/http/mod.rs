//! HTTP as all transports use it.
//!
//! # Layout
//! - [`query`]: parameters of a query
//! - `body`: reads a POST within its bounds
//! - `answer`: answers and errors

pub(super) mod answer;
pub(super) mod body;
pub mod query;
