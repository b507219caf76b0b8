//! What can go wrong, split by what its reader can do about it.

use crate::gbdt::FitError;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file or folder could not be read or written: check path and rights, then try again.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An input is not what it should be: correct it.
    #[error("{}: {reason}", path.display())]
    Input {
        /// Which.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The rows do not carry the model: give more captures.
    #[error("not enough labelled rows: {0}")]
    TooFew(String),
    /// The rows cannot be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The finished bundle would be refused by this build: a flaw of the trainer.
    #[error("the new bundle would not load: {0}")]
    Bundle(#[from] detect::DetectError),
}

impl TrainError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn input(path: &Path, reason: impl Into<String>) -> Self {
        Self::Input { path: path.to_owned(), reason: reason.into() }
    }
}
