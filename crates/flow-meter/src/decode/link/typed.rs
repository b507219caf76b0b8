//! Ethernet types, and all that may lie between one and the network layer: VLAN tags, MPLS labels, PPPoE, LLC.

use super::{CUT, Found, Inside, Network, other, ppp};
use crate::decode::{LABELS_MAX, VLAN_TAGS_MAX, be16, be32};
use crate::skip::SkipReason;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// IEEE 802.1Q and 802.1ad, and two values that were used for the outer tag before.
const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPPOE_SESSION: u16 = 0x8864;
/// Cisco's metadata: version, length, a security group, and the type of what follows.
const METADATA: u16 = 0x8909;
/// Linux's mark of a frame with an 802.2 header in a cooked capture.
const LINUX_802_2: u16 = 0x0004;
/// Values below this in Ethernet's type field are lengths (IEEE 802.3).
const TYPE_MIN: u16 = 0x0600;
/// Headers of different kinds that may follow one another (tags of one kind count once).
const STEPS_MAX: u8 = 8;
/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;

#[inline]
pub(super) fn ethernet(bytes: &[u8], at: usize) -> Found {
    let macs_at = u16::try_from(at).ok();
    typed(bytes, at + 12, at + ETHERNET, Inside { macs_at, ..Inside::at(at) })
}

/// Reads the type at `type_at`, whose header ends at `end`.
#[inline]
pub(super) fn typed(bytes: &[u8], type_at: usize, end: usize, inside: Inside) -> Found {
    let kind = be16(bytes, type_at).ok_or(CUT)?;
    if bytes.len() < end {
        return Err(CUT);
    }
    follow(kind, bytes, end, inside)
}

/// Follows a type, whose header ends at `at`, to the network layer.
#[inline]
pub(super) fn follow(kind: u16, bytes: &[u8], at: usize, inside: Inside) -> Found {
    match kind {
        IPV4 | IPV6 => Ok(Inside { offset: at, ..inside }),
        _ => follow_further(kind, bytes, at, inside),
    }
}

fn follow_further(mut kind: u16, bytes: &[u8], mut at: usize, mut inside: Inside) -> Found {
    if inside.steps == STEPS_MAX {
        return Err(SkipReason::TooDeep);
    }
    inside.steps += 1;
    let mut tags = 0;
    while VLAN.contains(&kind) {
        if tags == VLAN_TAGS_MAX {
            return Err(SkipReason::TooDeep);
        }
        let tag = be16(bytes, at).ok_or(CUT)?;
        kind = be16(bytes, at + 2).ok_or(CUT)?;
        if let Some(slot) = inside.vlan.get_mut(tags) {
            *slot = tag & 0x0fff;
        }
        at += 4;
        tags += 1;
    }
    match kind {
        IPV4 | IPV6 => Ok(Inside { offset: at, ..inside }),
        ARP => Ok(Inside { offset: at, network: Network::Arp, ..inside }),
        PPPOE_SESSION => ppp::session(bytes, at, inside),
        // Version 1, and one option: the group.
        METADATA if be16(bytes, at) == Some(0x0101) => typed(bytes, at + 6, at + 8, inside),
        LINUX_802_2 => other::llc(bytes, at, inside),
        _ if MPLS.contains(&kind) => labels(bytes, at, inside),
        _ if kind < TYPE_MIN => other::llc(bytes, at, inside),
        _ => Err(SkipReason::NotIp),
    }
}

/// An MPLS label stack (RFC 3032). What follows it has no type; IP is told by its version, a pseudowire's Ethernet by its
/// control word (RFC 4448) or by what its own type field says.
pub(super) fn labels(bytes: &[u8], mut at: usize, inside: Inside) -> Found {
    for _ in 0..LABELS_MAX {
        let label = be32(bytes, at).ok_or(CUT)?;
        at += 4;
        if label & 0x100 == 0 {
            continue;
        }
        let first = *bytes.get(at).ok_or(CUT)?;
        let plain_ethernet = |at| matches!(be16(bytes, at + 12), Some(IPV4 | IPV6 | ARP | 0x8100));
        return match first >> 4 {
            0 if plain_ethernet(at + 4) => ethernet_within(bytes, at + 4, inside),
            _ if plain_ethernet(at) => ethernet_within(bytes, at, inside),
            4 | 6 => Ok(Inside { offset: at, ..inside }),
            _ => Err(SkipReason::NotIp),
        };
    }
    Err(SkipReason::TooDeep)
}

/// Ethernet inside a pseudowire: its VLAN tags are those that count where it has any.
fn ethernet_within(bytes: &[u8], at: usize, outer: Inside) -> Found {
    let within = Inside { macs_at: u16::try_from(at).ok(), steps: outer.steps, ..Inside::at(at) };
    let inside = typed(bytes, at + 12, at + ETHERNET, within)?;
    Ok(if inside.vlan[0] == 0 { Inside { vlan: outer.vlan, ..inside } } else { inside })
}
