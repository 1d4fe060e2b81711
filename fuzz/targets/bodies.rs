//! See `throughline::fuzzing::bodies`.
#![no_main]

use throughline::fuzzing::{bodies, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("bodies"), |bytes: &[u8]| bodies(bytes));
