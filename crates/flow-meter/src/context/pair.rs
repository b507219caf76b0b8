//! What two ends did with each other on one port: how often, and how regularly.

use super::role::{Told, log_deviation, log_units};
use super::window::{Rings, WINDOWS, bucket, first_bucket, reach_ns};
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
    pub(crate) fn begin(&mut self, start_ns: i64, look_ahead_ns: i64) {
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
                self.few.drain(..).for_each(|start| many.update(start, |count| *count += 1));
                self.many = Some(many);
                self.few = Vec::new();
            }
        }
        match &mut self.many {
            Some(many) => many.update(start_ns, |count| *count += 1),
            None => self.few.push(start_ns),
        }
    }

    pub(crate) fn totals(&mut self, told: Told, payload_bytes: u64) {
        if let Some((_, before)) = told.before() {
            let log = log_units(before);
            self.log -= log;
            self.log_squares -= log * log;
        } else {
            self.told += 1;
        }
        let log = log_units(payload_bytes);
        self.log += log;
        self.log_squares += log * log;
    }

    pub(crate) fn last_start_ns(&self) -> i64 {
        self.last_start_ns
    }

    pub(crate) fn write(&self, start_ns: i64, row: &mut Row<'_>) {
        for w in 0..WINDOWS {
            let from = first_bucket(w, start_ns);
            row.push(match &self.many {
                Some(many) => many.each(w, start_ns).map(|count| f64::from(*count)).sum(),
                None => self.few.iter().filter(|start| bucket(w, **start) >= from).count() as f64,
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
            pair.begin(n * 10_000_000_000, 5_000_000_000);
        }
        let mut out = Vec::new();
        pair.write(290_000_000_000, &mut Row(&mut out));
        assert_eq!(out[..6], [2.0, 7.0, 30.0, 30.0, 10.0, 0.0]);
        assert!(out[6].is_nan());
    }
}
