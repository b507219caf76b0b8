//! Counting distinct things, in any order and with repetitions.

use std::collections::BTreeSet;

/// How many of the smallest hashes are kept once exact counting has ended. The estimate's standard error is
/// 1/√(this − 2): 3.1 %.
const SKETCH: usize = 1024;

/// A count of distinct hashes: exact up to a limit, then an estimate from the k smallest of them.
///
/// What it holds is a function of the set of hashes alone, so neither order nor repetition nor merging shows; and the
/// count never falls when more come in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Distinct {
    exact_max: usize,
    smallest: BTreeSet<u64>,
    is_sketch: bool,
}

impl Distinct {
    /// Exact up to `exact_max`, which is at least the size of the sketch.
    pub(super) fn new(exact_max: usize) -> Self {
        Self { exact_max: exact_max.max(SKETCH), smallest: BTreeSet::new(), is_sketch: false }
    }

    /// Takes a hash that is spread evenly over all of `u64`.
    pub(super) fn insert(&mut self, hash: u64) {
        self.smallest.insert(hash);
        self.shrink();
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.smallest.extend(other.smallest);
        self.is_sketch |= other.is_sketch;
        self.shrink();
    }

    fn shrink(&mut self) {
        self.is_sketch |= self.smallest.len() > self.exact_max;
        while self.is_sketch && self.smallest.len() > SKETCH {
            self.smallest.pop_last();
        }
    }

    pub(super) fn count(&self) -> u64 {
        let kept = self.smallest.len() as u64;
        let Some(largest) = self.smallest.last().filter(|_| self.is_sketch) else {
            return kept;
        };
        // k − 1 hashes lie below the k-th smallest, in that share of the whole range.
        let share = (*largest as f64 + 1.0) / (u64::MAX as f64 + 1.0);
        let estimate = ((kept - 1) as f64 / share).round() as u64;
        // More than `exact_max` were seen, or there would be no sketch.
        estimate.max(self.exact_max as u64 + 1)
    }
}
