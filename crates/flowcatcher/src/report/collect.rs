//! The stages at the end of `analyze`: they count what goes by, and write documents when those are wanted.

use super::summary::Summary;
use bus::{BusError, NoMessage, Outlet, Stage};
use schema::{Id, Prediction, Threat};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was found. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Findings(Arc<Mutex<Found>>);

/// All that the reports tell.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) summary: Summary,
    threats: BTreeMap<Id, Arc<Threat>>,
}

impl Findings {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// The threats as they stand in the end: worst first, then by time.
    pub(crate) fn threats(&self) -> Vec<Arc<Threat>> {
        let mut threats: Vec<_> = self.threats.values().cloned().collect();
        threats.sort_by_key(|threat| {
            (std::cmp::Reverse(threat.severity), threat.start_ns, threat.threat_id.clone())
        });
        threats
    }
}

/// Counts predictions, and writes each as a line when there is a place for it.
pub(crate) struct CollectPredictions {
    findings: Findings,
    lines: Option<Box<dyn Write + Send>>,
    line: Vec<u8>,
}

impl CollectPredictions {
    pub(crate) fn new(findings: Findings, lines: Option<Box<dyn Write + Send>>) -> Self {
        Self { findings, lines, line: Vec::new() }
    }
}

impl Stage for CollectPredictions {
    type In = Prediction;
    type Out = NoMessage;
    const NAME: &'static str = "collect-predictions";

    fn process(&mut self, batch: &[Arc<Prediction>], _out: &mut Outlet<NoMessage>) -> Result<(), BusError> {
        let mut found = self.findings.lock();
        batch.iter().for_each(|prediction| found.summary.add(prediction));
        drop(found);
        let Some(lines) = &mut self.lines else { return Ok(()) };
        self.line.clear();
        for prediction in batch {
            schema::document::write_prediction(prediction, &mut self.line);
            self.line.push(b'\n');
        }
        let written = lines.write_all(&self.line).and_then(|()| lines.flush());
        written.map_err(|error| BusError::Fatal(format!("writing the predictions: {error}")))
    }
}

/// Keeps the last state of each threat.
pub(crate) struct CollectThreats {
    findings: Findings,
}

impl CollectThreats {
    pub(crate) fn new(findings: Findings) -> Self {
        Self { findings }
    }
}

impl Stage for CollectThreats {
    type In = Threat;
    type Out = NoMessage;
    const NAME: &'static str = "collect-threats";

    fn process(&mut self, batch: &[Arc<Threat>], _out: &mut Outlet<NoMessage>) -> Result<(), BusError> {
        let mut found = self.findings.lock();
        for threat in batch {
            let id = Id::from_slice(&threat.threat_id).unwrap_or_default();
            if threat.superseded_by.is_empty() {
                found.threats.insert(id, Arc::clone(threat));
            } else {
                found.threats.remove(&id);
            }
        }
        Ok(())
    }
}
