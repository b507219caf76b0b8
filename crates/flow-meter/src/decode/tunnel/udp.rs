//! Tunnels in UDP, told by port and by a header that must hold.

use super::{Carried, TunnelKind};
use crate::decode::link::{self, Inside};
use crate::decode::{Packet, be16, be32};

const GTP_U: u16 = 2152;
const TEREDO: u16 = 3544;
/// The first half of Teredo's addresses, one of which is at either end: 2001::/32.
const TEREDO_NETWORK: u32 = 0x2001_0000;
const IPV6_HEADER: usize = 40;
const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;
/// VXLAN's port before it had one assigned, still Linux's default.
const VXLAN_LINUX: u16 = 8472;
/// Of VXLAN's generic extension.
const VXLAN_TYPED: u16 = 4790;

#[inline]
pub(super) fn is_port(port: u16) -> bool {
    matches!(port, GTP_U | TEREDO | VXLAN | GENEVE | VXLAN_LINUX | VXLAN_TYPED)
}

/// Whether the payload is as long as the IPv6 header says with which it begins, if it does: what Teredo's clients send one
/// another, from any port to any port.
#[inline]
pub(super) fn fits_ipv6(bytes: &[u8], packet: &Packet) -> bool {
    let at = packet.payload.at as usize;
    match bytes.get(at..at + 6) {
        Some(head) if head[0] >> 4 == 6 => {
            let length = u32::from(u16::from_be_bytes([head[4], head[5]]));
            length + IPV6_HEADER as u32 == packet.payload_len
        }
        _ => false,
    }
}

pub(super) fn carried(bytes: &[u8], at: usize, packet: &Packet) -> Option<Carried> {
    // VXLAN and GENEVE have the port only as destination; GTP-U and Teredo also answer from it.
    match (packet.destination_port, packet.source_port) {
        (VXLAN | VXLAN_LINUX | VXLAN_TYPED, _) => vxlan(bytes, at),
        (GENEVE, _) => geneve(bytes, at),
        (GTP_U, _) | (_, GTP_U) => gtp(bytes, at),
        (TEREDO, _) | (_, TEREDO) => teredo(bytes, at),
        _ if [8, 24].into_iter().any(|end| be32(bytes, at + end) == Some(TEREDO_NETWORK)) => {
            teredo(bytes, at)
        }
        _ => None,
    }
}

/// RFC 7348: a flag that must be set, and a network of 24 bits. What is reserved there is used by others (a group policy,
/// the generic extension's type of what is inside) and is to be ignored where it is not.
fn vxlan(bytes: &[u8], at: usize) -> Option<Carried> {
    const NETWORK: u32 = 0x0800_0000;
    /// The generic extension: the lowest byte says what is inside.
    const TYPED: u32 = 0x0400_0000;
    /// Its mark of what is for the endpoints themselves.
    const MANAGEMENT: u32 = 0x0100_0000;
    let (flags, network) = (be32(bytes, at)?, be32(bytes, at + 4)?);
    if flags & NETWORK == 0 {
        return None;
    }
    let inside = match (flags & TYPED, flags & 0xff) {
        (0, _) | (_, 3) => link::bridged(bytes, at + 8).ok()?,
        (_, 1 | 2) if flags & MANAGEMENT == 0 => Inside::at(at + 8),
        _ => return None,
    };
    Some(Carried { kind: TunnelKind::Vxlan, id: Some(network >> 8), inside })
}

/// RFC 8926: version 0, options of a length in words, a type as Ethernet's, a network of 24 bits.
fn geneve(bytes: &[u8], at: usize) -> Option<Carried> {
    const BRIDGED: u16 = 0x6558;
    let first = *bytes.get(at)?;
    if first >> 6 != 0 || bytes.get(at + 1)? & 0x3f != 0 {
        return None;
    }
    let kind = be16(bytes, at + 2)?;
    let network = be32(bytes, at + 4)?;
    if network & 0xff != 0 {
        return None;
    }
    let end = at + 8 + usize::from(first & 0x3f) * 4;
    let inside =
        if kind == BRIDGED { link::bridged(bytes, end) } else { link::by_type(kind, bytes, end) }.ok()?;
    Some(Carried { kind: TunnelKind::Geneve, id: Some(network >> 8), inside })
}

/// 3GPP TS 29.281: version 1, a message that carries a packet, optional fields, extension headers.
fn gtp(bytes: &[u8], at: usize) -> Option<Carried> {
    const USER_PACKET: u8 = 255;
    const EXTENSIONS_MAX: usize = 8;
    let (flags, message) = (*bytes.get(at)?, *bytes.get(at + 1)?);
    if flags >> 5 != 1 || flags & 0x10 == 0 || message != USER_PACKET {
        return None;
    }
    let endpoint = be32(bytes, at + 4)?;
    let mut end = at + 8;
    if flags & 7 != 0 {
        end += 4;
        if flags & 4 != 0 {
            for _ in 0..EXTENSIONS_MAX {
                // The type of the next extension is the last byte of what came before.
                if *bytes.get(end - 1)? == 0 {
                    break;
                }
                end += usize::from(*bytes.get(end)?).max(1) * 4;
            }
        }
    }
    if !matches!(bytes.get(end)? >> 4, 4 | 6) {
        return None;
    }
    Some(Carried { kind: TunnelKind::GtpU, id: Some(endpoint), inside: Inside::at(end) })
}

/// RFC 4380: IPv6, after an indication of authentication or of origin where there is one.
fn teredo(bytes: &[u8], mut at: usize) -> Option<Carried> {
    if be16(bytes, at)? == 1 {
        let (client, authentication) = (usize::from(*bytes.get(at + 2)?), usize::from(*bytes.get(at + 3)?));
        at += 13 + client + authentication;
    }
    if be16(bytes, at)? == 0 {
        at += 8;
    }
    let length = usize::from(be16(bytes, at + 4)?);
    // Nothing may be missing or left over but what the capture has cut.
    if bytes.get(at)? >> 4 != 6 || bytes.len() > at + IPV6_HEADER + length {
        return None;
    }
    Some(Carried { kind: TunnelKind::Teredo, id: None, inside: Inside::at(at) })
}
