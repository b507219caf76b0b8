//! The threat model: is a flow part of an attack, and of which kind.

use crate::TrainError;
use crate::calibrate::{binary_loss, rounded, softmax_loss, temperature, threshold};
use crate::gbdt::{Ensemble, Objective, sigmoid};
use crate::metrics::{auroc, share};
use crate::onnx::ThreatModel;
use crate::recipe::{FALSE_ALARM_SHARE, LOW_MARK, Recipe};
use crate::sampling::{cross_validate, fit_rows, root_balanced};
use crate::table::Table;
use schema::ThreatCategory;
use schema::category::CATEGORIES;
use std::collections::BTreeMap;

/// What a model said of a row that it was not fitted on.
struct Answer {
    gate: f32,
    /// Margins by [`CATEGORIES`]; minus infinity where the model does not know the category.
    categories: [f32; CATEGORIES.len()],
}

/// How many flows of a label were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabelScore {
    /// Flows of the label.
    pub flows: u64,
    /// Of these at or above the threshold.
    pub flagged: u64,
    /// Of these with a category that the label allows.
    pub right: u64,
}

/// What cross-validation says of the threat model.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreatScore {
    /// Probability from which a flow is flagged.
    pub threshold: f64,
    /// Divides the gate's margin.
    pub temperature: f64,
    /// Divides the margins of the categories.
    pub categories_temperature: f64,
    /// Area under the curve of the gate.
    pub auroc: f64,
    /// Attack flows by label.
    pub attacks: BTreeMap<String, LabelScore>,
    /// Benign flows by label; `right` is not counted.
    pub benign: BTreeMap<String, LabelScore>,
    /// Share of all attack flows whose likeliest category is allowed, flagged or not.
    pub category_share: f64,
}

impl ThreatScore {
    /// Mean over the attack labels of the share flagged.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.mean(|label| label.flagged)
    }

    /// Mean over the attack labels of the share flagged with a right category.
    #[must_use]
    pub fn recall_right(&self) -> f64 {
        self.mean(|label| label.right)
    }

    /// Share of all attack flows flagged.
    #[must_use]
    pub fn flow_recall(&self) -> f64 {
        let sum = |of: fn(&LabelScore) -> u64| self.attacks.values().map(of).sum::<u64>();
        share(sum(|label| label.flagged), sum(|label| label.flows))
    }

    /// Benign flows, and how many of them are flagged.
    #[must_use]
    pub fn false_alarms(&self) -> (u64, u64) {
        let sum = |of: fn(&LabelScore) -> u64| self.benign.values().map(of).sum::<u64>();
        (sum(|label| label.flows), sum(|label| label.flagged))
    }

    fn mean(&self, of: impl Fn(&LabelScore) -> u64) -> f64 {
        let shares = self.attacks.values().map(|label| share(of(label), label.flows));
        shares.sum::<f64>() / self.attacks.len().max(1) as f64
    }
}

/// Scores the threat model on held-back captures.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn score(table: &Table, columns: &[usize], recipe: &Recipe) -> Result<ThreatScore, TrainError> {
    let rows: Vec<usize> = (0..table.tags.len()).collect();
    let answers = cross_validate(table, &rows, |kept, held| {
        let gate = fit_gate(table, kept, columns, recipe)?;
        let (categories, known) = fit_categories(table, kept, columns, recipe)?;
        let mut margins = vec![0.0; known.len()];
        let values = table.select(held, columns);
        let answer = |row: &[f32]| {
            let mut all = [f32::NEG_INFINITY; CATEGORIES.len()];
            categories.margins(row, &mut margins);
            known.iter().zip(&margins).for_each(|(&category, &margin)| all[category as usize] = margin);
            Answer { gate: gate.margin(row), categories: all }
        };
        Ok(values.chunks_exact(columns.len()).map(answer).collect())
    })?;
    Ok(judge(table, &rows, &answers))
}

fn judge(table: &Table, rows: &[usize], answers: &[Answer]) -> ThreatScore {
    let weights = root_balanced(table, rows);
    let is_attack = |row: usize| table.tags[row].is_attack;
    let gates: Vec<(f32, bool, f32)> =
        (0..rows.len()).map(|row| (answers[row].gate, is_attack(row), weights[row])).collect();
    let gate_temperature = temperature(|t| binary_loss(&gates, t));
    let scores: Vec<(f64, bool)> = gates
        .iter()
        .map(|&(margin, truth, _)| (sigmoid(f64::from(margin) / gate_temperature), truth))
        .collect();
    let benign: Vec<f64> = scores.iter().filter(|(_, truth)| !truth).map(|(score, _)| *score).collect();

    let category = |row: usize| table.label(table.tags[row]).category();
    let known =
        (0..rows.len()).filter(|&row| is_attack(row)).filter_map(|row| Some((row, category(row)? as usize)));
    let categories: Vec<([f32; 16], usize, f32)> =
        known.map(|(row, truth)| (answers[row].categories, truth, weights[row])).collect();

    let mut score = ThreatScore {
        threshold: threshold(&benign, FALSE_ALARM_SHARE),
        temperature: gate_temperature,
        categories_temperature: temperature(|t| softmax_loss(&categories, t)),
        auroc: auroc(&scores),
        attacks: BTreeMap::new(),
        benign: BTreeMap::new(),
        category_share: 0.0,
    };
    let (mut attacks, mut right) = (0, 0);
    for (row, answer) in answers.iter().enumerate() {
        let label = table.label(table.tags[row]);
        let group = if is_attack(row) { &mut score.attacks } else { &mut score.benign };
        let tally = group.entry(label.name.clone()).or_default();
        let is_flagged = rounded(scores[row].0) >= score.threshold;
        let is_right = label.allows(likeliest(&answer.categories));
        tally.flows += 1;
        tally.flagged += u64::from(is_flagged);
        tally.right += u64::from(is_flagged && is_right);
        attacks += u64::from(is_attack(row));
        right += u64::from(is_attack(row) && is_right);
    }
    score.category_share = share(right, attacks);
    score
}

fn likeliest(margins: &[f32; CATEGORIES.len()]) -> ThreatCategory {
    let best = (0..margins.len()).reduce(|best, at| if margins[at] > margins[best] { at } else { best });
    CATEGORIES[best.unwrap_or(0)]
}

/// Fits attack against benign on some rows and columns.
pub(crate) fn fit_gate(
    table: &Table,
    rows: &[usize],
    columns: &[usize],
    recipe: &Recipe,
) -> Result<Ensemble, TrainError> {
    let targets: Vec<u32> = rows.iter().map(|&row| u32::from(table.tags[row].is_attack)).collect();
    fit_rows(table, rows, columns, &targets, Objective::Binary, &recipe.gate)
}

/// Fits the category of the attack flows among some rows; also says which categories there are.
fn fit_categories(
    table: &Table,
    rows: &[usize],
    columns: &[usize],
    recipe: &Recipe,
) -> Result<(Ensemble, Vec<ThreatCategory>), TrainError> {
    let attacks: Vec<usize> = rows.iter().copied().filter(|&row| table.tags[row].is_attack).collect();
    let of_rows: Vec<Option<ThreatCategory>> =
        attacks.iter().map(|&row| table.label(table.tags[row]).category()).collect();
    let known: Vec<ThreatCategory> =
        CATEGORIES.into_iter().filter(|category| of_rows.contains(&Some(*category))).collect();
    if known.len() < 2 {
        return Err(TrainError::TooFew("attack flows of at least two threat categories are needed".into()));
    }
    let target = |category: &Option<ThreatCategory>| {
        known.iter().position(|other| Some(*other) == *category).unwrap_or_default() as u32
    };
    let targets: Vec<u32> = of_rows.iter().map(target).collect();
    let objective = Objective::Softmax { classes: known.len() };
    Ok((fit_rows(table, &attacks, columns, &targets, objective, &recipe.categories)?, known))
}

/// Fits the model of the bundle on all rows, with the temperatures that cross-validation gave.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn fit(
    table: &Table,
    columns: &[usize],
    recipe: &Recipe,
    score: &ThreatScore,
) -> Result<ThreatModel, TrainError> {
    let rows: Vec<usize> = (0..table.tags.len()).collect();
    let gate = fit_gate(table, &rows, columns, recipe)?;
    let (categories, categories_known) = fit_categories(table, &rows, columns, recipe)?;
    Ok(ThreatModel {
        gate,
        temperature: score.temperature as f32,
        categories,
        categories_temperature: score.categories_temperature as f32,
        categories_known,
        // A flow that is flagged always has a category.
        low_mark: LOW_MARK.min(score.threshold as f32 / 2.0),
    })
}
