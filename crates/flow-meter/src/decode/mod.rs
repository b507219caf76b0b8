//! From the bytes of a frame to the packet that a flow is made of. Borrows, allocates nothing, cannot fail:
//! strange input is a [`SkipReason`].

mod ip;
mod link;
pub(crate) mod transport;

use crate::frame::Frame;
use crate::key::Bits;
use crate::skip::SkipReason;

/// VLAN tags that are stepped over.
pub(crate) const VLAN_TAGS_MAX: usize = 8;
/// IPv6 extension headers that are stepped over.
pub(crate) const EXTENSIONS_MAX: usize = 16;

/// What the TCP header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// CWR ECE URG ACK PSH RST SYN FIN, from the highest bit.
    pub flags: u8,
    /// As sent, without scaling.
    pub window: u16,
}

/// TCP flag bits.
pub(crate) mod flag {
    /// FIN.
    pub(crate) const FIN: u8 = 0x01;
    /// SYN.
    pub(crate) const SYN: u8 = 0x02;
    /// RST.
    pub(crate) const RST: u8 = 0x04;
    /// ACK.
    pub(crate) const ACK: u8 = 0x10;
}

/// A fragment's place in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The datagram's identification.
    pub id: u32,
    /// Where it begins in the datagram, bytes.
    pub offset: usize,
}

impl Fragment {
    /// Not the first fragment: has no ports.
    #[must_use]
    pub fn later(&self) -> bool {
        self.offset > 0
    }
}

/// What the meter needs of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Nanoseconds since 1970.
    pub ts_ns: i64,
    /// On the wire, link layer included.
    pub wire_len: u32,
    /// IP header and all that follows it.
    pub ip_len: u32,
    /// After the transport header, whether captured or not.
    pub payload_len: u32,
    /// What was captured of the payload.
    pub payload: &'a [u8],
    /// Source address.
    pub source: Bits,
    /// Destination address.
    pub destination: Bits,
    /// 4 or 6.
    pub version: u8,
    /// IANA number of the transport.
    pub protocol: u8,
    /// Source port; for ICMP the type.
    pub source_port: u16,
    /// Destination port; for ICMP the counterpart type, or the code.
    pub destination_port: u16,
    /// Present for TCP with a whole header.
    pub tcp: Option<Tcp>,
    /// Present for fragments.
    pub fragment: Option<Fragment>,
    /// Outer and inner VLAN id, 0 where there is none.
    pub vlan: [u16; 2],
    /// Destination and source MAC, where the link has them.
    pub macs: Option<&'a [u8; 12]>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A packet for a flow.
    Packet(Packet<'a>),
    /// In no flow, and why.
    Skip(SkipReason),
}

/// Walks link layer, VLAN tags, IP and transport.
#[must_use]
#[inline]
pub fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    match link::strip(frame).and_then(|inside| ip::decode(frame, inside)) {
        Ok(packet) => Decoded::Packet(packet),
        Err(reason) => Decoded::Skip(reason),
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
