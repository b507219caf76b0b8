//! The address resolution protocol (RFC 826): who asks for which address.

use super::link::Inside;
use super::{ARP, Packet, be16, be32};
use crate::skip::SkipReason;

const HEADER: usize = 8;
const IPV4: u16 = 0x0800;

/// Requests and answers of IPv4 addresses over any hardware.
#[cold]
pub(super) fn decode(bytes: &[u8], inside: &Inside, packet: &mut Packet) -> Result<(), SkipReason> {
    const CUT: SkipReason = SkipReason::TruncatedArp;
    let message = bytes.get(inside.offset..).ok_or(CUT)?;
    let (kind, lengths) = (be16(message, 2).ok_or(CUT)?, message.get(4..6).ok_or(CUT)?);
    let (hardware, protocol) = (usize::from(lengths[0]), usize::from(lengths[1]));
    if kind != IPV4 || protocol != 4 {
        return Err(SkipReason::NotIp);
    }
    let (sender, target) = (HEADER + hardware, HEADER + 2 * hardware + protocol);
    packet.source = u128::from(be32(message, sender).ok_or(CUT)?);
    packet.destination = u128::from(be32(message, target).ok_or(CUT)?);
    packet.version = ARP;
    packet.ip_len = (target + protocol) as u32;
    packet.vlan = inside.vlan;
    packet.macs_at = inside.macs_at;
    Ok(())
}
