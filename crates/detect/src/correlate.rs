//! Rolls predictions that are evidence up into threats.
//!
//! A threat is a run: evidence of one category against one subject in one capture, with gaps of at most
//! [`CorrelateConfig::gap_ns`] of packet time. Evidence may come in any order, in any batches and twice: what remains in
//! the end is the same, as long as no named limit was hit. A run that grows at its front, or into another run, changes its
//! id; the old id is then published once more with `superseded_by`, so that its document can go.

mod distinct;
mod evidence;
mod run;

use evidence::{Evidence, Key, NoEvidence};
use run::Run;
use schema::{Prediction, Threat};
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};

/// The most addresses that a threat lists.
pub const RELATED_IPS_MAX: usize = 1000;
/// The most reasons that a threat quotes.
pub const REASONS_MAX: usize = 5;

/// Limits of correlation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelateConfig {
    /// Evidence further apart belongs to different runs; nanoseconds of packet time.
    pub gap_ns: i64,
    /// Up to so many distinct flows (and addresses) a run are counted exactly, more are estimated with a standard error
    /// of 3.1 %. Values below 1,024 count as 1,024.
    pub ids_max: usize,
    /// So many runs are kept open; beyond, those that grew longest ago are forgotten and counted.
    pub runs_max: usize,
}

impl Default for CorrelateConfig {
    fn default() -> Self {
        Self { gap_ns: 300_000_000_000, ids_max: 16_384, runs_max: 10_000 }
    }
}

/// What the correlator has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CorrelateCounters {
    /// Predictions that were evidence, repetitions included.
    pub evidence: u64,
    /// Predictions of a threat that had no readable record.
    pub unreadable: u64,
    /// Runs that were forgotten because of [`CorrelateConfig::runs_max`].
    pub runs_evicted: u64,
}

/// Keeps the open runs.
#[derive(Debug)]
pub struct Correlator {
    config: CorrelateConfig,
    /// Several runs of one key lie more than a gap apart.
    runs: HashMap<Key, Vec<Run>>,
    open: usize,
    counters: CorrelateCounters,
}

impl Correlator {
    /// Without any run.
    #[must_use]
    pub fn new(config: CorrelateConfig) -> Self {
        Self { config, runs: HashMap::new(), open: 0, counters: CorrelateCounters::default() }
    }

    /// Takes a batch of predictions and appends every threat that it adds to, once. A batch that comes again is published
    /// again, with the same content.
    pub fn correlate<P: Borrow<Prediction>>(&mut self, batch: &[P], out: &mut Vec<Threat>) {
        let mut changed = BTreeSet::new();
        for prediction in batch {
            match Evidence::of(prediction.borrow()) {
                Ok(evidence) => {
                    self.counters.evidence += 1;
                    changed.insert(evidence.key);
                    self.add(&evidence);
                }
                Err(NoEvidence::Unreadable) => self.counters.unreadable += 1,
                Err(NoEvidence::None) => {}
            }
        }
        for key in changed {
            for run in self.runs.get_mut(&key).into_iter().flatten().filter(|run| run.is_changed) {
                run.publish(&key, out);
            }
        }
        self.evict();
    }

    /// What was seen so far.
    #[must_use]
    pub fn counters(&self) -> CorrelateCounters {
        self.counters
    }

    /// How many runs are open.
    #[must_use]
    pub fn open_runs(&self) -> usize {
        self.open
    }

    fn add(&mut self, evidence: &Evidence<'_>) {
        let sequence = self.counters.evidence;
        let runs = self.runs.entry(evidence.key).or_default();
        let near = |run: &Run| run.reaches(evidence, self.config.gap_ns);
        let Some(at) = runs.iter().position(near) else {
            runs.push(Run::new(evidence, &self.config, sequence));
            self.open += 1;
            return;
        };
        runs[at].add(evidence, sequence);
        // Runs were more than a gap apart, so only this evidence can have joined some.
        while let Some(other) = (at + 1..runs.len()).find(|&other| near(&runs[other])) {
            let absorbed = runs.swap_remove(other);
            runs[at].absorb(absorbed);
            self.open -= 1;
        }
    }

    /// Between batches, so that nothing unpublished is forgotten.
    fn evict(&mut self) {
        if self.open <= self.config.runs_max {
            return;
        }
        let mut touched: Vec<u64> = self.runs.values().flatten().map(|run| run.touched).collect();
        touched.sort_unstable();
        // Some more than needed, or the next batch would search again.
        let surplus = (self.open - self.config.runs_max + self.config.runs_max / 16).min(touched.len());
        let newest = touched[surplus - 1];
        self.runs.retain(|_, runs| {
            runs.retain(|run| run.touched > newest);
            !runs.is_empty()
        });
        let left = self.runs.values().map(Vec::len).sum();
        self.counters.runs_evicted += (self.open - left) as u64;
        self.open = left;
    }
}

#[cfg(test)]
mod tests;
