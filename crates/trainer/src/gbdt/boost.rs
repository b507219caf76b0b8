//! Rounds of boosting: slopes of the loss, a tree an output, margins, and when to stop.

use super::bins::{self, BinnedColumn};
use super::grow::Grower;
use super::histogram::{Layout, Slope};
use super::random::Random;
use super::tree::{Ensemble, Tree};
use super::{FitError, Matrix, Objective, Params, Sample};
use rayon::prelude::*;

/// Fits an ensemble. With `validation` and `params.patience`, ends when the loss on the validation rows no longer falls
/// and keeps the best round.
///
/// # Errors
/// When a sample, a target or a setting cannot be fitted: see [`FitError`].
pub fn fit(
    sample: &Sample<'_>,
    validation: Option<&Sample<'_>>,
    objective: Objective,
    params: &Params,
) -> Result<Ensemble, FitError> {
    params.check()?;
    sample.check(objective)?;
    if let Some(held) = validation {
        held.check(objective)?;
    }
    let columns = bins::bin(sample.matrix, params.bins_max);
    let base = base(sample, objective)?;
    let mut fit = Fit::new(sample, objective, params, &base);
    let mut watch = validation.map(|held| Watch::new(held, objective, &base));
    let mut rounds = Vec::with_capacity(params.rounds);
    for _ in 0..params.rounds {
        let trees = fit.round(&columns);
        if let Some(watch) = &mut watch {
            watch.add(&trees);
        }
        rounds.push(trees);
        if let (Some(watch), Some(patience)) = (&watch, params.patience)
            && rounds.len() - watch.best_rounds >= patience
        {
            break;
        }
    }
    if let (Some(watch), Some(_)) = (watch, params.patience) {
        rounds.truncate(watch.best_rounds.max(1));
    }
    Ok(Ensemble {
        columns: sample.matrix.columns,
        base: base.iter().map(|&value| value as f32).collect(),
        rounds,
    })
}

/// The margins that fit best without any tree: the log-odds, or the logs of the shares.
fn base(sample: &Sample<'_>, objective: Objective) -> Result<Vec<f64>, FitError> {
    let mut mass = vec![0.0; objective.targets()];
    for (&target, &weight) in sample.targets.iter().zip(sample.weights) {
        mass[target as usize] += f64::from(weight);
    }
    if let Some(target) = mass.iter().position(|&of_target| of_target <= 0.0) {
        return Err(FitError::Missing { target });
    }
    let total: f64 = mass.iter().sum();
    // Rounded as the model keeps them, so that fitting and predicting start from the same number.
    let round = |value: f64| f64::from(value as f32);
    Ok(match objective {
        Objective::Binary => vec![round((mass[1] / mass[0]).ln())],
        Objective::Softmax { .. } => mass.iter().map(|of_target| round((of_target / total).ln())).collect(),
    })
}

struct Fit<'a> {
    sample: &'a Sample<'a>,
    objective: Objective,
    params: &'a Params,
    random: Random,
    /// Each output's margins and tree buffers.
    outputs: Vec<(Vec<f64>, Grower)>,
    all_rows: Vec<u32>,
}

impl<'a> Fit<'a> {
    fn new(sample: &'a Sample<'a>, objective: Objective, params: &'a Params, base: &[f64]) -> Self {
        let rows = sample.targets.len();
        let outputs = base.iter().map(|&margin| (vec![margin; rows], Grower::default())).collect();
        let all_rows = (0..rows as u32).collect();
        Self { sample, objective, params, random: Random::new(params.seed), outputs, all_rows }
    }

    fn round(&mut self, columns: &[BinnedColumn]) -> Vec<Tree> {
        let rows = self.choose_rows();
        let layout = Layout::new(columns, &self.choose_columns(columns));
        let slopes = self.slopes();
        let (params, matrix, all) = (self.params, self.sample.matrix, self.all_rows.len());
        let outputs = self.outputs.par_iter_mut().zip(&slopes);
        outputs
            .map(|((margins, grower), slopes)| {
                if rows.len() == all {
                    return grower.grow(&layout, &rows, slopes, params, margins);
                }
                let tree = grower.grow(&layout, &rows, slopes, params, &mut vec![0.0; all]);
                add_tree(&tree, matrix, margins);
                tree
            })
            .collect()
    }

    fn choose_rows(&mut self) -> Vec<u32> {
        if self.params.row_share >= 1.0 {
            return self.all_rows.clone();
        }
        let count = ((self.all_rows.len() as f64 * self.params.row_share).ceil() as usize).max(1);
        self.random.choose(count, self.all_rows.len()).into_iter().map(|row| row as u32).collect()
    }

    fn choose_columns(&mut self, columns: &[BinnedColumn]) -> Vec<usize> {
        let useful: Vec<usize> = (0..columns.len()).filter(|&at| !columns[at].is_constant()).collect();
        if self.params.column_share >= 1.0 {
            return useful;
        }
        let count = ((useful.len() as f64 * self.params.column_share).ceil() as usize).max(1);
        self.random.choose(count, useful.len()).into_iter().map(|at| useful[at]).collect()
    }

    /// Each output's slopes at the present margins.
    fn slopes(&self) -> Vec<Vec<Slope>> {
        let rows = self.all_rows.len();
        let weight = |row: usize| f64::from(self.sample.weights[row]);
        let is = |row: usize, target: usize| f64::from(u8::from(self.sample.targets[row] as usize == target));
        let slope = |probability: f64, truth: f64, weight: f64, factor: f64| Slope {
            gradient: ((probability - truth) * weight) as f32,
            hessian: (factor * probability * (1.0 - probability) * weight) as f32,
        };
        match self.objective {
            Objective::Binary => {
                let margins = &self.outputs[0].0;
                let of_row = |row: usize| slope(sigmoid(margins[row]), is(row, 1), weight(row), 1.0);
                vec![(0..rows).map(of_row).collect()]
            }
            Objective::Softmax { classes } => {
                // Friedman's factor for redundant outputs, as LightGBM has it.
                let factor = classes as f64 / (classes as f64 - 1.0).max(1.0);
                let mut slopes = vec![vec![Slope::default(); rows]; classes];
                let mut shares = vec![0.0; classes];
                for row in 0..rows {
                    for (share, (margins, _)) in shares.iter_mut().zip(&self.outputs) {
                        *share = margins[row];
                    }
                    softmax(&mut shares);
                    for class in 0..classes {
                        slopes[class][row] = slope(shares[class], is(row, class), weight(row), factor);
                    }
                }
                slopes
            }
        }
    }
}

/// Follows the loss on rows that no tree has seen.
struct Watch<'a> {
    sample: &'a Sample<'a>,
    objective: Objective,
    margins: Vec<Vec<f64>>,
    rounds: usize,
    best_rounds: usize,
    best_loss: f64,
}

impl<'a> Watch<'a> {
    fn new(sample: &'a Sample<'a>, objective: Objective, base: &[f64]) -> Self {
        let margins = base.iter().map(|&margin| vec![margin; sample.targets.len()]).collect();
        Self { sample, objective, margins, rounds: 0, best_rounds: 0, best_loss: f64::INFINITY }
    }

    fn add(&mut self, trees: &[Tree]) {
        for (tree, margins) in trees.iter().zip(&mut self.margins) {
            add_tree(tree, self.sample.matrix, margins);
        }
        self.rounds += 1;
        let loss = self.loss();
        if loss < self.best_loss {
            (self.best_loss, self.best_rounds) = (loss, self.rounds);
        }
    }

    fn loss(&self) -> f64 {
        let mut shares = vec![0.0; self.margins.len()];
        let mut loss = 0.0;
        for (row, (&target, &weight)) in self.sample.targets.iter().zip(self.sample.weights).enumerate() {
            shares.iter_mut().zip(&self.margins).for_each(|(share, margins)| *share = margins[row]);
            let truth = match self.objective {
                Objective::Binary if target == 1 => sigmoid(shares[0]),
                Objective::Binary => sigmoid(-shares[0]),
                Objective::Softmax { .. } => {
                    softmax(&mut shares);
                    shares[target as usize]
                }
            };
            loss -= f64::from(weight) * truth.max(1e-15).ln();
        }
        loss
    }
}

fn add_tree(tree: &Tree, matrix: Matrix<'_>, margins: &mut [f64]) {
    for (row, margin) in margins.iter_mut().enumerate() {
        *margin += f64::from(tree.value(matrix.row(row)));
    }
}

/// The probability of a log-odds.
pub(crate) fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

/// Turns margins into probabilities.
pub(crate) fn softmax(margins: &mut [f64]) {
    let highest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    margins.iter_mut().for_each(|margin| *margin = (*margin - highest).exp());
    let total: f64 = margins.iter().sum();
    margins.iter_mut().for_each(|margin| *margin /= total);
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
