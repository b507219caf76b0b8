//! OpenVPN: the reset that opens a session, answered by one that repeats its session id.
//!
//! A packet begins with opcode (5 bits), key id (3 bits) and the sender's session id; an answer carries the session id
//! that it answers in the clear unless tls-crypt hides it.

use super::{Found, Name, Payload};

const CLIENT_RESET_V2: u8 = 7 << 3;
const SERVER_RESET_V2: u8 = 8 << 3;
const CLIENT_RESET_V3: u8 = 10 << 3;
/// Opcode, session id, empty acknowledgement list, packet id.
const RESET_MIN: u32 = 14;
/// With HMAC of 64 bytes, packet id, time, and a wrapped client key.
const RESET_MAX: u32 = 1200;
/// Opcode, session id, one acknowledged packet id, its session id, packet id.
const ANSWER_MIN: u32 = 26;

pub(super) fn over_udp(payload: &Payload<'_>, token: Option<[u8; 8]>) -> Option<Found> {
    packet(payload.bytes, payload.len, token)
}

/// Over TCP a length of two bytes stands before each packet.
pub(super) fn over_tcp(payload: &Payload<'_>, token: Option<[u8; 8]>) -> Option<Found> {
    let (length, rest) = payload.bytes.split_first_chunk::<2>()?;
    let length = u32::from(u16::from_be_bytes(*length));
    (length >= RESET_MIN && length + 2 <= payload.len).then(|| packet(rest, length, token)).flatten()
}

fn packet(bytes: &[u8], len: u32, token: Option<[u8; 8]>) -> Option<Found> {
    let (first, rest) = bytes.split_first()?;
    let session = *rest.first_chunk::<8>()?;
    match (*first, token) {
        (CLIENT_RESET_V2 | CLIENT_RESET_V3, None) if plausible_reset(session, bytes, len) => Some(Found {
            token: Some(session),
            ..Found::with(Name::OpenVpn, format!("client hard reset of {len} bytes"))
        }),
        (SERVER_RESET_V2, Some(asked)) if (ANSWER_MIN..=RESET_MAX).contains(&len) && session != [0; 8] => {
            let repeats = rest.windows(8).skip(8).any(|window| window == asked);
            let how =
                if repeats { "that repeats the client's session id" } else { "with a hidden session id" };
            Some(Found::with(Name::OpenVpn, format!("server hard reset of {len} bytes {how}")))
        }
        _ => None,
    }
}

/// The sizes that OpenVPN's own framings give: plain, tls-auth (HMAC of 16, 20, 32 or 64 bytes), tls-crypt, and
/// tls-crypt-v2 with its wrapped key. In the plain form the packet id is 0.
fn plausible_reset(session: [u8; 8], bytes: &[u8], len: u32) -> bool {
    let plain = len == RESET_MIN && bytes.get(9..14).is_some_and(|tail| tail == [0; 5]);
    let tls_auth = [16, 20, 28, 32, 48, 64].iter().any(|hmac| len == RESET_MIN + hmac + 8);
    let tls_crypt = len == RESET_MIN + 8 + 32;
    let tls_crypt_v2 = bytes[0] == CLIENT_RESET_V3 && (200..=RESET_MAX).contains(&len);
    session != [0; 8] && (plain || tls_auth || tls_crypt || tls_crypt_v2)
}
