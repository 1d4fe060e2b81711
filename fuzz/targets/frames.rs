//! See `throughline::fuzzing::frames`.
#![no_main]

use throughline::fuzzing::{frames, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("frames"), |bytes: &[u8]| frames(bytes));
