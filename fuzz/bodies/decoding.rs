//! What holds for any frame that is decoded.

use flow_meter::{Decoded, Frame, LinkType, decode};

/// Decodes one frame: two bytes of link type (the high one first), then the frame.
pub(crate) fn check(bytes: &[u8]) {
    let Some((link_type, bytes)) = bytes.split_first_chunk() else { return };
    let link_type = LinkType(u16::from_be_bytes(*link_type));
    let frame = Frame { ts_ns: 1, link_type, wire_len: bytes.len() as u32, bytes };
    let (mut outer, mut again) = (Vec::new(), Vec::new());
    let decoded = decode(&frame, &mut outer);
    assert_eq!((decoded, &outer), (decode(&frame, &mut again), &again), "the same frame, the same packet");
    let inner = match decoded {
        Decoded::Packet(packet) => Some(packet),
        Decoded::Skip(_) => None,
    };
    for packet in outer.iter().map(|layer| layer.packet).chain(inner) {
        let (at, len) = (packet.payload.at as usize, packet.payload.len as usize);
        assert!(at + len <= bytes.len(), "a payload outside its frame: {packet:?}");
    }
}
