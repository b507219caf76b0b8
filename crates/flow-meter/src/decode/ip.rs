//! IPv4 with options, IPv6 with extension headers, fragments of both.

use super::link::Inside;
use super::transport;
use super::{EXTENSIONS_MAX, Fragment, Packet, be16, be32};
use crate::skip::SkipReason;

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;

/// What the IP header says of the rest.
pub(super) struct Rest {
    /// Bytes before the transport header.
    pub(super) header: usize,
    /// Total length, IP header included.
    pub(super) ip_len: usize,
}

/// Fills `packet` from the IP header at `inside.offset`. `wire_end` is where the wire's bytes end, which may be beyond
/// what was captured.
#[inline]
pub(super) fn decode(
    frame: &[u8],
    wire_end: usize,
    inside: &Inside,
    packet: &mut Packet,
) -> Result<(), SkipReason> {
    let bytes = frame.get(inside.offset..).ok_or(SkipReason::TruncatedIp)?;
    // What the wire had room for; a header that claims more is cut down to it.
    let room = wire_end.max(frame.len()) - inside.offset;
    packet.vlan = inside.vlan;
    packet.macs_at = inside.macs_at;
    let rest = match bytes.first().map(|first| first >> 4) {
        Some(4) => v4(bytes, room, packet)?,
        Some(6) => v6(bytes, room, packet)?,
        Some(_) => return Err(SkipReason::BadIp),
        None => return Err(SkipReason::TruncatedIp),
    };
    packet.ip_len = rest.ip_len as u32;
    transport::decode(bytes, inside.offset, &rest, packet)
}

#[inline]
fn v4(bytes: &[u8], room: usize, packet: &mut Packet) -> Result<Rest, SkipReason> {
    let Some(fixed) = bytes.first_chunk::<V4_HEADER>() else { return Err(SkipReason::TruncatedIp) };
    let header = usize::from(fixed[0] & 15) * 4;
    if header < V4_HEADER {
        return Err(SkipReason::BadIp);
    }
    let claimed = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    // 0 is what segmentation offload leaves behind.
    let ip_len = if claimed == 0 { room } else { claimed.min(room) };
    if ip_len < header {
        return Err(SkipReason::BadIp);
    }
    let place = u16::from_be_bytes([fixed[6], fixed[7]]);
    if place & 0x3fff != 0 {
        let id = u32::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        packet.fragment = Some(Fragment { id, offset: (place & 0x1fff) * 8 });
    }
    packet.version = 4;
    packet.ttl = fixed[8];
    packet.protocol = fixed[9];
    packet.source = u128::from(u32::from_be_bytes([fixed[12], fixed[13], fixed[14], fixed[15]]));
    packet.destination = u128::from(u32::from_be_bytes([fixed[16], fixed[17], fixed[18], fixed[19]]));
    Ok(Rest { header, ip_len })
}

#[inline]
fn v6(bytes: &[u8], room: usize, packet: &mut Packet) -> Result<Rest, SkipReason> {
    let Some(fixed) = bytes.first_chunk::<V6_HEADER>() else { return Err(SkipReason::TruncatedIp) };
    let address = |at: usize| u128::from_be_bytes(std::array::from_fn(|byte| fixed[at + byte]));
    let claimed = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
    // 0 is a jumbogram's, or offload's.
    let ip_len = if claimed == 0 { room } else { (claimed + V6_HEADER).min(room) };
    packet.version = 6;
    packet.protocol = fixed[6];
    packet.ttl = fixed[7];
    packet.source = address(8);
    packet.destination = address(24);
    let header = extensions(bytes, packet)?;
    if header > ip_len { Err(SkipReason::BadIp) } else { Ok(Rest { header, ip_len }) }
}

/// Hop-by-hop 0, routing 43, fragment 44, destination 60, mobility 135, HIP 139, Shim6 140. ESP and AH are
/// protocols of their own here, for what they carry is not ours to read. Gives where the transport header begins.
#[inline]
fn extensions(bytes: &[u8], packet: &mut Packet) -> Result<usize, SkipReason> {
    let mut at = V6_HEADER;
    for _ in 0..EXTENSIONS_MAX {
        let length = match packet.protocol {
            0 | 43 | 60 | 135 | 139 | 140 => {
                (usize::from(*bytes.get(at + 1).ok_or(SkipReason::TruncatedIp)?) + 1) * 8
            }
            44 => {
                let place = be16(bytes, at + 2).ok_or(SkipReason::TruncatedIp)?;
                let id = be32(bytes, at + 4).ok_or(SkipReason::TruncatedIp)?;
                // An atomic fragment (offset 0, no more) is a whole packet.
                if place & 0xfff9 != 0 {
                    packet.fragment = Some(Fragment { id, offset: place & 0xfff8 });
                }
                8
            }
            _ => return Ok(at),
        };
        packet.protocol = *bytes.get(at).ok_or(SkipReason::TruncatedIp)?;
        at += length;
        if packet.fragment.is_some_and(|fragment| fragment.later()) {
            return Ok(at);
        }
    }
    Err(SkipReason::TooDeep)
}
