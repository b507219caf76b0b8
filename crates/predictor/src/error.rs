//! Why this room cannot start, by what the caller can do.

use detect::DetectError;
use service::ServiceError;

/// An error while starting. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// ONNX Runtime or a bundle's file is not where it should be.
    #[error(transparent)]
    Files(#[from] ServiceError),
    /// ONNX Runtime, a bundle or a setting is not usable.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// A bundle in the user's folder is not usable.
    #[error("{}: {source}", folder.display())]
    Bundle {
        /// Where it lies.
        folder: std::path::PathBuf,
        /// What is wrong with it.
        source: DetectError,
    },
}
