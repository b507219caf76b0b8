//! Labelled captures in, model bundles out: each with the score it has on captures that it was not fitted on.
//!
//! [`train`] and [`evaluate`] are what commands call. Below them: [`rows`] joins metered flows with their truth, [`table`]
//! keeps them, [`gbdt`] fits trees, [`traffic`], [`threat`] and [`packet`] say on what and how good the result is, [`onnx`]
//! writes the graph and [`bundle`] the folder.

pub mod bundle;
pub mod calibrate;
mod card;
pub mod error;
pub mod folds;
pub mod gbdt;
pub mod metrics;
pub mod onnx;
pub mod packet;
pub mod recipe;
pub mod report;
pub mod rows;
pub mod sampling;
pub mod table;
pub mod threat;
pub mod tools;
pub mod traffic;
mod train;

pub use error::TrainError;
pub use recipe::Recipe;
pub use report::Evaluation;
pub use train::{Report, RowSource, TABLES, ToolTest, TrainOptions, evaluate, train};
