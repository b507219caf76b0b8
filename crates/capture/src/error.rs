//! What can go wrong with an input, split by what its owner can do about it.

use std::io;

/// Why an input, or one entry of an archive, gives no more frames. Damage inside a capture is not an error but a
/// [`crate::Damage`] beside the frames that came before it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is nothing by that name: give another.
    #[error("{name}: no such file; check the path, or give - to read standard input")]
    NotFound {
        /// Path of the input.
        name: String,
    },
    /// The operating system refuses: change its rights.
    #[error("{name}: permission denied; make it readable for this user, or run as one who may read it")]
    Permission {
        /// Path of the input.
        name: String,
    },
    /// The content is something else: give a capture.
    #[error("{name}: not a capture but {found}; supported are {}", crate::magic::SUPPORTED)]
    NotACapture {
        /// Name of the input or the entry.
        name: String,
        /// What its first bytes say it is.
        found: String,
    },
    /// One entry of an archive is refused, or the archive's directory is; the other entries are still read.
    #[error("{name}: {why}")]
    Refused {
        /// Name of the archive and the entry.
        name: String,
        /// The reason, and what to do.
        why: String,
    },
    /// The input is larger than its reader allows: split it, or raise the limit.
    #[error("{name}: more than {max} {unit}; split it or raise {limit}")]
    LimitExceeded {
        /// Name of the input or the entry.
        name: String,
        /// Field of [`crate::InputLimits`].
        limit: &'static str,
        /// Its value.
        max: u64,
        /// What it counts.
        unit: &'static str,
    },
    /// The operating system failed to read: try again.
    #[error("{name}: reading failed: {source}")]
    Io {
        /// Name of the input or the entry.
        name: String,
        /// Its reason.
        source: io::Error,
    },
}

impl SourceError {
    /// The input or entry that the error is about.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::NotFound { name }
            | Self::Permission { name }
            | Self::NotACapture { name, .. }
            | Self::Refused { name, .. }
            | Self::LimitExceeded { name, .. }
            | Self::Io { name, .. } => name,
        }
    }

    /// Sorts an error of the operating system, or one of our own readers.
    pub(crate) fn from_io(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        if let Some(hit) = LimitHit::find(&source) {
            return Self::LimitExceeded { name, limit: hit.limit, max: hit.max, unit: hit.unit };
        }
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { name },
            io::ErrorKind::PermissionDenied => Self::Permission { name },
            _ => Self::Io { name, source },
        }
    }
}

/// A limit met inside a reader. It travels as the inside of an `io::Error`, since readers are stacked.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("more than {max} {unit} ({limit})")]
pub(crate) struct LimitHit {
    pub(crate) limit: &'static str,
    pub(crate) max: u64,
    pub(crate) unit: &'static str,
}

impl LimitHit {
    /// The limit that `error` carries, if it carries one.
    pub(crate) fn find(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }
}

impl From<LimitHit> for io::Error {
    fn from(hit: LimitHit) -> Self {
        Self::other(hit)
    }
}
