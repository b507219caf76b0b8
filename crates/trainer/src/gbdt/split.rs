//! The best question to ask of a leaf's rows.

use super::Params;
use super::bins::BinnedColumn;
use super::histogram::{Layout, Sum};
use rayon::prelude::*;

/// A question and what it is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    /// How much the loss falls.
    pub(super) gain: f64,
    pub(super) column: usize,
    /// Bins up to this one go left.
    pub(super) bin: usize,
    pub(super) missing_left: bool,
    /// Sums over the rows that go left.
    pub(super) left: Sum,
}

/// Below this, a gain is rounding error.
const GAIN_MIN: f64 = 1e-10;

/// The value of a leaf with these sums, before the learning rate.
pub(super) fn leaf_value(sum: &Sum, params: &Params) -> f64 {
    -sum.gradient / (sum.hessian + params.l2).max(1e-12)
}

fn score(sum: &Sum, params: &Params) -> f64 {
    sum.gradient * sum.gradient / (sum.hessian + params.l2).max(1e-12)
}

/// The split with the largest gain, the lowest column where several are equal.
pub(super) fn best(layout: &Layout<'_>, histogram: &[Sum], total: &Sum, params: &Params) -> Option<Split> {
    if total.rows < 2 * params.leaf_rows_min.max(1) {
        return None;
    }
    let of_columns = layout.parts(histogram).with_min_len(32);
    let found: Vec<Option<Split>> = of_columns
        .map(|(column, binned, sums)| best_of_column(column, binned, sums, total, params))
        .collect();
    found.into_iter().flatten().reduce(|best, split| if split.gain > best.gain { split } else { best })
}

fn best_of_column(
    column: usize,
    binned: &BinnedColumn,
    sums: &[Sum],
    total: &Sum,
    params: &Params,
) -> Option<Split> {
    let mut best: Option<Split> = None;
    let missing = sums[binned.present()];
    let directions: &[bool] = if missing.rows > 0 { &[false, true] } else { &[false] };
    for &missing_left in directions {
        let mut left = if missing_left { missing } else { Sum::default() };
        // With the missing values on the right, all present values may go left.
        let bins = if missing.rows > 0 && !missing_left { binned.present() } else { binned.present() - 1 };
        for (bin, sum) in sums[..bins].iter().enumerate() {
            left.add(sum);
            if sum.rows == 0 || !is_leaf(&left, params) {
                continue;
            }
            let right = total.without(&left);
            if !is_leaf(&right, params) {
                break;
            }
            let gain = score(&left, params) + score(&right, params) - score(total, params);
            if gain > best.map_or(GAIN_MIN, |split| split.gain) {
                best = Some(Split { gain, column, bin, missing_left, left });
            }
        }
    }
    best
}

fn is_leaf(sum: &Sum, params: &Params) -> bool {
    sum.rows >= params.leaf_rows_min.max(1) && sum.hessian >= params.leaf_hessian_min
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Slope;
    use super::super::{Matrix, bins};
    use super::*;

    /// The best split of one column: its bin, and whether missing values go left.
    fn check(values: &[f32], gradients: &[f32], expected: Option<(usize, bool)>) {
        let columns = bins::bin(Matrix { values, columns: 1 }, 255);
        let slopes: Vec<Slope> = gradients.iter().map(|&gradient| Slope { gradient, hessian: 1.0 }).collect();
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        let layout = Layout::new(&columns, &[0]);
        let histogram = layout.sum(&rows, &slopes, Vec::new());
        let mut total = Sum::default();
        histogram.iter().for_each(|sum| total.add(sum));
        let params = Params { leaf_rows_min: 1, ..Params::default() };
        let found = best(&layout, &histogram, &total, &params).map(|split| (split.bin, split.missing_left));
        assert_eq!(found, expected, "{values:?} {gradients:?}");
    }

    #[test]
    fn known_splits_are_found() {
        const NAN: f32 = f32::NAN;
        check(&[1.0, 2.0, 3.0, 4.0], &[-1.0, -1.0, 1.0, 1.0], Some((1, false)));
        check(&[1.0, 2.0, 3.0, 4.0], &[-1.0, 1.0, 1.0, 1.0], Some((0, false)));
        check(&[1.0, 2.0, 3.0, 4.0], &[0.0; 4], None);
        check(&[5.0; 4], &[-1.0, 1.0, -1.0, 1.0], None);
        check(&[1.0, 2.0, 3.0, NAN], &[-1.0, 1.0, 1.0, -1.0], Some((0, true)));
        check(&[1.0, 2.0, 3.0, NAN], &[-1.0, 1.0, 1.0, 1.0], Some((0, false)));
        check(&[1.0, 2.0, 3.0, NAN], &[-1.0, -1.0, -1.0, 1.0], Some((2, false)));
        check(&[NAN, NAN, 2.0, 2.0], &[-1.0, -1.0, 1.0, 1.0], Some((0, false)));
    }
}
