//! From the bytes of a frame to the packet that a flow is made of. Borrows, allocates nothing, cannot fail:
//! strange input is a [`SkipReason`].

mod arp;
mod ip;
mod link;
pub(crate) mod transport;
mod tunnel;

pub use tunnel::TunnelKind;

use crate::frame::Frame;
use crate::key::Bits;
use crate::skip::SkipReason;

/// VLAN tags that are stepped over.
pub(crate) const VLAN_TAGS_MAX: usize = 8;
/// MPLS labels that are stepped over.
pub(crate) const LABELS_MAX: usize = 16;
/// Packets that may carry one another; what is deeper is not looked into.
pub const TUNNELS_MAX: usize = 4;
/// IPv6 extension headers that are stepped over.
pub(crate) const EXTENSIONS_MAX: usize = 16;

/// What the TCP header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number, whether or not the ACK flag is set.
    pub ack: u32,
    /// As sent, without scaling.
    pub window: u16,
    /// CWR ECE URG ACK PSH RST SYN FIN, from the highest bit.
    pub flags: u8,
    /// Maximum segment size, from the options of a SYN.
    pub mss: Option<u16>,
    /// Window scale shift, from the options of a SYN.
    pub window_scale: Option<u8>,
}

/// TCP flag bits.
pub(crate) mod flag {
    /// FIN.
    pub(crate) const FIN: u8 = 0x01;
    /// SYN.
    pub(crate) const SYN: u8 = 0x02;
    /// RST.
    pub(crate) const RST: u8 = 0x04;
    /// PSH.
    pub(crate) const PSH: u8 = 0x08;
    /// ACK.
    pub(crate) const ACK: u8 = 0x10;
    /// URG.
    pub(crate) const URG: u8 = 0x20;
}

/// A fragment's place in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The datagram's identification.
    pub id: u32,
    /// Where it begins in the datagram, bytes.
    pub offset: u16,
}

impl Fragment {
    /// Not the first fragment: has no ports.
    #[must_use]
    pub fn later(&self) -> bool {
        self.offset > 0
    }
}

/// A part of a frame's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Where it begins.
    pub at: u32,
    /// How long it is, bytes.
    pub len: u32,
}

impl Span {
    /// The part itself; empty where `bytes` are not those of the frame it was found in.
    #[must_use]
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.at as usize..(self.at + self.len) as usize).unwrap_or(&[])
    }
}

/// What the meter needs of one packet. Borrows nothing: what was captured of it is named by [`Span`]s of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Nanoseconds since 1970.
    pub ts_ns: i64,
    /// Source address; of ARP the sender's protocol address.
    pub source: Bits,
    /// Destination address; of ARP the target's protocol address.
    pub destination: Bits,
    /// Through which tunnel it came: 0 for none, else a hash of the kinds and ids of its [`Layer`]s.
    pub tunnel: u64,
    /// On the wire, link layer included.
    pub wire_len: u32,
    /// IP header and all that follows it.
    pub ip_len: u32,
    /// After the transport header, whether captured or not.
    pub payload_len: u32,
    /// What was captured of the payload.
    pub payload: Span,
    /// Present for TCP with a whole header.
    pub tcp: Option<Tcp>,
    /// Present for fragments.
    pub fragment: Option<Fragment>,
    /// Source port; for ICMP the type.
    pub source_port: u16,
    /// Destination port; for ICMP the counterpart type, or the code.
    pub destination_port: u16,
    /// Outer and inner VLAN id, 0 where there is none.
    pub vlan: [u16; 2],
    /// Where the link layer has a destination and after it a source MAC: six bytes each.
    pub macs_at: Option<u16>,
    /// 4, 6, or [`ARP`].
    pub version: u8,
    /// IANA number of the transport; 0 for ARP.
    pub protocol: u8,
    /// IPv4's time to live or IPv6's hop limit.
    pub ttl: u8,
    /// Length of the transport header, bytes.
    pub header_len: u8,
}

/// What stands for the IP version in packets and keys of the address resolution protocol.
pub const ARP: u8 = 0;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// A packet for a flow.
    Packet(Packet),
    /// In no flow, and why.
    Skip(SkipReason),
}

/// A packet that carried another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// How it carried it.
    pub kind: TunnelKind,
    /// VXLAN's or GENEVE's network, GRE's key, GTP-U's tunnel endpoint, ERSPAN's session.
    pub id: Option<u32>,
    /// The carrying packet.
    pub packet: Packet,
}

impl Packet {
    /// Nothing known yet.
    pub(crate) const EMPTY: Self = Self {
        ts_ns: 0,
        source: 0,
        destination: 0,
        tunnel: 0,
        wire_len: 0,
        ip_len: 0,
        payload_len: 0,
        payload: Span { at: 0, len: 0 },
        tcp: None,
        fragment: None,
        source_port: 0,
        destination_port: 0,
        vlan: [0; 2],
        macs_at: None,
        version: ARP,
        protocol: 0,
        ttl: 0,
        header_len: 0,
    };
}

/// Walks link layer, VLAN tags, IP, tunnels and transport, and gives the innermost packet. `outer` is cleared and then
/// holds the packets that carried it, from the outside in.
#[must_use]
pub fn decode(frame: &Frame<'_>, outer: &mut Vec<Layer>) -> Decoded {
    let mut packet = Packet::EMPTY;
    match decode_into(frame, outer, &mut packet) {
        Ok(()) => Decoded::Packet(packet),
        Err(reason) => Decoded::Skip(reason),
    }
}

/// As [`decode`], into a packet that is [`Packet::EMPTY`]: it is written where it will be read.
#[inline]
pub(crate) fn decode_into(
    frame: &Frame<'_>,
    outer: &mut Vec<Layer>,
    packet: &mut Packet,
) -> Result<(), SkipReason> {
    outer.clear();
    packet.ts_ns = frame.ts_ns;
    packet.wire_len = frame.wire_len;
    let inside = link::strip(frame.link_type, frame.bytes, 0)?;
    network(frame.bytes, frame.wire_len as usize, &inside, packet)?;
    if tunnel::may_carry(frame.bytes, packet) {
        tunnel::descend(frame.bytes, outer, packet);
    }
    Ok(())
}

#[inline]
fn network(
    bytes: &[u8],
    wire_end: usize,
    inside: &link::Inside,
    packet: &mut Packet,
) -> Result<(), SkipReason> {
    match inside.network {
        link::Network::Ip => ip::decode(bytes, wire_end, inside, packet),
        link::Network::Arp => arp::decode(bytes, inside, packet),
    }
}

#[inline]
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([two[0], two[1]]))
}

#[inline]
fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}
