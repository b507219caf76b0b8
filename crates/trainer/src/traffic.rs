//! The traffic model: Tor? then VPN? then a user application or not.

use crate::TrainError;
use crate::calibrate::temperature;
use crate::gbdt::{Ensemble, Objective};
use crate::metrics::Confusion;
use crate::onnx::TrafficModel;
use crate::recipe::Recipe;
use crate::sampling::{cross_validate, fit_rows, root_balanced};
use crate::table::Table;
use schema::TrafficClass;

/// What cross-validation says of the traffic model.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficScore {
    /// Truth by answer, indexed by class.
    pub confusion: Confusion<4>,
    /// The same with `NonVPN` and `Non-Tor` as one: neither, VPN, Tor.
    pub merged: Confusion<3>,
    /// Divides all margins.
    pub temperature: f64,
}

/// The rows that have a traffic class: benign flows only, since an attack has no class of its own.
fn classed(table: &Table) -> Vec<(usize, TrafficClass)> {
    let class = |row: usize| {
        let tag = table.tags[row];
        if tag.is_attack { None } else { table.label(tag).traffic() }
    };
    (0..table.tags.len()).filter_map(|row| Some((row, class(row)?))).collect()
}

/// Scores the traffic model on held-back captures.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn score(table: &Table, columns: &[usize], recipe: &Recipe) -> Result<TrafficScore, TrainError> {
    let classed = classed(table);
    let rows: Vec<usize> = classed.iter().map(|(row, _)| *row).collect();
    let margins = cross_validate(table, &rows, |kept, held| {
        let models = fit_questions(table, kept, columns, recipe)?;
        let values = table.select(held, columns);
        let answer = |row: &[f32]| [0, 1, 2].map(|at: usize| f64::from(models[at].margin(row)));
        Ok(values.chunks_exact(columns.len()).map(answer).collect())
    })?;
    let weights = root_balanced(table, &rows);
    let loss = |temperature: f64| -> f64 {
        let of_row = |at: usize| {
            let probability = TrafficModel::compose(margins[at], temperature)[classed[at].1 as usize];
            -f64::from(weights[at]) * probability.max(1e-15).ln()
        };
        (0..rows.len()).map(of_row).sum()
    };
    let temperature = temperature(loss);
    let (mut confusion, mut merged) = (Confusion::<4>::default(), Confusion::<3>::default());
    for (margins, (_, truth)) in margins.iter().zip(&classed) {
        let probabilities = TrafficModel::compose(*margins, temperature);
        let answer =
            (0..4).reduce(|best, at| if probabilities[at] > probabilities[best] { at } else { best });
        let (truth, answer) = (*truth as usize, answer.unwrap_or(0));
        confusion.add(truth, answer);
        merged.add(truth.saturating_sub(1), answer.saturating_sub(1));
    }
    Ok(TrafficScore { confusion, merged, temperature })
}

/// Fits the model of the bundle on all rows, with the temperature that cross-validation gave.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn fit(
    table: &Table,
    columns: &[usize],
    recipe: &Recipe,
    score: &TrafficScore,
) -> Result<TrafficModel, TrainError> {
    let rows: Vec<usize> = classed(table).into_iter().map(|(row, _)| row).collect();
    let [tor, vpn, user] = fit_questions(table, &rows, columns, recipe)?;
    Ok(TrafficModel { tor, vpn, user, temperature: score.temperature as f32 })
}

/// Fits each question on the rows that still ask it.
fn fit_questions(
    table: &Table,
    rows: &[usize],
    columns: &[usize],
    recipe: &Recipe,
) -> Result<[Ensemble; 3], TrainError> {
    let class = |row: usize| table.label(table.tags[row]).traffic();
    let ask = |of: &dyn Fn(TrafficClass) -> bool, yes: TrafficClass| {
        let asked: Vec<usize> = rows.iter().copied().filter(|&row| class(row).is_some_and(of)).collect();
        let targets: Vec<u32> = asked.iter().map(|&row| u32::from(class(row) == Some(yes))).collect();
        if !(targets.contains(&0) && targets.contains(&1)) {
            let name = yes.name();
            return Err(TrainError::TooFew(format!(
                "the question {name}? needs flows that are it and flows that are not"
            )));
        }
        fit_rows(table, &asked, columns, &targets, Objective::Binary, &recipe.traffic)
    };
    Ok([
        ask(&|_| true, TrafficClass::Tor)?,
        ask(&|class| class != TrafficClass::Tor, TrafficClass::Vpn)?,
        ask(&|class| !matches!(class, TrafficClass::Tor | TrafficClass::Vpn), TrafficClass::NonVpn)?,
    ])
}
