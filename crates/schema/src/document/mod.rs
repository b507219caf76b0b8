//! Predictions and threats as ECS documents: what the command line prints, what every store keeps, what the API gives.
//!
//! There is one shape and one writer. Fields that tell of the run and not of the traffic ([`RUN_FIELDS`]) are left out
//! when documents are compared and when the verdict hash is computed.

mod prediction;
mod threat;
mod time;

use crate::ids::Id;
use crate::wire::{FlowEndReason, Prediction, Threat};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use time::Rfc3339;
pub(crate) use time::civil;
pub use time::rfc3339;

/// Version of the Elastic Common Schema that the documents follow.
pub const ECS_VERSION: &str = "8.11.0";
/// `event.dataset` of a prediction.
pub const PREDICTION_DATASET: &str = "flowcatcher.prediction";
/// `event.dataset` of a threat.
pub const THREAT_DATASET: &str = "flowcatcher.threat";
/// Fields, or whole objects, that tell of the run: never part of a comparison or of the verdict hash.
pub const RUN_FIELDS: [&str; 7] =
    ["event.created", "event.ingested", "event.sequence", "observer", "agent", "host", "file"];
/// `related.ip` holds at most so many addresses.
pub const RELATED_IPS_MAX: usize = 1000;

/// Appends the prediction's document to `out`, without a line end.
pub fn write_prediction(prediction: &Prediction, out: &mut Vec<u8>) {
    let document = prediction::Document::new(prediction, prediction::Form::Whole);
    append(&document, out);
}

/// The prediction's document as JSON text.
#[must_use]
pub fn prediction_json(prediction: &Prediction) -> String {
    let mut out = Vec::with_capacity(2048);
    write_prediction(prediction, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends the threat's document to `out`, without a line end.
pub fn write_threat(threat: &Threat, out: &mut Vec<u8>) {
    append(&threat::Document::new(threat), out);
}

/// The threat's document as JSON text.
#[must_use]
pub fn threat_json(threat: &Threat) -> String {
    let mut out = Vec::with_capacity(2048);
    write_threat(threat, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// First 16 bytes of the sha256 over the document without [`RUN_FIELDS`] and without the hash itself.
#[must_use]
pub fn verdict_hash(prediction: &Prediction) -> [u8; 16] {
    let mut out = Vec::with_capacity(2048);
    append(&prediction::Document::new(prediction, prediction::Form::ForHash), &mut out);
    let digest = Sha256::digest(&out);
    std::array::from_fn(|at| digest[at])
}

fn append(document: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, and no map here has keys that are not text.
    serde_json::to_writer(out, document).expect("a document is always writable");
}

/// IPFIX's end reasons as documents name them.
#[must_use]
pub fn end_reason_name(reason: FlowEndReason) -> &'static str {
    match reason {
        FlowEndReason::Unknown => "unknown",
        FlowEndReason::Idle => "idle_timeout",
        FlowEndReason::Active => "active_timeout",
        FlowEndReason::EndOfFlow => "end_of_flow",
        FlowEndReason::Forced => "forced_end",
        FlowEndReason::LackOfResources => "lack_of_resources",
    }
}

/// ECS `network.transport`, or `None` for protocols that it has no word for.
#[must_use]
pub fn transport_name(protocol: u32) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "ipv6-icmp",
        132 => "sctp",
        136 => "udplite",
        _ => return None,
    })
}

/// Serialises through `Display`, without a string in between.
struct Shown<T>(T);

impl<T: std::fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An id in a `bytes` field; nothing when it has another length.
fn shown_id(bytes: &[u8]) -> Option<Shown<Id>> {
    Id::from_slice(bytes).map(Shown)
}

/// An address in a `bytes` field.
fn shown_address(bytes: &[u8]) -> Option<Shown<std::net::IpAddr>> {
    crate::ids::address(bytes).map(Shown)
}

/// The object that names the format.
#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

const ECS: Ecs = Ecs { version: ECS_VERSION };

/// What kind of document it is, and when it happened.
#[derive(Serialize)]
struct Event {
    kind: &'static str,
    category: &'static [&'static str],
    #[serde(rename = "type")]
    types: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    dataset: &'static str,
    module: &'static str,
    id: Option<Shown<Id>>,
    start: Shown<Rfc3339>,
    end: Shown<Rfc3339>,
    /// Nanoseconds.
    duration: i64,
    severity: u32,
}

impl Event {
    /// What both kinds of document say of time and severity; `base` has the rest.
    fn of(base: EventKind, id: &[u8], (start_ns, end_ns): (i64, i64), severity: u32) -> Self {
        Self {
            kind: base.kind,
            category: base.category,
            types: base.types,
            action: base.action,
            dataset: base.dataset,
            module: "flowcatcher",
            id: shown_id(id),
            start: Shown(rfc3339(start_ns)),
            end: Shown(rfc3339(end_ns)),
            duration: end_ns.saturating_sub(start_ns),
            severity,
        }
    }
}

/// What is the same in every document of a kind.
struct EventKind {
    kind: &'static str,
    category: &'static [&'static str],
    types: &'static [&'static str],
    action: Option<&'static str>,
    dataset: &'static str,
}

/// The capture that it was seen in.
#[derive(Serialize)]
struct Capture {
    id: Option<Shown<Id>>,
}

/// Who saw it.
#[derive(Serialize)]
struct Observer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    product: &'static str,
    vendor: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

impl<'a> Observer<'a> {
    fn new(name: &'a str) -> Self {
        Self { kind: "ids", product: "Flowcatcher", vendor: "Flowcatcher", name }
    }
}

#[cfg(test)]
mod tests;
