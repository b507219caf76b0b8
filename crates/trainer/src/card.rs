//! The text of each bundle's `card.md`: what the model is for, what it was made from, how good it is, where it fails.

use crate::gbdt::Params;
use crate::report::Evaluation;
use crate::table::Table;
use detect::BundleKind;
use std::fmt::{self, Display, Formatter};

const METHOD: &str =
    "Five-fold cross-validation; no capture is in the rows fitted on and in those scored at once.";

const MAKING: &str = "Histogram gradient boosting, each label weighted with the root of its rows, one temperature on \
held-back margins.";

const LIMITS: &str = "All captures come from one laboratory: few operating systems, few networks, scripted users. Statistics \
of one laboratory do not travel: on real captures by many people, models fitted like this one found few of the VPN and \
Tor flows and called many benign flows an attack. What a protocol itself gives away is therefore decided before this model \
is asked, and its verdict is worth what its score says only on networks like those of its training. Fit it on your own \
labelled captures before you act on it alone.";

/// What a card is written from.
pub(crate) struct CardFacts<'a> {
    pub(crate) kind: BundleKind,
    pub(crate) table: &'a Table,
    /// Columns that the model takes.
    pub(crate) columns: usize,
    /// Nodes of all trees.
    pub(crate) nodes: usize,
    pub(crate) recipes: &'a [(&'a str, &'a Params)],
    pub(crate) evaluation: &'a Evaluation,
}

impl Display for CardFacts<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (title, purpose) = self.purpose();
        writeln!(f, "# {title}\n\n## What it is for\n\n{purpose}\n\n## Data\n\n{}\n", self.training())?;
        writeln!(f, "## How good it is\n\n{METHOD}\n")?;
        self.figures(f)?;
        writeln!(f, "\n## Limits\n\n{LIMITS}{}\n\n## How it is made\n", self.own_limits())?;
        self.making(f)
    }
}

impl CardFacts<'_> {
    fn purpose(&self) -> (&'static str, &'static str) {
        match self.kind {
            BundleKind::Traffic => (
                "Traffic class",
                "Says of a flow whether it is Tor, else VPN, else a user application (NonVPN) or not (Non-Tor), from \
                 statistics of the flow alone. Output `probabilities` [N, 4]: Non-Tor, NonVPN, VPN, Tor.",
            ),
            BundleKind::Threat => (
                "Threat",
                "Says of a flow whether it is part of an attack and which category is likeliest, from statistics of the \
                 flow and of what both ends did around its start. Outputs: `attack` [N, 1], the probability of an \
                 attack, and `categories` [N, 16], the share of each category given an attack; zeros for rows whose \
                 probability is too low to matter and for categories never trained on. Tor and VPN are not attacks.",
            ),
            BundleKind::Packet => (
                "Packet",
                "Says of a single packet, by length on the wire and both ports, how likely it belongs to an attack flow. \
                 It serves the classic prediction call and nothing else. Output: `attack` [N, 1].",
            ),
        }
    }

    fn training(&self) -> String {
        let attacks = self.table.tags.iter().filter(|tag| tag.is_attack).count();
        let unit = if self.kind == BundleKind::Packet { "packets" } else { "flows" };
        let captures = self.table.captures.len();
        let benign = self.table.tags.len() - attacks;
        let used = if self.kind == BundleKind::Traffic {
            " Only benign flows have a traffic class; attacks and the background of hosts coming up were left out."
        } else {
            " Among the benign are hard negatives (backups, monitoring, wrong passwords, updates), VPN and Tor."
        };
        format!(
            "{captures} captures of real tools between isolated hosts, every flow with its truth: {attacks} {unit} of attacks, \
             {benign} benign. The background of hosts coming up is among the benign. Names and hashes of the captures are in `manifest.toml`.{used}"
        )
    }

    fn figures(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let evaluation = self.evaluation;
        match self.kind {
            BundleKind::Traffic => write!(f, "{}", evaluation.traffic),
            BundleKind::Packet => write!(f, "{}", evaluation.packet),
            BundleKind::Threat => {
                let (threat, recall) = (&evaluation.threat, evaluation.threat_without_context.recall());
                let mark = threat.threshold;
                writeln!(
                    f,
                    "Flagged is what reaches {mark:.4}, where 1 benign flow in 1,000 does.\n\n{threat}"
                )?;
                writeln!(f, "The same model without context has a mean recall of {recall:.3}.")?;
                match &evaluation.tools {
                    Some(tools) => {
                        write!(f, "\nWith one tool left out at a time (attack or not):\n\n{tools}")
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn own_limits(&self) -> &'static str {
        match self.kind {
            BundleKind::Traffic => " VPN and Tor flows of few packets look like any other.",
            BundleKind::Threat => {
                " Context covers what one sensor saw. Categories with few captures (see the table) are weak, and attacks that \
                 are one ordinary flow each, such as a reverse shell, are hard to see in statistics."
            }
            BundleKind::Packet => {
                " Three numbers cannot carry much: ports of the laboratory weigh more than they should."
            }
        }
    }

    fn making(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (columns, nodes) = (self.columns, self.nodes);
        writeln!(f, "{MAKING} {columns} columns, {nodes} tree nodes.\n")?;
        for (name, params) in self.recipes {
            let Params { rounds, leaves_max, learning_rate, l2, row_share, column_share, seed, .. } = params;
            let growth =
                format!("{rounds} rounds, {leaves_max} leaves, learning rate {learning_rate}, l2 {l2}");
            let shares =
                format!("{row_share} of the rows and {column_share} of the columns a round, seed {seed}");
            writeln!(f, "- {name}: {growth}, {shares}")?;
        }
        writeln!(f, "\nFit it again with `flowcatcher train`.")
    }
}
