//! How a run ended, as an exit code: 0 done, 1 failed, 2 wrong usage or bad input, 3 a part could not be read.

use capture::SourceError;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

const FAILED: u8 = 1;
const BAD_INPUT: u8 = 2;
const INCOMPLETE: u8 = 3;

/// A run that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// All was read.
    Complete,
    /// A file, an entry or the rest of a damaged capture could not be read, and was named.
    Incomplete,
}

impl Done {
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Complete => ExitCode::SUCCESS,
            Self::Incomplete => ExitCode::from(INCOMPLETE),
        }
    }
}

/// What the user gave cannot be used: usage, settings, or files of which nothing can be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadInput(pub(crate) String);

/// Tells the error with its causes, and gives its exit code.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    // Whoever read our output has closed it: nothing is wrong, and nobody listens.
    if error.chain().any(is_closed_pipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("flowcatcher: {error:#}");
    let bad = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<BadInput>()
            || cause.is::<service::ServiceError>()
            || cause.is::<schema::protocol::ProtocolError>()
            || cause
                .downcast_ref::<SourceError>()
                .is_some_and(|error| !matches!(error, SourceError::Io { .. }))
    };
    if error.chain().any(bad) { ExitCode::from(BAD_INPUT) } else { ExitCode::from(FAILED) }
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
