//! From labelled captures to labelled rows.

mod captures;
mod labels;
mod packets;
mod sidecar;
mod truth;

pub use captures::{CaptureCounts, Labelled, from_captures};
pub use labels::{Label, Labels};
pub use packets::PACKETS_PER_LABEL_MAX;
pub use sidecar::Sidecar;
pub use truth::{Truth, TruthRow};
