//! Which packets belong together: the 5-tuple with its VLAN, both ends ordered, so that either direction finds it.

use crate::decode::Packet;
use std::hash::{Hash, Hasher};
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
pub enum Direction {
    /// From the initiator.
    Forward = 0,
    /// From the responder.
    Backward = 1,
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Endpoint {
    /// Address bits.
    pub address: Bits,
    /// Port, or what stands in for it.
    pub port: u16,
}

/// The normalised key: `low` ≤ `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowKey {
    /// The smaller end.
    pub low: Endpoint,
    /// The larger end.
    pub high: Endpoint,
    /// Outer and inner VLAN id, 0 where there is none.
    pub vlan: [u16; 2],
    /// As in [`crate::Packet`].
    pub tunnel: u64,
    /// IANA number; 0 for ARP.
    pub protocol: u8,
    /// 4, 6, or [`crate::ARP`].
    pub version: u8,
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Few wide words: most of the cost of a look-up in a cached table is hashing.
        state.write_u128(self.low.address);
        state.write_u128(self.high.address);
        let ports = u64::from(self.low.port) | u64::from(self.high.port) << 16;
        let vlan = u64::from(self.vlan[0]) << 32 | u64::from(self.vlan[1]) << 44;
        state.write_u64((ports | vlan ^ u64::from(self.protocol) << 56) ^ self.tunnel);
    }
}

impl FlowKey {
    /// The key of a packet, and whether its source is the low end.
    #[must_use]
    #[inline]
    pub fn new(packet: &Packet) -> (Self, bool) {
        let source = Endpoint { address: packet.source, port: packet.source_port };
        let destination = Endpoint { address: packet.destination, port: packet.destination_port };
        let source_is_low = source <= destination;
        let (low, high) = if source_is_low { (source, destination) } else { (destination, source) };
        let key = Self {
            low,
            high,
            vlan: packet.vlan,
            tunnel: packet.tunnel,
            protocol: packet.protocol,
            version: packet.version,
        };
        (key, source_is_low)
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
