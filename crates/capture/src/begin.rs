//! From bytes to a capture: unpack, read the head, tell the format.

use crate::bytes::{Bytes, peek};
use crate::capture_id::ID_BYTES;
use crate::magic::{self, Content, MAGIC_BYTES};
use crate::reading::{Capture, Head};
use crate::unpack::{Expansion, is_damage, unpack};
use crate::walk::Walker;
use crate::{InputLimits, SourceError};
use std::io;

/// What is shared by all captures of one input.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) limits: InputLimits,
    pub(crate) expansion: Expansion,
}

impl Shared {
    pub(crate) fn new(limits: &InputLimits) -> Self {
        // Offsets in the buffer are 32 bits wide.
        let packet_bytes_max = limits.packet_bytes_max.min(1 << 30);
        Self { limits: InputLimits { packet_bytes_max, ..limits.clone() }, expansion: Expansion::new(limits) }
    }
}

/// Where a capture comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// Name of the input, and of the entry behind a colon.
    pub(crate) name: String,
    pub(crate) entry: Option<String>,
}

/// Tells the content of `bytes` and gives them back whole.
pub(crate) fn sniff(bytes: Bytes, origin: &Origin) -> Result<(Content, Bytes), SourceError> {
    let (head, bytes) = peek(bytes, MAGIC_BYTES).map_err(|error| unreadable(&origin.name, error))?;
    Ok((Content::of(&head), bytes))
}

/// Opens the capture in `bytes`, whose content was told as `content`.
pub(crate) fn begin(
    content: Content,
    bytes: Bytes,
    origin: Origin,
    shared: &Shared,
) -> Result<Capture, SourceError> {
    let bytes = unpack(content, bytes, &shared.expansion)
        .map_err(|error| SourceError::from_io(&origin.name, error))?;
    let head = Head::read(bytes, &shared.limits, ID_BYTES);
    match Walker::of(Content::of(head.bytes()), &shared.limits) {
        Some(walker) => Ok(Capture::new(origin, walker, head)),
        None => Err(not_a_capture(origin.name, head)),
    }
}

/// Says what the head is, or why there is none.
fn not_a_capture(name: String, head: Head) -> SourceError {
    let found = magic::describe(head.bytes());
    match head.into_error() {
        Some(error) => unreadable(&name, error),
        None => SourceError::NotACapture { name, found },
    }
}

/// An error met before it could be told what the content is.
fn unreadable(name: &str, error: io::Error) -> SourceError {
    if is_damage(&error) {
        let found = format!("damaged before a capture begins ({error})");
        return SourceError::NotACapture { name: name.to_owned(), found };
    }
    SourceError::from_io(name, error)
}
