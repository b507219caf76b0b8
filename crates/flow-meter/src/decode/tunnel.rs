//! How one packet carries another.
//!
//! A tunnel is followed only into what is a sane packet. Where it is not, the packet that seemed to carry one is the
//! innermost, and nothing is lost.

mod gre;
mod udp;

use super::link::Inside;
use super::{Layer, Packet, TUNNELS_MAX, network};
use crate::key::protocol;

/// Kinds of tunnels that are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// Generic routing encapsulation (RFC 2784, 2890), also of bridged Ethernet.
    Gre,
    /// Encapsulated remote SPAN, types I to III, over GRE.
    Erspan,
    /// IP in IP: 4in4, 6in6 and 4in6 (RFC 2003, 2473).
    IpInIp,
    /// 6in4, 6to4 and ISATAP (RFC 4213).
    SixInFour,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
}

impl TunnelKind {
    /// As in records and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::IpInIp => "ipip",
            Self::SixInFour => "6in4",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::Teredo => "teredo",
        }
    }
}

/// What lies in a packet's payload.
struct Carried {
    kind: TunnelKind,
    id: Option<u32>,
    inside: Inside,
}

const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;

/// Whether it is worth looking: a few comparisons for most packets.
#[inline]
pub(super) fn may_carry(bytes: &[u8], packet: &Packet) -> bool {
    match packet.protocol {
        protocol::TCP => false,
        protocol::UDP => {
            udp::is_port(packet.destination_port)
                || udp::is_port(packet.source_port)
                || udp::fits_ipv6(bytes, packet)
        }
        number => matches!(number, IPV4 | IPV6 | GRE) && packet.version != super::ARP,
    }
}

/// Replaces `packet` by the innermost that it carries, and puts those around that into `outer`.
#[cold]
pub(super) fn descend(bytes: &[u8], outer: &mut Vec<Layer>, packet: &mut Packet) {
    while outer.len() < TUNNELS_MAX && may_carry(bytes, packet) {
        // The rest of a datagram is in another frame.
        if packet.fragment.is_some() {
            return;
        }
        let Some(carried) = carried(bytes, packet) else { return };
        let wire_end = (packet.payload.at + packet.payload_len) as usize;
        let mut inner = Packet {
            ts_ns: packet.ts_ns,
            tunnel: mixed(packet.tunnel, carried.kind, carried.id),
            ..Packet::EMPTY
        };
        let within = &bytes[..bytes.len().min((packet.payload.at + packet.payload.len) as usize)];
        if network(within, wire_end, &carried.inside, &mut inner).is_err() {
            return;
        }
        // A bridged frame is as long as the carrier has room for, a packet as it says itself.
        inner.wire_len = match carried.inside.macs_at {
            Some(at) => wire_end.saturating_sub(usize::from(at)) as u32,
            None => inner.ip_len,
        };
        outer.push(Layer { kind: carried.kind, id: carried.id, packet: *packet });
        *packet = inner;
    }
}

fn carried(bytes: &[u8], packet: &Packet) -> Option<Carried> {
    let at = packet.payload.at as usize;
    let end = at + packet.payload.len as usize;
    let bytes = bytes.get(..end)?;
    let version = bytes.get(at)? >> 4;
    let plain = |kind| Some(Carried { kind, id: None, inside: Inside::at(at) });
    match packet.protocol {
        IPV4 if version == 4 => plain(TunnelKind::IpInIp),
        IPV6 if version == 6 && packet.version == 4 => plain(TunnelKind::SixInFour),
        IPV6 if version == 6 => plain(TunnelKind::IpInIp),
        GRE => gre::carried(bytes, at),
        protocol::UDP => udp::carried(bytes, at, packet),
        _ => None,
    }
}

/// The same in every run. An endpoint id of GTP-U differs between the directions and is left out.
fn mixed(around: u64, kind: TunnelKind, id: Option<u32>) -> u64 {
    let id = match kind {
        TunnelKind::GtpU => 0,
        _ => id.map_or(0, |id| u64::from(id) + 1),
    };
    let word = (around ^ id).wrapping_add((kind as u64 + 1) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // 0 means that there is no tunnel.
    (word ^ word >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).max(1)
}
