//! Fuzzes a sequence of Ethernet frames through the meter.
#![no_main]

#[path = "../bodies/metering.rs"]
mod metering;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metering::check(bytes));
