//! Judges flow records and correlates the evidence: two stages that do not know which bus they run on.
//!
//! [`JudgeStage`] reads flow records and writes predictions; it keeps no state, so any number of threads and processes
//! gives the same predictions. [`CorrelateStage`] reads predictions and writes threats; its state is the open runs.

mod correlate;
mod error;
mod judge;
mod models;

pub use correlate::{CorrelateGauges, CorrelateStage};
pub use error::PredictorError;
pub use judge::{JudgeCounters, JudgeStage};
pub use models::{judge_config, load_bundles, overridden, start_runtime, threads};
