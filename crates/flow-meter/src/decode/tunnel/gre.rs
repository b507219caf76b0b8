//! GRE and what it carries.

use super::{Carried, TunnelKind};
use crate::decode::link::{self, Inside};
use crate::decode::{be16, be32};

/// Flags of the first half-word (RFC 2784, 2890, 1701 and 2637).
mod flag {
    pub(super) const CHECKSUM: u16 = 0x8000;
    pub(super) const ROUTING: u16 = 0x4000;
    pub(super) const KEY: u16 = 0x2000;
    pub(super) const SEQUENCE: u16 = 0x1000;
    pub(super) const ACKNOWLEDGEMENT: u16 = 0x0080;
    pub(super) const VERSION: u16 = 0x0007;
}

const BRIDGED: u16 = 0x6558;
const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
/// Cisco's metadata, here with the type before version, length and group instead of after them.
const METADATA: u16 = 0x8909;
/// What a router hands to a web cache (WCCP).
const REDIRECTED: u16 = 0x883e;
/// Source route entries that are stepped over.
const ROUTES_MAX: usize = 8;

pub(super) fn carried(bytes: &[u8], at: usize) -> Option<Carried> {
    let (flags, kind) = (be16(bytes, at)?, be16(bytes, at + 2)?);
    let mut end = at + 4;
    // The checksum and the routing's offset come together.
    if flags & (flag::CHECKSUM | flag::ROUTING) != 0 {
        end += 4;
    }
    let mut id = None;
    if flags & flag::KEY != 0 {
        id = Some(be32(bytes, end)?);
        end += 4;
    }
    if flags & flag::SEQUENCE != 0 {
        end += 4;
    }
    if flags & flag::ROUTING != 0 {
        end = past_routing(bytes, end)?;
    }
    if flags & flag::VERSION == 1 {
        return point_to_point(bytes, end, kind, id, flags & flag::ACKNOWLEDGEMENT != 0);
    }
    let of = |inside: Inside| Carried { kind: TunnelKind::Gre, id, inside };
    match kind {
        BRIDGED => link::bridged(bytes, end).ok().map(of),
        ERSPAN => erspan(bytes, end, flags & flag::SEQUENCE != 0),
        ERSPAN_3 => erspan_3(bytes, end),
        METADATA if be16(bytes, end + 2) == Some(0x0101) => {
            link::by_type(be16(bytes, end)?, bytes, end + 8).ok().map(of)
        }
        REDIRECTED => Some(of(redirected(bytes, end)?)),
        _ => link::by_type(kind, bytes, end).ok().map(of),
    }
}

/// Source route entries (RFC 1701): family, offset, length, and a route; the last has neither family nor length.
fn past_routing(bytes: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..ROUTES_MAX {
        let (family, length) = (be16(bytes, at)?, usize::from(*bytes.get(at + 3)?));
        at += 4 + length;
        if family == 0 && length == 0 {
            return Some(at);
        }
    }
    None
}

/// IPv4, in WCCP's second version behind four bytes whose first is no version of IP.
fn redirected(bytes: &[u8], at: usize) -> Option<Inside> {
    let first = *bytes.get(at)? >> 4;
    Some(Inside::at(if first == 4 { at } else { at + 4 }))
}

/// PPTP's form (RFC 2637): the key holds a length and a call id, which differs between the directions.
fn point_to_point(
    bytes: &[u8],
    end: usize,
    kind: u16,
    key: Option<u32>,
    acknowledged: bool,
) -> Option<Carried> {
    if kind != PPP || key.is_none() {
        return None;
    }
    let at = if acknowledged { end + 4 } else { end };
    let inside = link::in_ppp(bytes, at).ok()?;
    Some(Carried { kind: TunnelKind::Gre, id: None, inside })
}

/// Type I has no header of its own and no sequence number in GRE's; type II has eight bytes.
fn erspan(bytes: &[u8], at: usize, sequence: bool) -> Option<Carried> {
    let (id, at) =
        if sequence { (Some(u32::from(be16(bytes, at + 2)? & 0x3ff)), at + 8) } else { (None, at) };
    let inside = link::bridged(bytes, at).ok()?;
    Some(Carried { kind: TunnelKind::Erspan, id, inside })
}

/// Type III: twelve bytes, and eight more when the last bit of them says so.
fn erspan_3(bytes: &[u8], at: usize) -> Option<Carried> {
    let id = Some(u32::from(be16(bytes, at + 2)? & 0x3ff));
    let more = bytes.get(at + 11)? & 1 == 1;
    let inside = link::bridged(bytes, at + if more { 20 } else { 12 }).ok()?;
    Some(Carried { kind: TunnelKind::Erspan, id, inside })
}
