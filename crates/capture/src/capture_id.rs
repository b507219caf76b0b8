//! The id of a capture: the same traffic file has the same id, whatever it is packed in and wherever it comes from.

use crate::walk::{Next, Walker};
use flow_meter::LinkType;
use schema::CaptureId;

/// Bytes of the unpacked capture that its id is made from.
pub(crate) const ID_BYTES: usize = 1 << 20;

/// Hash over the link type (little-endian) and the first MiB of the unpacked capture, or all of a shorter one.
pub(crate) fn capture_id(link_type: LinkType, head: &[u8]) -> CaptureId {
    CaptureId::hash(&[&link_type.0.to_le_bytes(), &head[..head.len().min(ID_BYTES)]])
}

/// The link type of the header, or of the first interface described in `head`; 0 when there is none.
///
/// Takes a walker of its own to scout ahead: the one that will read the capture must not have moved.
pub(crate) fn first_link_type(mut scout: Walker, head: &[u8]) -> LinkType {
    let mut records = Vec::new();
    let mut at = 0;
    loop {
        records.clear();
        let walked = scout.walk(&head[at..], &mut records);
        at += walked.consumed;
        match (scout.first_link_type(), walked.next) {
            (Some(link_type), _) => return link_type,
            (None, Next::Full) => {}
            (None, Next::Skip(bytes)) if bytes < (head.len() - at) as u64 => at += bytes as usize,
            (None, _) => return LinkType::NULL,
        }
    }
}
