//! Juniper's capture headers, which a router puts before the link layer that it captured on.

use super::{CUT, Found, other, ppp, raw, typed::ethernet};
use crate::decode::{be16, be32};
use crate::skip::SkipReason;

/// A magic number, flags, extensions of a length that they say, and the link layer of `link_type`.
pub(super) fn frame(link_type: u16, bytes: &[u8], at: usize) -> Found {
    const MAGIC: u32 = 0x4d47_4300;
    const EXTENSIONS: u8 = 0x80;
    const NO_LINK_LAYER: u8 = 0x02;
    let word = be32(bytes, at).ok_or(CUT)?;
    if word & 0xffff_ff00 != MAGIC {
        return Err(SkipReason::BadLink);
    }
    let flags = word as u8;
    let extensions =
        if flags & EXTENSIONS == 0 { 0 } else { 2 + usize::from(be16(bytes, at + 4).ok_or(CUT)?) };
    let end = at + 4 + extensions;
    if flags & NO_LINK_LAYER != 0 {
        // An address family, which the first nibble of what follows tells as well.
        return raw(bytes, end + 4);
    }
    match link_type {
        // A cookie of one word or of two before ATM's frame.
        135 => other::atm(bytes, end + 8),
        137 => other::atm(bytes, end + 4),
        178 => ethernet(bytes, end),
        179 => ppp::ppp(bytes, end),
        180 => other::frame_relay(bytes, end),
        181 => ppp::cisco(bytes, end),
        _ => Err(SkipReason::LinkType),
    }
}
