//! See `throughline::fuzzing::hub`.
#![no_main]

use throughline::fuzzing::{hub, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("hub"), |bytes: &[u8]| hub(bytes));
