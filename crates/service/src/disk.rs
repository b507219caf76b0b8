//! How much room a disk has left.

use std::io;
use std::path::Path;

/// Bytes that this user may still write to the disk that `folder` is or will be on.
///
/// # Errors
/// When neither the folder nor any folder above it can be asked.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let folder = std::path::absolute(folder)?;
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let stat = rustix::fs::statvfs(there)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_above() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(free_bytes(folder.path()).expect("asked") > 0);
        assert!(free_bytes(&folder.path().join("not/yet")).expect("asked") > 0);
    }
}
