//! The whole fit on rows whose answer is known.

use super::super::{FitError, Matrix, Objective, Params, Random, Sample, fit};
use super::*;

/// Rows of four random columns, a fifth of them missing in column 2, with a target from a rule.
fn rows(count: usize, seed: u64, rule: impl Fn(&[f32]) -> u32) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random::new(seed);
    let (mut values, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut row: Vec<f32> = (0..4).map(|_| random.unit() as f32).collect();
        if random.below(5) == 0 {
            row[2] = f32::NAN;
        }
        targets.push(rule(&row));
        values.extend(row);
    }
    (values, targets)
}

fn xor(row: &[f32]) -> u32 {
    u32::from((row[0] > 0.5) != (row[1] > 0.3))
}

fn missing_matters(row: &[f32]) -> u32 {
    u32::from(row[2].is_nan() || row[2] > 0.7)
}

fn thirds(row: &[f32]) -> u32 {
    if row[3] < 0.3 { 0 } else { 1 + u32::from(row[0] > 0.6) }
}

fn train(values: &[f32], targets: &[u32], objective: Objective, params: &Params) -> Ensemble {
    let weights = vec![1.0; targets.len()];
    let sample = Sample { matrix: Matrix { values, columns: 4 }, targets, weights: &weights };
    fit(&sample, None, objective, params).expect("fits")
}

fn right_share(model: &Ensemble, values: &[f32], targets: &[u32]) -> f64 {
    let mut margins = vec![0.0; model.base.len()];
    let rows = values.chunks_exact(4).zip(targets);
    let right = rows.filter(|(row, target)| {
        model.margins(row, &mut margins);
        let best = (0..margins.len()).max_by(|&a, &b| margins[a].total_cmp(&margins[b])).unwrap_or(0) as u32;
        let answer = if margins.len() == 1 { u32::from(margins[0] > 0.0) } else { best };
        answer == **target
    });
    right.count() as f64 / targets.len() as f64
}

#[test]
fn rules_are_learned_and_hold_on_new_rows() {
    let check = |rule: fn(&[f32]) -> u32, objective: Objective, params: &Params| {
        let (values, targets) = rows(4000, 1, rule);
        let model = train(&values, &targets, objective, params);
        let (new_values, new_targets) = rows(2000, 2, rule);
        let share = right_share(&model, &new_values, &new_targets);
        assert!(share > 0.985, "only {share} of new rows are right");
    };
    let whole = Params { rounds: 40, leaves_max: 8, ..Params::default() };
    let sampled = Params { row_share: 0.7, column_share: 0.75, rounds: 80, ..whole.clone() };
    for params in [&whole, &sampled] {
        check(xor, Objective::Binary, params);
        check(missing_matters, Objective::Binary, params);
        check(thirds, Objective::Softmax { classes: 3 }, params);
    }
}

#[test]
fn a_single_split_has_the_value_that_theory_says() {
    // Half the rows are 0, half 1; the derivative is ±0.5 and the second 0.25 each, so Newton's step is ±2.
    let values: Vec<f32> = (0..80).flat_map(|n| [(n % 2) as f32, 0.0, 0.0, 0.0]).collect();
    let targets: Vec<u32> = (0..80).map(|n| n % 2).collect();
    let params = Params { rounds: 1, learning_rate: 0.5, ..Params::default() };
    let model = train(&values, &targets, Objective::Binary, &params);
    assert!((model.margin(&[1.0, 0.0, 0.0, 0.0]) - 1.0).abs() < 1e-6);
    assert!((model.margin(&[0.0, 0.0, 0.0, 0.0]) + 1.0).abs() < 1e-6);
}

#[test]
fn a_weight_counts_as_so_many_rows() {
    let (values, targets) = rows(300, 5, xor);
    let twice_values: Vec<f32> = values.chunks_exact(4).flat_map(|row| [row, row].concat()).collect();
    let twice_targets: Vec<u32> = targets.iter().flat_map(|&target| [target, target]).collect();
    let params = Params { rounds: 10, leaf_rows_min: 1, leaves_max: 6, ..Params::default() };
    let repeated = train(&twice_values, &twice_targets, Objective::Binary, &params);
    let weights = vec![2.0; targets.len()];
    let sample =
        Sample { matrix: Matrix { values: &values, columns: 4 }, targets: &targets, weights: &weights };
    let weighted = fit(&sample, None, Objective::Binary, &params).expect("fits");
    for row in values.chunks_exact(4) {
        assert!((repeated.margin(row) - weighted.margin(row)).abs() < 1e-4);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_trees() {
    let (values, targets) = rows(30_000, 9, thirds);
    let params = Params { rounds: 5, row_share: 0.8, ..Params::default() };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| train(&values, &targets, Objective::Softmax { classes: 3 }, &params))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn a_fit_ends_when_new_rows_no_longer_gain() {
    // Noise: the best model on other rows is close to none at all.
    let mut random = Random::new(11);
    let noise: Vec<u32> = (0..600).map(|_| random.below(2) as u32).collect();
    let (values, _) = rows(600, 3, xor);
    let weights = vec![1.0; 300];
    let half = |from: usize| Sample {
        matrix: Matrix { values: &values[from * 4..(from + 300) * 4], columns: 4 },
        targets: &noise[from..from + 300],
        weights: &weights,
    };
    let params = Params { rounds: 200, patience: Some(10), leaf_rows_min: 1, ..Params::default() };
    let model = fit(&half(0), Some(&half(300)), Objective::Binary, &params).expect("fits");
    assert!((1..50).contains(&model.rounds.len()), "{} rounds", model.rounds.len());
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let check = |values: &[f32], targets: &[u32], weights: &[f32], expected: FitError| {
        let sample = Sample { matrix: Matrix { values, columns: 1 }, targets, weights };
        assert_eq!(fit(&sample, None, Objective::Binary, &Params::default()), Err(expected));
    };
    check(&[], &[], &[], FitError::Empty);
    check(&[1.0, 2.0], &[0], &[1.0], FitError::Shape { values: 2, columns: 1, targets: 1, weights: 1 });
    check(&[1.0, 2.0], &[0, 2], &[1.0, 1.0], FitError::Target { row: 1, target: 2, known: 2 });
    check(&[1.0, 2.0], &[0, 1], &[1.0, f32::NAN], FitError::Weight { row: 1 });
    check(&[1.0, 2.0], &[1, 1], &[1.0, 1.0], FitError::Missing { target: 0 });
    let sample =
        Sample { matrix: Matrix { values: &[1.0, 2.0], columns: 1 }, targets: &[0, 1], weights: &[1.0; 2] };
    let params = Params { bins_max: 256, ..Params::default() };
    assert_eq!(fit(&sample, None, Objective::Binary, &params), Err(FitError::Setting("bins_max")));
}
