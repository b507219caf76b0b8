//! What can go wrong, by what the caller can do about it.

use thiserror::Error;

/// Every failure of this crate. A record that cannot be judged is no failure but a [`crate::Reject`].
#[derive(Debug, Error)]
pub enum DetectError {
    /// The model bundle is not usable: replace it or train it anew.
    #[error("{kind} bundle refused: {reason}")]
    Bundle {
        /// `traffic`, `threat`, `packet`, or `model` while the manifest is not read yet.
        kind: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// ONNX Runtime is absent or did not start: install it, or name it in the configuration.
    #[error("ONNX Runtime: {0}")]
    Runtime(String),
    /// A model failed on rows that its bundle promised to take.
    #[error("{model} failed: {reason}")]
    Inference {
        /// Name of the bundle.
        model: String,
        /// The runtime's words.
        reason: String,
    },
    /// A setting is out of its range.
    #[error("{key} = {value}: {wanted}")]
    Config {
        /// The setting's name.
        key: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        wanted: &'static str,
    },
}
