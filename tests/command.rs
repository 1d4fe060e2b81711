//! The command as a person or a supervisor meets it: its first line, its exits, its stop, its logs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the place says enough")]

#[path = "command/netlab.rs"]
mod netlab;
#[path = "command/process.rs"]
mod process;
#[path = "command/reload.rs"]
mod reload;
#[path = "command/starting.rs"]
mod starting;
#[path = "command/stopping.rs"]
mod stopping;
#[path = "command/surface.rs"]
mod surface;
