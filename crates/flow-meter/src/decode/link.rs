//! The link layer: where the IP header begins, and in which VLAN.

use super::{VLAN_TAGS_MAX, be16};
use crate::frame::{Frame, LinkType};
use crate::skip::SkipReason;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Values below this in Ethernet's type field are lengths (IEEE 802.3).
const ETHERTYPE_MIN: u16 = 0x0600;

/// Where IP begins in the frame.
pub(super) struct Inside {
    pub(super) offset: usize,
    pub(super) vlan: [u16; 2],
    pub(super) macs_at: Option<u16>,
}

impl Inside {
    fn at(offset: usize) -> Self {
        Self { offset, vlan: [0; 2], macs_at: None }
    }
}

#[inline]
pub(super) fn strip(frame: &Frame<'_>) -> Result<Inside, SkipReason> {
    let bytes = frame.bytes;
    match frame.link_type {
        LinkType::ETHERNET => ethernet(bytes),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            Ok(Inside::at(0))
        }
        LinkType::NULL | LinkType::LOOP => loopback(bytes),
        LinkType::LINUX_SLL => tagged(bytes, 14, 16, None),
        LinkType::LINUX_SLL2 => tagged(bytes, 0, 20, None),
        _ => Err(SkipReason::LinkType),
    }
}

#[inline]
fn ethernet(bytes: &[u8]) -> Result<Inside, SkipReason> {
    tagged(bytes, 12, 14, Some(0))
}

/// Follows the type field at `type_at`, whose header ends at `end`, through any VLAN tags.
#[inline]
fn tagged(bytes: &[u8], type_at: usize, end: usize, macs_at: Option<u16>) -> Result<Inside, SkipReason> {
    let mut kind = be16(bytes, type_at).ok_or(SkipReason::TruncatedLink)?;
    let mut inside = Inside { offset: end, vlan: [0; 2], macs_at };
    let mut tags = 0;
    while VLAN.contains(&kind) {
        if tags == VLAN_TAGS_MAX {
            return Err(SkipReason::TooDeep);
        }
        let tag = be16(bytes, inside.offset).ok_or(SkipReason::TruncatedLink)?;
        kind = be16(bytes, inside.offset + 2).ok_or(SkipReason::TruncatedLink)?;
        if let Some(slot) = inside.vlan.get_mut(tags) {
            *slot = tag & 0x0fff;
        }
        inside.offset += 4;
        tags += 1;
    }
    match kind {
        IPV4 | IPV6 => Ok(inside),
        _ if kind < ETHERTYPE_MIN && bytes.len() < end => Err(SkipReason::TruncatedLink),
        _ => Err(SkipReason::NotIp),
    }
}

/// The address family is in the byte order of a host that we do not know; IP's own first nibble tells better.
fn loopback(bytes: &[u8]) -> Result<Inside, SkipReason> {
    if bytes.len() < 4 {
        return Err(SkipReason::TruncatedLink);
    }
    match bytes.get(4).map(|first| first >> 4) {
        None => Err(SkipReason::TruncatedIp),
        Some(4 | 6) => Ok(Inside::at(4)),
        Some(_) => Err(SkipReason::NotIp),
    }
}
