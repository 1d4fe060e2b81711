//! See `throughline::fuzzing::websocket_frames`.
#![no_main]

use throughline::fuzzing::{seeds, websocket_frames};

libfuzzer_sys::fuzz_target!(init: seeds::write("websocket_frames"), |bytes: &[u8]| websocket_frames(bytes));
