//! What of a prediction is evidence, and against whom.

use schema::ids::address;
use schema::{CaptureId, FlowId, Prediction, ThreatCategory};
use std::net::IpAddr;

/// Whose run a piece of evidence belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) capture: CaptureId,
    pub(super) category: ThreatCategory,
    pub(super) subject: IpAddr,
}

/// One flow's contribution to a run.
pub(super) struct Evidence<'a> {
    pub(super) key: Key,
    pub(super) flow: FlowId,
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
    pub(super) ends: [IpAddr; 2],
    pub(super) severity: u32,
    pub(super) score: f32,
    pub(super) reason: &'a str,
    pub(super) sensor: &'a str,
}

/// Why a prediction is no evidence.
pub(super) enum NoEvidence {
    /// It says that there is no threat.
    None,
    /// It has no record, or one with malformed ids or addresses.
    Unreadable,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(prediction: &'a Prediction) -> Result<Self, NoEvidence> {
        let category = prediction.threat_category();
        if category == ThreatCategory::None {
            return Err(NoEvidence::None);
        }
        Self::read(prediction, category).ok_or(NoEvidence::Unreadable)
    }

    fn read(prediction: &'a Prediction, category: ThreatCategory) -> Option<Self> {
        let record = prediction.record.as_ref()?;
        let (source, destination) = (address(&record.source_ip)?, address(&record.destination_ip)?);
        let subject = if category.subject_is_victim() { destination } else { source };
        let capture = CaptureId::from_slice(&record.capture_id)?;
        // The score of a policy matter is not that of an attack but that of the class.
        let score = if category.is_attack() { prediction.threat_score } else { prediction.confidence };
        Some(Self {
            key: Key { capture, category, subject },
            flow: FlowId::from_slice(&record.flow_id)?,
            start_ns: record.start_ns,
            end_ns: record.end_ns.max(record.start_ns),
            ends: [source, destination],
            severity: prediction.severity,
            score,
            reason: prediction.reasons.first().map_or("", String::as_str),
            sensor: &record.sensor,
        })
    }
}
