//! Scores as Markdown tables, for model cards and terminals.

use crate::metrics::share;
use crate::packet::PacketScore;
use crate::threat::ThreatScore;
use crate::tools::{ToolReport, ToolScore};
use crate::traffic::TrafficScore;
use schema::category::TRAFFIC_CLASSES;
use std::fmt::{self, Display, Formatter};

/// How good the models of one recipe are on rows that they were not fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The traffic bundle's.
    pub traffic: TrafficScore,
    /// The threat bundle's.
    pub threat: ThreatScore,
    /// The same model without context.
    pub threat_without_context: ThreatScore,
    /// The packet bundle's.
    pub packet: PacketScore,
    /// With one tool left out at a time, when asked for.
    pub tools: Option<ToolReport>,
}

impl Display for Evaluation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.traffic, self.threat)?;
        let without = &self.threat_without_context;
        let (recall, flows) = (without.recall(), without.flow_recall());
        writeln!(
            f,
            "Without context: mean recall {recall:.3}, of all attack flows {flows:.3}.\n\n{}",
            self.packet
        )?;
        self.tools.as_ref().map_or(Ok(()), |tools| write!(f, "\n{tools}"))
    }
}

impl Display for TrafficScore {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names = TRAFFIC_CLASSES.map(schema::TrafficClass::name);
        writeln!(f, "| traffic | {} | recall | precision | F1 |", names.join(" | "))?;
        writeln!(f, "|---|{}", "---|".repeat(7))?;
        for (class, name) in names.iter().enumerate() {
            let answers = self.confusion.0[class].map(|count| count.to_string()).join(" | ");
            let (recall, precision) = (self.confusion.recall(class), self.confusion.precision(class));
            writeln!(
                f,
                "| {name} | {answers} | {recall:.3} | {precision:.3} | {:.3} |",
                self.confusion.f1(class)
            )?;
        }
        let (four, three) = (self.confusion.macro_f1(), self.merged.macro_f1());
        writeln!(f, "\nMacro-F1 {four:.3} over four classes, {three:.3} over Tor, VPN and neither.")
    }
}

impl Display for ThreatScore {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "| attack | flows | flagged | with a right category |\n|---|---|---|---|")?;
        for (label, score) in &self.attacks {
            let (flagged, right) = (share(score.flagged, score.flows), share(score.right, score.flows));
            writeln!(f, "| {label} | {} | {flagged:.3} | {right:.3} |", score.flows)?;
        }
        let (benign, alarms) = self.false_alarms();
        let (recall, right, flows) = (self.recall(), self.recall_right(), self.flow_recall());
        writeln!(f, "| **mean** | | {recall:.3} | {right:.3} |\n")?;
        writeln!(
            f,
            "Of all attack flows {flows:.3} are flagged; of {benign} benign flows, {alarms} are false alarms:"
        )?;
        for (label, score) in self.benign.iter().filter(|(_, score)| score.flagged > 0) {
            writeln!(f, "- {label}: {} of {}", score.flagged, score.flows)?;
        }
        let (area, category) = (self.auroc, self.category_share);
        writeln!(
            f,
            "\nArea under the curve {area:.4}; the likeliest category is right for {category:.3} of the attack flows."
        )
    }
}

impl Display for PacketScore {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (area, accuracy) = (self.auroc, self.accuracy);
        writeln!(
            f,
            "Packets: area under the curve {area:.3}, right at one half {accuracy:.3} (labels root-balanced)."
        )
    }
}

impl Display for ToolReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| attack | tool left out | other tools seen | flows | found without context | with context |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for ToolScore { label, tool, other_tools, flows, found_without, found_with } in &self.scores {
            let (without, with) = (share(*found_without, *flows), share(*found_with, *flows));
            writeln!(f, "| {label} | {tool} | {other_tools} | {flows} | {without:.3} | {with:.3} |")?;
        }
        let threshold = "At 1 false alarm in 1,000";
        writeln!(f, "\n{threshold} (over {} scores of benign flows), the share missed:\n", self.benign)?;
        writeln!(f, "| | without context | with context |\n|---|---|---|")?;
        for (name, found) in [
            ("of all attack flows", self.of_flows()),
            ("mean over labels of which another tool was seen", self.of_known_labels()),
            ("mean over all labels", self.of_labels()),
        ] {
            writeln!(f, "| {name} | {:.3} | {:.3} |", 1.0 - found.without, 1.0 - found.with)?;
        }
        Ok(())
    }
}
