//! Protocols that begin with words, magic numbers or a fixed header.

use super::{Found, Name, Payload};

const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
    b"PATCH ",
    b"TRACE ",
    b"PROPFIND ",
];
const SIP: [&[u8]; 6] =
    [b"REGISTER sip", b"INVITE sip", b"OPTIONS sip", b"SIP/2.0 ", b"SUBSCRIBE sip", b"MESSAGE sip"];
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

pub(super) fn over_tcp(payload: &Payload<'_>) -> Option<Found> {
    let bytes = payload.bytes;
    let starts = |prefix: &[u8]| bytes.starts_with(prefix);
    let name = if SIP.iter().any(|prefix| starts(prefix)) {
        Name::Sip
    } else if METHODS.iter().any(|method| starts(method)) || starts(b"HTTP/1.") || starts(b"PRI * HTTP/2") {
        Name::Http
    } else if starts(b"SSH-") {
        Name::Ssh
    } else if bytes.get(4..8).is_some_and(|magic| magic == b"\xffSMB" || magic == b"\xfeSMB") {
        Name::Smb
    } else if starts(b"EHLO ") || starts(b"HELO ") || (starts(b"220 ") && mail_port(payload)) {
        Name::Smtp
    } else if (starts(b"220 ") || starts(b"220-") || starts(b"USER ")) && payload.has_port(21) {
        Name::Ftp
    } else if bytes.first() == Some(&0x10) && bytes.windows(4).take(16).any(|four| four == b"MQTT") {
        Name::Mqtt
    } else if bytes.len() > 14 && dns(&bytes[2..]) && payload.has_port(53) {
        Name::Dns
    } else {
        return None;
    };
    Some(Found::plain(name))
}

fn mail_port(payload: &Payload<'_>) -> bool {
    [25, 465, 587].iter().any(|port| payload.has_port(*port))
}

pub(super) fn over_udp(payload: &Payload<'_>) -> Option<Found> {
    let bytes = payload.bytes;
    let name = if bytes.get(4..8).is_some_and(|cookie| cookie == STUN_COOKIE) && bytes[0] < 4 {
        Name::Stun
    } else if SIP.iter().any(|prefix| bytes.starts_with(prefix)) {
        Name::Sip
    } else if quic(bytes) {
        Name::Quic
    } else if [53, 5353, 5355].iter().any(|port| payload.has_port(*port)) && dns(bytes) {
        Name::Dns
    } else if payload.has_port(123) && payload.len >= 48 && bytes.first().is_some_and(|b| b & 0x38 != 0) {
        Name::Ntp
    } else {
        return None;
    };
    Some(Found::plain(name))
}

/// A long header with a version in use: 1 (RFC 9000), 2 (RFC 9369) or a draft.
fn quic(bytes: &[u8]) -> bool {
    let Some([first, version @ ..]) = bytes.first_chunk::<5>() else { return false };
    let known = matches!(version, [0, 0, 0, 1] | [0x6b, 0x33, 0x43, 0xcf] | [0xff, 0, 0, _]);
    first & 0xc0 == 0xc0 && known && bytes.len() > 20
}

/// A header that makes sense: few questions, a defined opcode, zero reserved bit.
fn dns(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<12>() else { return false };
    let questions = u16::from_be_bytes([header[4], header[5]]);
    let opcode = header[2] >> 3 & 15;
    let answer = header[2] & 0x80 != 0;
    opcode <= 6 && header[3] & 0x40 == 0 && (questions == 1 || (questions == 0 && answer))
}
