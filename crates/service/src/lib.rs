//! What each process does before and after its work: settings, logs, metrics, shutdown, and finding the files that a
//! user may bring along (ONNX Runtime, model bundles).
//!
//! Nothing here reads the process environment by itself but the `from_process` constructors, so that tests give theirs
//! as arguments.

pub mod bundle_files;
pub mod disk;
mod environment;
mod error;
pub mod logs;
pub mod metrics;
pub mod onnx_runtime;
pub mod settings;
pub mod shutdown;

pub use environment::Environment;
pub use error::ServiceError;
pub use metrics::Metrics;
pub use settings::{Loaded, Settings, Sources};
pub use shutdown::Shutdown;
