//! The stage that rolls evidence up into threats.

use bus::{BusError, Outlet, Stage};
use detect::{CorrelateConfig, Correlator};
use schema::{Prediction, Threat};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the correlator has seen and holds, as of the last batch.
#[derive(Debug, Default)]
pub struct CorrelateGauges {
    /// Predictions that were evidence, repetitions included.
    pub evidence: AtomicU64,
    /// Predictions of a threat that had no readable record.
    pub unreadable: AtomicU64,
    /// Runs that were forgotten because too many were open.
    pub runs_evicted: AtomicU64,
    /// Runs that may still grow.
    pub open_runs: AtomicU64,
}

/// Predictions in, threats out: a threat is published anew each time that evidence adds to it.
#[derive(Debug)]
pub struct CorrelateStage {
    correlator: Correlator,
    gauges: Arc<CorrelateGauges>,
}

impl CorrelateStage {
    /// Without any run.
    #[must_use]
    pub fn new(config: CorrelateConfig) -> Self {
        Self { correlator: Correlator::new(config), gauges: Arc::default() }
    }

    /// For metrics, while the stage runs on its thread.
    #[must_use]
    pub fn gauges(&self) -> Arc<CorrelateGauges> {
        Arc::clone(&self.gauges)
    }
}

impl Stage for CorrelateStage {
    type In = Prediction;
    type Out = Threat;
    const NAME: &'static str = "correlate";

    fn process(&mut self, batch: &[Arc<Prediction>], out: &mut Outlet<Threat>) -> Result<(), BusError> {
        self.correlator.correlate(batch, out.messages_mut());
        let counters = self.correlator.counters();
        self.gauges.evidence.store(counters.evidence, Ordering::Relaxed);
        self.gauges.unreadable.store(counters.unreadable, Ordering::Relaxed);
        self.gauges.runs_evicted.store(counters.runs_evicted, Ordering::Relaxed);
        self.gauges.open_runs.store(self.correlator.open_runs() as u64, Ordering::Relaxed);
        Ok(())
    }
}
