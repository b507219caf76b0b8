//! How good answers are.

/// Counts of truth by answer over `N` classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion<const N: usize>(pub [[u64; N]; N]);

impl<const N: usize> Default for Confusion<N> {
    fn default() -> Self {
        Self([[0; N]; N])
    }
}

impl<const N: usize> Confusion<N> {
    /// Counts one answer.
    pub fn add(&mut self, truth: usize, answer: usize) {
        self.0[truth][answer] += 1;
    }

    /// Rows that truly are of a class.
    #[must_use]
    pub fn truths(&self, class: usize) -> u64 {
        self.0[class].iter().sum()
    }

    /// Rows said to be of a class.
    #[must_use]
    pub fn answers(&self, class: usize) -> u64 {
        self.0.iter().map(|answers| answers[class]).sum()
    }

    /// Share of a class that was found; 1 when there was none.
    #[must_use]
    pub fn recall(&self, class: usize) -> f64 {
        share(self.0[class][class], self.truths(class))
    }

    /// Share of the answers that were right; 1 when there was none.
    #[must_use]
    pub fn precision(&self, class: usize) -> f64 {
        share(self.0[class][class], self.answers(class))
    }

    /// Harmonic mean of recall and precision.
    #[must_use]
    pub fn f1(&self, class: usize) -> f64 {
        share(2 * self.0[class][class], self.truths(class) + self.answers(class))
    }

    /// Mean F1 over the classes.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        (0..N).map(|class| self.f1(class)).sum::<f64>() / N as f64
    }

    /// Share of right answers.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..N).map(|class| self.0[class][class]).sum();
        share(right, (0..N).map(|class| self.truths(class)).sum())
    }
}

/// A part of a whole; 1 of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// The probability that a random positive scores above a random negative; ties count half.
#[must_use]
pub fn auroc(scores: &[(f64, bool)]) -> f64 {
    let mut ordered = scores.to_vec();
    ordered.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let positives = ordered.iter().filter(|(_, positive)| *positive).count() as f64;
    let negatives = ordered.len() as f64 - positives;
    let (mut rank_sum, mut before) = (0.0, 0.0);
    for ties in ordered.chunk_by(|a, b| a.0 == b.0) {
        let mean_rank = before + f64::midpoint(ties.len() as f64, 1.0);
        rank_sum += mean_rank * ties.iter().filter(|(_, positive)| *positive).count() as f64;
        before += ties.len() as f64;
    }
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn counts_give_the_known_scores() {
        let confusion = Confusion([[8, 2], [1, 9]]);
        close(confusion.recall(0), 0.8);
        close(confusion.precision(0), 8.0 / 9.0);
        close(confusion.f1(1), 18.0 / 21.0);
        close(confusion.macro_f1(), f64::midpoint(16.0 / 19.0, 18.0 / 21.0));
        close(confusion.accuracy(), 0.85);
        close(Confusion::<2>::default().recall(1), 1.0);
    }

    #[test]
    fn ranks_give_the_known_area() {
        close(auroc(&[(0.1, false), (0.4, true), (0.35, false), (0.8, true)]), 1.0);
        close(auroc(&[(0.1, true), (0.4, false)]), 0.0);
        close(auroc(&[(0.5, true), (0.5, false), (0.5, false)]), 0.5);
        close(auroc(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]), 0.75);
    }
}
