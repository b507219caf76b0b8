//! WireGuard: message types 1 and 2 have fixed sizes and three reserved zero bytes.

use super::{Found, Name, Payload};

const INITIATION: u32 = 148;
const RESPONSE: u32 = 92;
const COOKIE_REPLY: u32 = 64;

pub(super) fn recognise(payload: &Payload<'_>) -> Option<Found> {
    let head = payload.bytes.first_chunk::<4>()?;
    let what = match (head, payload.len) {
        ([1, 0, 0, 0], INITIATION) => "handshake initiation of 148 bytes",
        ([2, 0, 0, 0], RESPONSE) => "handshake response of 92 bytes",
        ([3, 0, 0, 0], COOKIE_REPLY) => "cookie reply of 64 bytes",
        // Transport data: counter in 8 little-endian bytes, sizes padded to 16.
        ([4, 0, 0, 0], len) if len >= 32 && len % 16 == 0 && counter_is_small(payload.bytes) => {
            "transport data padded to 16 bytes"
        }
        _ => return None,
    };
    Some(Found::with(Name::WireGuard, what.to_owned()))
}

/// A counter that a peer could have reached: less than 2^40 packets.
fn counter_is_small(bytes: &[u8]) -> bool {
    bytes.get(13..16).is_some_and(|high| high == [0; 3])
}
