//! Identifiers that are a function of their content: the same capture gives the same ids in every mode.

use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;

/// Sixteen bytes of a sha256, shown as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub [u8; 16]);

/// Names a capture: hash over link type and the first MiB of its decompressed bytes.
pub type CaptureId = Id;
/// Names a flow, and its document in every store.
pub type FlowId = Id;
/// Names a threat, and its document in every store.
pub type ThreatId = Id;

impl Id {
    /// The first 16 bytes of the sha256 over `parts`, in order.
    #[must_use]
    pub fn hash(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }

    /// The id in a protobuf `bytes` field, or `None` when it has not 16 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The id from its 32 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(Self(id))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

/// Shows bytes as hex digits. Documents have several a flow, and a `write!` a byte was a third of their cost.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHUNK: usize = 32;
        let mut digits = [0u8; 2 * CHUNK];
        for chunk in self.0.chunks(CHUNK) {
            let digits = &mut digits[..2 * chunk.len()];
            hex::encode_to_slice(chunk, digits).map_err(|_| fmt::Error)?;
            f.write_str(std::str::from_utf8(digits).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads a 4 or 16 byte address field.
#[must_use]
pub fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Writes an address as 4 or 16 bytes.
#[must_use]
pub fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_its_bytes() {
        let id = Id::hash(&[b"a", b"b"]);
        assert_eq!(Id::hash(&[b"ab"]), id);
        assert_eq!(Id::from_hex(&id.to_string()), Some(id));
        assert_eq!(Id::from_slice(&id.0), Some(id));
        assert_eq!(Id::from_slice(&id.0[..15]), None);
        assert_eq!(Id::from_hex("zz"), None);
    }

    #[test]
    fn hex_of_any_length() {
        for length in [0, 1, 31, 32, 33, 64, 100] {
            let bytes: Vec<u8> = (0..length).collect();
            assert_eq!(Hex(&bytes).to_string(), hex::encode(&bytes));
        }
    }

    #[test]
    fn addresses_survive_their_bytes() {
        for text in ["10.0.0.1", "fe80::1"] {
            let address: IpAddr = text.parse().expect("address");
            assert_eq!(super::address(&address_bytes(address)), Some(address));
        }
        assert_eq!(address(&[1, 2, 3]), None);
    }
}
