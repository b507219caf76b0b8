//! PPP, PPPoE sessions, and Cisco's HDLC.

use super::typed::{follow, labels};
use super::{CUT, Found, Inside};
use crate::decode::be16;
use crate::skip::SkipReason;

/// PPP's own numbers of what it carries.
const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS: [u16; 2] = [0x0281, 0x0283];
/// Address and control of PPP in HDLC framing, which may be left out.
const ADDRESS_CONTROL: u16 = 0xff03;
/// First bytes of Cisco's own framing: unicast and broadcast.
const CISCO: [u8; 2] = [0x0f, 0x8f];

/// PPP, with or without address and control; some captures of this type hold Cisco's framing.
pub(super) fn ppp(bytes: &[u8], at: usize) -> Found {
    let word = be16(bytes, at).ok_or(CUT)?;
    let [address, control] = word.to_be_bytes();
    if CISCO.contains(&address) && control == 0 {
        return cisco(bytes, at);
    }
    let at = if word == ADDRESS_CONTROL { at + 2 } else { at };
    protocol(bytes, at, Inside::at(at))
}

/// PPP in HDLC framing, or Cisco's.
pub(super) fn hdlc(bytes: &[u8], at: usize) -> Found {
    match bytes.get(at) {
        Some(first) if CISCO.contains(first) => cisco(bytes, at),
        Some(_) => ppp(bytes, at),
        None => Err(CUT),
    }
}

/// Address, control, and an Ethernet type.
pub(super) fn cisco(bytes: &[u8], at: usize) -> Found {
    let kind = be16(bytes, at + 2).ok_or(CUT)?;
    follow(kind, bytes, at + 4, Inside::at(at))
}

/// A `PPPoE` session (RFC 2516): six bytes, then PPP without address and control.
pub(super) fn session(bytes: &[u8], at: usize, inside: Inside) -> Found {
    let header = bytes.get(at..at + 6).ok_or(CUT)?;
    // Version and type 1, code 0: session data.
    if header[0] != 0x11 || header[1] != 0 {
        return Err(SkipReason::NotIp);
    }
    protocol(bytes, at + 6, inside)
}

/// The protocol field, of one byte when that is odd.
fn protocol(bytes: &[u8], at: usize, inside: Inside) -> Found {
    let first = *bytes.get(at).ok_or(CUT)?;
    let (number, at) =
        if first & 1 == 1 { (u16::from(first), at + 1) } else { (be16(bytes, at).ok_or(CUT)?, at + 2) };
    match number {
        IPV4 | IPV6 => Ok(Inside { offset: at, ..inside }),
        _ if MPLS.contains(&number) => labels(bytes, at, inside),
        _ => Err(SkipReason::NotIp),
    }
}
