//! What two ends did with each other on one port: how often, and how regularly.

use super::role::log_deviation;
use super::units::Told;
use super::window::{Buckets, Rings, WINDOWS, reach_ns};
use crate::prefetch;
use crate::stats::Row;

/// Starts kept as a list; most pairs never have more.
const FEW_MAX: usize = 8;

/// One (initiator, responder, port, protocol).
#[derive(Debug, Clone, Default)]
pub(crate) struct Pair {
    flows: u64,
    last_start_ns: i64,
    gap_sum_s: f64,
    gap_squares: f64,
    told: u64,
    log: u64,
    log_squares: u64,
    few: Vec<i64>,
    many: Option<Box<Rings<u32>>>,
}

impl Pair {
    /// Counts a flow. What lies further back than `memory_ns` is forgotten.
    pub(crate) fn begin(&mut self, start_ns: i64, look_ahead_ns: i64, memory_ns: i64) {
        if self.flows > 0 && start_ns - self.last_start_ns > memory_ns {
            *self = Self::default();
        }
        if self.flows > 0 {
            let gap = (start_ns - self.last_start_ns) as f64 * 1e-9;
            self.gap_sum_s += gap;
            self.gap_squares += gap * gap;
        }
        self.flows += 1;
        self.last_start_ns = start_ns;
        if self.many.is_none() && self.few.len() == FEW_MAX {
            self.few.retain(|start| *start >= start_ns - reach_ns() - look_ahead_ns);
            if self.few.len() == FEW_MAX {
                let mut many = Box::new(Rings::<u32>::new(look_ahead_ns));
                self.few.drain(..).for_each(|start| many.update(Buckets::at(start), &1));
                self.many = Some(many);
                self.few = Vec::new();
            }
        }
        match &mut self.many {
            Some(many) => many.update(Buckets::at(start_ns), &1),
            None => self.few.push(start_ns),
        }
    }

    /// What a flow carried, and what was told of it before.
    pub(crate) fn totals(&mut self, before: Option<&Told>, now: &Told) {
        match before {
            Some(before) => {
                self.log -= before.log();
                self.log_squares -= before.log().pow(2);
            }
            None => self.told += 1,
        }
        self.log += now.log();
        self.log_squares += now.log().pow(2);
    }

    /// Has what lies elsewhere fetched.
    #[inline]
    pub(crate) fn prefetch(&self) {
        match &self.many {
            Some(many) => many.prefetch(),
            None => prefetch::slice(&self.few),
        }
    }

    pub(crate) fn last_start_ns(&self) -> i64 {
        self.last_start_ns
    }

    /// For a flow that began in `start`.
    pub(crate) fn write(&self, start: Buckets, row: &mut Row<'_>) {
        for w in 0..WINDOWS {
            let first = start.first(w);
            row.push(match &self.many {
                Some(many) => f64::from(many.since(w, start).0),
                None => self.few.iter().filter(|at| Buckets::at(**at).0[w] >= first).count() as f64,
            });
        }
        row.push(self.flows as f64);
        let gaps = self.flows.saturating_sub(1) as f64;
        let mean = self.gap_sum_s / gaps;
        row.ratio(self.gap_sum_s, gaps);
        let deviation = (self.gap_squares / gaps - mean * mean).max(0.0).sqrt();
        // One gap has no deviation, and none at all no rhythm.
        row.ratio(deviation, if gaps > 1.0 { mean } else { 0.0 });
        row.optional(log_deviation(self.told, self.log, self.log_squares));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_is_regular() {
        let mut pair = Pair::default();
        for n in 0..30 {
            pair.begin(n * 10_000_000_000, 5_000_000_000, i64::MAX);
        }
        let mut out = Vec::new();
        pair.write(Buckets::at(290_000_000_000), &mut Row(&mut out));
        assert_eq!(out[..6], [2.0, 7.0, 30.0, 30.0, 10.0, 0.0]);
        assert!(out[6].is_nan());
    }
}
