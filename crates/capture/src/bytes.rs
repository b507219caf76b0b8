//! Bytes of an input as stored: counted for progress and caps, hashed on the way where asked.

use crate::error::LimitHit;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Any reader below a capture.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// How far an input has been read, in its stored (packed) bytes. A clone watches the same input, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    pub(crate) fn new(total: Option<u64>) -> Self {
        Self { read: Arc::default(), total }
    }

    /// Position of the reader in the stored bytes.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Size of the input, unless it is a stream.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    fn set(&self, position: u64) {
        self.read.store(position, Ordering::Relaxed);
    }
}

/// Reads one stretch of a file. Each reader has a position of its own, so that they may share the file.
#[derive(Debug)]
pub(crate) struct Stretch {
    file: Arc<File>,
    position: u64,
    end: u64,
    progress: Progress,
}

impl Stretch {
    pub(crate) fn new(file: Arc<File>, from: u64, end: u64, progress: Progress) -> Self {
        Self { file, position: from, end, progress }
    }
}

impl Read for Stretch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let want = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..want], self.position)?;
        self.position += count as u64;
        self.progress.set(self.position);
        Ok(count)
    }
}

/// Counts what a stream gives, and stops it at a cap.
pub(crate) struct Stream<R> {
    inner: R,
    position: u64,
    bytes_max: u64,
    progress: Progress,
}

impl<R: Read> Stream<R> {
    pub(crate) fn new(inner: R, bytes_max: u64, progress: Progress) -> Self {
        Self { inner, position: 0, bytes_max, progress }
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.position += count as u64;
        self.progress.set(self.position);
        check_stored(self.position, self.bytes_max)?;
        Ok(count)
    }
}

/// Holds an input of `bytes` against the cap.
pub(crate) fn check_stored(bytes: u64, max: u64) -> Result<(), LimitHit> {
    if bytes > max {
        return Err(LimitHit { limit: "upload_bytes_max", max, unit: "bytes as stored" });
    }
    Ok(())
}

/// The sha256 of an input as stored, as far as it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoredHash(Arc<Mutex<HashState>>);

#[derive(Debug, Default)]
struct HashState {
    hash: Sha256,
    bytes: u64,
    /// The reader saw the end of the input.
    whole: bool,
}

impl StoredHash {
    fn add(&self, bytes: &[u8]) {
        // A panic of another thread while hashing cannot leave half a block: the state is valid.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.hash.update(bytes);
        state.bytes += bytes.len() as u64;
        state.whole = bytes.is_empty();
    }

    /// Wraps `inner` so that what it gives is hashed.
    pub(crate) fn on_the_way(&self, inner: Bytes) -> Bytes {
        Box::new(Hashed { inner, hash: self.clone() })
    }

    /// The hash, after reading what is left of `file`. A stream's end must have been seen.
    pub(crate) fn finish(&self, file: Option<&File>) -> io::Result<Option<[u8; 32]>> {
        if let Some(file) = file {
            self.add_rest_of(file)?;
        }
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(state.whole.then(|| state.hash.clone().finalize().into()))
    }

    fn add_rest_of(&self, file: &File) -> io::Result<()> {
        let mut position = self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        let mut chunk = vec![0; 256 << 10];
        loop {
            let count = match file.read_at(&mut chunk, position) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count?,
            };
            self.add(&chunk[..count]);
            position += count as u64;
            if count == 0 {
                return Ok(());
            }
        }
    }
}

struct Hashed {
    inner: Bytes,
    hash: StoredHash,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        // Nothing read into no room is not the end.
        if !buffer.is_empty() {
            self.hash.add(&buffer[..count]);
        }
        Ok(count)
    }
}

/// Takes up to `count` bytes off the front of `reader`, and gives them with a reader that still begins with them.
pub(crate) fn peek(mut reader: Bytes, count: usize) -> io::Result<(Vec<u8>, Bytes)> {
    let mut head = Vec::with_capacity(count);
    reader.by_ref().take(count as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(io::Cursor::new(head).chain(reader))))
}
