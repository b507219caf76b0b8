//! Unpacking on the way: gzip of one or more members, zstd, deflate; what comes out is counted against a cap.

use crate::InputLimits;
use crate::bytes::Bytes;
use crate::error::LimitHit;
use crate::magic::Content;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PACKED_READ_BYTES: usize = 64 << 10;

/// Bytes that an input has expanded to, shared by all its entries.
#[derive(Debug, Clone)]
pub(crate) struct Expansion {
    bytes: Arc<AtomicU64>,
    max: u64,
}

impl Expansion {
    pub(crate) fn new(limits: &InputLimits) -> Self {
        Self { bytes: Arc::default(), max: limits.expanded_bytes_max }
    }

    /// Whether more came out than the cap allows.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.max
    }

    /// Bytes that may still come out.
    fn left(&self) -> u64 {
        self.max.saturating_sub(self.bytes.load(Ordering::Relaxed))
    }

    fn add(&self, count: usize) -> Result<(), LimitHit> {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        if self.is_exceeded() {
            return Err(LimitHit { limit: "expanded_bytes_max", max: self.max, unit: "bytes once unpacked" });
        }
        Ok(())
    }
}

/// Unpacks `packed` when `content` is a packing; else gives it back.
pub(crate) fn unpack(content: Content, packed: Bytes, expansion: &Expansion) -> io::Result<Bytes> {
    let packed = match content {
        Content::Gzip | Content::Zstd => BufReader::with_capacity(PACKED_READ_BYTES, packed),
        _ => return Ok(packed),
    };
    Ok(match content {
        Content::Gzip => unpacked("gzip", flate2::bufread::MultiGzDecoder::new(packed), expansion),
        _ => unpacked("zstd", zstd::Decoder::with_buffer(packed)?, expansion),
    })
}

/// Unpacks a raw deflate stream, which has no checksum of its own.
pub(crate) fn inflate(packed: Bytes, expansion: &Expansion) -> Bytes {
    let packed = BufReader::with_capacity(PACKED_READ_BYTES, packed);
    unpacked("deflate", flate2::bufread::DeflateDecoder::new(packed), expansion)
}

fn unpacked(packing: &'static str, inner: impl Read + Send + 'static, expansion: &Expansion) -> Bytes {
    Box::new(Unpacked { packing, inner, expansion: expansion.clone() })
}

struct Unpacked<R> {
    packing: &'static str,
    inner: R,
    expansion: Expansion,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte beyond the cap at most, so that all before it are given, and an exact fit is no excess.
        let room = usize::try_from(self.expansion.left().max(1)).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..room]).map_err(|error| name_damage(self.packing, error))?;
        self.expansion.add(count)?;
        Ok(count)
    }
}

/// Says which layer is damaged. Errors of the operating system and our own caps pass through.
fn name_damage(packing: &str, error: io::Error) -> io::Error {
    if !is_damage(&error) || error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the {packing} stream is cut short"),
        _ => format!("the {packing} stream is broken: {error}"),
    };
    io::Error::new(error.kind(), what)
}

/// Whether an error of a stack of readers tells of bad bytes, and not of a failed read or of a cap.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && LimitHit::find(error).is_none()
}
