//! What people and programs see: progress while it runs, then a table, JSON, a page. None measures or decides.
//!
//! # Layout
//! - `progress`: bars on the terminal
//! - `table`: the figures in the terminal
//! - `json`: the figures for programs, written and read
//! - `baseline`: two runs beside each other
//! - `words`: what table and page say in sentences
//! - `html`, `charts`: a page

pub(super) mod baseline;
mod charts;
pub(super) mod html;
pub(super) mod json;
pub(super) mod progress;
pub(super) mod table;
mod words;
