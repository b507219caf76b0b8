//! Ports, TCP flags and where the payload begins.

use super::ip::Rest;
use super::{Fragment, Packet, Span, Tcp, be16, be32, flag};
use crate::key::protocol;
use crate::skip::SkipReason;

const TCP_HEADER: usize = 20;
/// Where the second of two tiny fragments begins when the first holds just the ports (`nmap -f`).
const TINY_FRAGMENT: usize = 8;

struct Header {
    ports: (u16, u16),
    length: usize,
    tcp: Option<Tcp>,
}

impl Header {
    const NONE: Self = Self { ports: (0, 0), length: 0, tcp: None };
}

/// Fills `packet` from the transport header. `bytes` begin with the IP header, which lies at `offset` in the frame.
#[inline]
pub(super) fn decode(
    bytes: &[u8],
    offset: usize,
    rest: &Rest,
    packet: &mut Packet,
) -> Result<(), SkipReason> {
    let end = rest.ip_len.min(bytes.len());
    let captured = bytes.get(rest.header..end).unwrap_or(&[]);
    let room = rest.ip_len - rest.header;
    let mut header = match packet.fragment {
        Some(fragment) if fragment.later() => rest_of_header(captured, packet.protocol, room, fragment),
        _ => header(captured, packet.protocol, room)?,
    };
    if header.length > room {
        if packet.fragment.is_none() {
            return Err(SkipReason::BadTransport);
        }
        // A header that goes on in the next fragment, as those have it that want to slip past filters.
        header.length = room;
    }
    (packet.source_port, packet.destination_port) = header.ports;
    packet.tcp = header.tcp;
    packet.header_len = header.length.min(255) as u8;
    packet.payload_len = (room - header.length) as u32;
    packet.payload = Span {
        at: (offset + rest.header + header.length) as u32,
        len: captured.len().saturating_sub(header.length) as u32,
    };
    Ok(())
}

/// What a later fragment has of the transport header: usually nothing. A TCP header cut after eight bytes goes on here
/// with its flags, for which such fragments are sent: to slip past filters.
fn rest_of_header(bytes: &[u8], number: u8, room: usize, fragment: Fragment) -> Header {
    if number != protocol::TCP || usize::from(fragment.offset) != TINY_FRAGMENT {
        return Header::NONE;
    }
    let (Some(word), Some(window)) = (be16(bytes, 4), be16(bytes, 6)) else { return Header::NONE };
    let length = (usize::from(word >> 12) * 4).saturating_sub(TINY_FRAGMENT).min(room);
    let tcp = Tcp {
        seq: 0,
        ack: be32(bytes, 0).unwrap_or(0),
        window,
        flags: word as u8,
        mss: None,
        window_scale: None,
    };
    Header { length, tcp: Some(tcp), ..Header::NONE }
}

#[inline]
fn header(bytes: &[u8], number: u8, room: usize) -> Result<Header, SkipReason> {
    let cut = SkipReason::TruncatedTransport;
    let ports = || Some((be16(bytes, 0)?, be16(bytes, 2)?));
    match number {
        protocol::TCP => {
            let ports = ports().ok_or(cut)?;
            let (Some(word), Some(window)) = (be16(bytes, 12), be16(bytes, 14)) else {
                // A tiny first fragment, or a short snap length: the ports are there, the rest is not.
                return Ok(Header { ports, length: TCP_HEADER.min(room), tcp: None });
            };
            let length = usize::from(word >> 12) * 4;
            if length < TCP_HEADER {
                return Err(SkipReason::BadTransport);
            }
            let (mss, window_scale) =
                if word as u8 & flag::SYN == 0 { (None, None) } else { options(bytes, length) };
            let tcp = Tcp {
                seq: be32(bytes, 4).unwrap_or(0),
                ack: be32(bytes, 8).unwrap_or(0),
                window,
                flags: word as u8,
                mss,
                window_scale,
            };
            Ok(Header { ports, length, tcp: Some(tcp) })
        }
        protocol::UDP | protocol::UDP_LITE => Ok(Header { ports: ports().ok_or(cut)?, length: 8, tcp: None }),
        protocol::SCTP => Ok(Header { ports: ports().ok_or(cut)?, length: 12, tcp: None }),
        protocol::ICMP | protocol::ICMPV6 => {
            let two = bytes.get(..2).ok_or(cut)?;
            let ports = icmp_ports(number, two[0], two[1]);
            Ok(Header { ports, length: 8.min(room), tcp: None })
        }
        _ => Ok(Header::NONE),
    }
}

/// Maximum segment size and window scale, as far as the options were captured.
fn options(bytes: &[u8], header: usize) -> (Option<u16>, Option<u8>) {
    let mut options = bytes.get(TCP_HEADER..header.min(bytes.len())).unwrap_or(&[]);
    let (mut mss, mut window_scale) = (None, None);
    loop {
        match options {
            [] | [0, ..] => break,
            [1, rest @ ..] => options = rest,
            [kind, length, ..] => {
                let length = usize::from(*length).max(2);
                match (kind, options.get(2..length)) {
                    (2, Some(&[high, low])) => mss = Some(u16::from_be_bytes([high, low])),
                    (3, Some(&[shift])) => window_scale = Some(shift),
                    _ => {}
                }
                options = options.get(length..).unwrap_or(&[]);
            }
            [_] => break,
        }
    }
    (mss, window_scale)
}

/// Type and counterpart type, so that question and answer share a flow; type and code where there is no
/// counterpart (Community ID's rule).
fn icmp_ports(number: u8, kind: u8, code: u8) -> (u16, u16) {
    (u16::from(kind), u16::from(counterpart(number, kind).unwrap_or(code)))
}

/// The type that answers `kind`, where ICMP has one.
pub(crate) fn counterpart(number: u8, kind: u8) -> Option<u8> {
    Some(match (number, kind) {
        (protocol::ICMP, 8) => 0,
        (protocol::ICMP, 0) => 8,
        (protocol::ICMP, 13) => 14,
        (protocol::ICMP, 14) => 13,
        (protocol::ICMP, 15) => 16,
        (protocol::ICMP, 16) => 15,
        (protocol::ICMP, 17) => 18,
        (protocol::ICMP, 18) => 17,
        (protocol::ICMP, 10) => 9,
        (protocol::ICMP, 9) => 10,
        (protocol::ICMPV6, 128) => 129,
        (protocol::ICMPV6, 129) => 128,
        (protocol::ICMPV6, 133) => 134,
        (protocol::ICMPV6, 134) => 133,
        (protocol::ICMPV6, 135) => 136,
        (protocol::ICMPV6, 136) => 135,
        (protocol::ICMPV6, 130) => 131,
        (protocol::ICMPV6, 131) => 130,
        (protocol::ICMPV6, 144) => 145,
        (protocol::ICMPV6, 145) => 144,
        _ => return None,
    })
}
