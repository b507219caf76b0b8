//! Values sorted into at most 255 bins a column, with thresholds that separate the training values exactly.

use super::Matrix;
use rayon::prelude::*;

/// One column in bins. Bin `b` holds the values above threshold `b - 1` and not above threshold `b`; missing values
/// have a bin of their own after the last.
#[derive(Debug)]
pub(super) struct BinnedColumn {
    pub(super) thresholds: Vec<f32>,
    pub(super) has_missing: bool,
    /// Each row's bin.
    pub(super) bins: Vec<u8>,
}

impl BinnedColumn {
    fn new(values: impl Iterator<Item = f32> + Clone, bins_max: usize) -> Self {
        let mut present: Vec<f32> = values.clone().filter(|value| !value.is_nan()).collect();
        present.sort_unstable_by(f32::total_cmp);
        let thresholds = thresholds(&present, bins_max);
        let missing = thresholds.len() + 1;
        let bin = |value: f32| {
            let at =
                if value.is_nan() { missing } else { thresholds.partition_point(|&limit| limit < value) };
            at as u8
        };
        let bins: Vec<u8> = values.map(bin).collect();
        let has_missing = present.len() < bins.len();
        Self { thresholds, has_missing, bins }
    }

    /// Bins of present values; also the number of the missing values' bin.
    pub(super) fn present(&self) -> usize {
        self.thresholds.len() + 1
    }

    /// Whether no question about this column can part any rows.
    pub(super) fn is_constant(&self) -> bool {
        self.thresholds.is_empty() && !self.has_missing
    }
}

/// Every column of the training rows, in bins.
pub(super) fn bin(matrix: Matrix<'_>, bins_max: usize) -> Vec<BinnedColumn> {
    let column =
        |at: usize| BinnedColumn::new(matrix.values[at..].iter().step_by(matrix.columns).copied(), bins_max);
    (0..matrix.columns).into_par_iter().map(column).collect()
}

/// A threshold between two neighbouring values that parts them exactly in f32: `low <= t < high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = (f64::from(low) + (f64::from(high) - f64::from(low)) * 0.5) as f32;
    if middle >= low && middle < high { middle } else { low }
}

/// Thresholds that make at most `bins_max` bins: one a value where there are few values, else bins of about equal
/// count in which a value heavier than a bin gets one of its own.
fn thresholds(sorted: &[f32], bins_max: usize) -> Vec<f32> {
    let mut values: Vec<(f32, usize)> = Vec::new();
    for &value in sorted {
        match values.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => values.push((value, 1)),
        }
    }
    if values.len() <= bins_max {
        return values.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    let (mut rows_left, mut bins_left) = (sorted.len(), bins_max);
    let (mut limits, mut in_bin) = (Vec::with_capacity(bins_max), 0);
    for pair in values.windows(2) {
        if bins_left <= 1 {
            break;
        }
        in_bin += pair[0].1;
        let wanted = rows_left as f64 / bins_left as f64;
        if in_bin as f64 >= wanted || pair[1].1 as f64 >= wanted {
            limits.push(between(pair[0].0, pair[1].0));
            rows_left -= in_bin;
            bins_left -= 1;
            in_bin = 0;
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_parts_neighbours_exactly() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        let pairs = [
            (0.0, 1.0),
            (1.0, next),
            (-f32::MAX, f32::MAX),
            (f32::NEG_INFINITY, 0.0),
            (0.0, f32::INFINITY),
            (f32::NEG_INFINITY, f32::INFINITY),
            (-0.0, f32::from_bits(1)),
        ];
        for (low, high) in pairs {
            let limit = between(low, high);
            assert!(low <= limit && limit < high, "{low} {limit} {high}");
        }
    }

    #[test]
    fn bins_hold_what_their_thresholds_say() {
        let check = |values: &[f32], bins_max: usize| {
            let column = BinnedColumn::new(values.iter().copied(), bins_max);
            assert!(column.present() <= bins_max);
            assert!(column.thresholds.windows(2).all(|pair| pair[0] < pair[1]));
            for (value, &bin) in values.iter().zip(&column.bins) {
                let bin = usize::from(bin);
                if value.is_nan() {
                    assert_eq!(bin, column.present());
                } else {
                    assert!(bin == 0 || *value > column.thresholds[bin - 1]);
                    assert!(bin == column.present() - 1 || *value <= column.thresholds[bin]);
                }
            }
            column
        };
        let constant = check(&[3.0; 5], 255);
        assert!(constant.is_constant());
        let missing = check(&[f32::NAN, f32::NAN], 255);
        assert!(missing.has_missing && missing.thresholds.is_empty() && !missing.is_constant());
        check(&[1.0, f32::NAN, 2.0, -0.0, 0.0, f32::INFINITY], 255);
        let many: Vec<f32> = (0..10_000).map(|n| (n as f32).sqrt()).collect();
        assert_eq!(check(&many, 255).present(), 255);
        let heavy: Vec<f32> = (0..10_000).map(|n| if n % 3 == 0 { 50.0 } else { (n % 997) as f32 }).collect();
        let column = check(&heavy, 16);
        let own = column.bins[0];
        let alone = heavy
            .iter()
            .zip(&column.bins)
            .filter(|(_, bin)| **bin == own)
            .all(|(value, _)| (45.0..=50.0).contains(value));
        assert!(alone, "a value of a third of the rows shares its bin with many others");
    }
}
