//! Fuzzes one frame of any link type.
#![no_main]

#[path = "../bodies/decoding.rs"]
mod decoding;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoding::check(bytes));
