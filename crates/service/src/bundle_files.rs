//! Reads the model bundles that a user puts in place of those compiled in: bytes only, `detect` understands them.

use crate::ServiceError;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longest manifest that is read.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// Longest model that is read.
const MODEL_BYTES_MAX: u64 = 512 << 20;

/// Kinds of bundles, which are the names of their folders.
pub const KINDS: [&str; 3] = ["traffic", "threat", "packet"];

/// One bundle as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFiles {
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// Where it was.
    pub folder: PathBuf,
    /// `manifest.toml`.
    pub manifest: String,
    /// `model.onnx`.
    pub model: Vec<u8>,
}

/// The bundles in `models_dir`, at most one of each kind. A kind without a folder keeps the one compiled in.
///
/// # Errors
/// When there is no bundle at all, and when a bundle's folder lacks a file or holds one that cannot be read.
pub fn read(models_dir: &Path) -> Result<Vec<BundleFiles>, ServiceError> {
    let mut bundles = Vec::new();
    for kind in KINDS {
        let folder = models_dir.join(kind);
        if !folder.is_dir() {
            continue;
        }
        let path = folder.join("manifest.toml");
        let manifest = String::from_utf8(bytes(&path, MANIFEST_BYTES_MAX)?).map_err(|error| {
            ServiceError::Unusable { path, reason: format!("must be UTF-8 text: {error}") }
        })?;
        let model = bytes(&folder.join("model.onnx"), MODEL_BYTES_MAX)?;
        bundles.push(BundleFiles { kind, folder, manifest, model });
    }
    if bundles.is_empty() {
        return Err(ServiceError::Unusable {
            path: models_dir.to_owned(),
            reason: "detect.models_dir names it, and it has none of the folders traffic, threat and packet, each with \
                     manifest.toml and model.onnx; correct or unset detect.models_dir"
                .into(),
        });
    }
    Ok(bundles)
}

fn bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, ServiceError> {
    let unusable = |reason| ServiceError::Unusable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unusable(error.to_string()))?;
    let mut bytes = Vec::new();
    // One byte more than allowed shows that there is more.
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| unusable(error.to_string()))?;
    if bytes.len() as u64 > bytes_max {
        return Err(unusable(format!("is larger than {bytes_max} bytes, the most that is read")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("folder")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
        folder
    }

    #[test]
    fn a_kind_that_is_there_is_read_whole() {
        let there = folder(&[("threat/manifest.toml", b"kind"), ("threat/model.onnx", b"\x08\xff")]);
        let bundles = read(there.path()).expect("read");
        let folder = there.path().join("threat");
        let expected =
            BundleFiles { kind: "threat", folder, manifest: "kind".into(), model: b"\x08\xff".to_vec() };
        assert_eq!(bundles, [expected]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |files: &[(&str, &[u8])], expected: &str| {
            let there = folder(files);
            let text = read(there.path()).expect_err("refused").to_string();
            assert!(text.contains(expected), "{text}");
        };
        check(&[], "has none of the folders traffic");
        check(&[("packet/manifest.toml", b"")], "packet/model.onnx: No such file");
        check(&[("packet/manifest.toml", b"\xff")], "packet/manifest.toml: must be UTF-8");
        let long = folder(&[("x", b"12345")]);
        assert!(
            bytes(&long.path().join("x"), 4)
                .expect_err("refused")
                .to_string()
                .contains("larger than 4 bytes")
        );
        assert_eq!(bytes(&long.path().join("x"), 5).expect("read"), b"12345");
    }
}
