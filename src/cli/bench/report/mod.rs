//! What people and programs see: progress while it runs, then a table, JSON, a page. None measures or decides.

pub(super) mod progress;
pub(super) mod table;
