//! Which rows a model is fitted on, how much each counts, and which are held back for its score.

use crate::TrainError;
use crate::folds::{FOLDS, folds};
use crate::gbdt::{Ensemble, Matrix, Objective, Params, Sample, fit};
use crate::table::Table;
use rayon::prelude::*;

/// Weights under which a label counts as much as the root of its rows: ten thousand equal probes of one scan count ten
/// times as much as a hundred log-ins, not a hundred times. Their mean is 1.
#[must_use]
pub fn root_balanced(table: &Table, rows: &[usize]) -> Vec<f32> {
    // The attack and the benign flows of a label are two things.
    let group = |row: usize| {
        let tag = table.tags[row];
        2 * usize::from(tag.label) + usize::from(tag.is_attack)
    };
    let mut counts = vec![0_u32; 2 * table.labels.len()];
    rows.iter().for_each(|&row| counts[group(row)] += 1);
    let weights: Vec<f64> = rows.iter().map(|&row| 1.0 / f64::from(counts[group(row)]).sqrt()).collect();
    let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
    weights.into_iter().map(|weight| (weight / mean) as f32).collect()
}

/// Fits an ensemble on some rows and columns of a table, root-balanced.
pub(crate) fn fit_rows(
    table: &Table,
    rows: &[usize],
    columns: &[usize],
    targets: &[u32],
    objective: Objective,
    params: &Params,
) -> Result<Ensemble, TrainError> {
    let values = table.select(rows, columns);
    let weights = root_balanced(table, rows);
    let matrix = Matrix { values: &values, columns: columns.len() };
    Ok(fit(&Sample { matrix, targets, weights: &weights }, None, objective, params)?)
}

/// What a model says of rows that it was not fitted on: `job` gets the rows to fit on and the rows held back, and gives an
/// answer for each of the latter. No capture is in both. The result has the answer of every row, in the order of `rows`.
pub(crate) fn cross_validate<T: Send>(
    table: &Table,
    rows: &[usize],
    job: impl Fn(&[usize], &[usize]) -> Result<Vec<T>, TrainError> + Sync,
) -> Result<Vec<T>, TrainError> {
    let fold_of = folds(&table.captures);
    let is_held = |row: usize, fold: usize| fold_of[table.tags[row].capture as usize] == fold;
    let run = |fold: usize| {
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&at| is_held(rows[at], fold));
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = |places: &[usize]| places.iter().map(|&at| rows[at]).collect::<Vec<_>>();
        let answers = job(&numbers(&kept), &numbers(&held))?;
        Ok(held.into_iter().zip(answers).collect::<Vec<_>>())
    };
    let of_folds: Vec<Vec<(usize, T)>> =
        (0..FOLDS).into_par_iter().map(run).collect::<Result<_, TrainError>>()?;
    let mut all: Vec<(usize, T)> = of_folds.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, answer)| answer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Labels;
    use crate::table::Tag;
    use detect::Source;

    fn table(captures: usize, rows_of: impl Fn(usize) -> usize) -> Table {
        let labels = Labels::parse("head\nweb\tNonVPN\t\nscan\t\treconnaissance\n").expect("labels");
        let mut table = Table {
            captures: (0..captures)
                .map(|n| Source { name: format!("x/{n}"), sha256: String::new() })
                .collect(),
            labels: ["web", "scan"].iter().map(|name| labels.get(name).expect("a label").clone()).collect(),
            ..Table::default()
        };
        for capture in 0..captures {
            let label = (capture % 2) as u16;
            let tag = Tag { capture: capture as u32, label, tool: None, is_attack: label == 1 };
            table.tags.extend(vec![tag; rows_of(capture)]);
        }
        table
    }

    #[test]
    fn labels_count_as_the_root_of_their_rows() {
        let table = table(2, |capture| if capture == 0 { 400 } else { 100 });
        let weights = root_balanced(&table, &(0..500).collect::<Vec<_>>());
        let web: f32 = weights[..400].iter().sum();
        let scan: f32 = weights[400..].iter().sum();
        assert!((web / scan - 2.0).abs() < 1e-3 && (web + scan - 500.0).abs() < 1e-2);
    }

    #[test]
    fn no_capture_is_fitted_on_and_held_back_at_once() {
        let table = table(12, |capture| capture + 1);
        let rows: Vec<usize> = (0..table.tags.len()).filter(|row| row % 3 != 0).collect();
        let answers = cross_validate(&table, &rows, |kept, held| {
            let captures =
                |rows: &[usize]| rows.iter().map(|&row| table.tags[row].capture).collect::<Vec<_>>();
            let kept_captures = captures(kept);
            assert!(captures(held).iter().all(|capture| !kept_captures.contains(capture)));
            Ok(held.iter().map(|row| row * 10).collect())
        })
        .expect("answers");
        assert_eq!(answers, rows.iter().map(|row| row * 10).collect::<Vec<_>>());
    }
}
