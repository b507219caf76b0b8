//! A batch of captures in a zip archive: each entry is opened by its content and read as it unpacks, never whole.

use crate::begin::{Origin, Shared, begin, sniff};
use crate::bytes::{Bytes, Progress, Stretch};
use crate::directory::{Check, Entry, STORED, find_content, read_directory};
use crate::magic::Content;
use crate::unpack::{inflate, unpack};
use crate::{Capture, SourceError};
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::vec;

const DEFLATED: u16 = 8;
const ZSTD: u16 = 93;

/// The entries of an archive that are still to be opened.
pub(crate) struct Batch {
    name: String,
    file: Arc<File>,
    progress: Progress,
    shared: Shared,
    /// What is wrong with the directory as a whole, given first.
    notice: Option<SourceError>,
    entries: vec::IntoIter<Entry>,
}

impl Batch {
    /// Reads the directory of the archive in `file`.
    pub(crate) fn open(
        name: &str,
        file: Arc<File>,
        progress: Progress,
        shared: Shared,
    ) -> Result<Self, SourceError> {
        let entries_max = shared.limits.zip_entries_max;
        let directory =
            read_directory(&file, entries_max).map_err(|error| SourceError::from_io(name, error))?;
        let name = name.to_owned();
        if directory.is_over_limit {
            let unit = "entries in the archive";
            return Err(SourceError::LimitExceeded {
                name,
                limit: "zip_entries_max",
                max: entries_max,
                unit,
            });
        }
        if directory.entries.is_empty() {
            return Err(SourceError::NotACapture { name, found: "a zip archive without files".to_owned() });
        }
        let notice = (!directory.is_whole).then(|| SourceError::Refused {
            name: name.clone(),
            why: "the archive is cut short or its directory is damaged; entries are read as far as they can be \
                  found, others may be missing"
                .to_owned(),
        });
        Ok(Self { name, file, progress, shared, notice, entries: directory.entries.into_iter() })
    }

    fn open_entry(&self, entry: &Entry) -> Result<Capture, SourceError> {
        let origin =
            Origin { name: format!("{}: {}", self.name, entry.name), entry: Some(entry.name.clone()) };
        let refused = |why: &str| SourceError::Refused { name: origin.name.clone(), why: why.to_owned() };
        if let Some(why) = entry.refusal {
            return Err(refused(why));
        }
        let content_at = find_content(&self.file, entry)
            .map_err(|error| SourceError::from_io(&origin.name, error))?
            .ok_or_else(|| {
                refused("the archive's directory is damaged: there is no such entry in its place")
            })?;
        let end = content_at.saturating_add(entry.packed_bytes);
        let packed = Stretch::new(self.file.clone(), content_at, end, self.progress.clone());
        let bytes = self
            .unpack_entry(entry.method, Box::new(packed))
            .map_err(|error| SourceError::from_io(&origin.name, error))?
            .ok_or_else(|| {
                refused(&format!("refused: compression method {}; pack it with deflate", entry.method))
            })?;
        let (content, bytes) = sniff(Box::new(Checked::new(bytes, entry.check)), &origin)?;
        if content == Content::Zip {
            return Err(refused("refused: a zip archive inside a zip archive; unpack it first"));
        }
        begin(content, bytes, origin, &self.shared)
    }

    fn unpack_entry(&self, method: u16, packed: Bytes) -> io::Result<Option<Bytes>> {
        Ok(Some(match method {
            STORED => packed,
            DEFLATED => inflate(packed, &self.shared.expansion),
            ZSTD => unpack(Content::Zstd, packed, &self.shared.expansion)?,
            _ => return Ok(None),
        }))
    }
}

impl Iterator for Batch {
    type Item = Result<Capture, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(notice) = self.notice.take() {
            return Some(Err(notice));
        }
        // Once the archive has grown beyond its cap every further entry would only say so again.
        if self.shared.expansion.is_exceeded() {
            return None;
        }
        let entry = self.entries.next()?;
        Some(self.open_entry(&entry))
    }
}

/// Holds an entry against the size and checksum in the directory, once it has been read.
struct Checked {
    inner: Bytes,
    check: Option<Check>,
    crc: flate2::Crc,
    bytes: u64,
}

impl Checked {
    fn new(inner: Bytes, check: Option<Check>) -> Self {
        Self { inner, check, crc: flate2::Crc::new(), bytes: 0 }
    }

    /// Checks once: after the error the stream has ended.
    fn verify(&mut self) -> io::Result<()> {
        let Some(check) = self.check.take() else { return Ok(()) };
        let damaged = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if self.bytes != check.bytes {
            return damaged(format!(
                "the entry should unpack to {} bytes, {} came out",
                check.bytes, self.bytes
            ));
        }
        if self.crc.sum() != check.crc32 {
            return damaged("the entry's checksum does not match".to_owned());
        }
        Ok(())
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.verify()?;
        }
        self.crc.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
