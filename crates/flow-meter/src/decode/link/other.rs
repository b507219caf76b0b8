//! LLC and SNAP, and the links that carry them or something of their own.

use super::typed::{ethernet, follow};
use super::{CUT, Found, Inside};
use crate::decode::be16;
use crate::skip::SkipReason;

/// An IEEE 802.2 header, with SNAP in it (RFC 1042) or IP's own service access point.
pub(super) fn llc(bytes: &[u8], at: usize, inside: Inside) -> Found {
    let header = bytes.get(at..at + 3).ok_or(CUT)?;
    match header {
        [0xaa, 0xaa, 0x03] => {
            let kind = be16(bytes, at + 6).ok_or(CUT)?;
            // Zero, or the bridge tunnel's number of IEEE 802.1H: an Ethernet type follows.
            match bytes[at + 3..at + 6] {
                [0, 0, 0 | 0xf8] => follow_type(kind, bytes, at + 8, inside),
                _ => Err(SkipReason::NotIp),
            }
        }
        [0x06, 0x06, 0x03] => Ok(Inside { offset: at + 3, ..inside }),
        _ => Err(SkipReason::NotIp),
    }
}

/// As [`follow`], but a length has no place here, so that headers cannot nest for ever.
fn follow_type(kind: u16, bytes: &[u8], at: usize, inside: Inside) -> Found {
    if kind < 0x0600 { Err(SkipReason::NotIp) } else { follow(kind, bytes, at, inside) }
}

/// Frame control, two addresses of six bytes, LLC.
pub(super) fn fddi(bytes: &[u8], at: usize) -> Found {
    // Frames of the logical link have 01 in the two highest bits but one.
    if bytes.get(at).ok_or(CUT)? & 0xf0 != 0x50 {
        return Err(SkipReason::NotData);
    }
    llc(bytes, at + 13, Inside::at(at))
}

/// Access and frame control, two addresses, routing information where the source address says so, LLC.
pub(super) fn token_ring(bytes: &[u8], at: usize) -> Found {
    if bytes.get(at + 1).ok_or(CUT)? >> 6 != 1 {
        return Err(SkipReason::NotData);
    }
    let mut end = at + 14;
    if bytes.get(at + 8).ok_or(CUT)? & 0x80 != 0 {
        end += usize::from(bytes.get(end).ok_or(CUT)? & 0x1f);
    }
    llc(bytes, end, Inside::at(at))
}

/// Classical IP over ATM (RFC 2684): LLC, or IP at once.
pub(super) fn atm(bytes: &[u8], at: usize) -> Found {
    match bytes.get(at).map(|first| first >> 4) {
        None => Err(CUT),
        Some(4 | 6) => Ok(Inside::at(at)),
        Some(_) => llc(bytes, at, Inside::at(at)),
    }
}

/// `SunATM`: a direction and a kind of traffic, a circuit, and LLC; in LAN emulation a client's number and Ethernet.
pub(super) fn sun_atm(bytes: &[u8], at: usize) -> Found {
    const LAN_EMULATION: u8 = 1;
    match bytes.get(at).ok_or(CUT)? & 0x0f {
        LAN_EMULATION => ethernet(bytes, at + 6),
        _ => llc(bytes, at + 4, Inside::at(at)),
    }
}

/// ARCNET: source, destination, two more bytes in Linux's form, and at `type_at` a protocol number of its own.
pub(super) fn arcnet(bytes: &[u8], at: usize, type_at: usize) -> Found {
    // RFC 1201 has a split flag and a sequence number after the protocol, RFC 1051 has not.
    match bytes.get(type_at).ok_or(CUT)? {
        0xd4 => follow(0x0800, bytes, type_at + 4, Inside::at(at)),
        0xd5 => follow(0x0806, bytes, type_at + 4, Inside::at(at)),
        0xf0 => follow(0x0800, bytes, type_at + 1, Inside::at(at)),
        0xf1 => follow(0x0806, bytes, type_at + 1, Inside::at(at)),
        _ => Err(SkipReason::NotIp),
    }
}

/// RFC 2427, or an Ethernet type right after the address as Cisco has it. The address ends with the first odd byte.
pub(super) fn frame_relay(bytes: &[u8], at: usize) -> Found {
    const ADDRESS_MAX: usize = 4;
    const CONTROL: u8 = 0x03;
    const PAD: u8 = 0x00;
    let address = bytes.get(at..).unwrap_or(&[]).iter().take(ADDRESS_MAX).position(|byte| byte & 1 == 1);
    let mut end = at + address.ok_or(CUT)? + 1;
    if *bytes.get(end).ok_or(CUT)? != CONTROL {
        let kind = be16(bytes, end).ok_or(CUT)?;
        return follow_type(kind, bytes, end + 2, Inside::at(at));
    }
    end += 1;
    if *bytes.get(end).ok_or(CUT)? == PAD {
        end += 1;
    }
    let inside = Inside { offset: end + 1, ..Inside::at(at) };
    match bytes.get(end).ok_or(CUT)? {
        0xcc | 0x8e => Ok(inside),
        0x80 => match bytes.get(end + 1..end + 4).ok_or(CUT)? {
            [0, 0, 0] => follow_type(be16(bytes, end + 4).ok_or(CUT)?, bytes, end + 6, inside),
            [0, 0x80, 0xc2] if matches!(be16(bytes, end + 4), Some(1 | 7)) => {
                // Bridged Ethernet, with its check sequence (padded by two bytes) or without.
                ethernet(bytes, end + 6 + if be16(bytes, end + 4) == Some(1) { 2 } else { 0 })
            }
            _ => Err(SkipReason::NotIp),
        },
        _ => Err(SkipReason::NotIp),
    }
}

/// DOCSIS: frame control, a parameter, a length, an extended header where there is one, a check sequence, and Ethernet.
pub(super) fn cable(bytes: &[u8], at: usize) -> Found {
    let [control, parameter] = be16(bytes, at).ok_or(CUT)?.to_be_bytes();
    // Others than packets: management, requests, fragments.
    if control >> 6 != 0 {
        return Err(SkipReason::NotData);
    }
    let extended = if control & 1 == 1 { usize::from(parameter) } else { 0 };
    ethernet(bytes, at + 6 + extended)
}

/// Hilscher's analyser: four bytes before Ethernet, or before an event on its own inputs.
pub(super) fn net_analyzer(bytes: &[u8], at: usize) -> Found {
    const EVENT: u8 = 1;
    if bytes.get(at + 1).ok_or(CUT)? & EVENT != 0 {
        return Err(SkipReason::NotData);
    }
    ethernet(bytes, at + 4)
}

/// Endace's record: sixteen bytes with its kind in the ninth, extension headers of eight, and what the kind says.
pub(super) fn extensible_record(bytes: &[u8], at: usize) -> Found {
    const EXTENSIONS_MAX: usize = 8;
    /// Of the kind, and of each extension's first byte: another extension follows.
    const MORE: u8 = 0x80;
    let kind = *bytes.get(at + 8).ok_or(CUT)?;
    let (mut more, mut end) = (kind & MORE, at + 16);
    for _ in 0..EXTENSIONS_MAX {
        if more == 0 {
            break;
        }
        more = bytes.get(end).ok_or(CUT)? & MORE;
        end += 8;
    }
    match kind & !MORE {
        _ if more != 0 => Err(SkipReason::TooDeep),
        // Padded by two bytes.
        2 | 11 | 16 | 20 => ethernet(bytes, end + 2),
        1 => super::ppp::hdlc(bytes, end),
        22 | 23 => super::raw(bytes, end),
        _ => Err(SkipReason::NotIp),
    }
}

/// Netfilter's log: family, version, resource, and then tagged values of which one is the packet.
pub(super) fn netfilter_log(bytes: &[u8], at: usize) -> Found {
    const PAYLOAD: u16 = 9;
    const VALUES_MAX: usize = 64;
    let family = *bytes.get(at).ok_or(CUT)?;
    if !matches!(family, 2 | 10) {
        return Err(SkipReason::NotIp);
    }
    let mut at = at + 4;
    for _ in 0..VALUES_MAX {
        // In the byte order of the capturing host, which was little-endian wherever it was seen.
        let length = usize::from(be16(bytes, at).ok_or(CUT)?.swap_bytes());
        let kind = be16(bytes, at + 2).ok_or(CUT)?.swap_bytes();
        if length < 4 {
            return Err(SkipReason::BadLink);
        }
        if kind == PAYLOAD {
            return Ok(Inside::at(at + 4));
        }
        at += length.next_multiple_of(4);
    }
    Err(SkipReason::TooDeep)
}
