//! The one buffer of a capture: filled with large reads, walked in place, its tail carried over.

use std::io::{self, Read};

/// What a capture's id is made from must fit: its first MiB.
pub(crate) const WINDOW_BYTES_MIN: usize = 1 << 20;

/// Bytes asked of the reader at once. Small enough that they are still in the second cache when they are walked.
const READ_BYTES: usize = 256 << 10;

/// Unread bytes, and room behind them for more.
#[derive(Debug)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
}

impl Window {
    /// A window in which any `record_bytes_max` fit.
    pub(crate) fn new(record_bytes_max: usize) -> Self {
        Self { buffer: vec![0; WINDOW_BYTES_MIN.max(record_bytes_max)], start: 0, end: 0, offset: 0 }
    }

    /// What has been read and not yet consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Where the unread bytes begin, as an index for [`Window::since`].
    pub(crate) fn mark(&self) -> usize {
        self.start
    }

    /// The bytes from `mark` on, those consumed since included. Valid until the next fill.
    pub(crate) fn since(&self, mark: usize) -> &[u8] {
        &self.buffer[mark..self.end]
    }

    /// Offset of the unread bytes in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Marks the first `count` unread bytes as read.
    pub(crate) fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start, "no more is consumed than was read");
        self.start += count;
        self.offset += count as u64;
    }

    /// Appends what one read gives; 0 at the end of the stream. Moves the unread bytes to the front first when the
    /// room behind them is short, which is less than one record a buffer.
    pub(crate) fn fill(&mut self, reader: &mut dyn Read) -> io::Result<usize> {
        if self.buffer.len() - self.end < READ_BYTES {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.end..self.buffer.len().min(self.end + READ_BYTES);
        loop {
            match reader.read(&mut self.buffer[room.clone()]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there is no room left.
    pub(crate) fn is_full(&self) -> bool {
        self.end - self.start == self.buffer.len()
    }
}
