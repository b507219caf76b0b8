//! The trait behind which frames come from, and the batches it gives.

use crate::SourceError;
use crate::walk::Record;
use flow_meter::Frame;
use std::sync::Arc;

/// Gives the frames of one capture, in file order, in batches that borrow from the source's buffer.
///
/// A batch costs one virtual call and no copy of a packet; all its frames live equally long, so that a reader may
/// look ahead within it.
pub trait FrameSource {
    /// The next frames, at least one; `None` at the end and ever after.
    ///
    /// # Errors
    /// When no more can be read for a reason outside the capture. All frames before were given.
    fn next_batch(&mut self) -> Result<Option<FrameBatch<'_>>, SourceError>;

    /// As [`FrameSource::next_batch`], in a batch that can go to another thread. Here the frames are copied; a source that
    /// can share its buffer does better.
    ///
    /// # Errors
    /// As those of [`FrameSource::next_batch`].
    fn next_shared(&mut self) -> Result<Option<SharedBatch>, SourceError> {
        Ok(self.next_batch()?.map(FrameBatch::to_shared))
    }

    /// Why the capture ended before its end. Known once `next_batch` gave `None`.
    fn damage(&self) -> Option<&Damage> {
        None
    }
}

/// A capture that could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damaged at byte {byte_offset}: {what}")]
pub struct Damage {
    /// What is wrong there.
    pub what: String,
    /// Where, in the unpacked capture: the first byte that is part of no packet given.
    pub byte_offset: u64,
}

/// Frames in one buffer.
#[derive(Debug, Clone, Copy)]
pub struct FrameBatch<'a> {
    bytes: &'a [u8],
    records: &'a [Record],
}

impl<'a> FrameBatch<'a> {
    /// `records` lie inside `bytes`: the walkers list no others.
    pub(crate) fn new(bytes: &'a [u8], records: &'a [Record]) -> Self {
        Self { bytes, records }
    }

    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The frame at `index`, if there are so many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Frame<'a>> {
        self.records.get(index).map(|record| record.frame(self.bytes))
    }

    /// The frames in order.
    #[must_use]
    pub fn iter(&self) -> Frames<'a> {
        Frames { bytes: self.bytes, records: self.records.iter() }
    }
}

/// Frames in one buffer that is shared with others.
#[derive(Debug, Clone)]
pub struct SharedBatch {
    bytes: Arc<Vec<u8>>,
    /// Where in the buffer the frames' offsets begin.
    from: usize,
    records: Vec<Record>,
}

impl SharedBatch {
    /// `records` lie inside `bytes`, counted from `from` on.
    pub(crate) fn new(bytes: Arc<Vec<u8>>, from: usize, records: Vec<Record>) -> Self {
        Self { bytes, from, records }
    }

    /// The frames, borrowed.
    #[must_use]
    pub fn as_batch(&self) -> FrameBatch<'_> {
        FrameBatch { bytes: &self.bytes[self.from..], records: &self.records }
    }
}

impl FrameBatch<'_> {
    fn to_shared(self) -> SharedBatch {
        SharedBatch::new(Arc::new(self.bytes.to_vec()), 0, self.records.to_vec())
    }
}

impl<'a> IntoIterator for FrameBatch<'a> {
    type Item = Frame<'a>;
    type IntoIter = Frames<'a>;

    fn into_iter(self) -> Frames<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &FrameBatch<'a> {
    type Item = Frame<'a>;
    type IntoIter = Frames<'a>;

    fn into_iter(self) -> Frames<'a> {
        self.iter()
    }
}

/// The frames of a batch in order.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    records: std::slice::Iter<'a, Record>,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        self.records.next().map(|record| record.frame(self.bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl ExactSizeIterator for Frames<'_> {}
