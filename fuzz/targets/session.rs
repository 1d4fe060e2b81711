//! See `throughline::fuzzing::session`.
#![no_main]

use throughline::fuzzing::{seeds, session};

libfuzzer_sys::fuzz_target!(init: seeds::write("session"), |bytes: &[u8]| session(bytes));
