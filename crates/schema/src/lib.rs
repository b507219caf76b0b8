//! The words on the wire: protobuf types, topics, ids, the feature table, documents and the number→name maps.
//!
//! Nothing here computes, reads a clock or opens a socket. Every other crate may depend on this one.

pub mod category;
pub mod cic;
pub mod document;
pub mod features;
pub mod ids;
pub mod protocol;
pub mod topics;

/// Types generated from `proto-schemas/*.proto`. The comments there say what each field means.
#[allow(missing_docs, clippy::pedantic, reason = "generated; documented in proto-schemas")]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/flowcatcher.v1.rs"));
}

pub use features::{FEATURES, Feature, FeatureGroup, FeatureSchemaId, FeatureVector};
pub use ids::{CaptureId, FlowId, Id, ThreatId};
pub use wire::{
    Anomaly, Application, FlowEndReason, FlowLayer, FlowRecord, HostActivity, HostWindow, JobEvent, JobFile,
    JobPhase, ModelRef, Prediction, RuleHit, Threat, ThreatCategory, TlsClientHello, Traffic, TrafficClass,
    Tunnel,
};
