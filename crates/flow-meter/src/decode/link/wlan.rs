//! IEEE 802.11 frames, bare or behind the headers that capture drivers put before them.

use super::{CUT, Found, Inside, other};
use crate::decode::{be16, be32};
use crate::skip::SkipReason;

/// Of a frame's control field, as its two bytes come.
mod control {
    pub(super) const TO_DS: u8 = 0x01;
    pub(super) const FROM_DS: u8 = 0x02;
    pub(super) const PROTECTED: u8 = 0x40;
    pub(super) const ORDER: u8 = 0x80;
}

const HEADER: usize = 24;
/// A-MSDU: a subframe's addresses and length.
const SUBFRAME: usize = 14;

/// What the header's length is a multiple of: usually nothing.
pub(super) const PACKED: usize = 1;
/// As some adapters have it.
const WORDS: usize = 4;

/// One frame. Only data frames that are not encrypted carry packets; of several in one frame the first is taken.
pub(super) fn frame(bytes: &[u8], at: usize, header_multiple: usize) -> Found {
    let head = bytes.get(at..at + 2).ok_or(CUT)?;
    let (kind, subtype, flags) = (head[0] >> 2 & 3, head[0] >> 4, head[1]);
    // Management, control and extension frames, and data frames without data.
    if kind != 2 || subtype & 4 != 0 {
        return Err(SkipReason::NotData);
    }
    if flags & control::PROTECTED != 0 {
        return Err(SkipReason::Encrypted);
    }
    let mut end = at + HEADER;
    if flags & (control::TO_DS | control::FROM_DS) == control::TO_DS | control::FROM_DS {
        end += 6;
    }
    let mut aggregated = false;
    if subtype & 8 != 0 {
        aggregated = bytes.get(end).ok_or(CUT)? & 0x80 != 0;
        end += 2;
        if flags & control::ORDER != 0 {
            end += 4;
        }
    }
    end = at + (end - at).next_multiple_of(header_multiple);
    if aggregated {
        end += SUBFRAME;
    }
    let macs_at = aggregated.then(|| u16::try_from(end - SUBFRAME).ok()).flatten();
    other::llc(bytes, end, Inside { macs_at, ..Inside::at(end) })
}

/// Radiotap: its length is the second half-word, little-endian.
pub(super) fn radiotap(bytes: &[u8], at: usize) -> Found {
    let length = be16(bytes, at + 2).ok_or(CUT)?.swap_bytes();
    let multiple = if padded(bytes, at) == Some(true) { WORDS } else { PACKED };
    behind(bytes, at, u32::from(length), multiple)
}

/// Whether Radiotap's flags tell of padding after the 802.11 header. They are its second value, behind a time of eight
/// bytes that is aligned to as many.
fn padded(bytes: &[u8], at: usize) -> Option<bool> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 2;
    const MORE: u32 = 1 << 31;
    const PADDED: u8 = 0x20;
    const WORDS_MAX: usize = 8;
    let word = |index: usize| Some(be32(bytes, at + 4 + 4 * index)?.swap_bytes());
    let present = word(0)?;
    let mut words = 1;
    while words < WORDS_MAX && word(words - 1)? & MORE != 0 {
        words += 1;
    }
    let values = 4 + 4 * words;
    let flags = if present & TIME == 0 { values } else { values.next_multiple_of(8) + 8 };
    Some(present & FLAGS != 0 && bytes.get(at + flags)? & PADDED != 0)
}

/// Prism's header of 144 bytes, or AVS's in its place.
pub(super) fn prism(bytes: &[u8], at: usize) -> Found {
    const AVS: u32 = 0x8021_1000;
    let first = be32(bytes, at).ok_or(CUT)?;
    if first & 0xffff_f000 == AVS {
        return avs(bytes, at);
    }
    // The length is in the byte order of the capturing host; it is never as long as it is the wrong way round.
    let length = be32(bytes, at + 4).ok_or(CUT)?;
    behind(bytes, at, length.min(length.swap_bytes()), PACKED)
}

/// AVS: its length is the second word.
pub(super) fn avs(bytes: &[u8], at: usize) -> Found {
    let length = be32(bytes, at + 4).ok_or(CUT)?;
    behind(bytes, at, length, PACKED)
}

fn behind(bytes: &[u8], at: usize, header: u32, header_multiple: usize) -> Found {
    let at = at.saturating_add(header as usize);
    if header < 8 || at >= bytes.len() { Err(CUT) } else { frame(bytes, at, header_multiple) }
}
