//! What can go wrong around a process's work, by what the caller can do.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// An error of this crate. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The settings are wrong: nothing was started, the user has to change them.
    #[error("{0}")]
    Settings(Complaints),
    /// Something that the user has to install or put in place is not there.
    #[error("{0}")]
    Missing(String),
    /// A file or folder is there and cannot be used.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why, and what would do.
        reason: String,
    },
    /// The operating system refused.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// A metric's name or labels clash with another's: a mistake in this program.
    #[error("metric: {0}")]
    Metric(#[from] prometheus::Error),
}

/// All that is wrong with the settings, one line each, so that nobody has to try again for every mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaints(pub Vec<String>);

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
