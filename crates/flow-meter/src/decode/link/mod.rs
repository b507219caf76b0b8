//! The link layer: where the network layer begins, what it is, and in which VLAN.
//!
//! Numbers are those of the `LINKTYPE_` registry; what each type looks like is said there.

mod juniper;
mod other;
mod ppp;
mod typed;
mod wlan;

use super::{be16, be32};
use crate::frame::LinkType;
use crate::skip::SkipReason;
use typed::{ethernet, typed};

/// What the network layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// IPv4 or IPv6, told by the first nibble.
    Ip,
    Arp,
}

/// Where the network layer begins in the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    pub(super) offset: usize,
    pub(super) network: Network,
    pub(super) vlan: [u16; 2],
    pub(super) macs_at: Option<u16>,
    /// Headers between the link layer and the network layer that were stepped over.
    steps: u8,
}

impl Inside {
    pub(super) fn at(offset: usize) -> Self {
        Self { offset, network: Network::Ip, vlan: [0; 2], macs_at: None, steps: 0 }
    }
}

type Found = Result<Inside, SkipReason>;
const CUT: SkipReason = SkipReason::TruncatedLink;

/// Finds the network layer of a frame whose link layer begins at `at`.
#[inline]
pub(super) fn strip(link_type: LinkType, bytes: &[u8], at: usize) -> Found {
    if link_type == LinkType::ETHERNET { ethernet(bytes, at) } else { strip_other(link_type, bytes, at, 0) }
}

/// Link types within link types that are followed (a capture header, then the link it tells of).
const HEADERS_MAX: u8 = 3;

/// `depth` counts the capture headers around this one.
fn strip_other(link_type: LinkType, bytes: &[u8], at: usize, depth: u8) -> Found {
    if depth > HEADERS_MAX {
        return Err(SkipReason::TooDeep);
    }
    match link_type.0 {
        0 | 108 => loopback(bytes, at),
        1 => ethernet(bytes, at),
        6 => other::token_ring(bytes, at),
        7 => other::arcnet(bytes, at, at + 2),
        8 => raw(bytes, at + 16),
        9 => ppp::ppp(bytes, at),
        10 => other::fddi(bytes, at),
        12 | 14 | 101 | 228 | 229 => raw(bytes, at),
        50 => ppp::hdlc(bytes, at),
        51 => ppp::session(bytes, at, Inside::at(at)),
        99 => typed(bytes, at + 6, at + 44, Inside::at(at)),
        19 | 100 | 106 => other::atm(bytes, at),
        104 => ppp::cisco(bytes, at),
        105 => wlan::frame(bytes, at, wlan::PACKED),
        107 => other::frame_relay(bytes, at),
        109 => raw(bytes, at + 12),
        113 => cooked(bytes, at + 2, at + 14, at + 16),
        117 => packet_filter_log(bytes, at),
        119 => wlan::prism(bytes, at),
        122 => other::llc(bytes, at + 16, Inside::at(at)),
        123 => other::sun_atm(bytes, at),
        127 => wlan::radiotap(bytes, at),
        129 => other::arcnet(bytes, at, at + 4),
        135 | 137 | 178..=181 => juniper::frame(link_type.0, bytes, at),
        138 => typed(bytes, at + 16, at + 18, Inside::at(at)),
        143 => other::cable(bytes, at),
        149 | 258 => packet_tap(bytes, at, depth),
        163 => wlan::avs(bytes, at),
        166 | 204 => ppp::ppp(bytes, at + 1),
        192 => packet_information(bytes, at, depth),
        197 => other::extensible_record(bytes, at),
        205 => ppp::cisco(bytes, at + 1),
        206 => other::frame_relay(bytes, at + 1),
        219 => typed::labels(bytes, at, Inside::at(at)),
        226 => raw(bytes, at + 24),
        239 => other::netfilter_log(bytes, at),
        240 => other::net_analyzer(bytes, at),
        242 => typed(bytes, at + 40, at + 44, Inside::at(at)),
        276 => cooked(bytes, at + 8, at, at + 20),
        // A switch's tag between the addresses and the type.
        281 | 284 => tagged(bytes, at, 4),
        282 => ethernet(bytes, at + 4),
        285 => tagged(bytes, at, 8),
        _ => Err(SkipReason::LinkType),
    }
}

fn raw(bytes: &[u8], at: usize) -> Found {
    if at >= bytes.len() { Err(CUT) } else { Ok(Inside::at(at)) }
}

/// The address family is in the byte order of a host that we do not know; IP's own first nibble tells better.
fn loopback(bytes: &[u8], at: usize) -> Found {
    if bytes.len() < at + 4 {
        return Err(CUT);
    }
    match bytes.get(at + 4).map(|first| first >> 4) {
        None => Err(SkipReason::TruncatedIp),
        Some(4 | 6) => Ok(Inside::at(at + 4)),
        Some(_) => Err(SkipReason::NotIp),
    }
}

/// Ethernet with `tag` more bytes before its type.
fn tagged(bytes: &[u8], at: usize, tag: usize) -> Found {
    let inside = Inside { macs_at: u16::try_from(at).ok(), ..Inside::at(at) };
    typed(bytes, at + 12 + tag, at + 14 + tag, inside)
}

/// Linux's cooked capture: the device's kind (an `ARPHRD_` number) and a type, whose meaning depends on the kind.
fn cooked(bytes: &[u8], kind_at: usize, type_at: usize, end: usize) -> Found {
    match be16(bytes, kind_at).ok_or(CUT)? {
        770 => other::frame_relay(bytes, end),
        801 => wlan::frame(bytes, end, wlan::PACKED),
        802 => wlan::prism(bytes, end),
        803 => wlan::radiotap(bytes, end),
        // Netlink's types are families.
        824 => Err(SkipReason::NotIp),
        _ => typed(bytes, type_at, end, Inside::at(end)),
    }
}

/// BSD's log of its packet filter: the header's length without the padding to words, ..., then IP.
fn packet_filter_log(bytes: &[u8], at: usize) -> Found {
    const HEADER_MIN: usize = 16;
    let header = usize::from(*bytes.get(at).ok_or(CUT)?);
    if header < HEADER_MIN {
        return Err(SkipReason::BadLink);
    }
    raw(bytes, at + header.next_multiple_of(4))
}

/// Apple's PKTAP: a header whose length and inner link type stand in its first words, little-endian.
fn packet_tap(bytes: &[u8], at: usize, depth: u8) -> Found {
    let header = be32(bytes, at).ok_or(CUT)?.swap_bytes();
    let inner = be32(bytes, at + 8).ok_or(CUT)?.swap_bytes();
    enclosed(inner, bytes, at, header, depth)
}

/// Per-packet information: version, flags, length and inner link type, little-endian.
fn packet_information(bytes: &[u8], at: usize, depth: u8) -> Found {
    let header = be16(bytes, at + 2).ok_or(CUT)?.swap_bytes();
    let inner = be32(bytes, at + 4).ok_or(CUT)?.swap_bytes();
    enclosed(inner, bytes, at, u32::from(header), depth)
}

fn enclosed(inner: u32, bytes: &[u8], at: usize, header: u32, depth: u8) -> Found {
    let at = at.saturating_add(header as usize);
    if header < 8 || at >= bytes.len() {
        return Err(CUT);
    }
    strip_other(LinkType(u16::try_from(inner).unwrap_or(u16::MAX)), bytes, at, depth + 1)
}

/// Ethernet inside a tunnel.
pub(super) fn bridged(bytes: &[u8], at: usize) -> Found {
    ethernet(bytes, at)
}

/// What an Ethernet type says, whose header ends at `at`, inside a tunnel.
pub(super) fn by_type(kind: u16, bytes: &[u8], at: usize) -> Found {
    typed::follow(kind, bytes, at, Inside::at(at))
}

/// PPP inside a tunnel.
pub(super) fn in_ppp(bytes: &[u8], at: usize) -> Found {
    ppp::ppp(bytes, at)
}
