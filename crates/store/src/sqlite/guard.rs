//! Keeps the store from filling the disk.

use crate::StoreError;
use std::path::{Path, PathBuf};

/// Refuses writes while the disk has less room than asked for.
#[derive(Debug, Clone)]
pub(super) struct DiskGuard {
    folder: PathBuf,
    free_min_bytes: u64,
}

impl DiskGuard {
    pub(super) fn new(database: &Path, free_min_bytes: u64) -> Self {
        let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self { folder: folder.unwrap_or(Path::new(".")).to_owned(), free_min_bytes }
    }

    /// Room left on the disk, bytes.
    pub(super) fn free_bytes(&self) -> Result<u64, StoreError> {
        let stat = rustix::fs::statvfs(&self.folder).map_err(|error| {
            StoreError::Fatal(format!(
                "The folder of the store, {}, is gone: {error}.",
                self.folder.display()
            ))
        })?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// `Ok` while writing is allowed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let free = self.free_bytes()?;
        if free >= self.free_min_bytes {
            return Ok(());
        }
        Err(StoreError::Full(format!(
            "Nothing is written any more: the disk of {} has {} free, and the store keeps {} free \
             (disk_free_min_bytes). Free some room there, lower the store's size_max_bytes or retention, or lower \
             disk_free_min_bytes.",
            self.folder.display(),
            readable(free),
            readable(self.free_min_bytes),
        )))
    }
}

fn readable(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let unit = (0..UNITS.len()).rev().find(|unit| bytes >> (10 * unit) > 0).unwrap_or(0);
    if unit == 0 {
        format!("{bytes} bytes")
    } else {
        format!("{:.1} {}", bytes as f64 / (1_u64 << (10 * unit)) as f64, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_that_asks_too_much_says_what_to_do() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("flows.db");
        assert!(DiskGuard::new(&database, 0).check().is_ok());
        let error = DiskGuard::new(&database, u64::MAX).check().expect_err("refused");
        assert!(matches!(&error, StoreError::Full(text) if text.contains("disk_free_min_bytes")), "{error}");
        let gone = DiskGuard::new(Path::new("/no/such/folder/flows.db"), 1).check();
        assert!(matches!(gone, Err(StoreError::Fatal(_))));
        assert!(DiskGuard::new(Path::new("flows.db"), 0).check().is_ok());
    }

    #[test]
    fn sizes_are_readable() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (1 << 30, "1.0 GiB"),
            (1 << 43, "8192.0 GiB"),
        ] {
            assert_eq!(readable(bytes), text);
        }
    }
}
