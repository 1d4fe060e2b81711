//! The command as a person or a supervisor meets it: its first line, its exits, its stop, its logs; and each subcommand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the place says enough")]

mod bench;
mod channel;
mod configuration;
mod doctor;
mod embed;
mod inner;
mod key;
mod keys;
mod netlab;
mod process;
mod reload;
mod starting;
mod stopping;
mod surface;
mod tls;
mod token;
