//! IKEv1 and IKEv2 (RFC 2408, RFC 7296): a 28-byte header whose length field is the datagram's.

use super::{Found, Name, Payload};

const HEADER: usize = 28;
const NAT_T_PORT: u16 = 4500;

pub(super) fn recognise(payload: &Payload<'_>) -> Option<Found> {
    let (bytes, len) = match payload.bytes {
        // On the NAT-T port four zero bytes tell IKE from ESP.
        [0, 0, 0, 0, rest @ ..] if payload.has_port(NAT_T_PORT) => (rest, payload.len.checked_sub(4)?),
        bytes => (bytes, payload.len),
    };
    let header = bytes.first_chunk::<HEADER>()?;
    let claimed = u32::from_be_bytes([header[24], header[25], header[26], header[27]]);
    let spi_given = header[..8] != [0; 8];
    if claimed != len || !spi_given {
        return None;
    }
    let what = match (header[17], header[18], header[19] & 0xc7) {
        (0x20, 34, 0) => "IKEv2 IKE_SA_INIT",
        (0x20, 35, 0) => "IKEv2 IKE_AUTH",
        (0x20, 36 | 37, 0) => "IKEv2 exchange",
        (0x10, 2, _) => "IKEv1 main mode",
        (0x10, 4, _) => "IKEv1 aggressive mode",
        (0x10, 5 | 6 | 32 | 33, _) => "IKEv1 exchange",
        _ => return None,
    };
    Some(Found::with(Name::Ike, format!("{what} of {len} bytes")))
}
