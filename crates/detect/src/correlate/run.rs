//! A run of evidence: what is kept of it, how runs merge, and the threat that it makes.

use super::distinct::Distinct;
use super::evidence::{Evidence, Key};
use super::{CorrelateConfig, REASONS_MAX, RELATED_IPS_MAX};
use schema::ids::address_bytes;
use schema::{FlowId, Id, Threat, ThreatId};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Evidence of one key without a gap. All of it is a function of the set of flows, whatever their order.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
    /// The earliest flow, and the smallest id among equals.
    first: (i64, FlowId),
    sensor: String,
    flows: Distinct,
    related: BTreeSet<IpAddr>,
    related_total: Distinct,
    severity: u32,
    score: f32,
    /// The earliest reasons, each once.
    reasons: BTreeSet<(i64, FlowId, String)>,
    /// Under which ids the run, or one that it absorbed, was published and not withdrawn yet.
    published: BTreeSet<ThreatId>,
    /// Since the last batch.
    pub(super) is_changed: bool,
    /// The evidence that was last added, by its number.
    pub(super) touched: u64,
}

impl Run {
    pub(super) fn new(evidence: &Evidence<'_>, config: &CorrelateConfig, sequence: u64) -> Self {
        let mut run = Self {
            start_ns: evidence.start_ns,
            end_ns: evidence.end_ns,
            first: (evidence.start_ns, evidence.flow),
            sensor: evidence.sensor.to_owned(),
            flows: Distinct::new(config.ids_max),
            related: BTreeSet::new(),
            related_total: Distinct::new(config.ids_max),
            severity: evidence.severity,
            score: evidence.score,
            reasons: BTreeSet::new(),
            published: BTreeSet::new(),
            is_changed: true,
            touched: sequence,
        };
        run.add(evidence, sequence);
        run
    }

    /// Whether a piece of evidence lies so near that it belongs to this run.
    pub(super) fn reaches(&self, evidence: &Evidence<'_>, gap_ns: i64) -> bool {
        evidence.start_ns.saturating_sub(gap_ns) <= self.end_ns
            && evidence.end_ns.saturating_add(gap_ns) >= self.start_ns
    }

    /// Adds a flow.
    pub(super) fn add(&mut self, evidence: &Evidence<'_>, sequence: u64) {
        self.start_ns = self.start_ns.min(evidence.start_ns);
        self.end_ns = self.end_ns.max(evidence.end_ns);
        if (evidence.start_ns, evidence.flow) < self.first {
            self.first = (evidence.start_ns, evidence.flow);
            evidence.sensor.clone_into(&mut self.sensor);
        }
        self.flows.insert(hash(&evidence.flow.0));
        for end in evidence.ends {
            self.add_related(end);
        }
        self.severity = self.severity.max(evidence.severity);
        self.score = self.score.max(evidence.score);
        if self.wants_reason(evidence) {
            self.add_reason((evidence.start_ns, evidence.flow, evidence.reason.to_owned()));
        }
        (self.is_changed, self.touched) = (true, sequence);
    }

    fn add_related(&mut self, ip: IpAddr) {
        if self.related.contains(&ip) {
            return;
        }
        self.related_total.insert(hash(&Id::hash(&[&address_bytes(ip)]).0));
        self.related.insert(ip);
        if self.related.len() > RELATED_IPS_MAX {
            self.related.pop_last();
        }
    }

    /// Cheap check before a reason is copied.
    fn wants_reason(&self, evidence: &Evidence<'_>) -> bool {
        let last = self.reasons.last();
        let is_full = self.reasons.len() >= REASONS_MAX;
        let is_late = last.is_some_and(|(at, flow, _)| (*at, *flow) < (evidence.start_ns, evidence.flow));
        !(evidence.reason.is_empty() || is_full && is_late)
    }

    /// Keeps each reason at its earliest flow. A reason that was pushed out comes back only with an earlier flow, so what
    /// is kept does not depend on the order.
    fn add_reason(&mut self, new: (i64, FlowId, String)) {
        let same = self.reasons.iter().find(|old| old.2 == new.2).cloned();
        if let Some(old) = same {
            if (new.0, new.1) >= (old.0, old.1) {
                return;
            }
            self.reasons.remove(&old);
        }
        self.reasons.insert(new);
        if self.reasons.len() > REASONS_MAX {
            self.reasons.pop_last();
        }
    }

    /// Takes over another run of the same key.
    pub(super) fn absorb(&mut self, other: Self) {
        self.start_ns = self.start_ns.min(other.start_ns);
        self.end_ns = self.end_ns.max(other.end_ns);
        if other.first < self.first {
            (self.first, self.sensor) = (other.first, other.sensor);
        }
        self.flows.merge(other.flows);
        self.related_total.merge(other.related_total);
        self.related.extend(other.related);
        while self.related.len() > RELATED_IPS_MAX {
            self.related.pop_last();
        }
        self.severity = self.severity.max(other.severity);
        self.score = self.score.max(other.score);
        for reason in other.reasons {
            self.add_reason(reason);
        }
        self.published.extend(other.published);
    }

    /// The threats to publish: what the run is now, and where it was known under another id, that this one is gone.
    pub(super) fn publish(&mut self, key: &Key, out: &mut Vec<Threat>) {
        let current = self.threat(key);
        let id = self.id(key);
        for old in std::mem::replace(&mut self.published, BTreeSet::from([id])) {
            if old != id {
                let superseded_by = current.threat_id.clone();
                out.push(Threat { threat_id: old.0.to_vec(), superseded_by, ..current.clone() });
            }
        }
        out.push(current);
        self.is_changed = false;
    }

    fn id(&self, key: &Key) -> ThreatId {
        let category = key.category.name().as_bytes();
        Id::hash(&[&key.capture.0, &address_bytes(key.subject), category, &self.first.1.0])
    }

    fn threat(&self, key: &Key) -> Threat {
        // Smallest by number: all of IPv4 before IPv6, as `IpAddr` orders them.
        let mut related: Vec<IpAddr> = self.related.iter().copied().collect();
        if !self.related.contains(&key.subject) {
            // The subject is always named, even where a thousand addresses are smaller.
            related.pop();
            related.push(key.subject);
        }
        Threat {
            threat_id: self.id(key).0.to_vec(),
            capture_id: key.capture.0.to_vec(),
            category: key.category.into(),
            subject_ip: address_bytes(key.subject),
            subject_is_victim: key.category.subject_is_victim(),
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            flows: self.flows.count(),
            first_flow_id: self.first.1.0.to_vec(),
            related_ips: related.into_iter().map(address_bytes).collect(),
            related_ips_total: self.related_total.count(),
            severity: self.severity,
            score: self.score,
            reasons: self.reasons.iter().map(|(_, _, reason)| reason.clone()).collect(),
            superseded_by: Vec::new(),
            sensor: self.sensor.clone(),
        }
    }
}

/// Ids are sha256, so any eight bytes of them are spread evenly.
fn hash(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|at| id[at]))
}
