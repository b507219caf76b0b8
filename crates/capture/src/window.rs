//! The one buffer of a capture: filled with large reads, walked in place, its tail carried over.

use std::io::{self, Read};
use std::sync::Arc;

/// What a capture's id is made from must fit: its first MiB.
pub(crate) const WINDOW_BYTES_MIN: usize = 1 << 20;

/// Bytes asked of the reader at once. Small enough that they are still in the second cache when they are walked.
const READ_BYTES: usize = 256 << 10;

/// Buffers that wait for those who share them to be done, at most.
const SPARE_MAX: usize = 32;

/// Unread bytes, and room behind them for more.
#[derive(Debug)]
pub(crate) struct Window {
    /// Filled in place while nobody else has it.
    buffer: Arc<Vec<u8>>,
    spare: Vec<Arc<Vec<u8>>>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
}

impl Window {
    /// A window in which any `record_bytes_max` fit.
    pub(crate) fn new(record_bytes_max: usize) -> Self {
        let buffer = Arc::new(vec![0; WINDOW_BYTES_MIN.max(record_bytes_max)]);
        Self { buffer, spare: Vec::new(), start: 0, end: 0, offset: 0 }
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

    /// The buffer itself, in which a mark is an index. While it is held, the window goes on in another.
    pub(crate) fn share(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.buffer)
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
        if Arc::get_mut(&mut self.buffer).is_none() {
            self.go_on_in_another();
        }
        let buffer = Arc::make_mut(&mut self.buffer);
        if buffer.len() - self.end < READ_BYTES {
            buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.end..buffer.len().min(self.end + READ_BYTES);
        loop {
            match reader.read(&mut buffer[room.clone()]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Leaves the buffer to those who share it, and takes the unread bytes along.
    fn go_on_in_another(&mut self) {
        let free = self.spare.iter_mut().position(|spare| Arc::get_mut(spare).is_some());
        let mut next = match free {
            Some(at) => self.spare.swap_remove(at),
            None => Arc::new(vec![0; self.buffer.len()]),
        };
        if let Some(bytes) = Arc::get_mut(&mut next) {
            let unread = &self.buffer[self.start..self.end];
            bytes[..unread.len()].copy_from_slice(unread);
        }
        let old = std::mem::replace(&mut self.buffer, next);
        if self.spare.len() < SPARE_MAX {
            self.spare.push(old);
        }
        self.end -= self.start;
        self.start = 0;
    }

    /// Whether the next fill leaves every byte where it is.
    pub(crate) fn fills_in_place(&self) -> bool {
        self.buffer.len() - self.end >= READ_BYTES && Arc::strong_count(&self.buffer) == 1
    }

    /// Whether there is no room left.
    pub(crate) fn is_full(&self) -> bool {
        self.end - self.start == self.buffer.len()
    }
}
