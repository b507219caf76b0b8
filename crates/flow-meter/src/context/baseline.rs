//! What is usual for a host over a longer time than the windows: flows a minute, and bytes a flow.

use super::role::log_deviation;
use super::units::Told;
use crate::stats::Row;

const MINUTE_NS: i64 = 60_000_000_000;
/// Weight of the latest minute: one of an hour ago still counts a fiftieth of it.
const WEIGHT: f64 = 1.0 / 16.0;
/// Minutes that must be known before anything is called usual.
const MINUTES_MIN: u32 = 5;
/// So many minutes of silence and more leave nothing of what was before.
const SILENCE_MAX: i64 = 120;

/// Exponentially weighted mean and variance of flows a minute, and sums of log2(1 + bytes) of all flows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Baseline {
    minute: i64,
    flows: u32,
    /// Minutes that are over, the silent ones included.
    minutes: u32,
    mean: f64,
    variance: f64,
    told: u64,
    log: u64,
    log_squares: u64,
}

impl Baseline {
    /// Counts a flow.
    pub(crate) fn begin(&mut self, start_ns: i64) {
        let minute = start_ns.div_euclid(MINUTE_NS);
        if self.flows == 0 && self.minutes == 0 {
            self.minute = minute;
        }
        if minute != self.minute {
            self.close(minute);
        }
        self.flows = self.flows.saturating_add(1);
    }

    /// Takes in the minute that is over and the silent ones after it.
    fn close(&mut self, minute: i64) {
        self.add(f64::from(self.flows));
        let silent = minute - self.minute - 1;
        if silent > SILENCE_MAX {
            (self.mean, self.variance) = (0.0, 0.0);
        } else {
            (0..silent).for_each(|_| self.add(0.0));
        }
        (self.minute, self.flows) = (minute, 0);
    }

    fn add(&mut self, flows: f64) {
        self.minutes = self.minutes.saturating_add(1);
        if self.minutes == 1 {
            self.mean = flows;
            return;
        }
        let off = flows - self.mean;
        self.mean += WEIGHT * off;
        self.variance = (1.0 - WEIGHT) * (self.variance + WEIGHT * off * off);
    }

    /// What a flow carried, and what was told of it before.
    pub(crate) fn totals(&mut self, before: Option<&Told>, now: &Told) {
        match before {
            Some(before) => {
                self.log = self.log.saturating_sub(before.log());
                self.log_squares = self.log_squares.saturating_sub(before.log().pow(2));
            }
            None => self.told += 1,
        }
        self.log += now.log();
        self.log_squares += now.log().pow(2);
    }

    /// Five features; `last_minute` is how many flows the 60 s window has.
    pub(crate) fn write(&self, last_minute: f64, row: &mut Row<'_>) {
        if self.minutes < MINUTES_MIN {
            row.absent(3);
        } else {
            let deviation = self.variance.max(0.0).sqrt();
            // Counts vary by their root even where they never did so far; one flow more is never news.
            let z = (last_minute - self.mean) / deviation.max(self.mean.max(0.0).sqrt()).max(1.0);
            row.all([self.mean, deviation, z]);
        }
        let mean = (self.told > 0).then(|| self.log as f64 / self.told as f64 / super::units::LOG_UNIT);
        row.optional(mean);
        row.optional(log_deviation(self.told, self.log, self.log_squares));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(baseline: &Baseline, last_minute: f64) -> Vec<f32> {
        let mut out = Vec::new();
        baseline.write(last_minute, &mut Row(&mut out));
        out
    }

    #[test]
    fn what_is_usual_takes_minutes_and_then_a_burst_stands_out() {
        let mut baseline = Baseline::default();
        for minute in 0..20i64 {
            (0..10).for_each(|n| baseline.begin(minute * MINUTE_NS + n));
            let said = written(&baseline, 10.0);
            assert_eq!(said[0].is_nan(), minute < i64::from(MINUTES_MIN), "{minute}");
        }
        let said = written(&baseline, 100.0);
        assert_eq!(said[..2], [10.0, 0.0]);
        // 90 above a usual 10, whose root is the least that it varies by.
        assert!((said[2] - 90.0 / 10f32.sqrt()).abs() < 1e-3, "{said:?}");
        baseline.begin(1000 * MINUTE_NS);
        assert_eq!(written(&baseline, 1.0)[0], 0.0);
    }
}
