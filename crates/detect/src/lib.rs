//! Records in, predictions out, without state.
//!
//! `detect` never sees a packet, a file, a clock or a socket: bytes of model bundles and records come in as arguments.
//! [`Judge`] turns flow records into predictions, [`Correlator`] turns predictions into threats.

pub mod bundle;
pub mod correlate;
mod defaults;
mod detector;
pub mod error;
mod graph;
pub mod judge;
pub mod manifest;
mod marks;
pub mod onnx;
pub mod packet;
mod record;
pub mod scan;
#[cfg(test)]
mod testing;
mod trees;
mod verdict;

pub use bundle::{Bundle, Bundles};
pub use correlate::{CorrelateConfig, CorrelateCounters, Correlator};
pub use error::DetectError;
pub use judge::{Judge, JudgeConfig};
pub use manifest::{BundleKind, Column, Manifest, Source};
pub use packet::PacketJudge;
pub use record::Reject;
