//! What the threat model finds of attacks by a tool that it has never seen, with and without context.

use crate::TrainError;
use crate::calibrate::{rounded, threshold};
use crate::folds::{FOLDS, folds};
use crate::gbdt::sigmoid;
use crate::metrics::share;
use crate::recipe::{FALSE_ALARM_SHARE, Recipe};
use crate::table::{Table, Tag};
use crate::threat::fit_gate;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What was found of one tool's flows of one attack label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolScore {
    /// Name of the label.
    pub label: String,
    /// Name of the tool.
    pub tool: String,
    /// Other tools whose flows of the label the model was fitted on. With none, it had never seen such an attack.
    pub other_tools: usize,
    /// Attack flows.
    pub flows: u64,
    /// Found by flow statistics alone.
    pub found_without: u64,
    /// Found by flow statistics and context.
    pub found_with: u64,
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolReport {
    /// Every label and tool, in that order.
    pub scores: Vec<ToolScore>,
    /// Scores of benign flows that the thresholds were set on; a flow may count several times, once a model.
    pub benign: usize,
}

/// A share found, without and with context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// By flow statistics alone.
    pub without: f64,
    /// By flow statistics and context.
    pub with: f64,
}

impl ToolReport {
    /// Of all attack flows.
    #[must_use]
    pub fn of_flows(&self) -> Found {
        found(self.scores.iter())
    }

    /// Mean over all labels.
    #[must_use]
    pub fn of_labels(&self) -> Found {
        self.mean(|_| true)
    }

    /// Mean over the labels of which the model had seen another tool.
    #[must_use]
    pub fn of_known_labels(&self) -> Found {
        self.mean(|score| score.other_tools > 0)
    }

    fn mean(&self, of: impl Fn(&ToolScore) -> bool) -> Found {
        let chosen: Vec<&ToolScore> = self.scores.iter().filter(|score| of(score)).collect();
        let labels = chosen.chunk_by(|a, b| a.label == b.label);
        let shares: Vec<Found> = labels.map(|scores| found(scores.iter().copied())).collect();
        let mean = |of: fn(&Found) -> f64| shares.iter().map(of).sum::<f64>() / shares.len().max(1) as f64;
        Found { without: mean(|found| found.without), with: mean(|found| found.with) }
    }
}

fn found<'a>(scores: impl Iterator<Item = &'a ToolScore>) -> Found {
    let (flows, without, with) = scores.fold((0, 0, 0), |(flows, without, with), score| {
        (flows + score.flows, without + score.found_without, with + score.found_with)
    });
    Found { without: share(without, flows), with: share(with, flows) }
}

/// Scores of the attack flows of a tool by a model that saw no capture of that tool, and of benign flows by the same.
struct Held {
    /// Label and score.
    attacks: Vec<(u16, f64)>,
    benign: Vec<f64>,
}

/// Leaves out one tool at a time: a model is fitted without the captures that have its attacks, and without a fifth of
/// all others, whose benign flows set the threshold: all models together are allowed 1 false alarm in 1,000.
///
/// # Errors
/// When the rows cannot be fitted.
pub fn leave_one_out(
    table: &Table,
    without: &[usize],
    with: &[usize],
    recipe: &Recipe,
) -> Result<ToolReport, TrainError> {
    let of_all = |columns: &[usize]| -> Result<Vec<Held>, TrainError> {
        (0..table.tools.len())
            .into_par_iter()
            .map(|tool| leave_out(table, tool as u16, columns, recipe))
            .collect()
    };
    let (held_without, held_with) = (of_all(without)?, of_all(with)?);
    let limit = |held: &[Held]| {
        let benign: Vec<f64> = held.iter().flat_map(|held| held.benign.iter().copied()).collect();
        threshold(&benign, FALSE_ALARM_SHARE)
    };
    let mut tally: BTreeMap<(u16, usize), [u64; 3]> = BTreeMap::new();
    for (held, at) in [(&held_without, 1), (&held_with, 2)] {
        let limit = limit(held);
        for (tool, held) in held.iter().enumerate() {
            for &(label, score) in &held.attacks {
                let counts = tally.entry((label, tool)).or_default();
                counts[0] += u64::from(at == 1);
                counts[at] += u64::from(rounded(score) >= limit);
            }
        }
    }
    let score =
        |(&(label, tool), &[flows, found_without, found_with]): (&(u16, usize), &[u64; 3])| ToolScore {
            label: table.labels[usize::from(label)].name.clone(),
            tool: table.tools[tool].clone(),
            other_tools: tally.keys().filter(|(other, _)| *other == label).count() - 1,
            flows,
            found_without,
            found_with,
        };
    let mut scores: Vec<ToolScore> = tally.iter().map(score).collect();
    scores.sort_by(|a, b| (&a.label, &a.tool).cmp(&(&b.label, &b.tool)));
    Ok(ToolReport { scores, benign: held_with.iter().map(|held| held.benign.len()).sum() })
}

fn leave_out(table: &Table, tool: u16, columns: &[usize], recipe: &Recipe) -> Result<Held, TrainError> {
    let made_by_tool = |tag: &Tag| tag.is_attack && tag.tool == Some(tool);
    let mut is_held = vec![false; table.captures.len()];
    table.tags.iter().filter(|tag| made_by_tool(tag)).for_each(|tag| is_held[tag.capture as usize] = true);
    let fold = usize::from(tool) % FOLDS;
    let is_benign_held = |capture: usize, folds: &[usize]| is_held[capture] || folds[capture] == fold;
    let folds = folds(&table.captures);
    let rows = |keep: &dyn Fn(&Tag) -> bool| -> Vec<usize> {
        (0..table.tags.len()).filter(|&row| keep(&table.tags[row])).collect()
    };
    // Attacks by other tools are learned from wherever they are; benign flows only outside of the fold.
    let kept = rows(&|tag| {
        let capture = tag.capture as usize;
        if tag.is_attack { !is_held[capture] } else { !is_benign_held(capture, &folds) }
    });
    let model = fit_gate(table, &kept, columns, recipe)?;
    let score = |rows: &[usize]| -> Vec<f64> {
        let values = table.select(rows, columns);
        values.chunks_exact(columns.len()).map(|row| sigmoid(model.margin(row).into())).collect()
    };
    let attacks = rows(&made_by_tool);
    let labels = attacks.iter().map(|&row| table.tags[row].label);
    let attacks = labels.zip(score(&attacks)).collect();
    let benign = score(&rows(&|tag| !tag.is_attack && is_benign_held(tag.capture as usize, &folds)));
    Ok(Held { attacks, benign })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_labels_not_tools() {
        let score = |label: &str, tool: &str, other_tools, flows, found_without, found_with| ToolScore {
            label: label.into(),
            tool: tool.into(),
            other_tools,
            flows,
            found_without,
            found_with,
        };
        let scores = vec![
            score("a", "x", 1, 90, 0, 90),
            score("a", "y", 1, 10, 10, 10),
            score("b", "z", 0, 100, 0, 40),
        ];
        let report = ToolReport { scores, benign: 0 };
        let check = |found: Found, without: f64, with: f64| {
            assert!(
                (found.without - without).abs() < 1e-12 && (found.with - with).abs() < 1e-12,
                "{found:?}"
            );
        };
        check(report.of_flows(), 0.05, 0.7);
        check(report.of_labels(), 0.05, 0.7);
        check(report.of_known_labels(), 0.1, 1.0);
    }
}
