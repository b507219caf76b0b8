//! The judge: records in, predictions out, nothing remembered.
//!
//! Order of evidence: protocol marks decide the traffic class, detectors the threat category, and models judge what is
//! left. Scores are rounded to 1e-4 before they meet a threshold, a document or a hash, and every row is judged by
//! itself: how records are cut into batches changes nothing.

use crate::bundle::{Bundle, Bundles};
use crate::detector::{Detector, Finding};
use crate::error::DetectError;
use crate::manifest::ATTACK;
use crate::marks::{Mark, mark};
use crate::onnx::Model;
use crate::record::{Reject, View};
use crate::scan::ScanDetector;
use crate::verdict::{ThreatCall, TrafficCall, conclude};
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};

use schema::document::verdict_hash;
use schema::{FlowRecord, ModelRef, Prediction, TrafficClass};
use std::borrow::Borrow;
use std::sync::Arc;

/// What the operator may choose.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeConfig {
    /// Distinct ports or hosts that one initiator tries within 60 s before its probes are a scan; at least 2.
    pub scan_threshold: u32,
    /// Traffic classes that policy counts as abnormal, unless they are uncertain.
    pub abnormal_classes: Vec<TrafficClass>,
    /// A class whose probability is lower is marked uncertain; 0 to 1.
    pub uncertain_below: f32,
}

impl Default for JudgeConfig {
    fn default() -> Self {
        Self {
            scan_threshold: 100,
            abnormal_classes: vec![TrafficClass::Tor, TrafficClass::Vpn],
            uncertain_below: 0.6,
        }
    }
}

impl JudgeConfig {
    fn check(&self) -> Result<(), DetectError> {
        if self.scan_threshold < 2 {
            let value = self.scan_threshold.to_string();
            return Err(DetectError::Config { key: "scan_threshold", value, wanted: "at least 2 is wanted" });
        }
        if !(0.0..=1.0).contains(&self.uncertain_below) {
            let value = self.uncertain_below.to_string();
            return Err(DetectError::Config { key: "uncertain_below", value, wanted: "0 to 1 is wanted" });
        }
        Ok(())
    }
}

/// Judges flow records on one thread. More threads are more judges.
pub struct Judge {
    traffic: Arc<Bundle>,
    threat: Arc<Bundle>,
    traffic_model: Model,
    threat_model: Model,
    detectors: Vec<Box<dyn Detector>>,
    models: Vec<ModelRef>,
    config: JudgeConfig,
}

/// A record on its way to a prediction.
struct Case<'a> {
    at: usize,
    view: View<'a>,
    mark: Option<Mark>,
    finding: Option<Finding>,
}

impl Case<'_> {
    fn needs_traffic(&self) -> bool {
        !matches!(self.mark, Some(Mark::Decides { .. }))
    }

    fn needs_threat(&self) -> bool {
        self.finding.is_none()
    }

    /// Appends these columns.
    fn write(&self, columns: &[usize], row: &mut Vec<f32>) {
        row.extend(columns.iter().map(|&at| self.view.feature(at)));
    }
}

impl Judge {
    /// Loads the flow models of these bundles. ONNX Runtime must run.
    ///
    /// # Errors
    /// [`DetectError::Runtime`] before [`crate::onnx::start`], [`DetectError::Bundle`] when the runtime does not take a
    /// model, [`DetectError::Config`] when a setting is out of range.
    pub fn new(bundles: &Bundles, config: JudgeConfig) -> Result<Self, DetectError> {
        config.check()?;
        let reference = |bundle: &Bundle| ModelRef {
            name: bundle.manifest().name.clone(),
            sha256: bundle.sha256().to_vec(),
        };
        Ok(Self {
            traffic_model: Model::load(&bundles.traffic)?,
            threat_model: Model::load(&bundles.threat)?,
            models: vec![reference(&bundles.traffic), reference(&bundles.threat)],
            traffic: Arc::clone(&bundles.traffic),
            threat: Arc::clone(&bundles.threat),
            detectors: vec![Box::new(ScanDetector::new(config.scan_threshold))],
            config,
        })
    }

    /// Appends one prediction a record, in the order of the records, and gives back those that are not ours to judge.
    ///
    /// # Errors
    /// [`DetectError::Inference`] when a model fails as a whole; then nothing is appended.
    pub fn judge<R: Borrow<FlowRecord>>(
        &mut self,
        records: &[R],
        out: &mut Vec<Prediction>,
    ) -> Result<Vec<Reject>, DetectError> {
        let (mut cases, mut rejects) = (Vec::with_capacity(records.len()), Vec::new());
        for (at, record) in records.iter().enumerate() {
            match View::new(record.borrow()) {
                Ok(view) => cases.push(self.open(at, view)),
                Err(reason) => rejects.push(Reject { at, reason }),
            }
        }
        let traffic = self.traffic_rows(&cases)?;
        let (attack, categories) = self.threat_rows(&cases)?;
        let mut traffic = traffic.chunks_exact(TRAFFIC_CLASSES.len());
        let mut threat = attack.iter().zip(categories.chunks_exact(CATEGORIES.len()));
        for case in cases {
            let probabilities = if case.needs_traffic() { traffic.next() } else { None };
            let threats = if case.needs_threat() { threat.next() } else { None };
            let at = case.at;
            match self.close(case, probabilities, threats) {
                Ok(prediction) => out.push(prediction),
                Err(reason) => rejects.push(Reject { at, reason }),
            }
        }
        rejects.sort_by_key(|reject| reject.at);
        Ok(rejects)
    }

    fn open<'a>(&self, at: usize, view: View<'a>) -> Case<'a> {
        let finding = self.detectors.iter().find_map(|detector| detector.inspect(view));
        let (packets, _) = view.totals();
        Case { at, view, mark: mark(view.record(), packets), finding }
    }

    fn traffic_rows(&mut self, cases: &[Case<'_>]) -> Result<Vec<f32>, DetectError> {
        let (columns, wanted) = (self.traffic.columns(), cases.iter().filter(|case| case.needs_traffic()));
        let mut results = self.traffic_model.run(wanted, |case, row| case.write(columns, row))?;
        Ok(results.pop().unwrap_or_default())
    }

    fn threat_rows(&mut self, cases: &[Case<'_>]) -> Result<(Vec<f32>, Vec<f32>), DetectError> {
        let (columns, wanted) = (self.threat.columns(), cases.iter().filter(|case| case.needs_threat()));
        let mut results = self.threat_model.run(wanted, |case, row| case.write(columns, row))?;
        let categories = results.pop().unwrap_or_default();
        Ok((results.pop().unwrap_or_default(), categories))
    }

    fn close(
        &self,
        case: Case<'_>,
        probabilities: Option<&[f32]>,
        threats: Option<(&f32, &[f32])>,
    ) -> Result<Prediction, String> {
        let traffic = match case.mark {
            Some(Mark::Decides { class, certainty, reason }) => TrafficCall::marked(class, certainty, reason),
            ref mark => {
                let (packets, payload) = case.view.totals();
                self.traffic_call(probabilities.unwrap_or_default())?.weighed(packets, payload, mark.as_ref())
            }
        };
        let threat = match (case.finding, threats) {
            (Some(finding), _) => ThreatCall::found(finding),
            (None, threats) => self.threat_call(threats)?,
        };
        let mut prediction = self.conclude(traffic, threat);
        prediction.record = Some(case.view.record().clone());
        prediction.verdict_hash = verdict_hash(&prediction).to_vec();
        Ok(prediction)
    }

    fn traffic_call(&self, probabilities: &[f32]) -> Result<TrafficCall, String> {
        let name = &self.traffic.manifest().name;
        if probabilities.len() != TRAFFIC_CLASSES.len() {
            return Err(format!("model {name} gave no answer for it"));
        }
        TrafficCall::judged(name, probabilities, self.config.uncertain_below)
            .ok_or_else(|| format!("model {name} gave no number for it; replace the bundle"))
    }

    fn threat_call(&self, threats: Option<(&f32, &[f32])>) -> Result<ThreatCall, String> {
        let name = &self.threat.manifest().name;
        let Some((attack, categories)) = threats else {
            return Err(format!("model {name} gave no answer for it"));
        };
        ThreatCall::judged(name, *attack, categories, self.threat.threshold(ATTACK))
            .ok_or_else(|| format!("model {name} gave no number or no category for it; replace the bundle"))
    }

    fn conclude(&self, traffic: TrafficCall, threat: ThreatCall) -> Prediction {
        conclude(traffic, threat, &self.config.abnormal_classes, self.models.clone())
    }
}

#[cfg(test)]
mod tests;
