//! Packets made in memory, and the clock that they are timed by.

#![allow(dead_code, reason = "not every program that shares this uses all of it")]

use std::time::Duration;

/// Length of each.
pub(crate) const BYTES: usize = 142;
/// What [`packet`] writes into.
pub(crate) const BLANK: [u8; BYTES] = [7; BYTES];

/// Processor time of this thread so far (Linux).
pub(crate) fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or_default())
}

/// Ethernet, IPv4, UDP or TCP: `flow` chooses the ends, every tenth packet answers.
pub(crate) fn packet(flow: u32, number: u32, bytes: &mut [u8; BYTES]) {
    let answers = number % 10 == 9;
    let client = [10, (flow >> 16) as u8, (flow >> 8) as u8, flow as u8];
    let server = [192, 0, 2, (flow % 200) as u8];
    bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
    bytes[16..18].copy_from_slice(&128u16.to_be_bytes());
    bytes[22..24].copy_from_slice(&[64, if flow.is_multiple_of(3) { 17 } else { 6 }]);
    let (source, destination) = if answers { (server, client) } else { (client, server) };
    bytes[26..30].copy_from_slice(&source);
    bytes[30..34].copy_from_slice(&destination);
    let ports = if answers { [[1, 187], [156, 64]] } else { [[156, 64], [1, 187]] };
    bytes[34..38].copy_from_slice(&ports.concat());
    bytes[38..42].copy_from_slice(&number.wrapping_mul(88).to_be_bytes());
    bytes[46..50].copy_from_slice(&[0x50, 0x18, 0xff, 0xff]);
}
