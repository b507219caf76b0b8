//! The packet model: does a single packet belong to an attack flow.

use crate::TrainError;
use crate::calibrate::{binary_loss, temperature};
use crate::gbdt::{Ensemble, Objective, sigmoid};
use crate::metrics::auroc;
use crate::onnx::PacketModel;
use crate::recipe::Recipe;
use crate::sampling::{cross_validate, fit_rows, root_balanced};
use crate::table::Table;

/// What cross-validation says of the packet model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacketScore {
    /// Area under the curve.
    pub auroc: f64,
    /// Share of right answers at one half, each label counting as the root of its packets.
    pub accuracy: f64,
    /// Divides the margin.
    pub temperature: f64,
}

/// Scores the packet model on held-back captures.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn score(table: &Table, recipe: &Recipe) -> Result<PacketScore, TrainError> {
    let rows: Vec<usize> = (0..table.tags.len()).collect();
    let margins = cross_validate(table, &rows, |kept, held| {
        let model = fit_gate(table, kept, recipe)?;
        Ok(held.iter().map(|&row| model.margin(table.row(row))).collect())
    })?;
    let weights = root_balanced(table, &rows);
    let answers: Vec<(f32, bool, f32)> =
        rows.iter().map(|&row| (margins[row], table.tags[row].is_attack, weights[row])).collect();
    let temperature = temperature(|t| binary_loss(&answers, t));
    let scores: Vec<(f64, bool)> =
        answers.iter().map(|&(margin, truth, _)| (sigmoid(margin.into()), truth)).collect();
    let right = answers.iter().filter(|(margin, truth, _)| (*margin > 0.0) == *truth);
    let mass: f64 = right.map(|(_, _, weight)| f64::from(*weight)).sum();
    Ok(PacketScore { auroc: auroc(&scores), accuracy: mass / rows.len() as f64, temperature })
}

/// Fits the model of the bundle on all rows.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn fit(table: &Table, recipe: &Recipe, score: &PacketScore) -> Result<PacketModel, TrainError> {
    let rows: Vec<usize> = (0..table.tags.len()).collect();
    Ok(PacketModel { gate: fit_gate(table, &rows, recipe)?, temperature: score.temperature as f32 })
}

fn fit_gate(table: &Table, rows: &[usize], recipe: &Recipe) -> Result<Ensemble, TrainError> {
    let targets: Vec<u32> = rows.iter().map(|&row| u32::from(table.tags[row].is_attack)).collect();
    let columns: Vec<usize> = (0..table.columns.len()).collect();
    fit_rows(table, rows, &columns, &targets, Objective::Binary, &recipe.packet)
}
