//! Fitted models as ONNX graphs: one file, several models, only operators of the standard.
//!
//! Trees become `TreeEnsembleRegressor` nodes whose margins go through the temperature into `Sigmoid` or `Softmax`;
//! `TreeEnsembleClassifier` is avoided, since runtimes disagree about the probabilities of its binary models. Every graph
//! has one input, `features` [N, columns] of f32; N is at least 1.

mod build;
mod models;
mod trees;

pub use models::{PacketModel, ThreatModel, TrafficModel};

/// The name of every graph's input.
pub const INPUT: &str = "features";

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    reason = "generated; documented in proto/onnx.proto"
)]
mod pb {
    include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
}
