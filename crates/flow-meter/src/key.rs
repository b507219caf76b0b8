//! Which packets belong together: the 5-tuple with its VLAN, both ends ordered, so that either direction finds it.

use crate::decode::Packet;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address in 128 bits. IPv4 keeps to the low 32; the key's `version` tells the two apart.
pub(crate) type Bits = u128;

/// IP protocol numbers that the meter treats by name.
pub mod protocol {
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// UDP-Lite.
    pub const UDP_LITE: u8 = 136;
}

/// Whether a packet goes from the initiator or towards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the initiator.
    Forward = 0,
    /// From the responder.
    Backward = 1,
}

impl Direction {
    /// From the other end.
    #[inline]
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }
}

/// One end of a conversation: address bits, and the port or what stands in for it.
pub(crate) type Endpoint = (Bits, u16);

/// Whether a conversation carries data of its own, or packets of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The innermost.
    Inner,
    /// A tunnel's own conversation.
    Outer,
}

/// An address in two words, which need not lie where a wide one must.
type Halves = [u64; 2];

#[inline]
fn halves(bits: Bits) -> Halves {
    [bits as u64, (bits >> 64) as u64]
}

#[inline]
fn whole(halves: Halves) -> Bits {
    u128::from(halves[0]) | u128::from(halves[1]) << 64
}

/// The normalised key: the low end ≤ the high end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowKey {
    low: Halves,
    high: Halves,
    pub(crate) tunnel: u64,
    low_port: u16,
    high_port: u16,
    /// Outer and inner VLAN id, 0 where there is none.
    pub(crate) vlan: [u16; 2],
    /// IANA number; 0 for ARP.
    pub(crate) protocol: u8,
    /// 4, 6, or [`crate::ARP`].
    pub(crate) version: u8,
    pub(crate) layer: Layer,
}

impl Default for FlowKey {
    fn default() -> Self {
        Self {
            low: [0; 2],
            high: [0; 2],
            tunnel: 0,
            low_port: 0,
            high_port: 0,
            vlan: [0; 2],
            protocol: 0,
            version: 0,
            layer: Layer::Inner,
        }
    }
}

/// Whether a packet's source is the low end of its key.
#[inline]
pub(crate) fn source_is_low(packet: &Packet) -> bool {
    (packet.source, packet.source_port) <= (packet.destination, packet.destination_port)
}

impl FlowKey {
    /// The key of a packet. `source_is_low` is what the function of that name says of it.
    #[must_use]
    #[inline]
    pub(crate) fn new(packet: &Packet, layer: Layer, source_is_low: bool) -> Self {
        let source = (packet.source, packet.source_port);
        let destination = (packet.destination, packet.destination_port);
        let (low, high) = if source_is_low { (source, destination) } else { (destination, source) };
        Self {
            low: halves(low.0),
            high: halves(high.0),
            tunnel: packet.tunnel,
            low_port: low.1,
            high_port: high.1,
            vlan: packet.vlan,
            protocol: packet.protocol,
            version: packet.version,
            layer,
        }
    }

    /// Hash of the key that [`Self::new`] would make of the same, told without making it.
    #[must_use]
    #[inline]
    pub(crate) fn hash_of(
        packet: &Packet,
        layer: Layer,
        source_is_low: bool,
        hasher: &impl BuildHasher,
    ) -> u64 {
        let source = (packet.source, packet.source_port);
        let destination = (packet.destination, packet.destination_port);
        let (low, high) = if source_is_low { (source, destination) } else { (destination, source) };
        let mut state = hasher.build_hasher();
        // Few wide words: most of the cost of a look-up in a cached table is hashing.
        if packet.version == 6 {
            state.write_u128(low.0);
            state.write_u128(high.0);
        } else {
            state.write_u64(low.0 as u64 | (high.0 as u64) << 32);
        }
        let ports = u64::from(low.1) | u64::from(high.1) << 16;
        let vlan = u64::from(packet.vlan[0]) << 32 ^ u64::from(packet.vlan[1]) << 44;
        let kind = u64::from(packet.protocol) << 56 ^ (layer as u64) << 55;
        state.write_u64((ports | vlan ^ kind) ^ packet.tunnel);
        state.finish()
    }

    /// Whether this is the key that [`Self::new`] would make of the same, told without making it.
    #[must_use]
    #[inline]
    pub(crate) fn is_of(&self, packet: &Packet, layer: Layer, source_is_low: bool) -> bool {
        let source = (packet.source, packet.source_port);
        let destination = (packet.destination, packet.destination_port);
        let (low, high) = if source_is_low { (source, destination) } else { (destination, source) };
        // One branch for all: nearly every key that is asked has the same hash, and so is the same.
        let differ =
            (whole(self.low) ^ low.0) | (whole(self.high) ^ high.0) | u128::from(self.tunnel ^ packet.tunnel);
        let ports = (self.low_port ^ low.1) | (self.high_port ^ high.1);
        let vlan = (self.vlan[0] ^ packet.vlan[0]) | (self.vlan[1] ^ packet.vlan[1]);
        let kind = (self.protocol ^ packet.protocol)
            | (self.version ^ packet.version)
            | (self.layer as u8 ^ layer as u8);
        differ | u128::from(ports | vlan | u16::from(kind)) == 0
    }

    /// Both ends, the initiator first.
    pub(crate) fn ends(&self, initiator_is_low: bool) -> (Endpoint, Endpoint) {
        let (low, high) = ((whole(self.low), self.low_port), (whole(self.high), self.high_port));
        if initiator_is_low { (low, high) } else { (high, low) }
    }
}

/// The bits of an address as an [`IpAddr`].
#[must_use]
pub fn address(bits: Bits, version: u8) -> IpAddr {
    if version == 6 { IpAddr::V6(Ipv6Addr::from(bits)) } else { IpAddr::V4(Ipv4Addr::from(bits as u32)) }
}

/// The bits of an address as 4 or 16 bytes.
#[must_use]
pub(crate) fn address_bytes(bits: Bits, version: u8) -> Vec<u8> {
    if version == 6 { bits.to_be_bytes().to_vec() } else { (bits as u32).to_be_bytes().to_vec() }
}
