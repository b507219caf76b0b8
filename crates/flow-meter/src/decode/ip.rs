//! IPv4 with options, IPv6 with extension headers, fragments of both.

use super::link::Inside;
use super::transport::{self, Network};
use super::{EXTENSIONS_MAX, Fragment, Packet, be16, be32};
use crate::frame::Frame;
use crate::skip::SkipReason;

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;

#[inline]
pub(super) fn decode(frame: &Frame<'_>, inside: Inside) -> Result<Packet, SkipReason> {
    let bytes = frame.bytes.get(inside.offset..).ok_or(SkipReason::TruncatedIp)?;
    // What the wire had room for; a header that claims more is cut down to it.
    let room = (frame.wire_len as usize).max(frame.bytes.len()) - inside.offset;
    let network = match bytes.first().map(|first| first >> 4) {
        Some(4) => v4(bytes, room)?,
        Some(6) => v6(bytes, room)?,
        Some(_) => return Err(SkipReason::BadIp),
        None => return Err(SkipReason::TruncatedIp),
    };
    transport::decode(frame, inside, bytes, network)
}

#[inline]
fn v4(bytes: &[u8], room: usize) -> Result<Network, SkipReason> {
    if bytes.len() < V4_HEADER {
        return Err(SkipReason::TruncatedIp);
    }
    let header = usize::from(bytes[0] & 15) * 4;
    if header < V4_HEADER {
        return Err(SkipReason::BadIp);
    }
    let claimed = usize::from(be16(bytes, 2).unwrap_or(0));
    // 0 is what segmentation offload leaves behind.
    let ip_len = if claimed == 0 { room } else { claimed.min(room) };
    if ip_len < header {
        return Err(SkipReason::BadIp);
    }
    let place = be16(bytes, 6).unwrap_or(0);
    let fragment = (place & 0x3fff != 0)
        .then(|| Fragment { id: u32::from(be16(bytes, 4).unwrap_or(0)), offset: (place & 0x1fff) * 8 });
    Ok(Network {
        version: 4,
        protocol: bytes[9],
        ttl: bytes[8],
        source: u128::from(be32(bytes, 12).unwrap_or(0)),
        destination: u128::from(be32(bytes, 16).unwrap_or(0)),
        header,
        ip_len,
        fragment,
    })
}

#[inline]
fn v6(bytes: &[u8], room: usize) -> Result<Network, SkipReason> {
    let Some(fixed) = bytes.first_chunk::<V6_HEADER>() else { return Err(SkipReason::TruncatedIp) };
    let address = |at: usize| u128::from_be_bytes(std::array::from_fn(|byte| fixed[at + byte]));
    let claimed = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
    // 0 is a jumbogram's, or offload's.
    let ip_len = if claimed == 0 { room } else { (claimed + V6_HEADER).min(room) };
    let mut network = Network {
        version: 6,
        protocol: fixed[6],
        ttl: fixed[7],
        source: address(8),
        destination: address(24),
        header: V6_HEADER,
        ip_len,
        fragment: None,
    };
    extensions(bytes, &mut network)?;
    if network.header > network.ip_len {
        return Err(SkipReason::BadIp);
    }
    Ok(network)
}

/// Hop-by-hop 0, routing 43, fragment 44, destination 60, mobility 135, HIP 139, Shim6 140. ESP and AH are
/// protocols of their own here, for what they carry is not ours to read.
fn extensions(bytes: &[u8], network: &mut Network) -> Result<(), SkipReason> {
    for _ in 0..EXTENSIONS_MAX {
        let at = network.header;
        let length = match network.protocol {
            0 | 43 | 60 | 135 | 139 | 140 => {
                (usize::from(*bytes.get(at + 1).ok_or(SkipReason::TruncatedIp)?) + 1) * 8
            }
            44 => {
                let place = be16(bytes, at + 2).ok_or(SkipReason::TruncatedIp)?;
                let id = be32(bytes, at + 4).ok_or(SkipReason::TruncatedIp)?;
                // An atomic fragment (offset 0, no more) is a whole packet.
                if place & 0xfff9 != 0 {
                    network.fragment = Some(Fragment { id, offset: place & 0xfff8 });
                }
                8
            }
            _ => return Ok(()),
        };
        let next = *bytes.get(at).ok_or(SkipReason::TruncatedIp)?;
        network.protocol = next;
        network.header += length;
        if network.fragment.is_some_and(|fragment| fragment.later()) {
            return Ok(());
        }
    }
    Err(SkipReason::TooDeep)
}
