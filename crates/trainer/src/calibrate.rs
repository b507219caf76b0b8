//! Makes scores mean what they say: temperatures and thresholds, from rows that no tree has seen.

use crate::gbdt::{sigmoid, softmax};

/// Scores are rounded to this many steps a unit before they are held against a threshold.
pub const SCORE_STEPS: f64 = 1e4;

/// The temperature that makes `loss` smallest, between a twentieth and twenty: golden section on its logarithm.
#[must_use]
pub fn temperature(loss: impl Fn(f64) -> f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_895;
    let (mut low, mut high) = (0.05_f64.ln(), 20_f64.ln());
    for _ in 0..60 {
        let (left, right) = (high - RATIO * (high - low), low + RATIO * (high - low));
        if loss(left.exp()) < loss(right.exp()) { high = right } else { low = left }
    }
    f64::midpoint(low, high).exp()
}

/// Weighted logarithmic loss of log-odds at a temperature.
#[must_use]
pub fn binary_loss(rows: &[(f32, bool, f32)], temperature: f64) -> f64 {
    let of_row = |&(margin, truth, weight): &(f32, bool, f32)| {
        let margin = f64::from(if truth { margin } else { -margin }) / temperature;
        -f64::from(weight) * sigmoid(margin).max(1e-15).ln()
    };
    rows.iter().map(of_row).sum()
}

/// Weighted logarithmic loss of margins over classes at a temperature.
#[must_use]
pub fn softmax_loss<const N: usize>(rows: &[([f32; N], usize, f32)], temperature: f64) -> f64 {
    let of_row = |(margins, truth, weight): &([f32; N], usize, f32)| {
        let mut shares = margins.map(|margin| f64::from(margin) / temperature);
        softmax(&mut shares);
        -f64::from(*weight) * shares[*truth].max(1e-15).ln()
    };
    rows.iter().map(of_row).sum()
}

/// The lowest threshold, in steps of [`SCORE_STEPS`], at which at most `share` of the benign scores reach it.
#[must_use]
pub fn threshold(benign: &[f64], share: f64) -> f64 {
    let mut steps: Vec<u32> = benign.iter().map(|score| (score * SCORE_STEPS).round() as u32).collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    let allowed = (steps.len() as f64 * share).floor() as usize;
    match steps.get(allowed) {
        Some(&first_too_many) => f64::from(first_too_many + 1) / SCORE_STEPS,
        None => 0.0,
    }
}

/// A score as it is held against a threshold.
#[must_use]
pub fn rounded(score: f64) -> f64 {
    (score * SCORE_STEPS).round() / SCORE_STEPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gbdt::Random;

    #[test]
    fn a_temperature_undoes_overconfidence() {
        let mut random = Random::new(4);
        let rows: Vec<(f32, bool, f32)> = (0..20_000)
            .map(|_| {
                let margin = (random.unit() * 8.0 - 4.0) as f32;
                (margin * 2.5, random.unit() < sigmoid(f64::from(margin)), 1.0)
            })
            .collect();
        let found = temperature(|t| binary_loss(&rows, t));
        assert!((found - 2.5).abs() < 0.15, "{found}");
        let two: Vec<([f32; 2], usize, f32)> =
            rows.iter().map(|&(margin, truth, weight)| ([0.0, margin], usize::from(truth), weight)).collect();
        assert!((temperature(|t| softmax_loss(&two, t)) - found).abs() < 1e-3);
    }

    #[test]
    fn a_threshold_lets_through_no_more_than_it_may() {
        let check = |benign: &[f64], share: f64, expected: f64| {
            let found = threshold(benign, share);
            assert!((found - expected).abs() < 1e-9, "{found}");
            let over = benign.iter().filter(|&&score| rounded(score) >= found).count();
            assert!(over as f64 <= share * benign.len() as f64);
        };
        let scores: Vec<f64> = (0..1000).map(|n| f64::from(n) / 1000.0).collect();
        check(&scores, 0.001, 0.9981);
        check(&scores, 0.01, 0.9891);
        check(&scores[..999], 0.001, 0.9981);
        check(&[0.5; 10], 0.1, 0.5001);
        check(&[], 0.001, 0.0);
    }
}
